"""Signatures as GitHub makes them: ours and those of its own library are the same, in both directions."""

from datetime import UTC, datetime

import pytest
from peers.octokit import Asked, ask

from hub.contracts import WebhookRequest
from hub.core.records import replace
from hub.errors import Unauthenticated
from hub.proof import Secret
from integrations.github import source

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRETS = ("It's a Secret to Everybody", "0123456789abcdef" * 4, "пароль 🔑")
BODIES = (
    '{"zen": "Keep it logically awesome."}',
    '{"title": "Für Umlaute, ひらがな und 🔥", "body": "line\\r\\nline\\u2028"}',
    '{\r\n  "ref": "refs/heads/main"\n}\n',
    "payload=%7B%22zen%22%3A%22Speak+like+a+human.%22%7D",
    " ",
)


def request(body: str, signature: str = "") -> WebhookRequest:
    headers = {"x-hub-signature-256": signature}
    return WebhookRequest(source="github", headers=headers, body=body.encode(), received_at=NOW)


@pytest.mark.e2e("octokit")
def test_each_takes_what_the_other_signs() -> None:
    """Over the bytes of the body, whatever is in them; and with another secret, neither does."""
    cases = [(secret, body) for secret in SECRETS for body in BODIES]
    ours = [source.sign(request(body), Secret(secret))["x-hub-signature-256"] for secret, body in cases]

    theirs = ask([Asked(secret=s, body=body, signature=sign) for (s, body), sign in zip(cases, ours, strict=True)])
    wrong = ask([Asked(secret=f"{s}!", body=body, signature=sign) for (s, body), sign in zip(cases, ours, strict=True)])

    assert [True] * len(cases) == [answer.valid for answer in theirs]
    assert [False] * len(cases) == [answer.valid for answer in wrong]
    for (secret, body), answer, other in zip(cases, theirs, wrong, strict=True):
        source.verify(request(body, answer.signature), [Secret(secret)])
        with pytest.raises(Unauthenticated):
            source.verify(request(body, other.signature), [Secret(secret)])
        with pytest.raises(Unauthenticated):
            source.verify(
                replace(request(body + "x"), headers={"x-hub-signature-256": answer.signature}), [Secret(secret)]
            )
