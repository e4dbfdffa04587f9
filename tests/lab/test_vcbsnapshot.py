"""The simulated vcbsnapshot: what it prints, how it exits, what each fault makes of it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from snapall.lab.faults import NAMED, Fault, FaultKind
from snapall.lab.filershell import FilerShell
from snapall.lab.ledger import Change
from snapall.lab.sites import build
from snapall.lab.sites import paper as paper_site
from snapall.lab.vcbcalls import ProgramResult
from snapall.lab.vcbsnapshot import main, parse, vcbsnapshot
from snapall.lab.world import World
from tests.lab import external_actors
from tests.lab.sites import batch
from tests.platforms import with_signals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NIGHT = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)
CREATE, REMOVE = "vcbsnapshot create", "vcbsnapshot delete"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build(tmp_path / "lab", batch().having(clock=NIGHT.timestamp())) as world:
        yield world


def ask(world: World, *rest: str) -> ProgramResult:
    settings = world.settings
    return vcbsnapshot(world, ["-h", "vc01", "-u", settings.vc_user, "-p", settings.vc_password, *rest])


def create(world: World, vm: int = 108) -> ProgramResult:
    return ask(world, "-c", f"moref:vm-{vm}", "Quiesce")


def remove(world: World, ssid: str = "snapshot-1228", vm: int = 108) -> ProgramResult:
    return ask(world, "-d", f"moref:vm-{vm}", f"ssid:{ssid}")


def listed(world: World) -> list[int]:
    with closing(sqlite3.connect(world.directory / "virtualcenter.db")) as db:
        return [id_ for (id_,) in db.execute("SELECT ID FROM VPX_SNAPSHOT ORDER BY ID")]


def test_it_prints_what_the_recordings_show(world: World) -> None:
    assert create(world) == (0, "SsId:snapshot-1228\n", "")
    assert ask(world, "-f", "moref:vm-108", "Quiesce") == (0, "SsId:snapshot-1228\n", "")
    assert remove(world) == (0, "Snapshot ssid:snapshot-1228 deleted\n", "")
    assert ask(world, "-d", "moref:vm-108", "SsId:snapshot-1228").exit == 1


def test_a_log_line_comes_first_now_and_then(world: World) -> None:
    first, second = create(world, 110).stdout.splitlines()
    assert first == "[2007-03-22 03:00:00.000 'vcbSnapshot' 2052 info] create moref:vm-110"
    assert second == "SsId:snapshot-1228"


def test_the_batch_s_missing_user_is_refused(world: World) -> None:
    end = vcbsnapshot(world, ["-h", "vc01", "-u", "-p", "vcpw", "-c", "moref:vm-108", "Quiesce"])
    assert end.exit == 1
    assert end.stdout == (
        "Error: Other error encountered: Cannot complete login due to an incorrect user name or password. (user='-p')\n"
    )
    assert world.quiesced() == {}


def test_without_a_login_config_js_is_used_if_there_is_one(world: World) -> None:
    argv = ["-h", "vc01", "-c", "moref:vm-108", "Quiesce"]
    assert vcbsnapshot(world, argv).exit == 1
    world.set(config_js=True)
    assert vcbsnapshot(world, argv).exit == 0
    assert vcbsnapshot(world, ["-u", "somebody", *argv]).exit == 1


@pytest.mark.parametrize(
    ("rest", "output"),
    [
        (("-c", "moref:vm-42", "Quiesce"), "The object 'vim.VirtualMachine:vm-42' has already been deleted"),
        (("-d", "moref:vm-108", "ssid:snapshot-7"), "The object 'vim.vm.Snapshot:snapshot-7' has already been deleted"),
        (("-d", "moref:vm-108", "ssid:snapshot-failed"), "has already been deleted or has not been completely created"),
        (("-f", "moref:vm-108", "Quiesce"), "Snapshot not found: Quiesce"),
        (("-d", "moref:vm-108", "snapshot-7"), "usage:"),
        (("-c", "moref:vm-Login", "Quiesce"), "usage:"),
        (("-c", "moref:vm-108"), "usage:"),
        (("--help",), "usage:"),
    ],
)
def test_an_impossible_call_prints_an_error(world: World, rest: tuple[str, ...], output: str) -> None:
    end = ask(world, *rest)
    assert end.exit == 1
    assert output in end.stdout
    assert [(entry.exit, entry.effect) for entry in world.ledger()] == [(1, None)]


def test_another_vm_s_snapshot_is_not_removed(world: World) -> None:
    create(world, 110)
    assert remove(world, vm=108).exit == 1
    assert set(world.quiesced()) == {110}


def test_a_template_cannot_be_quiesced(tmp_path: Path) -> None:
    with build(tmp_path, paper_site()) as world:
        assert "operation not supported" in create(world, 112).stdout


def test_a_vm_has_a_maximum_of_snapshots(world: World) -> None:
    world.set(levels=2)
    assert [create(world).exit for _ in range(3)] == [0, 0, 1]


def test_usage_needs_a_host() -> None:
    assert parse(["-c", "moref:vm-1", "Q"]) is None
    assert parse(["-h"]) is None


def test_virtualcenter_takes_its_time_and_finishes_alone(world: World) -> None:
    world.set(create_seconds=10, remove_seconds=10)
    assert create(world).exit == 0
    taken = (world.now() - NIGHT).total_seconds()
    assert 5 <= taken <= 15
    call, made = world.ledger()
    assert (call.effect, made.of, made.verb) == (None, call.n, "")
    assert made.effect is not None
    assert made.effect.change is Change.MADE
    assert remove(world).exit == 0
    assert world.quiesced() == {}


def test_a_second_task_for_a_busy_vm_is_refused(world: World) -> None:
    world.add_faults(Fault(CREATE, FaultKind.ACT_LATE, seconds=60))
    assert create(world) == (1, "", "")
    assert "another task is in progress" in create(world).stdout
    assert create(world, 110).exit == 0
    world.advance(60)
    assert create(world).exit == 0


def test_the_task_of_a_vm_that_is_removed_meanwhile_fails(world: World) -> None:
    world.set(create_seconds=10)
    world.add_faults(Fault(CREATE, FaultKind.ACT_LATE, seconds=5))
    create(world)
    external_actors.remove_vm(world, 108)
    world.advance(5)
    assert world.quiesced() == {}
    assert len(world.ledger()) == 1


@pytest.mark.parametrize(
    ("fault", "end"),
    [
        (Fault(CREATE, FaultKind.FAIL), "The attempted operation cannot be performed"),
        (Fault(CREATE, FaultKind.FAIL, text="no way"), "Error: Other error encountered: no way"),
        (Fault(CREATE, FaultKind.REFUSE), "Unable to communicate"),
        (Fault(CREATE, FaultKind.DROP), ""),
        (Fault(CREATE, FaultKind.HANG, seconds=900), ""),
    ],
)
def test_some_faults_prevent_the_act(world: World, fault: Fault, end: str) -> None:
    world.add_faults(fault)
    struck = create(world)
    assert struck.exit == 1
    assert end in struck.stdout
    assert create(world).exit == 0
    assert len(world.vm_snapshots()) == 1
    first, second = world.ledger()
    assert (first.effect, first.fault, first.exit) == (None, fault.kind.value, 1)
    assert second.fault is None
    assert (world.now() - NIGHT).total_seconds() == fault.seconds


@pytest.mark.parametrize(
    ("fault", "exit_", "stdout"),
    [
        (Fault(CREATE, FaultKind.ACT_NO_ANSWER), 0, ""),
        (Fault(CREATE, FaultKind.ACT_NO_ANSWER, exit=1), 1, ""),
        (Fault(CREATE, FaultKind.GARBAGE, text="?"), 0, "?\n"),
        (Fault(CREATE, FaultKind.HALF), 0, "SsId:snap"),
        (Fault(CREATE, FaultKind.SLOW, seconds=30), 0, "SsId:snapshot-1228\n"),
        (
            Fault(CREATE, FaultKind.NO_SSID),
            0,
            "[2007-03-22 03:00:00.000 'vcbSnapshot' 2052 info] create moref:vm-108\n",
        ),
    ],
)
def test_some_faults_spoil_only_the_answer(world: World, fault: Fault, exit_: int, stdout: str) -> None:
    world.add_faults(fault)
    assert create(world) == (exit_, stdout, "")
    assert set(world.quiesced()) == {108}
    assert listed(world) == [1228]
    assert (world.now() - NIGHT).total_seconds() == fault.seconds


def test_a_lie_prints_success_and_changes_nothing(world: World) -> None:
    world.add_faults(Fault(CREATE, FaultKind.LIE))
    assert create(world) == (0, "SsId:snapshot-1228\n", "")
    assert world.quiesced() == {}
    assert create(world).exit == 0
    world.add_faults(Fault(REMOVE, FaultKind.LIE))
    assert remove(world, "snapshot-1229").exit == 0
    assert set(world.quiesced()) == {108}


def test_another_id_may_be_printed_with_or_without_a_snapshot(world: World) -> None:
    world.add_faults(Fault(CREATE, FaultKind.ANOTHERS_ID, times=2))
    assert create(world).stdout == "SsId:snapshot-1228\n"  # there is no other one yet
    assert create(world).stdout == "SsId:snapshot-1228\n"
    assert listed(world) == [1228, 1229]
    world.clear_faults()
    world.add_faults(Fault(CREATE, FaultKind.ANOTHERS_ID, snapshot="snapshot-7"))
    assert create(world).stdout == "SsId:snapshot-7\n"
    world.add_faults(Fault(CREATE, FaultKind.LIE, snapshot="snapshot-7"))
    assert create(world) == (0, "SsId:snapshot-7\n", "")
    assert listed(world) == [1228, 1229, 1230]


def test_an_effect_may_come_after_the_caller_has_left(world: World) -> None:
    world.add_faults(Fault(CREATE, FaultKind.ACT_LATE, seconds=60, wait=10, exit=0))
    assert create(world) == (0, "", "")
    assert (world.now() - NIGHT).total_seconds() == 10
    assert world.quiesced() == {}
    world.advance(50)
    assert listed(world) == [1228]
    assert world.ledger()[-1].of == 1


def test_a_call_may_be_delayed_and_is_answered_when_it_acts(world: World) -> None:
    world.add_faults(Fault(CREATE, FaultKind.DELAY, seconds=60))
    assert create(world) == (0, "SsId:snapshot-1228\n", "")
    assert (world.now() - NIGHT).total_seconds() == 60
    assert [(one.of, one.at) for one in world.ledger()] == [(None, NIGHT), (1, world.now())]
    world.add_faults(Fault(CREATE, FaultKind.DELAY, vm=112, seconds=60))
    assert create(world, 112).exit == 1


def test_an_administrator_may_take_a_snapshot_just_before_a_call(world: World) -> None:
    world.add_faults(Fault(CREATE, FaultKind.MANUAL, snapshot="Before upgrade"))
    assert create(world).stdout == "SsId:snapshot-1229\n"
    assert world.quiesced() == {108: ("Before upgrade", "Quiesce")}
    assert [effect.name for effect in world.ledger().effects] == ["Quiesce"]


@with_signals
@with_signals
def test_a_process_may_be_frozen_before_a_call_and_killed_after_it(world: World) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        frozen = Fault(CREATE, FaultKind.SIGNAL, victim=process.pid, signal=signal.SIGSTOP)
        world.add_faults(frozen, Fault(REMOVE, FaultKind.SIGNAL_AFTER, victim=process.pid))
        create(world)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        remove(world)
        assert process.wait() == -signal.SIGKILL
    world.add_faults(Fault(CREATE, FaultKind.SIGNAL, victim=process.pid))
    assert create(world).exit == 0  # a victim that has died already is fine
    assert [entry.fault for entry in world.ledger()] == ["signal", "signal_after", "signal"]


@pytest.mark.skipif(sys.platform != "linux", reason="a process may limit another one's files on Linux alone")
def test_the_files_of_a_process_may_stop_growing_at_a_call(world: World, tmp_path: Path) -> None:
    code = "import sys; file = open(sys.argv[1], 'w'); input(); file.write('lost'); file.flush()"
    argv = [sys.executable, "-c", code, str(tmp_path / "file")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        world.add_faults(Fault(CREATE, FaultKind.DISK_FULL, victim=process.pid))
        create(world)
        _, errors = process.communicate("\n")
    assert "File too large" in errors


def test_a_removal_may_come_late_too(world: World) -> None:
    create(world)
    world.add_faults(Fault(REMOVE, FaultKind.ACT_LATE))
    assert remove(world).exit == 1
    assert world.quiesced() == {}


def test_the_nth_call_for_a_vm_can_be_struck_and_so_many_after_it(world: World) -> None:
    world.add_faults(Fault(CREATE, FaultKind.FAIL, nth=2, times=2, vm=108))
    ends = [(create(world).exit, create(world, 110).exit) for _ in range(4)]
    assert ends == [(0, 0), (1, 0), (1, 0), (0, 0)]
    world.add_faults(Fault("vcbsnapshot", FaultKind.FAIL, times=0, match="Quiesce"))
    assert create(world).exit == 1
    assert remove(world).exit == 0
    world.clear_faults()
    assert create(world).exit == 0


def test_the_database_may_lag_behind_for_some_seconds(world: World) -> None:
    world.add_faults(Fault(CREATE, FaultKind.LAG, seconds=5), Fault(REMOVE, FaultKind.LAG, seconds=5))
    create(world)
    assert (listed(world), set(world.quiesced())) == ([], {108})
    world.advance(5)
    assert listed(world) == [1228]
    remove(world)
    assert (listed(world), world.quiesced()) == ([1228], {})
    world.advance(5)
    assert listed(world) == []


def test_the_database_may_lag_behind_until_the_next_filer_command(world: World) -> None:
    world.add_faults(Fault(CREATE, FaultKind.LAG))
    create(world)
    assert listed(world) == []
    FilerShell(world).answer("version", "ssh", "snapall")
    assert listed(world) == [1228]
    assert world.ledger()[0].fault == "lag"


def test_the_database_may_go_down_with_a_call_and_come_back_after_a_while(world: World) -> None:
    world.add_faults(Fault(CREATE, FaultKind.DATABASE_DOWN, seconds=30), Fault(CREATE, FaultKind.DATABASE_DOWN, nth=2))
    world.add_faults(Fault(REMOVE, FaultKind.DATABASE_UP))
    database = world.directory / "virtualcenter.db"
    create(world)
    assert not database.exists()
    world.advance(30)
    assert listed(world) == [1228]
    create(world)
    world.advance(3600)
    assert not database.exists()
    remove(world)
    assert listed(world) == [1229]


@pytest.mark.parametrize("name", NAMED)
def test_every_named_fault_can_be_stored_and_strikes(world: World, name: str) -> None:
    named = NAMED[name]
    assert named.description
    for fault in named.faults:
        assert Fault.from_json(fault.to_json()) == fault
    world.add_faults(*named.faults)
    shell = FilerShell(world)
    shell.login("ssh")
    create(world), create(world, 110), remove(world)
    commands = ["list vmvol1", "create vmvol1 x", "rename vmvol1 x y", "rename vmvol1 y z", "delete vmvol1 z"]
    for command in commands:
        shell.answer(f"snap {command}", "ssh", "snapall")
    assert any(entry.fault for entry in world.ledger())


def test_the_program_needs_a_world(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-h", "vc01"]) == 1
    assert main(["--world", str(tmp_path), "-h", "vc01"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("usage:")
    assert "there is no lab" in err


def test_the_program_prints_and_exits(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.set(config_js=True)
    assert main(["--world", str(world.directory), "-h", "vc01", "-c", "moref:vm-108", "Quiesce"]) == 0
    assert capsys.readouterr().out == "SsId:snapshot-1228\n"


def test_the_ledger_is_one_json_object_a_line(world: World) -> None:
    create(world)
    lines = (world.directory / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
    assert [sorted(json.loads(line)) for line in lines] == [["argv", "at", "effect", "exit", "fault", "n", "system"]]


def test_the_plain_recorded_run_ends_as_recorded(world: World) -> None:
    shell = FilerShell(world)

    def rsh(command: str) -> None:
        shell.answer(command, "rsh", "root")

    rsh("snap delete vmvol1 vmware_snap4")
    rsh("snap rename vmvol1 vmware_snap3 vmware_snap4")
    rsh("snap rename vmvol1 vmware_previous vmware_snap3")
    rsh("snap rename vmvol1 vmware_recent vmware_previous")
    output = [create(world, vm).stdout.splitlines()[-1] for vm in (108, 110, 1226)]
    rsh("snap create vmvol1 vmware_recent")
    ends = [remove(world, f"snapshot-{1228 + n}", vm).exit for n, vm in enumerate((108, 110, 1226))]

    assert output == ["SsId:snapshot-1228", "SsId:snapshot-1229", "SsId:snapshot-1230"]
    assert ends == [0, 0, 0]
    names = [snapshot.name for snapshot in world.listing("vmvol1")]
    assert names == ["vmware_recent", "vmware_previous", "vmware_snap3", "vmware_snap4"]
    assert set(world.ledger().captures[0].quiesced) == {108, 110, 1226}
    assert world.quiesced() == {}


def test_a_late_removal_of_a_removed_snapshot_changes_nothing(world: World) -> None:
    create(world)
    world.add_faults(Fault(REMOVE, FaultKind.ACT_LATE, seconds=5))
    remove(world)
    external_actors.remove_vm_snapshot(world, 108, "snapshot-1228")
    world.advance(5)
    assert len(world.ledger()) == 2
