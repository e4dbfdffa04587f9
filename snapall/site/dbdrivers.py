"""What the database drivers that reach a VirtualCenter need, answer and say; nothing of them is imported here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from snapall.site.masking import Mask


class Trouble(Enum):
    """Why the database did not answer: what is said of it, the remedy, and the message's code."""

    OLD_SERVER = (
        "the ODBC driver does not support a SQL Server this old",
        "use FreeTDS with TDS version 7.1 for SQL Server 2000 and 7.2 for 2005 (docs/legacy-sites.md)",
        "SA-2101",
    )
    ENCRYPTION = (
        "driver and server cannot agree on encryption",
        "set `Encrypt=no` (Microsoft's driver) or `encryption = off` (FreeTDS): old servers speak TLS 1.0 at best",
        "SA-2102",
    )
    DRIVER = (
        "the database driver is missing",
        "install what database.url names: pyodbc and an ODBC driver manager for mssql+pyodbc, and the DSN's driver",
        "SA-2103",
    )
    DSN = (
        "the ODBC data source is missing",
        "define the DSN of database.url as a system DSN, 32 or 64 bits as Python, with a Driver listed in odbcinst.ini",
        "SA-2104",
    )
    LOGIN = (
        "the login was refused",
        "check the user and the database in database.url, and database.password (unused with odbc_connect)",
        "SA-2105",
    )
    PROTOCOL = (
        "driver and server disagree about the protocol",
        "pin the TDS version, 7.1 for SQL Server 2000 and 7.2 for 2005, and set the encryption (docs/legacy-sites.md)",
        "SA-2106",
    )
    UNREACHABLE = (
        "the server cannot be reached",
        "check server, port and firewall, and whether the service runs; if it does, the TDS version and the encryption",
        "SA-2107",
    )
    LATE = (
        "the server did not answer in time",
        "find out what locks the VPX_ tables at that hour (a backup or a clean-up of the database, say), and run again",
        "SA-2108",
    )
    RIGHT = (
        "the login may not read these tables",
        "grant it SELECT on the columns that sql/grants.sql lists",
        "SA-2109",
    )
    TABLE = (
        "a table is missing",
        "check database.owner, and whether database.url names VirtualCenter's own database",
        "SA-2110",
    )
    COLUMN = (
        "a column is missing",
        "check the version: the tables of this VirtualCenter differ from those of 2.x",
        "SA-2111",
    )
    OTHER = ("unexpected error", "check database.url; the message ends with the driver's own text", "SA-2112")

    def __init__(self, what: str, hint: str, code: str) -> None:
        self.what = what
        self.hint = hint
        self.code = code

    def remedy(self, url: Any, text: str) -> str:
        """The hint that fits this URL of SQLAlchemy's, and what its driver said."""
        backend, _, driver = url.drivername.partition("+")
        ours = REMEDIES.get(backend, {}).get(self)
        if self is Trouble.LOGIN and "[FreeTDS]" in text and _NEEDS_BRACES.search(str(url.password or "")):
            return (
                "FreeTDS misreads this password, because it has `;` or `}`, or begins with `{`: "
                "choose another, or use mssql+pymssql (docs/legacy-sites.md)"
            )
        if self is Trouble.DSN and "driver" in url.query:
            return "add the database to database.url, behind the host: without it, SQLAlchemy takes the host for a DSN"
        if self is Trouble.DRIVER and ours is None and (backend, driver) not in {("mssql", ""), ("mssql", "pyodbc")}:
            return f"install the Python package for {driver or backend} beside snapall: database.url asks for it"
        return ours or self.hint


_NEEDS_BRACES = re.compile(
    r"[;}]|^\{"
)  # in a connection string, where FreeTDS takes the closing brace for a part of it

