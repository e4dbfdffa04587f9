"""Faults of an earlier core, each as a whole run on the lab: the order in its ledger decides.

tests/backup/test_faults.py tries them on the in-memory site, tests/app/test_defects.py a defect in one of two jobs,
tests/operate/test_guardian_decisions.py stuck runs and a lost state folder, tests/backup/test_lock.py a lock
that stays held.
"""

from __future__ import annotations

import json
import re
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from snapall.lab.faults import CREATE, REMOVE, Fault, FaultKind
from snapall.lab.ledger import Change, Ledger
from snapall.lab.sites import SiteSpec, paper
from tests.lab.atlab import CHAIN, AtLab, Ended, Hasty, signal_at, two_volumes, without_stamps
from tests.lab.sites import batch
from tests.operate.guardians import journal, running
from tests.waiting import PATIENCE, holds_within, until

Make = Callable[..., AtLab]


def calls(ledger: Ledger, switch: str, *vms: int) -> list[int]:
    """Where in the ledger the creates or removals are, of these VMs or of all."""
    wanted = {f"moref:vm-{vm}" for vm in vms}
    return [one.n for one in ledger.vcbsnapshot if switch in one.argv and (not vms or wanted.intersection(one.argv))]


def made(ledger: Ledger) -> set[int | None]:
    """The VMs of which VirtualCenter really made a snapshot."""
    return {effect.vm for effect in ledger.effects if effect.change is Change.MADE}


# 1: a late VM waits for nobody's removal

LATE, SLOW = 1226, 108


def answers(night: AtLab) -> int:
    """How many commands have been answered, as the run knows it."""
    return sum(record["is"] == "Answered" for record in journal(night))


def test_a_late_vm_is_released_at_once_while_another_removal_is_slow(at_lab: Make) -> None:
    night, clock = at_lab(parallel=3), Hasty()
    night.world.set(clock=night.world.now().timestamp())  # the lab's time stands still until it is moved
    night.fault(
        Fault(CREATE, FaultKind.DELAY, vm=LATE, seconds=100), Fault(REMOVE, FaultKind.SLOW, vm=SLOW, seconds=200)
    )
    released_in_time: list[bool] = []

    def move_time() -> None:
        until(lambda: answers(night) == 2, "the answers of the other two")
        clock.ahead += 121  # max_quiesced is over
        until(lambda: calls(night.ledger, "-d", SLOW), "the slow removal")
        until(lambda: answers(night) == 4, "the answers of the capture and of the quick removal")
        night.world.advance(100)
        released_in_time.append(holds_within(PATIENCE, lambda: calls(night.ledger, "-d", LATE)))
        night.world.advance(200)

    mover = threading.Thread(target=move_time)
    mover.start()
    ended = night.hastily(clock=clock)
    mover.join()
    (slow,) = calls(night.ledger, "-d", SLOW)
    (late,) = calls(night.ledger, "-d", LATE)
    (create,) = [one.n for one in night.ledger.with_change(Change.MADE) if one.effect and one.effect.vm == LATE]
    assert slow < create < late
    assert [one.n for one in night.ledger.vcbsnapshot if one.n > create] == [late]
    assert released_in_time == [True]  # asked for before the slow removal ended
    assert set(night.ledger.captures[0].quiesced) == {108, 110}
    assert ended.code == 3, ended.err
    night.assert_nothing_is_quiesced()
    night.assert_shifted_by_one()


# 2: a foreign snapshot is not removed, whoever printed its id

MANUAL = "Manual-before-upgrade"
OTHERS = {"listed by the survey": 110, "of another VM": 2001}


def other(vm: int) -> SiteSpec:
    return replace(batch(), vm_snapshots=((1200, vm, MANUAL),))


def lying(night: AtLab, ssid: str, *, makes: bool) -> None:
    """Let vcbsnapshot print this id for VM 110, whether it makes a snapshot or not."""
    night.fault(Fault("vcbsnapshot create", FaultKind.ANOTHERS_ID if makes else FaultKind.LIE, vm=110, snapshot=ssid))


def assert_never_asked_for(night: AtLab, ssid: str) -> None:
    assert f"ssid:{ssid}" not in {entry.argv[-1] for entry in night.ledger.vcbsnapshot}
    assert ssid in {row.ssid for row in night.world.vm_snapshots()}
    night.assert_nothing_is_quiesced()


def assert_left_alone_later(night: AtLab, ssid: str) -> None:
    """By recover and by another night."""
    assert night("recover").code in {0, 5}
    night.world.clear_faults()
    assert night("run").code == 0
    assert_never_asked_for(night, ssid)


