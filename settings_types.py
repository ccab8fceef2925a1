"""The types a configuration value can have: duration, time zone, address, URL with a secret."""

import json
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit
from zoneinfo import available_timezones

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError, core_schema

NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"
"""What a database may be called: it stands unquoted in statements."""
DEFAULT_CALENDAR = "NYSE"
_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_SECRET_OPTION = re.compile(r"(?i)([?&][^=&#]*(?:pass|secret|token|key)[^=&#]*=)([^&#]+)")
_secrets: set[str] = set()


def mask(text: str) -> str:
    """`text` with every secret of the loaded configuration replaced by ``***``."""
    for secret in sorted(_secrets, key=len, reverse=True):  # one may be part of another
        text = text.replace(secret, "***")
    return text


def literal(text: str) -> Any:
    """What an environment variable says: numbers, booleans and lists as themselves; anything else is a string."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if value is None or isinstance(value, dict) else value


def parse_duration_s(value: object) -> float:
    """Seconds of a duration such as ``"10s"``, ``"500ms"``, ``"5m"`` or ``"90d"``.

    Raises:
        PydanticCustomError: no unit, an unknown unit, or not above zero.
    """
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)(ms|[smhdwy])", str(value).strip())
    if match is None or (seconds := float(match[1]) * _UNITS_S[match[2]]) <= 0:
        raise PydanticCustomError(
            "duration", 'expected a duration above zero with its unit, such as "10s", "500ms", "5m" or "90d"'
        )
    return seconds


def parse_zone(value: object) -> str:
    """An IANA time zone's name; anything else is refused with what was expected."""
    if not isinstance(value, str) or value not in available_timezones():
        raise PydanticCustomError("zone", 'expected an IANA time zone such as "America/New_York"')
    return value


def parse_calendar(value: object) -> str:
    """A calendar pandas_market_calendars knows by name; anything else is refused with some there are."""
    if value == DEFAULT_CALENDAR:
        return DEFAULT_CALENDAR
    from pandas_market_calendars import get_calendar_names  # half a second, which the default need not wait for

    known = get_calendar_names()
    if value in known:
        return str(value)
    named = str(value).casefold()
    near = [name for name in known if name.casefold() == named] or get_close_matches(str(value), known, 1)
    there = (
        f'did you mean "{near[0]}"?' if near else "there are NYSE, NASDAQ, CME_Equity, LSE, XETR, JPX, 24/7 and more"
    )
    raise PydanticCustomError(
        "calendar",
        'no exchange calendar is called "{value}"; {there}',
        {"value": str(value)[:40], "there": there},
    )


def parse_base_url(value: object) -> str:
    """The address at which people reach the pages, without the slash at its end."""
    text = value.strip() if isinstance(value, str) else ""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in text or "?" in text or "#" in text or re.search(r"\s", text):
        raise PydanticCustomError(
            "base_url", 'expected the address people open, such as "https://tapewatch.example.com" or with a path'
        )
    return text.rstrip("/")


TimeZone = Annotated[str, BeforeValidator(parse_zone)]
BaseUrl = Annotated[str, BeforeValidator(parse_base_url)]
CalendarName = Annotated[str, BeforeValidator(parse_calendar)]
Duration = Annotated[float, BeforeValidator(parse_duration_s)]
"""A duration in the file (``"10s"``), seconds in the program."""


class SecretUrl:
    """A URL whose password never shows: ``str()`` and ``repr()`` mask it, `reveal` does not.

    In the configuration it is the URL itself or ``file:/path`` of a file that holds it.
    """

    __slots__ = ("_url",)

    def __init__(self, url: str) -> None:
        self._url = url
        password = urlsplit(url).password or ""
        # A short option is masked in the URL only: everywhere, ?key=1 would blank every 1.
        options = [value for _, value in _SECRET_OPTION.findall(url) if len(value) >= 4]
        for secret in filter(None, (password, *options)):
            _secrets.update({secret, unquote(secret)})

    def reveal(self) -> str:
        """The whole URL, password included; for handing to a client, never for showing."""
        return self._url

    def __str__(self) -> str:
        password = urlsplit(self._url).password
        shown = self._url.replace(f":{password}@", ":***@", 1) if password else self._url
        return _SECRET_OPTION.sub(r"\1***", shown)

    def __repr__(self) -> str:
        return f"SecretUrl({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretUrl) and other._url == self._url

    def __hash__(self) -> int:
        return hash(self._url)

    @classmethod
    def parse(cls, value: object) -> "SecretUrl":
        if isinstance(value, cls):
            return value
        if not isinstance(value, str) or not value.strip():
            raise PydanticCustomError("url", "expected a URL, or file:/path of a file that holds it")
        value = _from_file(value)
        if not _is_usable(value):
            raise PydanticCustomError(
                "url",
                "expected a URL such as scheme://user:password@host:port/name with a port from 1 to 65535; "
                "write special characters of a password percent-encoded, as %23 for # and %2F for /",
            )
        return cls(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )


