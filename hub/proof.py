"""Ways in which a request proves where it comes from. All fail closed, in constant time, and never by accident."""

import hmac
from base64 import b64decode
from collections.abc import Container, Iterable, Sequence
from typing import Protocol

from hub.errors import Unauthenticated


class Secret:
    """A secret text. It shows itself only when asked by name, never in logs, errors or representations."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and same(self._text, other._text)

    def __hash__(self) -> int:
        return hash(self._text)


class HasHeaders(Protocol):
    def header(self, name: str) -> str: ...


def same(ours: str, theirs: str) -> bool:
    """Compare in constant time, whatever characters a stranger sends."""
    return hmac.compare_digest(ours.encode(errors="surrogatepass"), theirs.encode(errors="surrogatepass"))


def mac(secret: Secret, message: bytes) -> bytes:
    """HMAC-SHA256 in one shot: what most vendors sign with."""
    return hmac.digest(secret.reveal().encode(), message, "sha256")


def any_same(ours: Iterable[str], theirs: str) -> bool:
    """Whether one of ours is theirs, looking at each, so that the time taken does not tell which."""
    matches = [same(one, theirs) for one in ours]
    return any(matches)


def bearer(request: HasHeaders, secrets: Sequence[Secret]) -> None:
    """`Authorization: Bearer SECRET`, for tools that cannot sign. Any of the secrets will do, for rotation."""
    scheme, _, token = request.header("authorization").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("send the header 'Authorization: Bearer SECRET'")
    if not any_same((secret.reveal() for secret in secrets), token.strip()):
        raise Unauthenticated("the bearer token is not the secret of this source")


def bearer_or_password(request: HasHeaders, secrets: Sequence[Secret]) -> None:
    """The same, or the secret as the password of `Authorization: Basic`, for tools that know nothing else. The name is
    anybody's."""
    scheme, _, pair = request.header("authorization").partition(" ")
    if scheme.lower() != "basic":
        bearer(request, secrets)
    elif not any_same((secret.reveal() for secret in secrets), _password(pair)):
        raise Unauthenticated("the password is not the secret of this source")


def _password(pair: str) -> str:
    try:
        return b64decode(pair, validate=True).decode().partition(":")[2]
    except ValueError:
        raise Unauthenticated(
            "send the header 'Authorization: Basic' with a name, a colon and the secret, as base64"
        ) from None


def relayed(headers: Container[str]) -> bool:
    """Whether a proxy stands in front, also one that says nothing of whom it passes on: who comes through it does not
    sit at this machine."""
    return any(name in headers for name in ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"))
