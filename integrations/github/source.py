"""GitHub: webhooks of repositories and organisations, signed with HMAC-SHA256 over the body as it came.

Each theme has a module with a table from GitHub's event names to readers: `builds`, `code`, `talk`, `security`, `news`.
"""

from collections.abc import Mapping, Sequence

from hub.contracts import Quiet, WebhookRequest
from hub.core.event import Report
from hub.errors import Unauthenticated, Unsupported
from hub.payload import Field, decode_json, shown
from hub.proof import Secret, any_same, mac
from integrations.github import builds, code, news, security, talk
from integrations.github.reading import GitHubOptions, Reader, delivery_of

__all__ = ["delivery", "parse", "sign", "verify"]

EVENT, DELIVERY, SIGNATURE = "x-github-event", "x-github-delivery", "x-hub-signature-256"
SCHEME = "sha256="

READERS: Mapping[str, Reader] = {
    **builds.READERS,
    **code.READERS,
    **talk.READERS,
    **security.READERS,
    **news.READERS,
}


def verify(request: WebhookRequest, secrets: Sequence[Secret]) -> None:
    """GitHub still sends the older header with SHA-1, too. It counts for nothing."""
    given = request.header(SIGNATURE)
    if not given.startswith(SCHEME):
        raise Unauthenticated("there is no X-Hub-Signature-256; set the secret of this source at the webhook in GitHub")
    if not any_same((_signature(request, secret) for secret in secrets), given):
        raise Unauthenticated("X-Hub-Signature-256 is not made with the secret of this source")


def sign(request: WebhookRequest, secret: Secret) -> Mapping[str, str]:
    return {SIGNATURE: _signature(request, secret)}


def _signature(request: WebhookRequest, secret: Secret) -> str:
    return SCHEME + mac(secret, request.body).hex()


def delivery(request: WebhookRequest) -> str:
    """A redelivery has the id of the delivery that it repeats."""
    return request.header(DELIVERY)


def parse(request: WebhookRequest, options: GitHubOptions) -> Sequence[Report] | Quiet:
    event = request.header(EVENT) or Field({}, "header")[EVENT].text()
    body = _payload(request).object()
    if event not in READERS:
        raise Unsupported(f"{shown(event)} is no event of GitHub that this version knows")
    said = READERS[event](delivery_of(event, body, options))
    return [said] if isinstance(said, Report) else said


def _payload(request: WebhookRequest) -> Field:
    return decode_json(request.form()["payload"].text().encode()) if request.is_form else request.json()
