"""snapall before a real driver manager: unixODBC, pyodbc, and FreeTDS's driver (Debian: tdsodbc).

No SQL Server can be installed here: what is tried is how it fails, by the texts that these programs really give.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.real.machine import missing
from tests.real.tds import TdsServer
from tests.waiting import PATIENCE

pytestmark = pytest.mark.real

TOML = """\
[vcenter]
host = "vc01"
[database]
url = "{url}"
password = "hunter2"
owner = "vc_user"
[filers.filer1]
host = "filer1"
transport = "rsh"
[jobs.vol1]
filer = "filer1"
volumes = ["vmvol1"]
datastores = [688]
"""
DRIVER = "[FreeTDS]\nDescription = FreeTDS\nDriver = {driver}\n"
DSN = "[VirtualCenter]\nDriver = {driver}\nServer = 127.0.0.1\nPort = {port}\nTDS_Version = 7.1\nDatabase = VIM_VCDB\n"


def asked(
    folder: Path, url: str = "mssql+pyodbc://vc_user@VirtualCenter", password: str = "hunter2", **files: str
) -> str:
    """What `snapall datastores` says, with an odbc.ini and an odbcinst.ini of its own; it must fail with 1."""
    (folder / "snapall.toml").write_text(TOML.format(url=url).replace("hunter2", password))
    for name in ("odbc", "odbcinst"):
        (folder / f"{name}.ini").write_text(files.get(name, ""))
    environment = {**os.environ, "ODBCSYSINI": str(folder), "ODBCINI": str(folder / "odbc.ini")}
    command = [sys.executable, "-m", "snapall", "datastores", "--config", str(folder / "snapall.toml")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert password not in ended.stderr
    assert "PWD" not in ended.stderr
    return ended.stderr


def needs_unixodbc() -> None:
    try:
        import_module("pyodbc")
    except ImportError as error:
        missing(f"pyodbc finds no driver manager (Debian: unixodbc): {error}")


def test_an_undefined_data_source_is_reported(tmp_path: Path) -> None:
    needs_unixodbc()
    output = asked(tmp_path)
    assert "the ODBC data source is missing: " in output
    assert "[unixODBC][Driver Manager]Data source name not found" in output
    assert "remedy: define the DSN" in output


def test_a_data_source_whose_driver_is_not_installed(tmp_path: Path) -> None:
    needs_unixodbc()
    output = asked(tmp_path, odbc=DSN.format(driver="/no/such/libtdsodbc.so", port=1))
    assert "the database driver is missing: " in output
    assert "[unixODBC][Driver Manager]Can't open lib '/no/such/libtdsodbc.so' : file not found" in output
    assert "remedy: install what database.url names" in output


def test_a_data_source_whose_driver_odbcinst_ini_does_not_know(tmp_path: Path) -> None:
    """unixODBC says of it what it says of a data source that is not there; so the remedy names both."""
    needs_unixodbc()
    output = asked(tmp_path, odbc=DSN.format(driver="NoSuchDriver", port=1))
    assert "the ODBC data source is missing: " in output
    assert "Data source name not found" in output
    assert "with a Driver listed in odbcinst.ini" in output


def test_a_server_that_does_not_listen(tmp_path: Path, driver: str, closed_port: int) -> None:
    needs_unixodbc()
    files = {"odbc": DSN.format(driver="FreeTDS", port=closed_port), "odbcinst": DRIVER.format(driver=driver)}
    output = asked(tmp_path, **files)
    assert "mssql+pyodbc://vc_user:***@VirtualCenter: the server cannot be reached: " in output
    assert "[FreeTDS][SQL Server]" in output
    assert "remedy: check server, port and firewall" in output


def test_a_server_whose_name_is_unknown(tmp_path: Path, driver: str) -> None:
    needs_unixodbc()
    dsn = DSN.format(driver=driver, port=1433).replace("127.0.0.1", "vc01.invalid")
    assert "the server cannot be reached: " in asked(tmp_path, odbc=dsn)


def test_a_connection_string_in_the_url_is_not_shown(tmp_path: Path, driver: str, closed_port: int) -> None:
    needs_unixodbc()
    words = f"DRIVER={driver};SERVER=127.0.0.1;PORT={closed_port};UID=vc_user;PWD=hunter2;TDS_Version=7.1"
    url = "mssql+pyodbc:///?odbc_connect=" + words.replace("/", "%2F").replace(";", "%3B").replace("=", "%3D")
    output = asked(tmp_path, url=url)
    assert "the server cannot be reached: " in output
    assert "SERVER" not in output
    assert "odbc_connect" not in output.split("remedy")[0]


DIRECT = "mssql+pyodbc://vc_user@127.0.0.1:{port}/VIM_VCDB?driver=FreeTDS&TDS_Version=7.1&Encryption={encryption}"


def test_freetds_reaches_host_and_port_of_a_url(tmp_path: Path, driver: str) -> None:
    needs_unixodbc()
    with TdsServer() as server:
        url = DIRECT.format(port=server.port, encryption="off")
        output = asked(tmp_path, url, odbcinst=DRIVER.format(driver=driver))
    assert server.passwords == ["hunter2"]
    assert "the login was refused: " in output
    assert "Login failed for user 'vc_user'" in output


def test_a_url_of_a_host_without_a_database_is_explained(tmp_path: Path, driver: str) -> None:
    """SQLAlchemy takes the host for a data source's name, and drops the driver."""
    needs_unixodbc()
    url = "mssql+pyodbc://vc_user@127.0.0.1:1433?driver=FreeTDS"
    output = asked(tmp_path, url, odbcinst=DRIVER.format(driver=driver))
    assert "the ODBC data source is missing: " in output
    assert "remedy: add the database to database.url" in output


def test_where_a_driver_that_requires_encryption_gets_none_the_remedy_names_it(tmp_path: Path, driver: str) -> None:
    """FreeTDS 1.3.17 says only that it is "unable to connect to data source"."""
    needs_unixodbc()
    with TdsServer() as server:
        url = DIRECT.format(port=server.port, encryption="require")
        output = asked(tmp_path, url, odbcinst=DRIVER.format(driver=driver))
    assert server.passwords == []
    assert "if it does, the TDS version and the encryption" in output


@pytest.mark.parametrize("password", ["a;b-c", "{a-b-c"])
def test_a_password_that_freetds_misreads_is_named(tmp_path: Path, driver: str, password: str) -> None:
    needs_unixodbc()
    with TdsServer() as server:
        files = {"odbc": DSN.format(driver="FreeTDS", port=server.port), "odbcinst": DRIVER.format(driver=driver)}
        output = asked(tmp_path, password=password, **files)
    assert server.passwords != [password]
    assert "remedy: FreeTDS misreads this password" in output
