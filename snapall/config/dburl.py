"""A database URL taken apart as SQLAlchemy takes it apart; one that a password makes ambiguous is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from snapall.config.secret import Secret

# SQLAlchemy's own pattern (2.0 and 2.1, engine/url.py), which decides what a driver is given. It ends a password at the
# first @, and takes what follows for the host: a part of the password, if that has an @ of its own.
_URL = re.compile(
    r"(?P<scheme>\w+(?:\+\w+)?)://(?:(?P<user>[^:/]*)(?::(?P<password>[^@]*))?@)?"
    r"(?P<host>\[[^/?]+\]|[^/:?]+)?(?::(?P<port>[^/?]*))?(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?",
    re.DOTALL,
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\+[A-Za-z0-9_]+)?://")
_PASSWORD_OPTION = re.compile(r"(?:^|[&;])(?:odbc_connect=.*)?(?:pwd|password)(?:=|%3d)", re.IGNORECASE | re.DOTALL)
_EXAMPLE = 'must be a SQLAlchemy URL such as "mssql+pyodbc://vc_user@VirtualCenter"'
_AMBIGUOUS = (
    "cannot be taken apart with certainty: leave the password out of it and write it into database.password; or write "
    "its special characters as a URL does, @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25, and one @ "
    "alone, before the host"
)


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """The parts of a URL as they are written in it. What has a password in it is a Secret."""

    scheme: str
    user: str | None
    password: Secret | None
    host: str
    port: str
    database: str | None
    query: Secret | None

    @property
    def shown(self) -> str:
        """The URL without password and options."""
        return f"{self.scheme}://{self._login('***' if self.password is not None else '')}{self._place}"

    @property
    def without_password(self) -> str:
        """The URL as it may be written into a file: its password left out, its options kept."""
        query = f"?{self.query.reveal()}" if self.query is not None else ""
        return f"{self.scheme}://{self._login('')}{self._place}{query}"

    @property
    def password_in_options(self) -> bool:
        """Whether a password is among the options, where nothing can take it out."""
        return self.query is not None and _PASSWORD_OPTION.search(self.query.reveal()) is not None

    @property
    def holds_password(self) -> bool:
        """Whether a password is anywhere in the URL."""
        return self.password is not None or self.password_in_options

    @property
    def _place(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"{self.host}{port}{'' if self.database is None else f'/{self.database}'}"

    def _login(self, password: str) -> str:
        if self.user is None:
            return ""
        return f"{self.user}:{password}@" if password else f"{self.user}@"


def url_of(text: str) -> DatabaseUrl:
    """Take a URL apart. ValueError, which shows no part of it: it is none, or may be meant in another way."""
    if _SCHEME.match(text) is None:
        raise ValueError(_EXAMPLE)
    found = _URL.match(text)
    if found is None or found.end() != len(text) or found["port"] == "":
        raise ValueError(_AMBIGUOUS)
    user, password, query = found["user"], found["password"], found["query"]
    one = DatabaseUrl(
        found["scheme"],
        user,
        Secret(unquote(password), inline=True) if password else None,
        found["host"] or "",
        found["port"] or "",
        found["database"],
        Secret(query) if query is not None else None,
    )
    if not (_is_a_file(one) or _is_plain(one)):
        raise ValueError(_AMBIGUOUS)
    return one


def _is_a_file(one: DatabaseUrl) -> bool:
    """Whether it is SQLite's, with no login, whose path may have any character in it."""
    return one.scheme.startswith("sqlite") and one.user is None and not one.host and not one.port


def _is_plain(one: DatabaseUrl) -> bool:
    """Whether no part that is shown can be part of a password."""
    user, database = _decoded(one.user or ""), _decoded(one.database or "")
    query = one.query.reveal() if one.query is not None else ""
    return (
        re.search(r"[:;=?#]", user) is None
        and re.search(r"[@;=#]", one.host) is None
        and re.search(r"[@;=#]", database) is None
        and (not one.port or (re.fullmatch(r"[0-9]{1,5}", one.port) is not None and int(one.port) < 1 << 16))
        and not ("@" in query and (one.user is not None or one.host or one.database))
    )


def _decoded(text: str) -> str:
    """The text with %-escapes taken back, however often they were applied."""
    return text if (plain := unquote(text)) == text else _decoded(plain)
