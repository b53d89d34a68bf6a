"""What the process is told from outside: addresses, the database, secrets. Each may end in `_FILE`."""

import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from socket import gethostname
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from hub.contracts import RulesPlace
from hub.core.times import parse_zone
from hub.errors import SettingsError
from hub.proof import Secret
from hub.shipped_files import shipped


@lru_cache(maxsize=4096)
def variable(*parts: str) -> str:
    """The name of an environment variable: `TOCSIN_NAGIOS_EU_SECRET` for source `nagios-eu`."""
    return "_".join(["TOCSIN", *(re.sub(r"[^A-Z0-9]", "_", part.upper()) for part in parts)])


OWN = (
    "API_TOKEN",
    "CALENDAR_URL",
    "DATABASE",
    "DEAD_MANS_SWITCH_URL",
    "HOST",
    "LOG",
    "PORT",
    "PUBLIC_URL",
    "REPLICA_URL",
    "ROUTES",
    "RULES_FROM",
    "RULES_PULL",
    "SECRET_KEY",
    "TIMEZONE",
    "URL",
)
"""The settings of the hub itself; the others begin with the name of a source, a chat or a tool."""

SECRET_SETTING = re.compile(r"(?:SECRET|TOKEN|PASSWORD|KEY)S?$|SWITCH_URL$|CALENDAR_URL|_URL_")
"""How the name of a setting ends that nobody may see, however its source is called (`monkey`). `TOCSIN_TEAMS_URL_OPS`
is such; an `_API_URL` is an address."""

FILES = re.compile(r"_(?:COMMAND|STATUS)_FILE$")
"""Settings that are files themselves. Nothing may read them as another's `_FILE`: a pipe would never end."""


TRACES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Environment:
    """The environment as the hub reads it: a variable, or the file that its `_FILE` names. One that cannot be read any
    more, since somebody just writes it, counts as it was read last."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._read: dict[str, str] = {}
        """What files said last, by the name of the setting."""
        self._secrets: dict[str, tuple[Secret, ...]] = {}

    def get(self, name: str) -> str | None:
        if given := self._variables.get(name):
            return given.strip() or given  # a Secret of Kubernetes ends in a line feed as often as a file
        path = self._variables.get(f"{name}_FILE")
        if not path:
            return None
        try:
            self._read[name] = _text_in(path, f"{name}_FILE")
        except SettingsError:
            if name not in self._read:
                raise
        return self._read[name]

    def secret(self, *parts: str) -> Secret | None:
        text = self.get(variable(*parts))
        return Secret(text) if text else None

    def secrets(self, *parts: str) -> tuple[Secret, ...]:
        """All of a secret: several, separated by commas, while rotating. Read once."""
        name = variable(*parts)
        if name not in self._secrets:
            text = self.get(name) or ""
            self._secrets[name] = tuple(Secret(part.strip()) for part in text.split(",") if part.strip())
        return self._secrets[name]

    def known_secrets(self) -> frozenset[str]:
        """All that is set by a name of a secret, each of several apart; and the password of the database."""
        texts = [self.get(name) or "" for name in self.names() if SECRET_SETTING.search(name)]
        parts = {part.strip() for text in texts for part in (text, *text.split(","))}
        return frozenset(parts | {_password_of(self.get("TOCSIN_DATABASE") or "")} - {""})

    def names(self) -> frozenset[str]:
        """Of all variables that are meant for a hub, those in files without `_FILE`."""
        ours = (name for name in self._variables if name.startswith("TOCSIN_"))
        return frozenset(name if FILES.search(name) else name.removesuffix("_FILE") for name in ours)

    def spelled(self, name: str) -> str:
        """The variable that sets it: it may end in `_FILE`."""
        return name if name in self._variables else f"{name}_FILE"

    def source_secrets(self, source: str) -> tuple[Secret, ...]:
        """What proves a source."""
        return self.secrets(source, "SECRET")


def _shown(path: str) -> str:
    """The file, unless it may be the secret itself, which somebody wrote where its file belongs."""
    return f"a file, {path}," if path.startswith("/") else "a file"


def _text_in(path: str, setting: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not text"
        raise SettingsError(f"{setting} names {_shown(path)} that cannot be read: {reason}") from None
    if not text:  # a secret that did not arrive must not open what it was to close
        raise SettingsError(f"{setting} names {_shown(path)} that is empty; write into it, or unset {setting}")
    return text


def _password_of(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""


def url_fault(url: str) -> str:
    """What is wrong with a URL that somebody set; empty: nothing. It never shows what is in it."""
    try:
        parts = urlsplit(url.strip())
        named, _ = bool(parts.hostname) and not re.search(r"\s", url.strip()), parts.port
    except ValueError:
        return "is not a URL"
    return "" if named and parts.scheme in ("http", "https") else "is not a URL that begins with https://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    host: str = "127.0.0.1"
    port: int = 8080
    routes: Path = Path("routes.yaml")
    database: str = field(default="sqlite:///tocsin.db", repr=False)
    """A URL; it may hold a password."""
    public_url: str = ""
    replica_url: str = ""
    """Where the other replicas reach this one; empty: at the address that it listens on."""
    timezone: str = "UTC"
    api_tokens: tuple[Secret, ...] = ()
    secret_key: Secret | None = None
    rules_from: RulesPlace | None = None
    """Where the rules are reviewed."""
    rules_pull: str = "no"
    """What of merged rules is taken in: `no`, `yes` (all but what gives rights), `with-rights`."""
    dead_mans_switch: Secret | None = None
    """An address elsewhere to be pinged while all is well."""
    traces: bool = False
    """Somebody set where OpenTelemetry sends spans to."""
    log: str = "text"
    """How lines are written, and from which level on: `json:debug`."""
    environment: Environment = field(default_factory=lambda: Environment({}))

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def pulls(self) -> bool:
        """Whether the rules in force are those that were merged where they are reviewed."""
        return self.rules_from is not None and self.rules_pull != "no"

    @property
    def template_folders(self) -> Sequence[Path]:
        """The operator's first, the shipped one last."""
        return [self.routes.parent / "templates", shipped("templates")]

    @property
    def zone(self) -> ZoneInfo:
        """In which people are told times."""
        try:
            return parse_zone(self.timezone)
        except ValueError as error:
            raise SettingsError(f"TOCSIN_TIMEZONE: {error}") from None

    @property
    def address(self) -> str:
        """How the hub is reached: what people click."""
        return self.public_url.rstrip("/") or self._listens_at(self.host)

    @property
    def here(self) -> str:
        """How this machine reaches the hub."""
        everywhere = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104
        return self._listens_at(everywhere.get(self.host, self.host))

    @property
    def replica_address(self) -> str:
        """How the other replicas reach this one. Who listens on all addresses of a machine is reached by its name."""
        everywhere = self.host in ("0.0.0.0", "::", "")  # noqa: S104
        return self.replica_url.rstrip("/") or self._listens_at(gethostname() if everywhere else self.host)

    def _listens_at(self, host: str) -> str:
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def routes_file(name: str | None) -> Path:
    """The rules file of that name; else `routes.yaml` of the folder we run in; else the shipped one."""
    here = Path("routes.yaml")
    return Path(name) if name else here if here.exists() else shipped("routes.yaml")


