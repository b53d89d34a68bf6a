"""A page that shows messages about as Slack does, on a desk and on a phone: to look at what `compose` makes."""

import html
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

EMOJI = {
    "rotating_light": "🚨", "large_orange_diamond": "🔶", "warning": "⚠️", "information_source": "ℹ️", "eyes": "👀",
    "no_bell": "🔕", "white_check_mark": "✅", "speech_balloon": "💬", "arrow_lower_right": "↘️", "bell": "🔔",
    "clipboard": "📋",
}  # fmt: skip
LIGHT = {
    "page": "#ffffff", "ink": "#1d1c1d", "soft": "#616061", "edge": "#dddddd", "box": "#f8f8f8", "boxedge": "#e0e0e0",
    "link": "#1264a3", "button": "#ffffff", "buttonedge": "#bbbabb",
}  # fmt: skip
DARK = {
    "page": "#1a1d21", "ink": "#d1d2d3", "soft": "#ababad", "edge": "#3a3d41", "box": "#222529", "boxedge": "#3a3d41",
    "link": "#1d9bd1", "button": "#1a1d21", "buttonedge": "#797c81",
}  # fmt: skip


def page(channel: str, messages: Sequence[Mapping[str, Any]], *, dark: bool = False) -> str:
    """The HTML of a channel: its messages, each in an `article`, with those of its thread (`replies`) below it."""
    look = DARK if dark else LIGHT
    variables = "".join(f"--{name}: {value};" for name, value in look.items())
    shown = "".join(_message(message) for message in messages)
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{_e(channel)}</title><style>:root {{ {variables} }} {STYLE}</style>
<body><header># {_e(channel.lstrip("#"))}</header><main>{shown}</main></body></html>"""


STYLE = """
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); }
body, button { font: 15px/22px Lato, "Slack-Lato", "Noto Sans", "DejaVu Sans", "Noto Color Emoji", sans-serif; }
header { padding: 12px 20px; border-bottom: 1px solid var(--edge); font-weight: 900; font-size: 18px; }
main { padding: 8px 0 16px; max-width: 860px; }
article { display: flex; gap: 8px; padding: 8px 20px; overflow-wrap: anywhere; }
.face { flex: none; width: 36px; height: 36px; border-radius: 8px; background: #2b3a55; color: #fff; text-align: center;
  line-height: 36px; font-size: 19px; }
.said { flex: 1; min-width: 0; }
.who b { font-weight: 900; } .who time { font-size: 12px; color: var(--soft); }
.block { margin: 4px 0; } .block:first-child { margin-top: 0; }
.rich { white-space: pre-wrap; } .rich b { font-weight: 800; }
.rich pre { margin: 4px 0; padding: 8px; border: 1px solid var(--boxedge); border-radius: 4px; background: var(--box);
  font: 12px/18px Monaco, Menlo, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.head { font-size: 18px; line-height: 24px; font-weight: 900; }
.context { display: flex; flex-wrap: wrap; gap: 2px 8px; font-size: 13px; line-height: 18px; color: var(--soft); }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px; white-space: pre-wrap; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; padding-top: 4px; }
button { height: 36px; min-width: 80px; padding: 0 12px; border: 1px solid var(--buttonedge); border-radius: 8px;
  background: var(--button); color: var(--ink); font-weight: 800; }
button.primary { background: #007a5a; border-color: #007a5a; color: #fff; }
.edge { position: relative; margin-top: 4px; padding: 2px 0 2px 14px; }
.edge::before { content: ""; position: absolute; left: 0; top: 0; bottom: 0; width: 4px; border-radius: 8px;
  background: var(--colour); }
a { color: var(--link); text-decoration: none; } .ping { background: #f2c74466; color: var(--link); }
.replies { margin-top: 6px; color: var(--link); font-size: 13px; font-weight: 700; }
.thread { margin-left: 44px; border-left: 2px solid var(--edge); }
.emoji { font-family: "Noto Color Emoji"; font-size: 18px; vertical-align: -2px; font-weight: 400; }
@media (max-width: 500px) {
  article { padding: 8px 12px; } .thread { margin-left: 24px; } body { font-size: 16px; } .head { font-size: 20px; }
  .context { font-size: 14px; } button { height: 36px; padding: 0 12px; }
}
"""