REMEDIES: Mapping[str, Mapping[Trouble, str]] = {
    "postgresql": {
        Trouble.ENCRYPTION: "set `?sslmode=disable` or `?sslmode=require` in database.url, as pg_hba.conf demands",
        Trouble.DRIVER: "run `pip install 'snapall[postgresql]'`, and begin database.url with postgresql+psycopg://",
        Trouble.LOGIN: "check user and database in database.url, database.password, and the server's pg_hba.conf",
        Trouble.PROTOCOL: "check host and port in database.url: something other than PostgreSQL may listen there",
        Trouble.UNREACHABLE: "check host, port and firewall, whether PostgreSQL runs, and its listen_addresses",
        Trouble.RIGHT: "grant it SELECT on the columns that sql/grants-postgresql.sql lists",
    },
    "sqlite": {Trouble.UNREACHABLE: "check the path in database.url, and the rights to the file and its folder"},
}
"""What is to be done where the hint, which is SQL Server's, does not fit."""


# In this order: what a driver says first is often followed by a general line such as "connection failed". The texts are
# those of SQL Server, unixODBC, FreeTDS, Microsoft's drivers, PostgreSQL, Oracle and SQLite; the codes are SQLSTATEs.
# FreeTDS calls the server "Adaptive Server" up to 1.4 and "TDS server" from 1.5 on.
_SIGNS = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), trouble)
    for pattern, trouble in (
        (r"does not support connections to SQL Server", Trouble.OLD_SERVER),
        (r"unsupported protocol|SSL (Provider|routines|Security error)|certificate verify failed", Trouble.ENCRYPTION),
        (r"\b0x2746\b|do not possess a common algorithm|does not support (SSL|encryption)", Trouble.ENCRYPTION),
        (r"encryption (is |was )?(not supported|required)|encryption enabled but it is required", Trouble.ENCRYPTION),
        (r"can't open lib|driver could not be loaded|\bIM00[34]\b|no module named|can't load plugin", Trouble.DRIVER),
        (r"cannot open shared object|DLL load failed|library not loaded", Trouble.DRIVER),
        (r"\bIM002\b|data source name not found|\bIM014\b|architecture mismatch", Trouble.DSN),
        (r"login failed|\b28000\b|requested by the login|\b(18452|18456|4060)\b|ORA-01017", Trouble.LOGIN),
        (
            r'authentication failed|no pg_hba\.conf|role .* does not exist|database "[^"]*" does not exist',
            Trouble.LOGIN,
        ),
        (r"permission (was )?denied|\b42501\b|insufficient privilege|ORA-01031", Trouble.RIGHT),
        (r"\b42S02\b|invalid object name|no such table|(relation|table or view) .*does not exist", Trouble.TABLE),
        (r"\b42S22\b|invalid column name|no such column|column .*does not exist|invalid identifier", Trouble.COLUMN),
        # SQL Server's own numbers, for its texts are in its own language.
        (r"^\((229|230),|\((229|230)\)", Trouble.RIGHT),
        (r"^\(208,|\(208\)", Trouble.TABLE),
        (r"^\(207,|\(207\)", Trouble.COLUMN),
        (r"query timeout expired|lock request time ?out|deadlock victim|\((1205|1222)\)", Trouble.LATE),
        (r"canceling statement due to|\b57014\b", Trouble.LATE),
        # A host that does not listen is "unavailable"; one that listens, and then fails, was misunderstood.
        (r"out of sync|unexpected EOF|invalid response to SSL|expected authentication request", Trouble.PROTOCOL),
        (r"server is unavailable|timed out|timeout expired|connection refused", Trouble.UNREACHABLE),
        (r"(adaptive|TDS) server connection failed", Trouble.PROTOCOL),
        (r"\b08001\b|\b08S01\b|\bHYT0[01]\b|unable to connect|connection failed", Trouble.UNREACHABLE),
        (r"could not connect|could not translate|unable to open", Trouble.UNREACHABLE),
        (r"failed to resolve|can't create a connection|name or service not known", Trouble.UNREACHABLE),
        (r"closed the connection|connection (is |was )?(closed|lost|reset)|network error", Trouble.UNREACHABLE),
        (r"terminating connection|is (starting up|shutting down)|\b57P0[123]\b|broken pipe", Trouble.UNREACHABLE),
        (r"no route to host|network is unreachable", Trouble.UNREACHABLE),
    )
)


LONGEST = 8000
"""Characters of a driver's text that are looked at: a pattern may take the square of their number."""


