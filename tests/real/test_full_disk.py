"""A state folder on a real, small file system: the doctor has a [FAIL] where a run takes no backup, and only there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.lab.atlab import AtLab
from tests.real.machine import missing, program

pytestmark = pytest.mark.real


@pytest.mark.parametrize(("kilobytes", "doctor", "run"), [(4, 1, 1), (16, 1, 3), (1024, 0, 0), (102400, 0, 0)])
def test_the_doctor_fails_where_a_run_has_no_room_for_its_whole_journal(
    at_lab: Callable[..., AtLab], kilobytes: int, doctor: int, run: int
) -> None:
    night = at_lab()
    state = night.lab.directory / "snapall.state"
    state.mkdir(mode=0o700)
    unshare = [program("unshare", "util-linux"), "--mount", "--propagation", "private"]
    if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        missing("this machine gives no mount namespace")
    mount = f'mount -t tmpfs -o mode=0700,size={kilobytes}k none "$0" || exit 99\n'
    snapall = f'"{sys.executable}" -m snapall'
    both = f'{mount}{snapall} doctor --config "$1"; first=$?; {snapall} run --config "$1"; exit $((first * 16 + $?))'
    ran = subprocess.run([*unshare, "sh", "-c", both, str(state), str(night.config)], capture_output=True, check=False)
    assert ran.returncode == doctor * 16 + run, ran.stdout.decode() + ran.stderr.decode()
    night.assert_nothing_is_quiesced()
    warned = b"SA-5424" in ran.stdout
    assert warned == (kilobytes < 50 * 1024)
