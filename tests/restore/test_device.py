"""A LUN is read as the device that it appears as, in a process that can be killed; or by a helper command."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from snapall.backup.clock import SystemClock
from snapall.config.settings import Verify
from snapall.restore.proof.device import LunReader, LunReading, MappedLun, replaced
from snapall.restore.proof.proofs import Readability
from tests.lab.atlab import Hasty
from tests.platforms import posix
from tests.restore.images import disks

IMAGE, STRUCTURES = disks()["windows"]
PYTHON = sys.executable


def lun(path: str = "/vol/vmvol1/sql01", serial: str = "P3OoG4WVLFoa") -> MappedLun:
    return MappedLun(path, serial, 7, IMAGE.size)


def reader(folder: Path, **keys: object) -> LunReader:
    clock = Hasty() if keys.pop("hasty", False) else SystemClock()
    stopped = keys.pop("stopped", lambda: False)
    device = keys.pop("device", str(folder / "{serial}"))
    settings = Verify.model_validate({"igroup": "helper", "device": device, "timeout": 60.0, **keys}, strict=False)
    assert callable(stopped)
    return LunReader(settings, clock, stopped, frozenset({"VCPWORD"}))


def program(text: str, *args: str) -> tuple[str, ...]:
    return (PYTHON, "-c", text, *args)


def test_a_whole_disk_is_readable(tmp_path: Path) -> None:
    (tmp_path / lun().serial).write_bytes(IMAGE.data)
    found = reader(tmp_path).read(lun())
    assert (found.found, found.problems) == (Readability.READABLE, ())
    assert set(found.structures) == STRUCTURES


def test_a_damaged_sector_of_the_device_is_found(tmp_path: Path) -> None:
    damaged = IMAGE.damaged(63 * 512, lambda data: bytes(len(data)))
    (tmp_path / lun().serial).write_bytes(damaged.data)
    found = reader(tmp_path).read(lun())
    assert found.found is Readability.DAMAGED
    assert "nothing known is where" in found.problems[0]


def test_a_device_that_appears_late_is_waited_for(tmp_path: Path) -> None:
    path, looked = tmp_path / lun().serial, threading.Event()

    class Waiting(SystemClock):
        def wait(self, seconds: float, until: Callable[[], bool]) -> None:
            assert not until()
            path.write_bytes(IMAGE.data)
            looked.set()
            super().wait(seconds, until)

    one = reader(tmp_path)
    found = LunReader(one.settings, Waiting(), one.stopped).read(lun())
    assert looked.is_set()
    assert found.found is Readability.READABLE


def test_a_device_that_never_appears_is_not_read_and_the_remedy_is_named(tmp_path: Path) -> None:
    found = reader(tmp_path, hasty=True).read(lun())
    assert found.found is Readability.UNREAD
    assert "did not appear within 60 s; check `igroup`, `device` and `rescan`" in found.problems[0]


@posix("Windows has no such pipes")
def test_a_device_that_never_answers_is_given_up_and_its_reader_ended(tmp_path: Path) -> None:
    path = tmp_path / lun().serial
    os.mkfifo(path)  # opening it blocks until somebody writes
    found = reader(tmp_path, timeout=0.5).read(lun())
    assert found.found is Readability.UNREAD
    assert "did not answer: not finished after" in found.problems[0]
    with pytest.raises(OSError, match="No such device or address"):  # nobody reads there any more
        os.open(path, os.O_WRONLY | os.O_NONBLOCK)


def test_a_signal_ends_the_wait_for_a_device(tmp_path: Path) -> None:
    found = reader(tmp_path, stopped=lambda: True).read(lun())
    assert found.found is Readability.UNREAD
    assert "stopped by a signal" in found.problems[0]


def test_another_disk_in_the_place_of_the_lun_is_not_read(tmp_path: Path) -> None:
    (tmp_path / lun().serial).write_bytes(IMAGE.data + bytes(512))
    found = reader(tmp_path).read(lun())
    assert found.found is Readability.UNREAD
    assert "it is another disk" in found.problems[0]


def test_a_rescan_makes_the_device_appear(tmp_path: Path) -> None:
    (tmp_path / "hidden").write_bytes(IMAGE.data)
    rescan = program(
        "import os, sys; os.replace(*sys.argv[1:])", str(tmp_path / "hidden"), str(tmp_path / lun().serial)
    )
    assert reader(tmp_path, rescan=rescan).read(lun()).found is Readability.READABLE


def test_a_rescan_that_fails_is_named_with_its_output(tmp_path: Path) -> None:
    found = reader(tmp_path, rescan=program("raise SystemExit('no such host')")).read(lun())
    assert found == LunReading(Readability.UNREAD, ("the rescan failed: exit code 1: no such host",))


@pytest.mark.parametrize(
    ("code", "found"),
    [(0, Readability.READABLE), (3, Readability.DAMAGED), (127, Readability.UNREAD), (255, Readability.UNREAD)],
)
def test_the_exit_code_of_a_helper_decides(tmp_path: Path, code: int, found: Readability) -> None:
    helper = program(f"import sys; print(sys.argv[1:]); sys.exit({code})", "{device}", "{id}")
    answer = reader(tmp_path, helper=helper, device="/dev/{hex}").read(lun())
    assert answer.found is found
    assert all(f"/dev/{b'P3OoG4WVLFoa'.hex()}', '7'" in one for one in answer.problems)


def test_a_helper_that_cannot_be_started_reads_nothing(tmp_path: Path) -> None:
    assert reader(tmp_path, helper=("/no/such/helper", "{serial}")).read(lun()).found is Readability.UNREAD


def test_a_helper_that_never_ends_is_ended(tmp_path: Path) -> None:
    helper = program("import time; [time.sleep(9) for _ in iter(int, 1)]", "{serial}")
    found = reader(tmp_path, helper=helper, timeout=0.3).read(lun())
    assert "the helper failed: not finished after" in found.problems[0]


def test_no_command_gets_a_variable_that_holds_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VCPWORD", "hunter2")
    helper = program("import os, sys; sys.exit('VCPWORD' in os.environ)", "{serial}")
    assert reader(tmp_path, helper=helper).read(lun()).found is Readability.READABLE


def test_a_serial_with_special_characters_reaches_no_command(tmp_path: Path) -> None:
    found = reader(tmp_path, helper=program("pass", "{serial}")).read(lun(serial="a$(rm)-/x"))
    assert found.found is Readability.UNREAD
    assert "use {hex} for {serial}" in found.problems[0]


def test_words_are_replaced_once() -> None:
    assert replaced("/dev/{serial}", lun(serial="a/b")) == "/dev/a_b"
    assert replaced("{serial} {id} {device} {other} ${x}", lun(serial="{id}"), "d") == "{id} 7 d {other} ${x}"
