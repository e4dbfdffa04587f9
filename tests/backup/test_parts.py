"""The small parts: names, policies, steps, the threads, the event bus, the clock, the plan's limits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.bus import EventBus
from snapall.backup.certificate import grade
from snapall.backup.clock import SYSTEM, SystemClock
from snapall.backup.facts import FORMAT, Absent, Answered, Began, Confirmed, Fact, Gone, Intent, Surveyed, TakenOver
from snapall.backup.looks import ours
from snapall.backup.model import (
    FilerSnapshot,
    Grade,
    Job,
    Order,
    Pace,
    Policies,
    Survey,
    Vm,
    VmPolicy,
    VmSnapshot,
    chain_names,
    decode_name,
    same_name,
    stamp_of,
    time_of,
)
from snapall.backup.origins import Provenance
from snapall.backup.plan import FindVmSnapshots, ListVolume, PlanContext, build, settling
from snapall.backup.record import Record, Stage
from snapall.backup.runstate import RunState
from snapall.backup.state import fold
from snapall.backup.steps import Capture, Delete, Done, Quiesce, Release, Rename
from snapall.errors import Exit, worst
from tests.backup.simulated import CHAIN, JOB
from tests.waiting import PATIENCE, until

AT = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)
STAMP = "20070322T030000Z"
NEVER: Callable[[], bool] = lambda: False  # noqa: E731 - short


def test_the_chain_has_the_batchs_names_for_any_retention() -> None:
    assert chain_names("vmware", 1) == ("vmware_recent",)
    assert chain_names("vmware", 5)[1:] == ("vmware_previous", "vmware_snap3", "vmware_snap4", "vmware_snap5")


def test_names_are_decoded_as_virtualcenter_encodes_them() -> None:
    assert decode_name("hr%2fpayroll %5cx %252f") == "hr/payroll \\x %2f"


@given(st.text())
def test_decoding_takes_the_encoding_back(name: str) -> None:
    encoded = name.replace("%", "%25").replace("/", "%2f").replace("\\", "%5c")
    assert decode_name(encoded) == name


def test_an_exact_name_beats_a_pattern_and_then_the_first_pattern_counts() -> None:
    rules = Policies(
        (("test-*", VmPolicy.SKIP), ("*", VmPolicy.TRY), ("TEST-SQL", VmPolicy.MUST), ("vm-9", VmPolicy.SKIP))
    )
    assert rules.of(Vm(1, "Test-web")) is VmPolicy.SKIP
    assert rules.of(Vm(1, "test-sql")) is VmPolicy.MUST
    assert rules.of(Vm(9)) is VmPolicy.SKIP
    assert Policies().of(Vm(1)) is VmPolicy.TRY
    assert rules.need_names
    assert not Policies((("*", VmPolicy.MUST), ("vm-7", VmPolicy.SKIP))).need_names


def test_a_vm_is_called_by_its_name_and_moref() -> None:
    assert [Vm(7, "sql01").label, Vm(7).label] == ["sql01 (vm-7)", "vm-7"]


def test_the_stamp_is_utc_to_the_second() -> None:
    assert stamp_of(AT) == "20070322T030000Z"


def test_only_a_stamp_gives_its_time() -> None:
    assert time_of("20070322T030000Z") == datetime(2007, 3, 22, 3, tzinfo=UTC)
    assert [time_of(text) for text in ("20079922T030000Z", "20070322T030000", "keep")] == [None] * 3


def test_a_vm_snapshot_is_known_by_its_name_in_either_order() -> None:
    assert JOB.names_vm_snapshot("Quiesce")
    assert JOB.names_vm_snapshot("Quiesce-20070322T030000Z")
    assert not JOB.names_vm_snapshot("Quiesce-before-patch")
    for name in ("quiesce", " Quiesce ", "QUIESCE-20070322t030000z ", "\tQuiesce-20070322T030000Z"):
        assert JOB.names_vm_snapshot(name), name
    for name in ("", "Quiesce-", "Quiesce -20070322T030000Z", "Qui esce", "xQuiesce-20070322T030000Z"):
        assert not JOB.names_vm_snapshot(name), name


def test_names_of_vm_snapshots_are_compared_as_a_person_sees_them() -> None:
    for one, other in (("a%2Fb", "a/b"), ("100%25", "100%"), ("A%5cb ", "a\\B"), ("Quiesce", "quiesce "), ("", " ")):
        assert same_name(one, other)
        assert same_name(other, one)
    for one, other in (("a b", "ab"), ("a%20b", "a b"), ("Quiesce", "Quiesce2"), ("Quiesce", "")):
        assert not same_name(one, other)


def test_the_worst_code_wins_in_the_documented_order() -> None:
    assert worst() is Exit.OK
    ordered = [Exit.OUTSTANDING, Exit.STOPPED, Exit.FAILED, Exit.LOCKED, Exit.PARTIAL, Exit.OK]
    for index, code in enumerate(ordered):
        assert worst(*ordered[index:]) is code


@given(st.integers(0, 30), st.integers(0, 30))
def test_the_grade_is_whole_only_when_none_is_missing(quiesced: int, missing: int) -> None:
    expected = Grade.WHOLE if missing == 0 else Grade.PARTIAL if quiesced else Grade.CRASH_CONSISTENT
    assert grade(quiesced, quiesced + missing) is expected


def test_the_systems_threads_wait_for_an_answer_or_give_up() -> None:
    gate, answered = threading.Event(), threading.Event()

    def work() -> None:
        gate.wait(PATIENCE)
        answered.set()

    SYSTEM.start(work)
    assert not SYSTEM.wait(answered, lambda: True)
    gate.set()
    assert SYSTEM.wait(answered, NEVER)


def test_the_event_bus_dismisses_who_raises_and_leaves_who_hangs() -> None:
    gate = threading.Event()
    events: list[object] = []

    def hangs(_: Record) -> None:
        gate.wait(PATIENCE)

    def leaves(_: Record) -> None:
        raise SystemExit(1)

    bus = EventBus(leaves, hangs, lambda record: events.append(record.what))
    for n in range(3):
        bus(Record(AT, Gone(n, "")))
    bus.close(patience=0.2)
    until(lambda: len(events) == 3, "the last of three records")
    assert [type(error) for error in bus.dismissed] == [SystemExit]
    assert events == [Gone(n, "") for n in range(3)]
    gate.set()


def test_the_systems_clock_waits_no_longer_than_until() -> None:
    answers = iter([False, True])
    SystemClock(steady=lambda: 50.0).wait(60, lambda: next(answers))  # of itself this time never ends
    assert list(answers) == []
    clock = SystemClock()
    clock.wait(0.01, NEVER)
    assert clock.utc().tzinfo is UTC


def test_a_clock_that_is_set_meanwhile_does_not_change_the_time_of_a_program_that_runs() -> None:
    host = {"now": 1_174_532_400.0, "steady": 50.0}
    clock = SystemClock(lambda: host["now"], lambda: host["steady"])
    began = clock.utc()
    host.update(now=host["now"] - 86400 + 10, steady=60.0)
    assert (clock.utc() - began).total_seconds() == 10
    assert clock.monotonic() == 60


def survey(vms: int, hosts: int = 1, **changes: object) -> Survey:
    listing = tuple(FilerSnapshot(name, name) for name in CHAIN)
    made = Survey(tuple(Vm(n, f"vm{n}", f"esx{n % hosts}") for n in range(vms)), (), {"v": listing}, "7.0.2")
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_papers_limits_are_warnings() -> None:
    told = " ".join(one.text + one.hint for one in build(JOB, survey(60), Provenance(), PlanContext(), "s").warnings)
    assert "60 VMs are on v: more than 25 a volume" in told
    assert "more than 50 a datastore" in told
    assert "60 VMs of host esx0 have a snapshot at once: more than 32" in told
    assert build(JOB, survey(20, 7), Provenance(), PlanContext(), "s").warnings == ()


def test_the_plan_says_why_each_command_is_sent() -> None:
    plan = build(JOB, survey(2), Provenance(), PlanContext(), "s")
    assert all(one.reason for one in plan.actions)
    assert plan.of(Stage.CONFIRM) == (ListVolume("v"),)
    assert plan.of(Stage.LOCATE) == (FindVmSnapshots(plan.targets),)


def test_a_plan_without_vms_has_nothing_to_locate() -> None:
    plan = build(replace(JOB, allow_empty=True), survey(0), Provenance(), PlanContext(), "s")
    assert Stage.LOCATE not in plan.stages
    assert Stage.RELEASE not in plan.stages


def state_after(*facts: Fact, job: Job = JOB) -> RunState:
    """What a run that died after these facts, and was taken over, has left."""
    began = Began(job, STAMP, "vc01", "filer1", Pace(), "0", format=FORMAT)
    return fold(Record(AT, fact) for fact in (began, *facts, TakenOver("recover", "it had died")))


SQL, WEB = Vm(7, "sql01"), Vm(8, "web01")
NEW = f"vmware_new_{STAMP}"


def test_work_left_by_earlier_runs_is_planned_first() -> None:
    quiesced = state_after(
        *(Intent(1, Quiesce(SQL, "Quiesce")), Intent(2, Quiesce(WEB, "Quiesce"))),
        *(Answered(2, Done(ssid="snapshot-9"), 1.0), Intent(3, Capture("v", NEW))),
    )
    part = state_after(
        *(Intent(1, Capture("v", NEW)), Confirmed("v", NEW, "now"), Intent(2, Capture("w", NEW)), Absent("w", NEW)),
        job=replace(JOB, volumes=("v", "w")),
    )
    room = state_after(
        Intent(1, Rename("v", "a", "b")), Answered(1, Done("said"), 1.0), job=replace(JOB, order=Order.PAPER)
    )
    assert [one.action for one in settling([quiesced, part, room])] == [
        FindVmSnapshots((SQL,)),
        Release(WEB, "snapshot-9"),
        ListVolume("v"),
        Delete("v", NEW),
        Rename("v", "b", "a"),
    ]
    assert settling([state_after()]) == ()
    assert not state_after().open


def test_the_plan_after_a_crash_names_the_run_that_left_the_snapshot_and_points_to_no_adoption() -> None:
    own, other = f"Quiesce-{STAMP}-k3x9", f"Quiesce-{STAMP}-m2p7"
    mine, theirs = state_after(Intent(1, Quiesce(SQL, own))), state_after(Intent(1, Quiesce(WEB, other)))
    listed = (VmSnapshot("snapshot-1", 7, own), VmSnapshot("snapshot-2", 8, other))
    found = replace(survey(0), vms=(SQL, WEB), vm_snapshots=listed)
    assert "--adopt" in " ".join(
        one.text + one.hint for one in build(JOB, found, Provenance(), PlanContext(), "s").warnings
    )
    plan = build(JOB, found, Provenance(), PlanContext((theirs,), (mine,)), "s")
    assert plan.warnings == ()
    assert plan.targets == (SQL,)  # what is listed of it is released first
    ((left, why),) = plan.left
    assert left == WEB
    assert why == f"run {STAMP} of job vol1 may have left {other} on it"


def test_a_name_that_others_use_is_adopted_only_when_it_is_the_only_new_one() -> None:
    surveyed = Surveyed((), (SQL,), ("snapshot-1",), (), ())
    state = state_after(surveyed, Intent(1, Quiesce(SQL, "Quiesce")), job=replace(JOB, order=Order.PAPER))
    one = state.vms[7]
    rows = [VmSnapshot("snapshot-1", 7, "Quiesce"), VmSnapshot("snapshot-2", 7, "Quiesce")]
    assert ours(state, one, rows) == (rows[1],)
    assert ours(state, one, [*rows, VmSnapshot("snapshot-3", 7, "Quiesce")]) == ()
    assert ours(state, one, [VmSnapshot("snapshot-2", 8, "Quiesce")]) == ()


def test_paper_order_plans_the_rotation_before_the_first_quiesce() -> None:
    plan = build(
        replace(JOB, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT), survey(2), Provenance(), PlanContext(), "s"
    )
    assert plan.stages[:3] == (Stage.SURVEY, Stage.ROTATE, Stage.QUIESCE)
    assert plan.capture == CHAIN[0]


def test_what_was_handed_over_is_told_before_a_flush_returns() -> None:
    told: list[object] = []

    def leaves(_: Record) -> None:
        raise SystemExit(1)

    bus = EventBus(leaves, lambda record: told.append(record.what))
    for number in range(3):
        bus(Record(AT, Gone(number, "")))
    bus.flush(PATIENCE)
    assert told == [Gone(number, "") for number in range(3)]
    bus.close()
