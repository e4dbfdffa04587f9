"""A state folder on a real, small file system: the doctor has a [FAIL] where a run takes no backup, and only there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.atlab import AtLab
from tests.real.machine import missing, program

pytestmark = pytest.mark.real


SNAPALL = f'"{sys.executable}" -m snapall'


def on_a_disk_of(kilobytes: int, folder: Path, script: str, night: AtLab) -> subprocess.CompletedProcess[bytes]:
    """The script where that folder, $0, is a file system of this size; $1 is the configuration."""
    unshare = [program("unshare", "util-linux"), "--mount", "--propagation", "private"]
    if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        missing("this machine gives no mount namespace")
    mount = f'mount -t tmpfs -o mode=0700,size={kilobytes}k none "$0" || exit 99\n'
    command = [*unshare, "sh", "-c", mount + script, str(folder), str(night.config)]
    return subprocess.run(command, capture_output=True, check=False)


def test_a_log_whose_disk_fills_up_is_named_with_its_remedy_and_costs_no_backup(at_lab: Callable[..., AtLab]) -> None:
    night = at_lab()
    folder = night.lab.directory / "logs"
    folder.mkdir(mode=0o700)
    night.edit('log   = "snapall.log"', f'log   = "{folder}/snapall.log"')
    fill = f'head -c 16384 /dev/zero > "$0/other"; {SNAPALL} run --config "$1"'
    ran = on_a_disk_of(16, folder, fill, night)
    assert ran.returncode == 0, ran.stderr.decode()
    told = ran.stderr.decode()
    assert f"SA-6006 the log {folder}/snapall.log is incomplete from" in told
    assert "No space left on device" in told
    assert "free some space on its disk" in told
    night.assert_shifted_by_one()


@pytest.mark.parametrize(("kilobytes", "doctor", "run"), [(4, 1, 1), (16, 1, 3), (1024, 0, 0), (102400, 0, 0)])
def test_the_doctor_fails_where_a_run_has_no_room_for_its_whole_journal(
    at_lab: Callable[..., AtLab], kilobytes: int, doctor: int, run: int
) -> None:
    night = at_lab()
    state = night.lab.directory / "snapall.state"
    state.mkdir(mode=0o700)
    both = f'{SNAPALL} doctor --config "$1"; first=$?; {SNAPALL} run --config "$1"; exit $((first * 16 + $?))'
    ran = on_a_disk_of(kilobytes, state, both, night)
    assert ran.returncode == doctor * 16 + run, ran.stdout.decode() + ran.stderr.decode()
    night.assert_nothing_is_quiesced()
    warned = b"SA-5424" in ran.stdout
    assert warned == (kilobytes < 50 * 1024)