class Secret:
    """A password or token that never shows: ``str()`` and ``repr()`` mask it, `reveal` does not.

    In the configuration it is the secret itself or ``file:/path`` of a file that holds it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        if len(text) >= 4:  # a shorter one would blank pieces of other words
            _secrets.add(text)

    def reveal(self) -> str:
        """The secret itself; for handing to a client, never for showing."""
        return self._text

    def __str__(self) -> str:
        return "***"

    def __repr__(self) -> str:
        return "Secret('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    @classmethod
    def parse(cls, value: object) -> "Secret":
        if isinstance(value, cls):
            return value
        if not isinstance(value, str) or not value.strip():
            raise PydanticCustomError("secret", "expected a secret, or file:/path of a file that holds it")
        return cls(_from_file(value))

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )


def _from_file(value: str) -> str:
    """What a secret says: ``file:/path`` is replaced by what the file holds."""
    if not value.startswith("file:"):
        return value
    path = Path(value.removeprefix("file:"))
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or "not a text file"
        raise PydanticCustomError(
            "secret_file",
            "the secret file {path} cannot be read: {reason}",
            {"path": str(path), "reason": reason},
        ) from None


def _is_usable(url: str) -> bool:
    """Whether `url` splits as it was meant. What is wrong is not told: it may be a piece of the password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if not parts.scheme or not (parts.netloc or parts.path) or port == 0:
        return False
    # redis://me:12#34@host: the # of a password ended the address early. In a web page's path an @ is common.
    cut_short = port is not None and "@" not in parts.netloc and "@" in url
    return not cut_short or parts.scheme in {"http", "https"}


def require_scheme(url: SecretUrl, *schemes: str) -> SecretUrl:
    """`url` unchanged when its scheme is one of `schemes`; else a validation error naming them."""
    if urlsplit(url.reveal()).scheme not in schemes:
        raise PydanticCustomError(
            "scheme", "expected a URL that begins with {schemes}", {"schemes": " or ".join(f"{s}://" for s in schemes)}
        )
    return url


def url_of(*schemes: str) -> BeforeValidator:
    """Makes a key take a URL that begins with one of `schemes`; nothing at all stays None."""
    return BeforeValidator(lambda value: None if value is None else require_scheme(SecretUrl.parse(value), *schemes))


def parse_address(value: object) -> str:
    """``host:port`` with a port from 1 to 65535, checked; returned as given."""
    if not isinstance(value, str):
        raise PydanticCustomError("address", 'expected "host:port"')
    host, port = split_address(value)
    if not host or not 1 <= port <= 65535:
        raise PydanticCustomError(
            "address", 'expected "host:port" with a port from 1 to 65535, got "{value}"', {"value": value[:80]}
        )
    return value


def split_address(address: str) -> tuple[str, int]:
    """Host and port of ``host:port`` or ``[v6]:port``; port 0 when there is no usable one."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port) if re.fullmatch(r"\d{1,5}", port) else 0


Address = Annotated[str, BeforeValidator(parse_address)]


def one_database(dsn: SecretUrl, given: str | None, default: str) -> str:
    """The database of a history: the one its key names, else that at the end of a server's DSN, else `default`.

    Raises:
        PydanticCustomError: the two differ, or the DSN's is no plain name.
    """
    url = urlsplit(dsn.reveal())
    named = "" if url.scheme == "chdb" else unquote(url.path.strip("/"))
    if named and not re.match(NAME, named):
        raise PydanticCustomError(
            "database",
            'the database "{name}" of the DSN is no plain name of letters, digits and _',
            {"name": named[:60]},
        )
    if named and given and named != given:
        raise PydanticCustomError("database", "dsn and database name two databases: leave one of them away")
    return given or named or default
