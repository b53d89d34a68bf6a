"""The manifest, to be pasted where Slack makes a new app "from a manifest". JSON, which it takes beside YAML."""

import json
from typing import Any

Json = dict[str, Any]

SCOPES = [
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "chat:write.public",
    "commands",
    "groups:history",
    "groups:read",
    "im:history",
    "im:write",
]


def manifest(url: str) -> str:
    """For a hub that Slack reaches at this address."""
    return _written(_app(url))


def socket_manifest() -> str:
    """For a hub that Slack cannot reach: it holds a connection of its own."""
    return _written(_app(""))


def _written(app: Json) -> str:
    return json.dumps(app, indent=2, ensure_ascii=False)


def _app(url: str) -> Json:
    def at(part: str, name: str = "request_url") -> Json:
        return {name: f"{url}/chat/slack/{part}"} if url else {}

    return {
        "display_information": {
            "name": "tocsin",
            "description": "Tells what is wrong, and takes the answer back",
            "background_color": "#2b3a55",
        },
        "features": {
            # Without the tab nobody could write to the app.
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "tocsin", "always_online": True},
            "slash_commands": [
                {
                    "command": "/tocsin",
                    **at("command", "url"),
                    "description": "Say something to the alert hub",
                    "usage_hint": "help | status | ack web301 | silence nagios for 1h",
                    # People and channels come as ids, which nobody can choose.
                    "should_escape": True,
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": SCOPES}},
        "settings": {
            "event_subscriptions": {**at("events"), "bot_events": ["app_mention", "message.im"]},
            "interactivity": {"is_enabled": True, **at("action")},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not url,
            "token_rotation_enabled": False,
        },
    }
