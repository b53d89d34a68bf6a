"""Addresses of Slack: `slack:#ops`, `slack:C024BE91L`, `slack:@U024BE7LH`."""

import re
from urllib.parse import urlsplit

from hub.contracts import Room, Setting

API = "https://slack.com/api/"
HERE = "here"
"""Slack's word for all who are there now."""

_NAME = re.compile(r"#[^\s#@A-Z.,:;/<>|&\"'`]{1,80}")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{5,}")
_USER = re.compile(r"@[UW][A-Z0-9]{5,}")


def target(room: Room) -> str:
    """What the Web API takes for it: a name, the id of a channel, or that of somebody to write to."""
    return room.name.removeprefix("@")


def is_channel(room: Room) -> bool:
    return _CHANNEL.fullmatch(room.name) is not None


def is_user(room: Room) -> bool:
    return _USER.fullmatch(room.name) is not None


def can_ping(id: str) -> bool:
    return id == HERE or _USER.fullmatch(f"@{id}") is not None


def fault(room: Room, setting: Setting) -> str:
    """What is wrong with the address, or with what is set. Shows no setting."""
    return _fault_of_name(room.name) or _fault_of_tokens(setting) or _fault_of_api(setting)


def _fault_of_name(name: str) -> str:
    if any(known.fullmatch(name) for known in (_NAME, _CHANNEL, _USER)):
        return ""
    if "://" in name or "hooks.slack" in name:
        return "a URL of Slack is a secret and of no use here: name the channel, as in slack:#ops"
    if name.startswith("@"):
        return "somebody is addressed by their member ID, as in slack:@U024BE7LH: in Slack, open the profile, then ⋮, \
Copy member ID"
    if _USER.fullmatch(f"@{name}"):
        return f"a member ID has an @ before it: slack:@{name}"
    bare = name.lstrip("#")
    if _CHANNEL.fullmatch(bare):
        return f"the id of a channel has no # before it: slack:{bare}"
    if _NAME.fullmatch(f"#{bare.lower()}"):
        return f"channels are called in small letters and with a # before the name: slack:#{bare.lower()}"
    return "a channel of Slack is slack:#its-name or slack:C024BE91L, its id"


def _fault_of_tokens(setting: Setting) -> str:
    bot, app = setting("BOT_TOKEN"), setting("APP_TOKEN")
    if bot is not None and bot.reveal().strip().startswith(("xapp-", "xoxp-", "http")):
        return "TOCSIN_SLACK_BOT_TOKEN is another kind of token: that of the bot begins with xoxb-"
    if app is not None and app.reveal().strip().startswith(("xoxb-", "xoxp-", "http")):
        return "TOCSIN_SLACK_APP_TOKEN is another kind of token: an app-level token begins with xapp-"
    return ""


def _fault_of_api(setting: Setting) -> str:
    url = setting("API_URL")
    if url is None:
        return ""
    try:
        parts = urlsplit(url.reveal().strip())
        host = parts.hostname
    except ValueError:
        return "TOCSIN_SLACK_API_URL is not a URL"
    if parts.scheme == "http" and host not in ("localhost", "127.0.0.1", "::1"):
        return "TOCSIN_SLACK_API_URL must begin with https://, since a token goes there"
    return "" if parts.scheme in ("http", "https") and host else "TOCSIN_SLACK_API_URL is not a URL"
