"""What Slack's answers mean: try again later, look whether it arrived, or give up with the cure in hand. Pure.

The words never hold what was sent: a token, or the URL by which to answer somebody.
"""

import re
from collections.abc import Mapping
from typing import Any

from hub.errors import DeliveryError, Refused, Uncertain, Unreachable

LATER = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded", "request_timeout", "service_unavailable"})
LATER |= {"team_added_to_org", "accesslimited"}
DOUBTFUL = frozenset({"internal_error", "fatal_error"})
"""Some of it may have been done, Slack says of these."""

_INVITE = "invite the app: /invite @tocsin in {room}"
_TOKEN = "set {token} anew, as OAuth & Permissions of the app shows it"  # noqa: S105  words, and no token
_OURS = "that should not happen: please report it"
CURES: Mapping[str, str] = {
    "channel_not_found": "there is no {room}, or it is private and the app was not invited: /invite @tocsin there",
    "not_in_channel": _INVITE,
    "is_archived": "{room} is archived: take it out of the archive, or out of the rules",
    "user_not_found": "there is nobody with that member ID",
    "messages_tab_disabled": "turn on the Messages tab in App Home of the app",
    "missing_scope": "the app lacks a scope{needed}: give it those of `tocsin slack manifest`, and install it again",
    "invalid_auth": _TOKEN,
    "not_authed": _TOKEN,
    "token_revoked": _TOKEN,
    "token_expired": _TOKEN,
    "account_inactive": "the app was removed from the workspace: install it again, and " + _TOKEN,
    "not_allowed_token_type": "{token} is another kind of token",
    "message_not_found": "somebody deleted the message",
    "cant_update_message": "the message is not the app's own: was the app made anew?",
    "thread_not_found": "somebody deleted the message of that thread",
    "edit_window_closed": "the workspace forbids to edit old messages",
    "restricted_action_thread_locked": "the thread is locked",
    "ekm_access_denied": "an administrator has suspended posting",
    "msg_too_long": _OURS,
    "msg_blocks_too_long": _OURS,
    "invalid_blocks": _OURS,
    "invalid_attachments": _OURS,
    "metadata_too_large": _OURS,
    "expired_url": "the time to answer is over",
    "used_url": "it was answered too often",
}


def refusal(status: int, answer: Any, retry_after: str, *, room: str = "", token: str) -> DeliveryError:
    """What an answer means that is no yes. `answer` is its JSON or anything else, `token` the setting that was used."""
    said = answer if isinstance(answer, Mapping) else {}
    code = _name(said.get("error"))
    if status in (429, 503) or code in LATER:
        return Unreachable(f"Slack asks us to wait{_in(status, code)}", retry_after=_seconds(retry_after))
    if status >= 500 or code in DOUBTFUL:
        return Uncertain(f"Slack failed, perhaps after it took the message{_in(status, code)}")
    needed = _name(said.get("needed"))
    default = (
        "an administrator may have restricted it" if code.startswith("restricted") else "docs.slack.dev says more of it"
    )
    cure = CURES.get(code, default if code else "is TOCSIN_SLACK_API_URL that of Slack?")
    words = cure.format(room=room or "the channel", token=token, needed=f", {needed}" if needed else "")
    return Refused(f"Slack refused it{_in(status, code)}: {words}")


def _in(status: int, code: str) -> str:
    return f" ({code or status})"


def _name(said: Any) -> str:
    """What Slack calls it, if it is a name and nothing else."""
    return said if isinstance(said, str) and re.fullmatch(r"[a-z][\w:.,-]{1,80}", said, re.ASCII) else ""


def _seconds(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text, re.ASCII) else None
