"""A run that dies anywhere leaves nothing that the next command does not settle."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.platforms import with_fork

ROOT = Path(__file__).parents[2]


@with_fork
def test_wherever_a_run_is_killed_or_its_power_cut_no_vm_stays_quiesced_and_no_backup_is_lost() -> None:
    command = [sys.executable, "-m", "tests.backup.crashes"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    counted = re.search(r"(\d+) crashes, (\d+) power cuts, 0 in which something did not hold", ran.stdout)
    assert counted is not None
    assert int(counted[1]) > 300
    assert int(counted[2]) > 100
