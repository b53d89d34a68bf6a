"""A page that shows Adaptive Cards about as a Teams channel does, by the vendor's own renderer: to look at, and to read
back what a reader gets to see.

The renderer is the file `dist/adaptivecards.min.js` of the package `adaptivecards` of npm, which is not in here.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LIGHT = {
    "page": "#f5f5f5", "card": "#ffffff", "ink": "#242424", "soft": "#616161", "edge": "#e0e0e0",
    "attention": ("#fbeaec", "#a4262c"), "warning": ("#fff4ce", "#7a5a00"), "good": ("#e7f2e4", "#1f6b33"),
    "accent": ("#e8ebfa", "#444791"), "emphasis": ("#f0f0f0", "#242424"),
}  # fmt: skip
DARK = {
    "page": "#1f1f1f", "card": "#292929", "ink": "#ffffff", "soft": "#adadad", "edge": "#3d3d3d",
    "attention": ("#3e1f22", "#f1707b"), "warning": ("#463100", "#f2c661"), "good": ("#052505", "#92c353"),
    "accent": ("#2b2b40", "#aab1fa"), "emphasis": ("#333333", "#ffffff"),
}  # fmt: skip


def page(cards: Sequence[Mapping[str, Any]], renderer: Path, *, dark: bool = False) -> str:
    """The HTML of a channel with these cards, below each other. Each lies in an `article`."""
    look = DARK if dark else LIGHT
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>A channel</title>
<style>
 body {{ margin: 0; padding: 16px 12px; background: {look["page"]}; color: {look["ink"]}; }}
 body, button {{ font-family: "Segoe UI", system-ui, "Noto Sans", "DejaVu Sans", sans-serif; }}
 article {{ max-width: 760px; margin: 0 auto 14px; background: {look["card"]}; border: 1px solid {look["edge"]};
   border-radius: 6px; overflow: hidden; overflow-wrap: anywhere; }}
 .ac-pushButton {{ margin: 0 8px 0 0; padding: 5px 12px; border: 1px solid {look["edge"]}; border-radius: 4px;
   background: {look["card"]}; color: {look["ink"]}; font-weight: 600; font-size: 14px; }}
</style>
<script>{renderer.read_text()}</script>
<body><script>
 const cards = {_json(cards)}, config = new AdaptiveCards.HostConfig({_json(_host_config(look))});
 for (const json of cards) {{
   const card = new AdaptiveCards.AdaptiveCard();
   card.hostConfig = config;
   card.parse(json);
   document.body.appendChild(document.createElement("article")).appendChild(card.render());
 }}
</script></html>"""


def _json(value: Any) -> str:
    return json.dumps(value).replace("<", "\\u003c")


def _host_config(look: Mapping[str, Any]) -> Mapping[str, Any]:
    def colours(ink: str) -> Mapping[str, Any]:
        named = {"default": ink, "accent": look["accent"][1], "dark": ink, "light": ink}
        named |= {name: look[name][1] for name in ("attention", "warning", "good")}
        return {name: {"default": colour, "subtle": look["soft"]} for name, colour in named.items()}

    styles = {"default": {"backgroundColor": look["card"], "foregroundColors": colours(look["ink"])}}
    for name in ("attention", "warning", "good", "accent", "emphasis"):
        styles[name] = {"backgroundColor": look[name][0], "foregroundColors": colours(look["ink"])}
    return {
        "fontFamily": "inherit",
        "fontSizes": {"small": 12, "default": 14, "medium": 14, "large": 18, "extraLarge": 24},
        "fontWeights": {"lighter": 400, "default": 400, "bolder": 600},
        "lineHeights": {"small": 16, "default": 20, "medium": 20, "large": 24, "extraLarge": 32},
        "spacing": {"small": 4, "default": 8, "medium": 12, "large": 16, "extraLarge": 24, "padding": 16},
        "supportsInteractivity": True,
        "containerStyles": styles,
        "actions": {"maxActions": 6, "spacing": "default", "buttonSpacing": 8, "actionsOrientation": "horizontal",
                    "actionAlignment": "left"},
    }  # fmt: skip
