"""Which cells the drill plays."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.model import Job, chain_names
from snapall.drill import scores
from snapall.drill.cellrun import CellResult, conclusive
from snapall.drill.cells import (
    CUTS,
    FAULTS,
    KILLS,
    QUICK,
    Aftermath,
    Cell,
    Extent,
    ExternalCall,
    Strike,
    StrikeTime,
    System,
    cells_of,
)
from snapall.drill.cellsite import CellLimits
from snapall.drill.disk import Damage
from snapall.drill.pool import building
from snapall.drill.verdict import Broken, BrokenPromise
from snapall.errors import ConfigError, Exit
from tests.backup.access import let_everybody_write
from tests.platforms import with_modes

CALLS = (
    ExternalCall(System.GUARDIAN, 1, "its start"),
    ExternalCall(System.DATABASE, 1, "VPX_VM"),
    ExternalCall(System.VCB, 1, "-c moref:vm-100"),
    ExternalCall(System.FILER, 1, "a command"),
)
CREATE = CALLS[2]
JOB = Job("vol1", "filer1", ("vmvol1",), (688,), chain_names("vmware", 4))


def test_every_call_is_killed_at_every_time_with_every_aftermath() -> None:
    cells = [one for one in cells_of(JOB, "rsh", CALLS, Extent()) if not one.damage]
    kills = {(one.strikes[0].call.system, one.strikes[0].time, one.aftermath) for one in cells if one.killed}
    for system in (System.VCB, System.FILER):
        assert {(system, time, aftermath) for time in KILLS for aftermath in Aftermath} <= kills
    for time in (StrikeTime.BEFORE, StrikeTime.AFTER):
        assert {(System.DATABASE, time, aftermath) for aftermath in Aftermath} <= kills
    assert [one for one in kills if one[0] is System.GUARDIAN] == [
        (System.GUARDIAN, StrikeTime.BEFORE, Aftermath.GUARDIAN)
    ]
    assert len(kills) == 2 * 4 * 3 + 2 * 3 + 1
    struck = [one.strikes[0].time for one in cells if not one.killed and one.strikes[0].call == CREATE]
    assert struck == list(FAULTS)


@with_modes
def test_where_others_may_replace_files_the_drill_names_the_variable_for_another_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_everybody_write(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ConfigError, match="others can replace") as caught, building(JOB, 1):
        pass
    assert "TMPDIR" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_the_power_is_cut_at_every_call_with_every_damage_and_no_guardian() -> None:
    cells = [one for one in cells_of(JOB, "rsh", CALLS, Extent()) if one.damage]
    cuts = {(one.strikes[0].call.system, one.strikes[0].time, one.aftermath, one.damage) for one in cells}
    ways = (Aftermath.RECOVER, Aftermath.RUN)
    both = {(s, m, w, d) for s in (System.VCB, System.FILER) for m in CUTS for w in ways for d in Damage}
    assert cuts == both | {
        (System.DATABASE, m, w, d) for m in (StrikeTime.BEFORE, StrikeTime.AFTER) for w in ways for d in Damage
    }
    assert len(cuts) == len(cells)


def test_the_quick_drill_kills_before_and_after_each_call_and_cuts_the_power_once() -> None:
    cells = cells_of(JOB, "rsh", CALLS, QUICK)
    assert {one.strikes[0].time for one in cells} == {StrikeTime.BEFORE, StrikeTime.AFTER}
    assert {one.aftermath for one in cells} == {Aftermath.RECOVER}
    cuts = [one for one in cells if one.damage]
    assert [one.strikes[0].call for one in cuts] == list(CALLS[1:])
    assert [one.damage for one in cuts] == list(Damage)


@given(st.integers(0, 40), st.integers())
def test_a_seed_gives_the_requested_number_of_pairs_in_order(pairs: int, seed: int) -> None:
    extent = Extent((), (), pairs=pairs, seed=seed)
    cells = cells_of(JOB, "rsh", CALLS, extent)
    assert len(cells) == pairs
    assert cells == cells_of(JOB, "rsh", CALLS, extent)
    for one in cells:
        first, second = one.strikes
        assert CALLS.index(first.call) < CALLS.index(second.call)
        assert first.time in FAULTS


def played(
    *broken: Broken, reached: bool = True, time: StrikeTime = StrikeTime.AFTER, damage: Damage | None = None
) -> CellResult:
    cell = Cell(JOB, "rsh", (Strike(CREATE, time),), Aftermath.RECOVER, damage)
    return CellResult(cell, reached, cell.killed, tuple(BrokenPromise(one, "vm-100") for one in broken), "the output")


@pytest.mark.parametrize("broken", list(Broken))
def test_one_broken_promise_in_one_cell_spoils_the_verdict(broken: Broken) -> None:
    cells = [played(), played(broken), played(damage=Damage.TORN), played(time=StrikeTime.REFUSE)]
    counts = scores.Counts.of(cells)
    assert not counts.kept
    assert (counts.vms, counts.lost, counts.other).count(1) == 1
    assert f"  {broken}: vm-100" in scores.troubles(cells)
    assert "  | the output" in scores.troubles(cells)
    body = scores.as_json(cells)
    assert (body["held"], body["crashes"], body["power_cuts"], body["faults"]) == (False, 2, 1, 1)
    assert scores.verdict(cells).startswith("2 crashes, 1 power cuts, 1 faults: ")
    assert counts.exit is Exit.FAILED


def test_promises_are_kept_only_when_a_cell_was_run() -> None:
    assert scores.Counts.of([played()]).kept
    for none in ([], [played(reached=False)], [played(Broken.LOST, reached=False)]):
        assert not scores.Counts.of(none).kept
        assert scores.Counts.of(none).exit is Exit.FAILED


def test_a_cell_that_was_not_reached_is_named_and_not_counted() -> None:
    cells = [played(), played(reached=False)]
    assert scores.Counts.of(cells).cells == 1
    assert any(line.startswith("not run: vol1, order safe, rsh: killed after") for line in scores.troubles(cells))
    assert scores.verdict(cells) == "1 crashes: 0 VMs left quiesced, 0 backups lost; 1 not run"
    assert scores.as_json(cells)["not_played"] == 1


@pytest.mark.parametrize(("missed", "code"), [(0, Exit.OK), (1, Exit.OK), (2, Exit.PARTIAL)])
def test_a_verdict_on_fewer_than_nine_tenths_of_the_cells_exits_3(missed: int, code: Exit) -> None:
    cells = [played()] * (10 - missed) + [played(Broken.LOST, reached=False)] * missed
    assert scores.Counts.of(cells).kept
    assert scores.Counts.of(cells).exit is code


def label(*tries: tuple[CellResult, str]) -> tuple[CellResult, int]:
    """The result of a cell that plays these trials, and which of them was the last."""
    script = iter(tries)
    limits: list[CellLimits] = []

    def play(longer: CellLimits) -> tuple[CellResult, str]:
        limits.append(longer)
        return next(script)

    played = conclusive(play)
    assert limits == sorted(set(limits), key=lambda one: one.factor)  # each try has longer ones
    return played, len(limits)


def test_a_cell_is_run_until_its_result_is_conclusive() -> None:
    good, missed, broken = played(), played(reached=False), played(Broken.HUNG)
    assert label((good, "")) == (good, 1)
    assert label((missed, ""), (broken, "a create came 9 s late"), (good, "")) == (good, 3)
    assert label(*[(missed, "")] * 9) == (missed, 4)
    never, _ = label(*[(broken, "a create came 9 s late")] * 9)
    assert (never.reached, never.output) == (False, "a create came 9 s late")


def test_a_broken_promise_is_final() -> None:
    good, broken, missed = played(), played(Broken.HUNG), played(Broken.HUNG, reached=False)
    assert label((broken, ""), (good, "")) == (broken, 1)
    assert label((missed, ""), (good, "")) == (missed, 1)


def test_the_table_has_a_line_for_each_site_and_treatment_and_their_sum() -> None:
    lines = scores.table([played(), played(Broken.LOST), played(time=StrikeTime.DROP)])
    assert [line.split()[-4:] for line in lines[1:]] == [
        ["1", "0", "0", "0"],
        ["2", "0", "1", "0"],
        ["3", "0", "1", "0"],
    ]
