from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from snapall.site.dbdrivers import Trouble, connect_timeout, masked, trouble_of, utc, with_port


def test_a_time_is_utc_whatever_the_driver_makes_of_it() -> None:
    noon = datetime(2007, 3, 22, 12, tzinfo=UTC)
    assert utc(datetime(2007, 3, 22, 12)) == noon  # noqa: DTZ001 - a driver's answer
    assert utc(datetime(2007, 3, 22, 14, tzinfo=timezone(timedelta(hours=2)))) == noon
    assert utc(42) is None
    assert utc("0001-01-01T00:00:00+05:00") is None


@given(st.text() | st.datetimes(timezones=st.none() | st.timezones()) | st.none() | st.integers())
def test_any_value_for_a_time_is_utc_or_unknown(created: object) -> None:
    when = utc(created)
    assert when is None or when.tzinfo is UTC


def test_each_driver_gets_its_timeout_in_its_own_parameters() -> None:
    assert connect_timeout("pymssql", 30) == {"login_timeout": 30, "timeout": 30}
    assert connect_timeout("psycopg", 0.2) == {"connect_timeout": 1}
    assert connect_timeout("oracledb", 30) == {}


FIXTURE = Path(__file__).parents[2] / "fixtures" / "database" / "driver_errors.tsv"
SAID = [line.split("\t") for line in FIXTURE.read_text().splitlines() if not line.startswith("#")]


def test_every_trouble_has_texts_and_a_remedy() -> None:
    assert {name for name, _, _ in SAID} == {one.name for one in Trouble}
    assert {source for _, source, _ in SAID} == {"measured", "thread", "document", "uncertain"}
    assert all(one.what and one.hint for one in Trouble)


@pytest.mark.parametrize(("name", "source", "text"), SAID)
def test_what_a_drivers_text_means(name: str, source: str, text: str) -> None:
    assert trouble_of(text) is Trouble[name]


@pytest.mark.parametrize(
    ("url", "trouble", "remedy"),
    [
        ("mssql+pyodbc://u@DSN", Trouble.DRIVER, "pyodbc and an ODBC driver manager"),
        ("mssql://u@DSN", Trouble.DRIVER, "pyodbc and an ODBC driver manager"),
        ("mssql+pyodbc://u@VirtualCenter", Trouble.DSN, "define the DSN"),
        ("mssql+pyodbc://u@vc01:1433?driver=FreeTDS", Trouble.DSN, "add the database to database.url"),
        ("mssql+pymssql://u@vc01/VCDB", Trouble.DRIVER, "the Python package for pymssql"),
        ("oracle+oracledb://u@vc01", Trouble.DRIVER, "the Python package for oracledb"),
        ("oracle://u@vc01", Trouble.DRIVER, "the Python package for oracle "),
        ("postgresql+psycopg2://u@vc01/VCDB", Trouble.DRIVER, "pip install 'snapall[postgresql]'"),
        ("postgresql://u@vc01/VCDB", Trouble.RIGHT, "sql/grants-postgresql.sql"),
        ("mssql+pyodbc://u@DSN", Trouble.RIGHT, "sql/grants.sql"),
        ("postgresql+pg8000://u@vc01/VCDB", Trouble.UNREACHABLE, "listen_addresses"),
        ("sqlite:////var/lib/none.db", Trouble.UNREACHABLE, "check the path"),
        ("postgresql+psycopg://u@vc01/VCDB", Trouble.LATE, "what locks the VPX_ tables"),
    ],
)
def test_the_remedy_fits_the_database_and_its_driver(url: str, trouble: Trouble, remedy: str) -> None:
    assert remedy in trouble.remedy(sa.make_url(url), "")


@pytest.mark.parametrize("password", ["a;b", "{ab", "a}b"])
def test_a_refused_login_through_freetds_names_a_password_that_it_misreads(password: str) -> None:
    text = "[42000] [FreeTDS][SQL Server]Login failed for user 'u'. (18456)"
    url = sa.URL.create("mssql+pyodbc", "u", password, "DSN")
    assert "FreeTDS misreads this password" in Trouble.LOGIN.remedy(url, text)
    assert "misreads" not in Trouble.LOGIN.remedy(url, text.replace("FreeTDS", "Microsoft"))
    assert "misreads" not in Trouble.LOGIN.remedy(url.set(password="a{b"), text)


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("mssql+pyodbc://u@vc01:1433/VCDB?driver=FreeTDS", "1433"),
        ("mssql+pyodbc://u@vc01:1433/VCDB?driver=/lib/libtdsodbc.so", "1433"),
        ("mssql+pyodbc://u@vc01:1433/VCDB?driver=ODBC+Driver+17", None),
        ("mssql+pyodbc://u@VirtualCenter", None),
        ("postgresql+psycopg://u@vc01:5432/VCDB", None),
    ],
)
def test_freetds_alone_gets_its_port_as_an_option(url: str, port: str | None) -> None:
    assert with_port(sa.make_url(url)).query.get("port") == port


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
def test_no_connection_string_is_shown(text: str) -> None:
    text = masked(f"[08001] cannot connect with {text} (0)")
    assert text.startswith("[08001] cannot connect with ***")
    assert not {"vc_user", "vc01", "FreeTDS", "VirtualCenter"} & set(re.findall(r"\w+", text))


@given(st.text(alphabet="abcXYZ019{};=% @+&", min_size=5))
def test_no_password_is_shown_whatever_it_is(password: str) -> None:
    assert password not in masked(f"Unable to connect: {password}! UID=vc_user;PWD={{{password}}}", password)