_TIMED_OUT = re.compile(r"timed out|timeout expired|\bHYT0[01]\b", re.IGNORECASE)


def trouble_of(text: str, *, connected: bool = False) -> Trouble:
    """What a driver's error text means. FreeTDS has one text for a server that is away and for one that is slow."""
    found = next((trouble for sign, trouble in _SIGNS if sign.search(text[:LONGEST])), Trouble.OTHER)
    slow = connected and found is Trouble.UNREACHABLE and _TIMED_OUT.search(text[:LONGEST]) is not None
    return Trouble.LATE if slow else found


def masked(text: str, *secrets: str) -> str:
    """The text without these passwords and their parts, and without a connection string."""
    text = _CONNECTION_STRING.sub("***", Mask(*secrets)(text)[:LONGEST])
    return re.sub(rf"\b(pwd|password)(\s*=\s*){_VALUE}", r"\1\2***", text, flags=re.IGNORECASE)


_VALUE = r"(?:\{[^}]*\}|[^;\s]*)"
_CONNECTION_STRING = re.compile(rf"(?:\b\w+\s*=\s*{_VALUE}\s*;\s*)+(?:\w+\s*=\s*{_VALUE})?")


def connect_timeout(driver: str, seconds: float) -> dict[str, Any]:
    """How a driver is told to give up connecting, as its own keyword arguments; none where it cannot be told."""
    whole = max(1, round(seconds))
    match driver:
        case "pyodbc" | "pysqlite" | "pg8000":
            return {"timeout": whole}
        case "pymssql":
            return {"login_timeout": whole, "timeout": whole}
        case "psycopg" | "psycopg2":
            return {"connect_timeout": whole}
        case _:
            return {}


def bound_statements(connection: Any, seconds: float) -> None:
    """Have the server bound each statement, or at least its wait for locks, and the ODBC driver too where it can.

    A reader waits for whoever is writing, and without a bound it would wait for as long as that takes. ODBC drivers
    take two or three times their own bound, for they wait as long again for the answer to their cancelling.
    """
    dialect, whole = connection.dialect, max(1, round(seconds))
    if dialect.driver == "pyodbc":
        with suppress(dialect.loaded_dbapi.Error):  # not every ODBC driver can
            connection.connection.dbapi_connection.timeout = whole
    match dialect.name:
        case "mssql":
            connection.exec_driver_sql(f"SET LOCK_TIMEOUT {whole * 1000}")
        case "postgresql":
            connection.exec_driver_sql(f"SET statement_timeout = {whole * 1000}")
        case _:
            pass


def with_port(url: Any) -> Any:
    """A URL of host and port as every FreeTDS takes it: SQLAlchemy writes `Server=host,port`, which some do not."""
    driver = str(url.query.get("driver", "")).lower()
    freetds = url.drivername == "mssql+pyodbc" and ("freetds" in driver or "tdsodbc" in driver)
    if not freetds or url.port is None:
        return url
    return url.update_query_dict({"port": str(url.port)})  # it goes before the URL's own


def without_a_pool(dialect: Any) -> None:
    """Let the driver manager close what is closed: pyodbc asks it for a pool unless told otherwise before it connects.

    On Windows a pool keeps a connection open for a minute, while the VMs are quiesced.
    """
    if dialect.driver == "pyodbc":
        dialect.loaded_dbapi.pooling = False


def suit_old_sql_servers(dialect: Any) -> None:
    """Let SQLAlchemy's first connect pass on SQL Server 2000.

    It has no function schema_name(), and through pymssql its version is not recognized; no statement of ours depends on
    either. Measured with SQLAlchemy 2.0 and 2.1.
    """
    version = dialect._get_server_version_info
    dialect._get_default_schema_name = lambda _connection: "dbo"
    dialect._get_server_version_info = lambda connection: version(connection) or (8,)


def utc(created: object) -> datetime | None:
    """The time of a row, which VirtualCenter keeps in UTC; None when there is none to be read."""
    try:
        when = datetime.fromisoformat(created) if isinstance(created, str) else created
        if not isinstance(when, datetime):
            return None
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
