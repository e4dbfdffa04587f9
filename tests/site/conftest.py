"""Drivers and the servers behind them, put where SQLAlchemy imports them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from snapall.config.secret import Secret
from snapall.config.settings import Database
from snapall.site.virtualcenter import VirtualCenter
from tests.site.drivers import Driver, Pg8000, Pymssql, Pyodbc
from tests.site.servers import POSTGRESQL, SQL_2000, SQL_2005, Server

URLS: dict[type[Driver], str] = {
    Pyodbc: "mssql+pyodbc://vc_user@VirtualCenter",
    Pymssql: "mssql+pymssql://vc_user@vc01/VIM_VCDB?tds_version=7.1",
    Pg8000: "postgresql+pg8000://vc_user@vc01/VCDB",
}
PAIRS = [(Pyodbc, SQL_2000), (Pyodbc, SQL_2005), (Pymssql, SQL_2000), (Pymssql, SQL_2005), (Pg8000, POSTGRESQL)]


@dataclass
class Site:
    """A server, the driver before it, and snapall's way to ask."""

    server: Server
    driver: Driver

    def asked(self, owner: str | None = None) -> VirtualCenter:
        url = URLS[type(self.driver)]
        return VirtualCenter(Database(url=url, password=Secret("hunter2"), owner=owner, timeout=5))

    def assert_it_was_only_read(self) -> None:
        """Nothing but single SELECTs, none in a transaction, and every connection is closed."""
        assert self.server.open_now == 0
        assert self.server.other_than_reads == []
        assert self.server.in_transactions == []
        own = [text for text, _ in self.server.statements if "VPX_" in text or "TABLE_SCHEMA" in text]
        assert all(re.match(r"(DECLARE \w+ NO SCROLL CURSOR FOR )?SELECT\b", text) and ";" not in text for text in own)


Start = Callable[[type[Driver], str], Site]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Puts a driver into place; at the end it must have been treated well."""
    sites = []

    def begin(kind: type[Driver], release: str) -> Site:
        server = Server(release)
        driver = kind(server)
        monkeypatch.setitem(sys.modules, driver.__name__, driver)
        sites.append(Site(server, driver))
        return sites[-1]

    yield begin
    for site in sites:
        site.assert_it_was_only_read()
