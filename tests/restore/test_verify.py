"""A VM is proved only if each of its LUNs was mapped, read and found whole; and everything is taken down again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from snapall.backup.clock import SystemClock
from snapall.backup.model import Vm
from snapall.errors import Exit, Refused, SiteError, SnapallError
from snapall.restore.proof.device import MappedLun
from snapall.restore.proof.proofs import Proof, Readability
from snapall.restore.proof.verify import Verification, VerifiedBackup, VerifyTarget, targets_of
from tests.restore.images import Image, disks
from tests.restore.test_device import reader

WHOLE = disks()["windows"][0]
SQL, WEB = Vm(611, "sql01"), Vm(612, "web01")
ONE = VerifyTarget("vm-611", "sql01 (vm-611)", ("/vol/vmvol1/sql01", "/vol/vmvol1/sql01_data"))
TWO = VerifyTarget("vm-612", "web01 (vm-612)", ("/vol/vmvol1/web01",))


class LeftBehind(SnapallError):
    exit = Exit.OUTSTANDING


class Filer:
    """Maps LUNs as files in a folder, as a host sees them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.luns: dict[str, Image] = dict.fromkeys((*ONE.luns, *TWO.luns), WHOLE)
        self.mapped: list[str] = []
        self.proofs: list[Proof] = []
        self.up_fails: dict[str, SnapallError] = {}
        self.down_fails: SnapallError | None = None
        self.stopped = False

    @contextmanager
    def mount(self, luns: Sequence[str]) -> Iterator[Sequence[MappedLun]]:
        for path in luns:
            if path in self.up_fails:
                raise self.up_fails[path]
        found = [self._map(path) for path in luns if path in self.luns]
        try:
            yield found
        finally:
            for one in found:
                (self.folder / one.serial).unlink()
        if self.down_fails is not None:
            raise self.down_fails

    def _map(self, path: str) -> MappedLun:
        serial = f"s{len(self.mapped)}"
        self.mapped.append(path)
        (self.folder / serial).write_bytes(self.luns[path].data)
        return MappedLun(path, serial, len(self.mapped), self.luns[path].size)

    def verify(self, *targets: VerifyTarget) -> tuple[Proof, ...]:
        stopped: Callable[[], bool] = lambda: self.stopped  # noqa: E731
        backup = VerifiedBackup("vmware_recent", "Mar 22 03:00", "20070322T030000Z")
        by = reader(self.folder, stopped=stopped)
        return Verification(backup, self.mount, by, SystemClock(), self.proofs.append, stopped).run(targets)


@pytest.fixture
def filer(tmp_path: Path) -> Filer:
    return Filer(tmp_path)


def test_a_vm_whose_luns_are_whole_is_proved_and_everything_is_taken_down(filer: Filer) -> None:
    one, two = filer.verify(ONE, TWO)
    assert (one.found, one.problems, one.luns) == (Readability.READABLE, (), ONE.luns)
    assert (two.vm, two.snapshot, two.run, two.way) == ("vm-612", "vmware_recent", "20070322T030000Z", "signatures")
    assert one.seconds > 0
    assert list(filer.folder.iterdir()) == []
    assert filer.proofs == [one, two]


def test_one_damaged_lun_of_a_vm_is_named(filer: Filer) -> None:
    filer.luns[ONE.luns[1]] = WHOLE.damaged(63 * 512, lambda data: bytes(len(data)))
    one, two = filer.verify(ONE, TWO)
    assert (one.found, two.found) == (Readability.DAMAGED, Readability.READABLE)
    assert one.problems[0].startswith("/vol/vmvol1/sql01_data: partition 1")


def test_a_lun_that_was_not_mapped_leaves_the_vm_without_a_proof(filer: Filer) -> None:
    del filer.luns[ONE.luns[1]]
    (one,) = filer.verify(ONE)
    assert (one.found, one.problems) == (Readability.UNREAD, ("/vol/vmvol1/sql01_data: it was not mapped",))


def test_a_vm_that_cannot_be_mounted_does_not_stop_the_others(filer: Filer) -> None:
    filer.up_fails[ONE.luns[0]] = Refused("no such LUN in the snapshot")
    one, two = filer.verify(ONE, TWO)
    assert (one.found, one.problems) == (Readability.UNREAD, ("no such LUN in the snapshot",))
    assert two.found is Readability.READABLE


def test_a_mount_that_leaves_something_behind_stops_everything(filer: Filer) -> None:
    filer.up_fails[ONE.luns[0]] = LeftBehind("a clone was left")
    with pytest.raises(LeftBehind):
        filer.verify(ONE, TWO)
    assert [one.found for one in filer.proofs] == [Readability.UNREAD]


def test_a_proof_counts_although_its_take_down_fails_and_no_further_clone_is_made(filer: Filer) -> None:
    filer.down_fails = SiteError("the filer does not answer")
    with pytest.raises(SiteError):
        filer.verify(ONE, TWO)
    assert [one.found for one in filer.proofs] == [Readability.READABLE]
    assert filer.mapped == list(ONE.luns)


def test_a_signal_ends_it_before_the_next_vm_and_records_nothing_that_it_broke_off(filer: Filer) -> None:
    filer.stopped = True
    assert filer.verify(ONE, TWO) == ()
    assert filer.mapped == []


def test_a_vm_without_a_known_lun_is_on_record_as_not_read(filer: Filer) -> None:
    (one,) = filer.verify(VerifyTarget("vm-7", "new01", ()))
    assert (one.found, filer.mapped) == (Readability.UNREAD, [])
    assert "`luns` of the job" in one.problems[0]


def test_targets_are_the_vms_with_their_luns_and_on_request_the_luns_of_no_vm() -> None:
    owners = {"/vol/v/sql01": SQL, "/vol/v/vmfs1": None, "/vol/v/sql01_data": SQL}
    own = (
        VerifyTarget("vm-611", "sql01 (vm-611)", ("/vol/v/sql01", "/vol/v/sql01_data")),
        VerifyTarget("vm-612", "web01 (vm-612)", ()),
    )
    assert targets_of((SQL, WEB), owners) == own
    rest = VerifyTarget("/vol/v/vmfs1", "/vol/v/vmfs1", ("/vol/v/vmfs1",))
    assert targets_of((SQL, WEB), owners, rest=True) == (*own, rest)
