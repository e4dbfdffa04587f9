"""Proves that a backup can be read: mounts the LUNs of one VM after the other, reads them, takes all down, records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from snapall.errors import Exit, SnapallError
from snapall.restore.proof.device import LunReading, MappedLun
from snapall.restore.proof.proofs import Proof, Readability

if TYPE_CHECKING:
    from datetime import datetime

    from snapall.backup.clock import Clock
    from snapall.backup.model import Vm

Mount = Callable[[Sequence[str]], AbstractContextManager[Sequence[MappedLun]]]
"""Clones and maps these LUNs out of the backup, and takes everything down at its end. Raises SnapallError."""


class Reader(Protocol):
    """Reads one mapped LUN."""

    @property
    def way(self) -> str:
        """How it reads, as a proof says it."""

    def read(self, one: MappedLun) -> LunReading:
        """What came of it."""


@dataclass(frozen=True, slots=True)
class VerifyTarget:
    """What is checked together: a VM with all its LUNs, or a LUN that is of no VM. `vm`: its moref, or the path."""

    vm: str
    name: str
    luns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerifiedBackup:
    """The snapshot that is checked: its name, its date in `snap list`, the stamp of its run ("" unknown)."""

    snapshot: str
    date: str
    run: str = ""


def targets_of(vms: Sequence[Vm], owners: Mapping[str, Vm | None], *, rest: bool = False) -> tuple[VerifyTarget, ...]:
    """The VMs with their LUNs; `rest`: and each LUN of none of them. A VM without a LUN is a target that fails."""
    owned = {vm.moref: tuple(path for path, owner in owners.items() if owner == vm) for vm in vms}
    found = [VerifyTarget(vm.moref, vm.label, owned[vm.moref]) for vm in vms]
    found += [VerifyTarget(path, path, (path,)) for path, owner in owners.items() if rest and owner not in vms]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Verification:
    """One call of `verify`. `record` makes each proof durable; `stopped`: whether a signal has arrived.

    `locked` holds the lock of the volumes, for one VM at a time: a run that waits comes in between.
    """

    backup: VerifiedBackup
    mount: Mount
    reader: Reader
    clock: Clock
    record: Callable[[Proof], None]
    stopped: Callable[[], bool]
    locked: Callable[[], AbstractContextManager[None]] = nullcontext

    def run(self, targets: Sequence[VerifyTarget]) -> tuple[Proof, ...]:
        """Check one target after the other, so that no more clones exist than one VM has LUNs.

        A target that cannot be mounted does not stop the others. SnapallError: something was left on the filer, or
        no proof can be recorded.
        """
        proofs: list[Proof] = []
        for one in targets:
            if self.stopped():
                break
            with self.locked():
                proofs += self._check(one)
        return tuple(proofs)

    def _check(self, target: VerifyTarget) -> list[Proof]:
        """Nothing is recorded of a check that a signal broke off. A proof counts although its take-down fails."""
        checked, begun = self.clock.utc(), self.clock.monotonic()
        result, seconds = _NO_LUN, 0.0
        failure: SnapallError | None = None
        try:
            if target.luns:
                result = _NOT_MAPPED
                with self.mount(target.luns) as mapped:
                    result = _result(target, {one.lun: self.reader.read(one) for one in mapped})
                    seconds = self.clock.monotonic() - begun
        except SnapallError as error:
            if result is not _NOT_MAPPED or error.exit is not Exit.FAILED:  # something is left on the filer
                failure = error
            if result is _NOT_MAPPED:
                result = LunReading(Readability.UNREAD, (error.message,))
        proofs = [self._proof(target, checked, seconds, result)]
        if self.stopped() and result.found is Readability.UNREAD:
            proofs = []
        for one in proofs:
            self.record(one)
        if failure is not None:
            raise failure
        return proofs

    def _proof(self, of: VerifyTarget, checked: datetime, seconds: float, result: LunReading) -> Proof:
        made = self.backup
        return Proof(
            of.vm,
            of.name,
            of.luns,
            made.snapshot,
            made.date,
            made.run,
            checked,
            seconds,
            result.found,
            self.reader.way,
            result.problems,
        )


def _result(target: VerifyTarget, readings: Mapping[str, LunReading]) -> LunReading:
    """The worst of all LUNs: one that was not read leaves the VM without a proof, however whole the others are."""
    missing = [path for path in target.luns if path not in readings]
    problems = [f"{path}: {one}" for path, reading in readings.items() for one in reading.problems]
    problems += [f"{path}: it was not mapped" for path in missing]
    found = {one.found for one in readings.values()}
    if Readability.DAMAGED in found:
        return LunReading(Readability.DAMAGED, tuple(problems))
    if missing or Readability.UNREAD in found or not found:
        return LunReading(Readability.UNREAD, tuple(problems))
    return LunReading(Readability.READABLE, tuple(problems))


_NOT_MAPPED = LunReading(Readability.UNREAD, ("it was not mapped",))
_NO_LUN = LunReading(Readability.UNREAD, ("no LUN of it is known: name its LUNs in `luns` of the job",))
