"""The simulated filer's command line: its texts, its limits, and the effect of each fault."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.lab.faults import Fault, FaultKind
from snapall.lab.filershell import Ending, FilerShell, ShellReply
from snapall.lab.sites import build
from snapall.lab.strikes import Struck
from snapall.lab.texts import Says
from tests.lab import external_actors
from tests.lab.sites import batch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NIGHT = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)
NAMES = ["vmware_recent", "vmware_previous", "vmware_snap3", "vmware_snap4"]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[FilerShell]:
    with build(tmp_path / "lab", batch().having(clock=NIGHT.timestamp())) as world:
        yield FilerShell(world)


def output(shell: FilerShell, command: str) -> str:
    reply = shell.answer(command, "ssh", "snapall")
    assert reply.ending is Ending.ANSWER
    return reply.stdout + reply.stderr


def names(shell: FilerShell) -> list[str]:
    return [snapshot.name for snapshot in shell.world.listing("vmvol1")]


def test_version_is_one_line_without_a_mode_in_7_x(shell: FilerShell) -> None:
    assert output(shell, "version").startswith("NetApp Release 7.0.2: ")
    shell.world.set(version="NetApp Release 8.1P2 7-Mode: Tue Jun 12 17:53:00 PDT 2012 Multistore")
    assert "7-Mode" in output(shell, "version")


def test_the_brief_list_has_two_columns_newest_first(shell: FilerShell) -> None:
    external_actors.tag(shell.world, "vmvol1", "vmware_snap4", "busy", "LUNs")
    assert output(shell, "snap create vmvol1 new") == "creating snapshot...\n"
    assert output(shell, "snap list -n vmvol1") == (
        "Volume vmvol1\n"
        "working...\n"
        "\n"
        "date          name\n"
        "------------  --------\n"
        "Mar 22 03:00  new\n"
        "Mar 21 17:00  vmware_recent\n"
        "Mar 20 17:00  vmware_previous\n"
        "Mar 19 17:00  vmware_snap3\n"
        "Mar 18 17:00  vmware_snap4   (busy,LUNs)\n"
    )


def test_the_full_list_shows_the_space_too(shell: FilerShell) -> None:
    lines = output(shell, "snap list vmvol1").splitlines()
    assert lines[3:6] == [
        "  %/used       %/total  date          name",
        "----------  ----------  ------------  --------",
        "  1% ( 1%)    0% ( 0%)  Mar 21 17:00  vmware_recent",
    ]


def test_without_a_volume_all_are_listed(shell: FilerShell) -> None:
    with shell.world.transaction() as transaction:
        transaction.db.execute("INSERT INTO volumes (name, kb) VALUES ('empty', 1000)")
    shell.world.set(working="")
    assert output(shell, "snap list").startswith("Volume empty\n\n\nNo snapshots exist.\n\nVolume vmvol1\n")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("snap create vmvol1 vmware_recent", "Snapshot already exists."),
        ("snap delete vmvol1 nosuch", "No such snapshot."),
        ("snap rename vmvol1 nosuch x", "No such snapshot."),
        ("snap rename vmvol1 vmware_snap3 vmware_snap4", "Snapshot already exists."),
        ("snap list nosuch", "snap list: Volume nosuch does not exist."),
        ("snap create nosuch x", "snap create: Volume nosuch does not exist."),
        ("snap rename nosuch x y", "snap rename: Volume nosuch does not exist."),
        ("snap delete nosuch x", "snap delete: Volume nosuch does not exist."),
        ("vol status nosuch", "vol status: No volume named 'nosuch' exists."),
        ("nosuch command", "nosuch not found.  Type '?' for a list of commands"),
        ("", " not found.  Type '?' for a list of commands"),
        ("snap create 'unclosed", "usage:"),
        ("snap create vmvol1", "usage:"),
        ("snap rename vmvol1 x", "usage:"),
        ("snap delete", "usage:"),
        ("snap list -x vmvol1", "usage:"),
        ("snap", "usage:"),
        ("snap restore vmvol1", "usage:"),
    ],
)
def test_an_impossible_command_answers_on_stderr_and_changes_nothing(
    shell: FilerShell, command: str, answer: str
) -> None:
    reply = shell.answer(command, "ssh", "snapall")
    assert reply.stdout == ""
    assert reply.stderr.startswith(answer)
    assert names(shell) == NAMES
    assert [entry.effect for entry in shell.world.ledger()] == [None]


def test_the_filer_refuses_to_delete_a_busy_snapshot_and_gives_the_reason(shell: FilerShell) -> None:
    for tags, reason in [(("busy", "LUNs"), "LUN clone"), (("busy", "dump"), "dump"), (("busy",), "snapshot in use")]:
        external_actors.tag(shell.world, "vmvol1", "vmware_snap4", *tags)
        answer = output(shell, "snap delete vmvol1 vmware_snap4")
        assert answer == f"Snapshot vmware_snap4 is busy because of {reason}\n"
    external_actors.tag(shell.world, "vmvol1", "vmware_snap4", "snapmirror")
    assert output(shell, "snap delete vmvol1 vmware_snap4") == "deleting snapshot...\n"


def test_the_state_of_a_volume_decides(shell: FilerShell) -> None:
    external_actors.set_volume(shell.world, "vmvol1", read_only=True)
    assert "read-only volume" in output(shell, "snap delete vmvol1 vmware_snap4")
    assert "vmware_snap4" in output(shell, "snap list -n vmvol1")
    assert "read-only" in output(shell, "vol status vmvol1")
    external_actors.set_volume(shell.world, "vmvol1", full=True)
    assert "No space left" in output(shell, "snap create vmvol1 x")
    external_actors.set_volume(shell.world, "vmvol1", state="offline")
    assert "offline" in output(shell, "snap list vmvol1")
    assert "offline" in output(shell, "vol status")
    external_actors.set_volume(shell.world, "vmvol1")
    assert output(shell, "vol status vmvol1").splitlines()[1].split()[:4] == ["vmvol1", "online", "raid_dp,", "flex"]


def test_a_volume_has_at_most_255_snapshots(shell: FilerShell) -> None:
    for n in range(251):
        assert output(shell, f"snap create vmvol1 s{n}") == "creating snapshot...\n"
    assert "maximum number of snapshots" in output(shell, "snap create vmvol1 one_too_many")
    assert len(names(shell)) == 255


def test_success_may_be_silent_or_come_on_stderr(shell: FilerShell) -> None:
    shell.world.set(success_on_stderr=True)
    assert shell.answer("snap create vmvol1 a", "ssh", "snapall") == ShellReply(stderr="creating snapshot...\n")
    shell.world.set(silent=True)
    assert shell.answer("snap delete vmvol1 a", "ssh", "snapall") == ShellReply()
    assert shell.answer("snap rename vmvol1 vmware_snap4 b", "ssh", "snapall") == ShellReply()


def test_the_filer_may_be_slow(shell: FilerShell) -> None:
    shell.world.set(filer_seconds=2)
    assert shell.answer("version", "ssh", "snapall").wait == 2


@pytest.mark.parametrize(
    ("fault", "reply"),
    [
        (Fault("snap create", FaultKind.FAIL), ShellReply(stderr="snap create: operation failed\n")),
        (
            Fault("snap create", FaultKind.FAIL, text="creating snapshot...\nno"),
            ShellReply(stderr="creating snapshot...\nno\n"),
        ),
        (Fault("filer", FaultKind.REFUSE, match="x"), ShellReply(ending=Ending.REFUSE)),
        (Fault("snap", FaultKind.DROP), ShellReply(ending=Ending.DROP)),
        (Fault("snap create", FaultKind.HANG, seconds=9), ShellReply(wait=9, ending=Ending.DROP)),
        (Fault("snap create", FaultKind.LIE), ShellReply(stdout="creating snapshot...\n")),
    ],
)
def test_some_faults_prevent_the_act(shell: FilerShell, fault: Fault, reply: ShellReply) -> None:
    shell.world.add_faults(fault)
    assert shell.answer("snap create vmvol1 x", "ssh", "snapall") == reply
    assert names(shell) == NAMES
    assert shell.world.ledger()[0].fault == fault.kind.value


def test_a_lie_answers_like_a_change_and_changes_nothing(shell: FilerShell) -> None:
    shell.world.add_faults(Fault("snap", FaultKind.LIE, times=0))
    assert shell.answer("snap delete vmvol1 vmware_snap4", "ssh", "snapall") == ShellReply(
        stdout="deleting snapshot...\n"
    )
    assert shell.answer("snap rename vmvol1 vmware_snap4 b", "ssh", "snapall") == ShellReply()
    assert "vmware_snap4" in output(shell, "snap list vmvol1")
    assert [entry.effect for entry in shell.world.ledger()] == [None, None, None]


@pytest.mark.parametrize(
    ("fault", "reply"),
    [
        (Fault("snap create", FaultKind.ACT_NO_ANSWER), ShellReply(ending=Ending.DROP)),
        (Fault("snap create", FaultKind.SLOW, seconds=9), ShellReply(stdout="creating snapshot...\n", wait=9)),
        (Fault("snap create", FaultKind.GARBAGE, text="?"), ShellReply(stdout="?\n")),
        (Fault("snap create", FaultKind.HALF), ShellReply(stdout="creating s", ending=Ending.DROP)),
        (Fault("snap create", FaultKind.NO_SSID), ShellReply(stdout="creating snapshot...\n")),
    ],
)
def test_some_faults_spoil_only_the_answer(shell: FilerShell, fault: Fault, reply: ShellReply) -> None:
    shell.world.add_faults(fault)
    assert shell.answer("snap create vmvol1 x", "ssh", "snapall") == reply
    assert names(shell) == ["x", *NAMES]


def test_an_effect_may_come_after_the_caller_has_left(shell: FilerShell) -> None:
    external_actors.make_vm_snapshot(shell.world, 108, "Quiesce")
    shell.world.add_faults(Fault("snap create", FaultKind.ACT_LATE, seconds=5, wait=2))
    assert shell.answer("snap create vmvol1 x", "ssh", "snapall") == ShellReply(wait=2, ending=Ending.DROP)
    assert names(shell) == NAMES
    shell.world.advance(5)
    assert names(shell) == ["x", *NAMES]
    (taken,) = shell.world.ledger().captures
    assert (taken.of, dict(taken.quiesced)) == (1, {108: ("Quiesce",)})


def test_tags_come_and_go_and_snapshots_vanish_between_two_looks(shell: FilerShell) -> None:
    shell.world.add_faults(
        Fault("snap list", FaultKind.TAG, snapshot="vmware_snap4", text="busy,snapmirror"),
        Fault("snap list", FaultKind.TAG, nth=2, snapshot="vmware_snap4"),
        Fault("snap list", FaultKind.VANISH, nth=3, snapshot="vmware_snap3"),
    )
    looks = [output(shell, "snap list -n vmvol1") for _ in range(3)]
    assert ["(busy,snapmirror)" in look for look in looks] == [True, False, False]
    assert ["vmware_snap3" in look for look in looks] == [True, True, False]


def test_a_connection_can_be_struck_before_any_command(shell: FilerShell) -> None:
    assert shell.login("ssh") == ShellReply()
    assert shell.world.ledger() == ()
    shell.world.add_faults(
        Fault("login", FaultKind.FAIL),
        Fault("login", FaultKind.SLOW, nth=2, seconds=3),
        Fault("login", FaultKind.HANG, nth=3, seconds=9),
        Fault("login", FaultKind.REFUSE, nth=4),
        Fault("login", FaultKind.DATABASE_DOWN, nth=5),
        Fault("filer", FaultKind.FAIL, times=0),
    )
    assert [shell.login("rsh") for _ in range(5)] == [
        ShellReply(stderr="Permission denied."),
        ShellReply(wait=3),
        ShellReply(wait=9, ending=Ending.REFUSE),
        ShellReply(ending=Ending.REFUSE),
        ShellReply(),
    ]
    assert len(shell.world.ledger()) == 5
    assert shell.world.ledger().filer == ()


def test_the_ledger_names_every_fault_that_struck() -> None:
    both = Struck(Fault("snap create", FaultKind.DROP), (Fault("snap create", FaultKind.LAG),))
    assert both.label == "drop, lag"
    assert Struck().label is None


def test_no_two_texts_are_equal() -> None:
    assert len(Says) == len(Says.__members__), "equal texts would be one"


@given(st.text())
def test_no_command_breaks_it(shared: FilerShell, command: str) -> None:
    reply = shared.answer(command, "ssh", "snapall")
    assert reply.stdout or reply.stderr


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilerShell]:
    with build(tmp_path_factory.mktemp("shared"), batch()) as world:
        yield FilerShell(world)
