"""The kill matrix, a twentieth of it, and the drill; `.ci/run` plays a fifth of it, and shows that bugs turn it red."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.atlab import AtLab
from tests.mutants import COVERED, HERE, MUTANTS, Mutant, planted
from tests.mutants.planting import PRODUCT, undefined


def test_runs_that_are_killed_or_lose_their_power_leave_nothing_behind() -> None:
    argv = [sys.executable, "-m", "tests.matrix", "--quick"]
    ended = subprocess.run(argv, cwd=HERE, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    counted = re.search(r"^(\d+) crashes, (\d+) power cuts: 0 VMs left quiesced, 0 backups lost$", ended.stdout, re.M)
    assert counted is not None
    assert int(counted[1]) == 2 * int(counted[2]) > 50


@pytest.mark.parametrize("mutant", [*MUTANTS, *COVERED], ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_the_bug_can_still_be_planted(mutant: Mutant) -> None:
    """`.ci/run` plants those of the matrix, `python -m tests.mutants --covering` all others."""
    compile(mutant.source(), mutant.file, "exec")
    assert undefined(mutant.source()) == []
    assert mutant.instead in mutant.source()
    assert all((HERE / path).exists() for path in mutant.tests)
    assert (mutant.tests == ()) == (mutant.breaks != "")


def test_a_planted_bug_is_only_in_the_copy(tmp_path: Path) -> None:
    mutant = MUTANTS[0]
    copy = (planted(mutant, tmp_path) / "snapall" / mutant.file).read_text()
    assert copy == mutant.source()
    assert copy != (PRODUCT / mutant.file).read_text()


def test_a_mutant_whose_text_is_gone_raises_an_error(tmp_path: Path) -> None:
    gone = Mutant("gone", "backup/queries.py", "no such text\n", "")
    with pytest.raises(ValueError, match="must be written anew"):
        planted(gone, tmp_path)


def drilled(night: AtLab, *args: str) -> subprocess.CompletedProcess[str]:
    """`snapall drill` in a process of its own: it forks, and this one has threads."""
    argv = [sys.executable, "-m", "snapall", "drill", *args, "--config", str(night.config)]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_a_drill_of_ones_own_configuration_touches_nothing_of_ones_site(at_lab: Callable[..., AtLab]) -> None:
    night = at_lab()
    night.edit("retain      = 4", 'retain      = 2\nvms         = { "sql01" = "must", "test-*" = "skip" }')
    night.edit('prefix      = "vmware"', 'prefix      = "nightly"')
    before = sorted(night.lab.directory.iterdir())
    ended = drilled(night, "--quick", "--json")
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["held"] is True
    assert report["crashes"] + report["power_cuts"] == report["cells"] > 20
    assert report["power_cuts"] > 10
    assert (report["vms_left"], report["backups_lost"], report["other"], report["broken"]) == (0, 0, 0, [])
    assert len(night.ledger) == 0
    assert sorted(night.lab.directory.iterdir()) == before
