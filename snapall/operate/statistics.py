"""What the last runs say together: seconds per VM, their trend, the window that is to be expected. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from snapall.backup.model import Vm
from snapall.backup.outcome import QUIESCED, SKIPPED
from snapall.backup.schedule import Durations, Saved, saved
from snapall.operate.run_history import RunHistory, VmHistory

_ENOUGH = 4  # values from which on a trend is told: two older ones against two newer ones


@dataclass(frozen=True, slots=True)
class Series:
    """Seconds of one kind over the runs, oldest first; None where a run has none."""

    values: tuple[float | None, ...]

    @property
    def known(self) -> tuple[float, ...]:
        """The values that are there."""
        return tuple(value for value in self.values if value is not None)

    @property
    def median(self) -> float | None:
        """What it usually takes."""
        return median(self.known) if self.known else None

    @property
    def worst(self) -> float | None:
        """The most that it took."""
        return max(self.known, default=None)

    @property
    def trend(self) -> float | None:
        """How the newer half's median compares with the older half's: 0.25 is a quarter more. None: too few."""
        half = len(self.known) // 2
        if len(self.known) < _ENOUGH:
            return None
        older, newer = median(self.known[:half]), median(self.known[-half:])
        return newer / older - 1 if older > 0 else None


@dataclass(frozen=True, slots=True)
class VmStatistics:
    """One VM over the runs. `missed`: in how many of them it was asked for and not quiesced."""

    vm: Vm
    create: Series
    remove: Series
    asked: int
    missed: int

    @property
    def usual(self) -> float:
        """Seconds of both calls together; by this the worst come first."""
        return (self.create.median or 0.0) + (self.remove.median or 0.0)


@dataclass(frozen=True, slots=True)
class Expected:
    """The window that tonight's run should take, in seconds: usually, and if every call is as slow as it ever was."""

    usual: float
    worst: float
    capture: float  # when the capture would be sent, usually; `max_quiesced` bounds this


@dataclass(frozen=True, slots=True)
class Statistics:
    """One job over its last runs, oldest first."""

    job: str
    runs: tuple[RunHistory, ...]
    vms: tuple[VmStatistics, ...]
    window: Series
    expected: Expected | None
    saved: Saved | None = None  # by the order of the last run's calls, if that was not the database's
    unreadable: tuple[str, ...] = ()


def statistics(job: str, runs: Sequence[RunHistory], parallel: int, unreadable: Sequence[str] = ()) -> Statistics:
    """Reckon over runs, oldest first; `parallel`: calls at a time, as they are configured now."""
    ids: dict[int, Vm] = {}
    for run in runs:
        ids |= {one.vm.id: one.vm for one in run.vms}  # the newest name counts
    told = [{one.vm.id: one for one in run.vms} for run in runs]
    vms = tuple(sorted((_vm(vm, runs, told) for vm in ids.values()), key=lambda one: (-one.usual, one.vm.id)))
    window = Series(tuple(run.window for run in runs))
    return Statistics(
        job, tuple(runs), vms, window, _expected(runs, vms, parallel), _saved(runs, parallel), tuple(unreadable)
    )


def _vm(vm: Vm, runs: Sequence[RunHistory], told: Sequence[Mapping[int, VmHistory]]) -> VmStatistics:
    found = [one.get(vm.id) for one in told]
    asked = [one for run, one in zip(runs, found, strict=True) if one is not None and _asked(run, one)]
    return VmStatistics(
        vm,
        Series(tuple(one.create_seconds if one is not None else None for one in found)),
        Series(tuple(one.remove_seconds if one is not None else None for one in found)),
        len(asked),
        sum(one.state != QUIESCED for one in asked),
    )


def _asked(run: RunHistory, one: VmHistory) -> bool:
    return bool(run.captures) and one.state != SKIPPED


def _expected(runs: Sequence[RunHistory], vms: Sequence[VmStatistics], parallel: int) -> Expected | None:
    """The calls of the VMs that the last run asked for, dealt out as a run does: by id, to whoever is free."""
    last = next((run for run in reversed(runs) if any(one.quiesce is not None for one in run.vms)), None)
    timed = {one.vm.id: one for one in vms}
    if last is None:
        return None
    tonight = [timed[one.vm.id] for one in last.targets]
    captures = Series(tuple(call.seconds for run in runs for call in (one.call for one in run.captures) if call.done))
    creates, removes = _typical(vms, "create"), _typical(vms, "remove")
    if not captures.known or creates is None or removes is None:
        return None
    volumes = len(last.job.volumes)
    first = makespan([one.create.median or creates for one in tonight], parallel)
    last_part = makespan([one.remove.median or removes for one in tonight], parallel)
    slow = makespan([one.create.worst or creates for one in tonight], parallel)
    slow += makespan([one.remove.worst or removes for one in tonight], parallel)
    return Expected(
        usual=first + volumes * (captures.median or 0.0) + last_part,
        worst=slow + volumes * (captures.worst or 0.0),
        capture=first,
    )


def _saved(runs: Sequence[RunHistory], parallel: int) -> Saved | None:
    """What the order of the last run's calls saved, by the durations that they had; None: it was the database's."""
    last = next((run for run in reversed(runs) if any(one.quiesce is not None for one in run.vms)), None)
    if last is None:
        return None
    vms = sorted(one.vm.id for one in last.vms if one.quiesce is not None)
    creates = _order({one.vm.id: one.quiesce.sent for one in last.vms if one.quiesce is not None})
    removals = _order({one.vm.id: one.release.sent for one in last.vms if one.release is not None})
    if creates == vms and removals == sorted(removals):
        return None
    took = {one.vm.id: Durations(one.create_seconds, one.remove_seconds) for one in last.vms}
    return saved(vms, took, parallel, creates, removals)


def _order(sent: Mapping[int, datetime]) -> list[int]:
    """The VMs in the order of their calls; those that were sent together count by id."""
    return sorted(sent, key=lambda vm: (sent[vm], vm))


def _typical(vms: Sequence[VmStatistics], kind: str) -> float | None:
    """For a VM that was never timed: what the others take."""
    found = [value for one in vms if (value := (one.create if kind == "create" else one.remove).median) is not None]
    return median(found) if found else None


def makespan(seconds: Sequence[float], parallel: int) -> float:
    """How long the calls take when so many at a time are made, each by whoever is free first."""
    free = [0.0] * max(1, min(parallel, len(seconds)))
    for one in seconds:
        heapq.heapreplace(free, free[0] + one)
    return max(free)
