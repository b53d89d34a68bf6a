"""What is secret is not kept: secrets of this machine, and what looks like one, become `…` before anything is stored.

A request is made discreet after its proof was read and before it is parsed, so that nothing behind the parser holds
what is not stored, and a replay reads what the first reading read. RE2 looks once whether there is anything to do: some
microseconds for a usual body. Only then the finer expressions go over it. All of them run in linear time.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlencode

import re2

from hub.contracts import WebhookRequest
from hub.core.records import replace
from hub.payload import form_pairs

GONE = "…"
SHORTEST = 8
"""Characters of a secret of ours that is looked for in texts: a shorter one is a word like others."""
SHORTEST_PASSWORD, SHORTEST_TOKEN = 7, 16
"""Of what is called so in words."""

_WORDS = (
    r"passw(?:or)?d|passphrase|secret|token|credentials?|authorization|cookie|signature|api[_-]?key|webhook[_-]?url"
    r"|(?:access|private|signing|encryption|account|client|shared|master|secret|auth)[_-]?key"
)
_NAME = rf"[\w.-]*(?:{_WORDS})"
"""What a field of a secret is called, or ends with: `client_secret`, `apiKey`; not `secret_type`."""
_PAGING = r"(?:service|routing|integration)[_-]?key"
"""PagerDuty's. Others call things by these names that are none, hence only a value that looks like one counts."""
_QUOTE = r'\\*"'
"""Within a text that is JSON itself, quotes have backslashes."""
_SLASH = r"\\*/"
"""PHP writes a backslash before each."""
_PATH = r"(?:[\w@/.-]|\\+/)+"

# In words: `password: hunter2`. As often what follows is words about the secret, or where it lies, and somebody must
# read it; so it goes only where it looks like one: after `password` letters and digits, else what is random.
_IS = r"""'?[ \t]*[:=][ \t]*(?:\\*["'])?"""
_IN = r"""[^\s&"'<>;,\\]"""
_PASSWORD = rf"""([\w.-]*(?:passw(?:or)?d|passphrase){_IS})((?:{_IN}*[a-z]{_IN}*\d|{_IN}*\d{_IN}*[a-z]){_IN}*)()"""
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TOKEN = rf"""({_NAME}{_IS})(\w*\d[a-z_+/]+\d[\w+/]*={{0,2}}|{_UUID})([\s&"'<>;,\\.:!?)\]}}]|$)"""

# What goes stands between what stays: each expression has two groups.
_FINE = (
    # What ends the name has as many backslashes as what begins the value; else that is the end of a text: `a "token":`.
    rf'({_QUOTE}{_NAME}"\s*:\s*")(?:[^"\\]|\\.)+(")',
    # Once within a text, where \\\" is a quote of the value; and deeper, where each level doubles the backslashes.
    rf'({_QUOTE}{_NAME}\\"\s*:\s*\\")(?:[^"\\]|\\[^"\\]|\\\\(?:\\.|[^"\\]))+(\\")',
    rf'({_QUOTE}{_NAME}\\{{2,}}"\s*:\s*\\{{2,}}")(?:[^"\\]|\\+[^"\\])+(\\+")',
    rf"({_QUOTE}{_PAGING}{_QUOTE}\s*:\s*{_QUOTE})[a-z0-9]{{32}}({_QUOTE})",
    rf"\b((?:{_NAME}|sig)=)[^\s&\"'<>;,\\]+()",
    r"((?:authorization\W{1,6}(?:basic|token|digest|genieKey|key)|\bbearer)\s+)[\w.~+/=:-]{16,}()",
    # A shorter one has a digit or a capital in it: "Basic authentication" is none.
    r"(authorization\W{1,6}basic\s+)[\w+/]{2,}(?:\d|(?-i:[a-z][A-Z]))[\w+/]{2,}={0,2}()",
    rf'(:{_SLASH}{_SLASH}[^/\s:@"]*:)[^/\s@"]+(@)',
    rf"(\bhooks\.slack(?:-gov)?\.com{_SLASH}(?:services|workflows|triggers){_SLASH}){_PATH}()",
    rf"(webhook\.office\.com{_SLASH}){_PATH}()",
    rf"(\bdiscord(?:app)?\.com{_SLASH}api{_SLASH}webhooks{_SLASH}){_PATH}()",
    rf"(\bapi\.telegram\.org{_SLASH}bot)[\w:%-]+()",
    r"()\bxox[a-z]-[\w-]{8,}()",
    r"()\bxapp-[\w-]{8,}()",
    r"()\bgh[pousr]_\w{16,}()",
    r"()\bgithub_pat_\w{16,}()",
    r"()\bglpat-[\w-]{16,}()",
    r"()\b[sr]k_live_\w{16,}()",
    r"()\bAKIA[A-Z0-9]{16}\b()",
    r"()\beyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*)?()",
    r"(-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----)(?:[^-\"]|-[^-\"])+()",
)
# A sign of each of them.
_COARSE = (
    _WORDS,
    _PAGING,
    r"sig=|bearer|:(?:\\*/\\*/|%2F%2F)[^/\s\"]*@|hooks\.slack|webhook\.office|/webhooks|telegram\.org|xox[a-z]-|xapp-",
    r"gh[pousr]_|github_pat_|glpat-",
    r"k_live_|AKIA|eyJ[\w-]{8,}\.eyJ|PRIVATE KEY",
)