@pytest.mark.parametrize("makes", [True, False], ids=["a snapshot was made", "none was made"])
@pytest.mark.parametrize("vm", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("order", ["safe", "paper"])
def test_a_snapshot_that_was_there_before_is_never_removed(at_lab: Make, vm: int, makes: bool, order: str) -> None:
    night = at_lab(site=other(vm), order=order)
    lying(night, "snapshot-1200", makes=makes)
    ended = night("run")
    assert_never_asked_for(night, "snapshot-1200")
    assert ended.code == (5 if not makes else 0 if vm == 110 else 3), ended.err
    assert "web02 (vm-110)" in ended.err
    assert "snapshot-1200 is not removed: vcbsnapshot printed snapshot-1200" in ended.err
    assert made(night.ledger) == ({108, 110, 1226} if makes else {108, 1226})
    assert ("not quiesced: web02 (vm-110)" in ended.err) == (ended.code != 0)
    night.assert_shifted_by_one()
    assert_left_alone_later(night, "snapshot-1200")


@pytest.mark.parametrize("makes", [True, False], ids=["a snapshot was made", "none was made"])
def test_a_snapshot_of_the_vm_under_another_name_is_never_removed(at_lab: Make, makes: bool) -> None:
    night = at_lab()
    lying(night, "snapshot-1229", makes=makes)
    night.fault(Fault(CREATE, FaultKind.MANUAL, vm=110, snapshot=MANUAL))  # after the survey
    night.foreign[110] = (MANUAL,)
    ended = night("run")
    assert_never_asked_for(night, "snapshot-1229")
    assert ended.code == (3 if makes else 5), ended.err
    assert f"snapshot-1229 is not removed: vcbsnapshot printed snapshot-1229, which is called {MANUAL}" in ended.err
    night.assert_shifted_by_one()
    assert_left_alone_later(night, "snapshot-1229")


# 3: no text makes a refusal

FULL = "creating snapshot...\nvmvol1: 254 snapshots are near the maximum of 255."
TRANSPORTS = pytest.mark.parametrize("transport", ["ssh", "rsh"])


@TRANSPORTS
def test_a_capture_that_was_made_is_published_though_the_filer_speaks_of_a_maximum(
    at_lab: Make, transport: str
) -> None:
    night = at_lab(transport=transport)
    night.fault(Fault("snap create", FaultKind.GARBAGE, text=FULL))
    ended = night("run")
    assert ended.code == 0, ended.err
    assert len(night.ledger.captures) == 1
    night.assert_nothing_is_quiesced()
    night.assert_shifted_by_one()
    assert sorted(night.names()) == sorted(CHAIN)


@TRANSPORTS
def test_a_failed_capture_leaves_nothing_and_the_filers_text_says_why(at_lab: Make, transport: str) -> None:
    night = at_lab(transport=transport)
    night.fault(Fault("snap create", FaultKind.FAIL, text=FULL))
    ended = night("run")
    assert ended.code == 1, ended.err
    assert "254 snapshots are near the maximum" in ended.err
    assert [one.verb for one in night.ledger.changing] == ["snap create"]
    night.assert_nothing_is_quiesced()
    night.assert_no_backup_is_lost()
    assert sorted(night.names()) == sorted(CHAIN)


# 4 and 5: what a dead run left


def died(night: AtLab) -> int:
    """Kill a run whose three VMs are quiesced, as it sends the capture; return the position in the ledger."""
    night.fault(Fault("snap create", FaultKind.HANG, seconds=PATIENCE))
    with running(night) as run:
        until(lambda: night.ledger.changing, "the capture asked for")
        run.kill()
        run.wait()
    night.world.clear_faults()
    assert made(night.ledger) == {108, 110, 1226}
    return len(night.ledger)


def essence(commands: Sequence[str]) -> list[str]:
    """What is asked for, without how it is reached; an id that is not known yet by its VM."""
    plain = [without_stamps(one).replace("'", "").replace('"', "") for one in commands]
    found = [re.sub(r"^.*?(-[cd] moref|snap )", r"\1", one) for one in plain]
    return [re.sub(r"<ssid of vm-(\d+)>", lambda hit: f"snapshot-{NEXT[hit[1]]}", one) for one in found]


NEXT = {"108": 1231, "110": 1232, "1226": 1233}  # the ids that the next run's VM snapshots get


def test_after_a_crash_the_plan_lists_the_releases_that_the_next_run_then_performs(at_lab: Make) -> None:
    night = at_lab()
    before = died(night)
    text, (plan,) = night("plan"), json.loads(night("plan", "--json").out)["plans"]
    for output in (text.out, text.err, *plan["warnings"]):
        assert "no journal" not in output
        assert "--adopt" not in output
    planned = essence([one["command"] for one in plan["commands"] if one["changing"]])
    owing = [f"-d moref:vm-{vm} ssid:snapshot-{n}" for vm, n in ((108, 1228), (110, 1229), (1226, 1230))]
    assert planned[:3] == owing
    assert all(one in " ".join(text.out.split()) for one in owing)
    assert calls(night.ledger, "-d") == []
    asked = len(night.changes)
    ended = night.hastily()
    assert ended.code == 0, ended.err
    assert essence(night.changes[asked:]) == planned
    assert calls(night.ledger.since(before), "-d")[2] < calls(night.ledger.since(before), "-c")[0]
    night.assert_nothing_is_quiesced()
    night.assert_shifted_by_one()


def shared() -> SiteSpec:
    """Two volumes and datastores; sql01 (vm-1226) has disks on both."""
    site = two_volumes()
    return replace(site, vms=tuple(replace(vm, datastores=(688, 689)) if vm.id == 1226 else vm for vm in site.vms))


def test_a_job_leaves_out_a_vm_on_which_a_dead_run_of_another_job_has_a_snapshot(at_lab: Make) -> None:
    night = at_lab(site=shared())
    text = night.config.read_text()
    job = text[text.index("[jobs.vol1]") :]
    second = job.replace("vol1", "vol2").replace("[688]", "[689]")
    night.config.write_text(f"{text}\n{second}")
    before = died(night)
    ended = night("run", "vol2")
    after = night.ledger.since(before)
    assert made(after) == {2001}
    assert calls(after, "-c", 1226) == calls(after, "-d", 1226) == []
    assert ended.code == 3, ended.err
    assert "sql01 (vm-1226)" in ended.err
    assert "of job vol1 may have left Quiesce" in ended.err
    assert "no journal" not in ended.err
    assert "--adopt" not in ended.err
    assert night.hastily().code == 0
    night.assert_nothing_is_quiesced()


# 12: a refused login


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_refused_login_is_tried_for_at_most_parallel_vms(at_lab: Make, parallel: int) -> None:
    night = at_lab(site=paper(), parallel=parallel)
    password = night.world.settings.vc_password
    night.world.set(vc_password="changed")
    ended = night("run")
    assert ended.code == 3, ended.err
    assert len(calls(night.ledger, "-c")) == parallel
    assert calls(night.ledger, "-d") == []
    assert "no further VM is quiesced" in ended.err
    assert "Cannot complete login" in ended.err
    assert "remedy: check `user` and `password` in [vcenter]" in ended.err
    (capture,) = [effect.name for effect in night.ledger.effects if effect.change is Change.CAPTURED]
    assert f"{capture} is below `publish` (partial) and stays pending until the next backup replaces it" in ended.err
    night.assert_no_backup_is_lost()
    before = len(night.ledger)
    night.world.set(vc_password=password)
    assert night("run").code == 0
    deleted = [effect.name for effect in night.ledger.since(before).effects if effect.change is Change.DELETED]
    assert sorted(deleted) == sorted([capture, CHAIN[-1]])
    night.assert_shifted_by_one()
    night.assert_nothing_is_quiesced()


# 13: a signal after the VMs were quiesced


def assert_reported_as_quiesced(night: AtLab, ended: Ended) -> None:
    assert ended.code == 130, ended.err
    assert "not quiesced" not in ended.err
    report = json.loads(ended.out.splitlines()[-1])["report"]
    assert report["grade"] is None
    assert {one["vm"]["id"]: one["state"] for one in report["verdicts"]} == dict.fromkeys((108, 110, 1226), "quiesced")
    assert made(night.ledger) == {108, 110, 1226}
    night.assert_nothing_is_quiesced()
    night.assert_no_backup_is_lost()
    assert sorted(night.names()) == sorted(CHAIN)


@pytest.mark.usefixtures("signals_as_a_terminal_gives_them")
def test_vms_that_were_quiesced_when_a_signal_came_are_reported_as_quiesced(at_lab: Make) -> None:
    night = at_lab()
    night.fault(signal_at("vcbsnapshot create", signal.SIGINT, FaultKind.SIGNAL_AFTER, match="vm-1226"))
    assert_reported_as_quiesced(night, night("run", "--json"))
    assert night.ledger.changing == ()


@pytest.mark.usefixtures("signals_as_a_terminal_gives_them")
def test_so_are_they_when_it_came_while_the_filer_refused_the_capture(at_lab: Make) -> None:
    night = at_lab()
    night.fault(signal_at("snap create", signal.SIGINT))
    night.fault(Fault("snap create", FaultKind.FAIL, text="snap create: No space left on device"))
    assert_reported_as_quiesced(night, night("run", "--json"))
    assert [one.verb for one in night.ledger.changing] == ["snap create"]