@cache
def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_settings(
    *,
    host: str | None = None,
    port: int | None = None,
    routes: str | None = None,
    database: str | None = None,
    replica_url: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> Settings:
    """The command line counts before the environment, the environment before the defaults."""
    environment = Environment(os.environ if variables is None else variables)
    default = Settings()
    return Settings(
        host=host or environment.get("TOCSIN_HOST") or default.host,
        port=port if port is not None else _port(environment.get("TOCSIN_PORT"), default.port),
        routes=routes_file(routes or environment.get("TOCSIN_ROUTES")),
        database=_database(environment, database),
        public_url=_url("TOCSIN_PUBLIC_URL", environment.get("TOCSIN_PUBLIC_URL") or ""),
        replica_url=_url("TOCSIN_REPLICA_URL", replica_url or environment.get("TOCSIN_REPLICA_URL") or ""),
        timezone=environment.get("TOCSIN_TIMEZONE") or default.timezone,
        api_tokens=_api_tokens(environment),
        secret_key=environment.secret("SECRET_KEY"),
        rules_from=_rules_from(environment.get("TOCSIN_RULES_FROM") or ""),
        rules_pull=_rules_pull(environment.get("TOCSIN_RULES_PULL") or default.rules_pull),
        dead_mans_switch=_switch(environment.secret("DEAD_MANS_SWITCH_URL")),
        traces=any(environment.get(name) for name in TRACES),
        log=environment.get("TOCSIN_LOG") or default.log,
        environment=environment,
    )


def database_named(database: str | None) -> str:
    """Its URL, by itself: who looks after it while the hub is stopped may not have the secrets of the hub."""
    return _database(Environment(os.environ), database)


def _database(environment: Environment, named: str | None) -> str:
    return named or environment.get("TOCSIN_DATABASE") or Settings().database


def _api_tokens(environment: Environment) -> tuple[Secret, ...]:
    tokens = environment.secrets("API_TOKEN")
    if not tokens and environment.get("TOCSIN_API_TOKEN"):  # to take it for none would open what it was to close
        raise SettingsError("TOCSIN_API_TOKEN holds no token; write one, or unset it")
    return tokens


def _port(text: str | None, default: int) -> int:
    if not text:
        return default
    if not text.isdecimal() or int(text) > 65535:
        linked = " (Kubernetes sets it so beside a service called tocsin: enableServiceLinks: false)"
        why = linked if text.startswith("tcp://") else ""
        raise SettingsError(f"TOCSIN_PORT is '{text}'; a port is a number such as 8080{why}")
    return int(text)


def _url(name: str, url: str) -> str:
    if url and (wrong := url_fault(url)):
        raise SettingsError(f"{name} {wrong}".replace("https://", "http:// or https://"))
    return url


RULES_FROM = re.compile(r"([A-Za-z0-9][\w.-]*):([\w.-]+/[\w.-]+)/([\w./-]+?)(?:@([\w./-]+))?", re.ASCII)
PULLS = ("no", "yes", "with-rights")


def _rules_from(text: str) -> RulesPlace | None:
    if not text:
        return None
    found = RULES_FROM.fullmatch(text)
    if found is None or ".." in found[3] or found[3].startswith("/"):
        what = "write a source, a repository, a path and a branch: github:acme/alerts/routes.yaml@main"
        raise SettingsError(f"TOCSIN_RULES_FROM is '{text[:100]}'; {what}")
    return RulesPlace(source=found[1], repo=found[2], path=found[3], branch=found[4] or "main")


def _rules_pull(text: str) -> str:
    if text not in PULLS:
        raise SettingsError(f"TOCSIN_RULES_PULL is '{text[:40]}'; it is one of {', '.join(PULLS)}")
    return text


def _switch(url: Secret | None) -> Secret | None:
    if url is not None and (wrong := url_fault(url.reveal())):
        raise SettingsError(f"TOCSIN_DEAD_MANS_SWITCH_URL {wrong}")
    return url
