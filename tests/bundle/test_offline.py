"""The machine without a network on which bundles are tried, and what a trial requires."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bundle import offline, wine
from tests.bundle.checks import require_backup, require_documents
from tests.bundle.standalone import SOURCE_MISSING, bare
from tests.real.machine import missing, program

LOOKS = """\
import os, socket, sys
print([name for _, name in socket.if_nameindex()], os.environ.get("PATH"), os.getcwd())
with socket.socket() as one:
    one.bind(("127.0.0.1", 0))
try:
    socket.create_connection(("192.0.2.1", 80), 5)
except OSError as error:
    sys.exit(f"cannot: {error.strerror}")
"""


@pytest.fixture
def namespaces() -> None:
    program("unshare", "util-linux")
    if subprocess.run([*offline.namespace(), "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        if os.geteuid() != 0:
            pytest.skip("only root may open a network namespace here")
        missing("this machine gives no network namespace")


@pytest.mark.real
@pytest.mark.usefixtures("namespaces")
def test_a_program_is_run_with_the_loopback_alone(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as failed:
        offline.run([sys.executable, "-c", LOOKS], tmp_path, {"PATH": "/nowhere"})
    assert f"['lo'] /nowhere {tmp_path}" in str(failed.value)
    assert "cannot: Network is unreachable" in str(failed.value)


def test_the_windows_that_the_variables_name_is_the_one_that_is_copied(tmp_path: Path) -> None:
    named = {"SNAPALL_WINE_PYTHON": str(tmp_path / "Python311"), "SNAPALL_WINE_PREFIX": str(tmp_path / "prefix")}
    assert wine.source(named) == (tmp_path / "Python311", tmp_path / "prefix")
    with pytest.raises(SystemExit, match="no Windows Python in"), wine.windows(named):
        pass


def test_wine_sees_the_files_of_this_system() -> None:
    assert wine.path(Path("/srv/snapall/a b.toml")) == r"Z:\srv\snapall\a b.toml"


WHOLE = """\
The lab's own ledger shows:
  19 of 19 VMs were quiesced when vmware_new_20261129T183333Z-kwzg was taken
  0 VMs are still quiesced by this run
"""


def test_a_whole_backup_of_the_demo_is_enough() -> None:
    require_backup(WHOLE)


@pytest.mark.parametrize(("old", "new"), [("19 of 19", "18 of 19"), ("  0 VMs", "  1 VMs")])
def test_less_than_a_whole_backup_is_not(old: str, new: str) -> None:
    with pytest.raises(RuntimeError, match="no whole backup"):
        require_backup(WHOLE.replace(old, new))


def test_a_missing_document_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"not written out: docs/install\.md"):
        require_documents(tmp_path)


def test_nothing_leads_to_a_python() -> None:
    given = {"PATH": "/usr/bin", "PYTHONPATH": "/x", "VIRTUAL_ENV": "/y", "HOME": "/root"}
    assert bare(given) == {"PATH": "/nowhere", "HOME": "/root"}
    assert bare({"Path": "C:\\Python", "SYSTEMROOT": "C:\\windows"})["PATH"] == "C:\\windows\\system32"


@pytest.mark.parametrize("manager", ["[unixODBC][Driver Manager]", "[Microsoft][ODBC Driver Manager] "])
def test_a_driver_manager_is_known_by_its_answer(manager: str) -> None:
    said = f"snapall: SA-2104 the VirtualCenter database x: the ODBC data source is missing: {manager}Data source name"
    assert SOURCE_MISSING.search(said) is not None
    assert SOURCE_MISSING.search("snapall: SA-2104 x: the database driver is missing: No module named 'pyodbc'") is None
