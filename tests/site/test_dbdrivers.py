from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.site.dbdrivers import Trouble, connect_timeout, masked, trouble_of, utc


def test_a_time_is_utc_whatever_the_driver_makes_of_it() -> None:
    noon = datetime(2007, 3, 22, 12, tzinfo=UTC)
    assert utc(datetime(2007, 3, 22, 12)) == noon  # noqa: DTZ001 - a driver's answer
    assert utc(datetime(2007, 3, 22, 14, tzinfo=timezone(timedelta(hours=2)))) == noon
    assert utc(42) is None
    assert utc("0001-01-01T00:00:00+05:00") is None


@given(st.text() | st.datetimes(timezones=st.none() | st.timezones()) | st.none() | st.integers())
def test_whatever_stands_for_a_time_is_utc_or_unknown(created: object) -> None:
    when = utc(created)
    assert when is None or when.tzinfo is UTC


def test_each_driver_is_told_its_time_out_in_its_own_words() -> None:
    assert connect_timeout("pymssql", 30) == {"login_timeout": 30, "timeout": 30}
    assert connect_timeout("psycopg", 0.2) == {"connect_timeout": 1}
    assert connect_timeout("oracledb", 30) == {}


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("[IM002] [unixODBC][Driver Manager]Data source name not found, and no default driver specified", Trouble.DSN),
        ("[01000] [unixODBC][Driver Manager]Can't open lib 'libtdsodbc.so' : file not found", Trouble.DRIVER),
        ("libodbc.so.2: cannot open shared object file: No such file or directory", Trouble.DRIVER),
        ("ODBC Driver 13 for SQL Server does not support connections to SQL Server 2000", Trouble.OLD_SERVER),
        ("SSL Provider: [error:0A000102:SSL routines::unsupported protocol]", Trouble.ENCRYPTION),
        ("[28000] [FreeTDS][SQL Server]Login failed for user 'x'. (18456)", Trouble.LOGIN),
        ("(18456, b'Login failed\\nAdaptive Server connection failed (vcdb)')", Trouble.LOGIN),
        ('FATAL: password authentication failed for user "vc"', Trouble.LOGIN),
        ("[08001] [FreeTDS][SQL Server]Unable to connect to data source (0)", Trouble.UNREACHABLE),
        ("[HYT00] [Microsoft][ODBC Driver 17 for SQL Server]Login timeout expired (0)", Trouble.UNREACHABLE),
        ("connection to server failed: Connection refused", Trouble.UNREACHABLE),
        ("[42S02] [FreeTDS][SQL Server]Invalid object name 'dbo.VPX_VM'. (208)", Trouble.TABLE),
        ('relation "vpx_vm" does not exist', Trouble.TABLE),
        ("[42S22] Invalid column name 'IS_TEMPLATE'. (207)", Trouble.COLUMN),
        ('column "x" does not exist', Trouble.COLUMN),
        ("The SELECT permission was denied on the object 'VPX_HOST' (229)", Trouble.RIGHT),
        ("permission denied for table vpx_host", Trouble.RIGHT),
        ("database is locked", Trouble.OTHER),
    ],
)
def test_what_a_drivers_text_means(text: str, trouble: Trouble) -> None:
    assert trouble_of(text) is trouble
    assert trouble.what
    assert trouble.hint


def test_passwords_are_masked_as_they_are_and_as_urls_write_them() -> None:
    assert masked("a b, a%20b, a+b, Pwd={x y} password = z", "a b", "") == "***, ***, ***, Pwd=*** password = ***"


@pytest.mark.parametrize(
    "text",
    [
        "DSN=VirtualCenter;UID=vc_user;PWD=hunter2",
        "DRIVER={ODBC Driver 17 for SQL Server};SERVER=vc01,1433;PWD={hunter2;}}x}",
        "Driver=FreeTDS; Server=vc01; UID = vc_user; PWD = hunter2;",
    ],
)
def test_no_connection_string_is_told(text: str) -> None:
    told = masked(f"[08001] cannot connect with {text} (0)")
    assert told.startswith("[08001] cannot connect with ***")
    assert not {"vc_user", "vc01", "FreeTDS", "VirtualCenter"} & set(re.findall(r"\w+", told))


@given(st.text(alphabet="abcXYZ019{};=% @+&", min_size=5))
def test_whatever_the_password_is_it_is_not_told(password: str) -> None:
    assert password not in masked(f"Unable to connect: {password}! UID=vc_user;PWD={{{password}}}", password)
