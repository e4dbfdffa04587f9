"""The rsh client against a real in.rshd, and the system's own rsh client against the lab's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from snapall.backup.steps import Capture, Delete, Done, Rename
from snapall.errors import SiteError
from snapall.lab.faults import Fault, FaultKind
from snapall.lab.serve import Lab
from snapall.site.filer import FilerSystem
from snapall.site.rsh import Rsh
from tests.real.conftest import Peer
from tests.real.machine import missing, program
from tests.waiting import PATIENCE

pytestmark = pytest.mark.real


def test_snapshots_are_made_renamed_listed_and_deleted(rshd: Peer) -> None:
    filer = FilerSystem(Rsh(rshd.settings), "filer1")
    assert "7.0.2" in filer.version()
    assert isinstance(filer.perform(Capture("vmvol1", "new")), Done)
    assert isinstance(filer.perform(Rename("vmvol1", "new", "newer")), Done)
    assert filer.listing("vmvol1")[0].name == "newer"
    assert isinstance(filer.perform(Delete("vmvol1", "newer")), Done)


def test_a_user_whom_rhosts_does_not_name_is_refused(rshd: Peer) -> None:
    stranger = Rsh(rshd.settings.model_copy(update={"local_user": "somebody"}))
    with pytest.raises(SiteError):
        FilerSystem(stranger, "filer1").listing("vmvol1")


def test_an_unprivileged_source_port_is_refused(rshd: Peer) -> None:
    with pytest.raises(SiteError):
        FilerSystem(Rsh(rshd.settings.model_copy(update={"reserved_port": False})), "filer1").listing("vmvol1")


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.ACT_NO_ANSWER])
def test_a_killed_command_looks_like_silence_so_only_the_list_tells(rshd: Peer, kind: FaultKind) -> None:
    """rsh has no exit status, and silence is one of the ways in which a filer says yes: that is why a run proves."""
    rshd.world.add_faults(Fault("snap create", kind))
    filer = FilerSystem(Rsh(rshd.settings), "filer1")
    assert filer.perform(Capture("vmvol1", "new")) == Done("")
    assert ("new" in {row.name for row in filer.listing("vmvol1")}) == (kind is FaultKind.ACT_NO_ANSWER)


Equivalent = Callable[[str], Peer]


def test_a_host_and_user_of_hosts_equiv_may_come_in(hosts_equiv: Equivalent) -> None:
    peer = hosts_equiv("127.0.0.1 snapall\nlocalhost snapall\n")
    assert "7.0.2" in FilerSystem(Rsh(peer.settings), "filer1").version()


@pytest.mark.parametrize("lines", ["", "127.0.0.1 somebody\nlocalhost somebody\n", "192.0.2.1 snapall\n"])
def test_whoever_hosts_equiv_does_not_name_is_refused(hosts_equiv: Equivalent, lines: str) -> None:
    """This daemon says so as if it were the command's output, so nothing may be taken for a listing."""
    with pytest.raises(SiteError, match="Authentication failure"):
        FilerSystem(Rsh(hosts_equiv(lines).settings), "filer1").listing("vmvol1")


def test_the_systems_own_rsh_speaks_to_the_labs_filer(tmp_path: Path) -> None:
    """It knows port 514 alone, so the two meet in a network namespace, where that port is free."""
    client = program("rsh-redone-rsh", "rsh-redone-client")
    if os.geteuid() != 0:
        pytest.skip("only root may open a network namespace and take a privileged port")
    unshare = [program("unshare", "util-linux"), "--net"]
    if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        missing("this machine gives no network namespace")
    commands = ["snap create vmvol1 new", "snap list -n vmvol1", "nosuch"]
    argv = [*unshare, sys.executable, "-m", "tests.real.rsh_alone", str(tmp_path / "lab"), client, *commands]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=True)
    created, listed, unknown, refused = [json.loads(line) for line in ended.stdout.splitlines()]
    assert created == [0, "creating snapshot...\n", ""]
    assert listed[0] == 0
    assert " new\n" in listed[1]
    assert unknown[:2] == [0, ""]  # rsh has no exit status; this client drops errors that come with the end
    assert refused[0] != 0
    with Lab(tmp_path / "lab") as lab:
        assert [entry.command for entry in lab.world.ledger()] == commands
        assert "new" in {row.name for row in lab.world.listing("vmvol1")}
