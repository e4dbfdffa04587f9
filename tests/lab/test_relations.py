"""The simulated SnapMirror and SnapVault: transfers, bases, retained copies, and how they break off."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from snapall.lab.faults import Fault, FaultKind
from snapall.lab.filershell import FilerShell
from snapall.lab.ledger import Change
from snapall.lab.lunsites import LabRelation
from snapall.lab.sites import build
from snapall.lab.texts import Says
from tests.lab import external_actors
from tests.lab.sites import with_luns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NIGHT = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)
MIRROR, VAULT = "filer2:vmvol1_mirror", "filer2:/vol/sv/vmvol1"
UPDATE = f"snapmirror update -S filer1:vmvol1 {MIRROR}"
BASE, NEXT = "filer2(0084186432)_vmvol1_mirror.0", "filer2(0084186432)_vmvol1_mirror.1"
VAULTED = "filer2(0084186432)_sv-vmvol1.0"
RELATIONS = (
    LabRelation("snapmirror", "filer1:vmvol1", MIRROR),
    LabRelation("snapvault", "filer1:/vol/vmvol1/-", VAULT, keep="nightly"),
)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[FilerShell]:
    site = replace(with_luns(), relations=RELATIONS).having(clock=NIGHT.timestamp())
    with build(tmp_path / "lab", site) as world:
        yield FilerShell(world)


def output(shell: FilerShell, command: str) -> str:
    reply = shell.answer(command, "ssh", "snapall")
    return reply.stdout + reply.stderr


def status(shell: FilerShell, kind: str = "snapmirror") -> dict[str, str]:
    lines = output(shell, f"{kind} status -l").splitlines()[2:]
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def listing(shell: FilerShell, volume: str) -> dict[str, str]:
    return {row.name: ",".join(row.tags) for row in shell.world.listing(volume)}


def test_an_update_only_starts_the_transfer_which_brings_a_newer_base(shell: FilerShell) -> None:
    assert status(shell)["Base Snapshot"] == BASE
    assert output(shell, UPDATE) == (
        "Transfer started.\nMonitor progress with 'snapmirror status' or the snapmirror log.\n"
    )
    shell.world.advance(1)
    row = output(shell, "snapmirror status vmvol1_mirror").splitlines()
    assert row[:2] == ["Snapmirror is on.", Says.HEADING_MIRRORS()]
    assert row[2].split() == ["filer1:vmvol1", MIRROR, "Snapmirrored", "01:00:01", "Transferring", "(1", "MB", "done)"]
    assert listing(shell, "vmvol1")[NEXT] == "busy,snapmirror"
    assert status(shell)["Base Snapshot"] == BASE
    assert "already in progress" in output(shell, UPDATE)
    shell.world.advance(1)
    now = status(shell)
    assert (now["Status"], now["Base Snapshot"], now["Lag"]) == ("Idle", NEXT, "00:00:02")
    assert listing(shell, "vmvol1")[NEXT] == "snapmirror"
    assert BASE not in listing(shell, "vmvol1")
    assert [one.change for one in shell.world.ledger().effects] == [Change.TRANSFER_STARTED, Change.TRANSFERRED]


def test_a_mirror_has_the_snapshots_of_its_source_as_they_were_at_the_base(shell: FilerShell) -> None:
    output(shell, "lun clone create /vol/vmvol1/clone -o noreserve -b /vol/vmvol1/sql01 vmware_snap3")
    output(shell, UPDATE)
    output(shell, "snap create vmvol1 later")
    shell.world.advance(2)
    found = listing(shell, "vmvol1_mirror")
    assert found["vmware_recent"] == ""
    assert found["vmware_snap3"] == "busy,LUNs"
    assert found[NEXT] == "busy,snapmirror"
    assert "later" not in found
    assert BASE not in found
    assert "read-only" in output(shell, "snap delete vmvol1_mirror vmware_recent")


def test_a_transfer_that_broke_off_goes_on_at_the_next_update(shell: FilerShell) -> None:
    output(shell, UPDATE)
    shell.world.add_faults(Fault("snapmirror status", FaultKind.BREAK_OFF, text="no route to host"))
    now = status(shell)
    assert (now["Status"], now["Current Transfer Error"]) == ("Idle with restart checkpoint", "no route to host")
    shell.world.advance(60)
    assert status(shell)["Base Snapshot"] == BASE
    assert listing(shell, "vmvol1")[NEXT] == "busy,snapmirror"
    output(shell, UPDATE)
    shell.world.advance(2)
    now = status(shell)
    assert (now["Status"], now["Base Snapshot"], now["Current Transfer Error"]) == ("Idle", NEXT, "-")


def test_a_panic_breaks_transfers_off_and_restarts_splits(shell: FilerShell) -> None:
    output(shell, "lun clone create /vol/vmvol1/clone -o noreserve -b /vol/vmvol1/sql01 vmware_snap3")
    output(shell, "lun clone split start /vol/vmvol1/clone")
    output(shell, f"snapvault update -s vmware_recent {VAULT}")
    shell.world.advance(1.5)
    shell.world.add_faults(Fault("version", FaultKind.PANIC))
    output(shell, "version")
    assert output(shell, "lun clone split status").endswith(" 0% Complete\n")
    assert status(shell, "snapvault")["Status"] == "Idle with restart checkpoint"


def test_a_volume_that_went_back_behind_the_base_has_nothing_in_common_with_its_mirror(shell: FilerShell) -> None:
    output(shell, "snap restore -f -t vol -s vmware_snap3 vmvol1")
    assert "Transfer started" in output(shell, UPDATE)
    assert status(shell)["Current Transfer Error"] == Says.NO_COMMON()


def test_a_vault_takes_the_snapshot_that_it_is_told_and_holds_it(shell: FilerShell) -> None:
    assert "Transfer started" in output(shell, f"snapvault update -s vmware_recent {VAULT}")
    assert listing(shell, "vmvol1")["vmware_recent"] == "busy,snapvault"
    shell.world.advance(2)
    now = status(shell, "snapvault")
    assert (now["State"], now["Status"], now["Base Snapshot"]) == ("Snapvaulted", "Idle", "vmware_recent")
    assert listing(shell, "vmvol1")["vmware_recent"] == "snapvault"
    assert VAULTED not in listing(shell, "vmvol1")
    output(shell, f"snapvault update {VAULT}")
    shell.world.advance(2)
    assert listing(shell, "vmvol1")["vmware_recent"] == ""
    output(shell, f"snapvault update -s nosuch {VAULT}")
    assert status(shell, "snapvault")["Current Transfer Error"] == "No such snapshot."


def test_retained_copies_are_numbered_from_the_newest(shell: FilerShell) -> None:
    for n in range(3):
        assert output(shell, "snapvault snap create sv nightly") == ""
        assert len(listing(shell, "sv")) == n
        shell.world.advance(2)
    assert list(listing(shell, "sv")) == ["nightly.0", "nightly.1", "nightly.2"]
    assert shell.world.ledger().effects[-1].change is Change.KEPT


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("snapmirror", "usage:"),
        ("snapmirror status a b", "usage:"),
        ("snapmirror update", "usage:"),
        (f"snapmirror update -s vmware_recent {MIRROR}", "usage:"),
        ("snapmirror update filer2:nosuch", "snapmirror update: filer2:nosuch: no such destination"),
        (f"snapmirror update -S filer1:vmvol2 {MIRROR}", f"snapmirror update: {MIRROR}: no such destination"),
        ("snapmirror status nosuch", "snapmirror status: nosuch: no such destination"),
        ("snapvault snap create sv weekly", "snapvault snap create: weekly: no schedule of this name"),
        ("snapvault snap create nosuch nightly", "snapvault snap create: Volume nosuch does not exist."),
        ("snapvault snap sched", "usage:"),
    ],
)
def test_an_impossible_command_of_replication_changes_nothing(shell: FilerShell, command: str, answer: str) -> None:
    assert output(shell, command).startswith(answer)
    assert not shell.world.ledger().effects


def test_without_its_licence_nothing_is_replicated(shell: FilerShell) -> None:
    shell.world.set(licenses=())
    assert output(shell, UPDATE) == output(shell, "snapmirror status") == "snapmirror is not licensed.\n"


def test_what_cannot_begin_shows_in_the_status(tmp_path: Path) -> None:
    relations = (*RELATIONS[1:], LabRelation("snapmirror", "filer1:vmvol1", MIRROR, hours=None))
    with build(tmp_path / "lab", replace(with_luns(), relations=relations)) as world:
        shell = FilerShell(world)
        assert (status(shell)["State"], status(shell)["Lag"]) == ("Uninitialized", "-")
        output(shell, UPDATE)
        assert status(shell)["Current Transfer Error"] == Says.UNINITIALIZED()
        output(shell, "snap restore -f -t file -s vmware_recent /vol/vmvol1/sql01")
        output(shell, f"snapvault update {VAULT}")
        assert status(shell, "snapvault")["Current Transfer Error"] == Says.BLOCKED()


def test_faults_strike_replication_by_its_verbs(shell: FilerShell) -> None:
    refused = "Transfer aborted: cannot connect to source filer."
    shell.world.add_faults(
        Fault("snapmirror update", FaultKind.FAIL, text=refused),
        Fault("snapmirror update", FaultKind.LIE, nth=2),
        Fault("snapvault snap create", FaultKind.ACT_LATE, seconds=5),
    )
    assert output(shell, UPDATE) == refused + "\n"
    assert "Transfer started" in output(shell, UPDATE)
    output(shell, "snapvault snap create sv nightly")
    assert [entry.verb for entry in shell.world.ledger().changing] == [
        "snapmirror update",
        "snapmirror update",
        "snapvault snap create",
    ]
    assert not shell.world.ledger().effects
    shell.world.advance(7)
    shell.world.advance(7)
    assert list(listing(shell, "sv")) == ["nightly.0"]


def test_a_reader_of_the_mirror_sees_a_tag_set_by_hand_too(shell: FilerShell) -> None:
    external_actors.tag(shell.world, "vmvol1", "vmware_snap4", "busy", "dump")
    output(shell, "lun clone create /vol/vmvol1/clone -o noreserve -b /vol/vmvol1/sql01 vmware_snap4")
    assert listing(shell, "vmvol1")["vmware_snap4"] == "busy,dump,LUNs"


def test_the_source_shows_its_relations_and_the_snapshots_that_they_need(shell: FilerShell) -> None:
    assert [one.split()[1:3] for one in output(shell, "snapmirror status").splitlines()[2:]] == [
        [MIRROR, "Source"],
        [MIRROR, "Snapmirrored"],
    ]
    assert output(shell, "snapmirror destinations -s").splitlines()[1:] == [f"vmvol1          {BASE} {MIRROR}"]
    output(shell, UPDATE)
    shell.world.advance(2)
    assert NEXT in output(shell, "snapmirror destinations -s")
