"""Signs of life: while a run waits, whatever for, its journal changes every few seconds."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from snapall.backup.engine import BEAT
from snapall.backup.facts import Intent
from snapall.backup.journal import Journal
from snapall.backup.record import Waiting
from snapall.backup.steps import Quiesce
from tests.backup.simulated import JOB, Stage, lose, quiesce_of

STAMP = "20070322T030000Z"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "state")


@pytest.fixture
def beats(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """When each journal was touched, by its name."""
    found: list[tuple[str, float]] = []

    def beat(journal: Journal) -> None:
        found.append((journal.path.stem, stage.clock.seconds))

    monkeypatch.setattr(Journal, "beat", beat)
    return found


def gaps(beats: list[tuple[str, float]], name: str) -> list[float]:
    moments = [at for journal, at in beats if journal == name]
    return [after - before for before, after in pairwise(moments)]


def test_whoever_only_waits_gives_signs_of_life(stage: Stage, beats: list[tuple[str, float]]) -> None:
    stage.begun(Intent(1, Quiesce(stage.site.vms[0], JOB.vm_snapshot_of(STAMP))), stamp=STAMP)
    stage.recover()
    found = gaps(beats, f"vol1-{STAMP}")
    assert sum(found) >= stage.pace.settle
    assert max(found) <= BEAT
    assert [what for what in stage.heard if isinstance(what, Waiting)]


def test_a_run_gives_signs_of_life_while_it_looks_again_at_earlier_runs(
    stage: Stage, beats: list[tuple[str, float]]
) -> None:
    stage.begun(Intent(1, Quiesce(stage.site.vms[0], JOB.vm_snapshot_of(STAMP))), stamp=STAMP)
    stage.site.fail(quiesce_of(110), lose)
    stage.night()
    last = max(at for name, at in beats if name == f"vol1-{STAMP}")
    own = max(at for name, at in beats if name != f"vol1-{STAMP}")
    assert own == last  # it is no earlier than the last look at the earlier run