def _compile(pattern: bytes) -> Any:
    """RE2 has no types of its own. As Latin-1 each byte is a character, whatever the encoding."""
    options = re2.Options()
    options.case_sensitive = False
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return re2.compile(pattern, options)


_fine = tuple(_compile(pattern.encode()) for pattern in _FINE)
_password, _token = _compile(_PASSWORD.encode()), _compile(_TOKEN.encode())
_names = _compile(f"(?:{_NAME})".encode())


@lru_cache(maxsize=2048)
def names_secret(name: str) -> bool:
    """Whether what is called so is a secret."""
    return _names.fullmatch(_bytes(name)) is not None


class Redactor:
    """`known` are the secrets of this machine."""

    def __init__(self, known: Collection[str] = ()) -> None:
        spelled = {way for secret in known if len(secret) >= SHORTEST for way in _ways(secret)}
        literal = [re2.escape(way) for way in sorted(spelled, key=len, reverse=True)]
        self._ours = _compile(b"()(?:" + b"|".join(literal) + b")()") if literal else None
        self._any = _compile(b"|".join([*(sign.encode() for sign in _COARSE), *literal]))

    def text(self, text: str) -> str:
        raw = _bytes(text)
        return text if self._any.search(raw) is None else _text(self._finely(raw))

    def request(self, request: WebhookRequest) -> WebhookRequest:
        """The same without what is secret; itself, where there is nothing."""
        if self._is_discreet(request):
            return request
        body = self._body(request)
        headers, query = self.fields(request.headers), self.fields(request.query)
        if body is request.body and headers is request.headers and query is request.query:
            return request
        return replace(request, body=body, headers=headers, query=query)

    def _is_discreet(self, request: WebhookRequest) -> bool:
        """In one look: each lets go of the interpreter, and waits to have it back."""
        if any(map(names_secret, request.headers)) or any(map(names_secret, request.query)):
            return False
        values = "\n".join((*request.headers.values(), *request.query.values()))
        return self._any.search(b"\n".join((_bytes(values), request.body))) is None

    def fields(self, fields: Mapping[str, str]) -> Mapping[str, str]:
        """Values go where the name says that they are secret, and what is secret in others."""
        if not fields:
            return fields
        named = fields
        if any(map(names_secret, fields)):
            named = {name: GONE if value and names_secret(name) else value for name, value in fields.items()}
        if self._any.search(_bytes("\n".join(named.values()))) is None:
            return named
        return {name: self.text(value) for name, value in named.items()}

    def _body(self, request: WebhookRequest) -> bytes:
        body = request.body
        if not body or self._any.search(body) is None:
            return body
        return self._form(body) if request.is_form else self._finely(body)

    def _form(self, body: bytes) -> bytes:
        """A value of a form may be JSON, whose quotes are then not to be seen."""
        try:
            pairs = form_pairs(body)
        except ValueError:  # nobody will read it as a form
            return self._finely(unquote_to_bytes(body.replace(b"+", b" ")))
        discreet = [(name, GONE if value and names_secret(name) else self.text(value)) for name, value in pairs]
        return body if discreet == pairs else urlencode(discreet).encode()

    def _finely(self, text: bytes) -> bytes:
        for pattern in (self._ours, *_fine) if self._ours is not None else _fine:
            if pattern.search(text) is not None:
                text = pattern.sub(_between, text)
        for pattern, unlike in (_password, _no_password), (_token, _no_token):
            if pattern.search(text) is not None:
                text = pattern.sub(partial(_unless, unlike), text)
        return text


def _between(found: Any) -> bytes:
    before, after = found.groups()
    return bytes(before or b"") + GONE.encode() + bytes(after or b"")


def _unless(unlike: Callable[[bytes], bool], found: Any) -> bytes:
    before, value, after = found.groups()
    return bytes(found.group()) if unlike(value) else bytes(before) + GONE.encode() + bytes(after)


def _no_password(value: bytes) -> bool:
    """As short as `sha256`, an address, a path, or a variable."""
    return len(value) < SHORTEST_PASSWORD or value.startswith((b"/", b"$", b"http"))


def _no_token(value: bytes) -> bool:
    """Short, or in words between lines or slashes, as people give names: `kv2/team1/db3`."""
    named = {*b"+/_"} & {*value} and (value.islower() or value.isupper())
    return len(value) < SHORTEST_TOKEN or bool(named)


def _ways(secret: str) -> Sequence[bytes]:
    """How a text, JSON and a URL write it."""
    in_json = json.dumps(secret)[1:-1]
    return [_bytes(way) for way in (secret, in_json, in_json.replace("/", r"\/"), quote(secret, safe=""))]


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _text(raw: bytes) -> str:
    return raw.decode(errors="surrogatepass")
