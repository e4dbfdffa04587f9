"""A use of a backup that dies anywhere, or meets a fault, leaves nothing that no journal explains."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.platforms import with_fork
from tests.restore.crashes.operations import OPERATIONS

ROOT = Path(__file__).parents[2]


@with_fork
def test_wherever_a_use_of_a_backup_is_killed_cut_off_or_struck_recover_leaves_nothing_unexplained() -> None:
    command = [sys.executable, "-m", "tests.restore.crashes", "--every", "23"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for one in OPERATIONS:
        assert one.name in ran.stdout
    counted = re.search(r"^(\d+) of \1 cells, 0 in which something did not hold", ran.stdout, re.MULTILINE)
    assert counted is not None
    assert int(counted[1]) > 60