def _message(message: Mapping[str, Any]) -> str:
    at = datetime.fromtimestamp(float(message["ts"]), UTC).strftime("%H:%M")
    blocks = "".join(_block(block) for block in message.get("blocks", ()))
    edges = "".join(_attachment(attachment) for attachment in message.get("attachments", ()))
    said = blocks + edges or f'<div class="block rich">{_mrkdwn(message.get("text", ""))}</div>'
    replies = message.get("replies", ())
    count = f'<div class="replies">{len(replies)} replies</div>' if replies else ""
    thread = "".join(_message(reply) for reply in replies)
    only = '<div class="block context">Only visible to you</div>' if message.get("only_for") else ""
    return f"""<article><div class="face">🔔</div><div class="said">
<div class="who"><b>{_e(message.get("by", "tocsin"))}</b> <time>{at}</time></div>{only}{said}{count}</div></article>
<div class="thread">{thread}</div>"""


def _attachment(attachment: Mapping[str, Any]) -> str:
    blocks = "".join(_block(block) for block in attachment.get("blocks", ()))
    return f'<div class="edge" style="--colour: {_e(attachment.get("color", "#ddd"))}">{blocks}</div>'


def _block(block: Mapping[str, Any]) -> str:
    match block["type"]:
        case "rich_text":
            return f'<div class="block rich">{"".join(_rich(part) for part in block["elements"])}</div>'
        case "header":
            return f'<div class="block head">{_object(block["text"])}</div>'
        case "context":
            shown = "".join(f"<span>{_object(element)}</span>" for element in block["elements"])
            return f'<div class="block context">{shown}</div>'
        case "section":
            text = _object(block["text"]) if "text" in block else ""
            fields = "".join(f"<div>{_object(field)}</div>" for field in block.get("fields", ()))
            return f'<div class="block rich">{text}<div class="fields">{fields}</div></div>'
        case "actions":
            return f'<div class="block actions">{"".join(_button(button) for button in block["elements"])}</div>'
        case other:
            raise ValueError(other)


def _button(button: Mapping[str, Any]) -> str:
    return f'<button class="{_e(button.get("style", ""))}">{_object(button["text"])}</button>'


def _rich(part: Mapping[str, Any]) -> str:
    inner = "".join(_run(run) for run in part["elements"])
    return f"<pre>{inner}</pre>" if part["type"] == "rich_text_preformatted" else f"<div>{inner}</div>"


def _run(run: Mapping[str, Any]) -> str:
    if run["type"] == "emoji":
        return _emoji(run["name"])
    if run["type"] in ("user", "broadcast"):
        return f'<span class="ping">@{_e(run.get("user_id") or run["range"])}</span>'
    if run["type"] == "link":
        return f'<a href="{_e(run["url"])}">{_e(run.get("text", run["url"]))}</a>'
    tags = [
        tag
        for style, tag in (("bold", "b"), ("italic", "i"), ("strike", "s"), ("code", "code"))
        if run.get("style", {}).get(style)
    ]
    return "".join(f"<{tag}>" for tag in tags) + _e(run["text"]) + "".join(f"</{tag}>" for tag in reversed(tags))


def _object(text: Mapping[str, Any]) -> str:
    return _mrkdwn(text["text"]) if text["type"] == "mrkdwn" else _e(text["text"])


def _mrkdwn(text: str) -> str:
    shown = re.sub(r"<!date\^(\d+)\^([^|>]*)\|[^>]*>", lambda found: _date(int(found[1]), found[2]), text)
    shown = re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", shown)
    return re.sub(r":(\w+):", lambda found: _emoji(found[1]) if found[1] in EMOJI else found[0], shown)


def _date(at: int, form: str) -> str:
    local = datetime.fromtimestamp(at, UTC)
    return form.replace("{date_short_pretty}", "today").replace("{time}", local.strftime("%H:%M"))


def _emoji(name: str) -> str:
    return f'<span class="emoji">{EMOJI[name]}</span>'


def _e(text: str) -> str:
    return html.escape(text)
