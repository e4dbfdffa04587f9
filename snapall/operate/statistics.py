"""Statistics of the last runs: seconds per VM, their trend, and the expected quiesce window. Pure."""

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

_ENOUGH = 4  # values for a trend: two older ones against two newer ones


@dataclass(frozen=True, slots=True)
class Series:
    """Seconds of one kind over the runs, oldest first; None where a run has none."""

    values: tuple[float | None, ...]

    @property
    def known(self) -> tuple[float, ...]:
        """The values without None."""
        return tuple(value for value in self.values if value is not None)

    @property
    def median(self) -> float | None:
        """The median."""
        return median(self.known) if self.known else None

    @property
    def worst(self) -> float | None:
        """The largest value."""
        return max(self.known, default=None)

    @property
    def trend(self) -> float | None:
        """The change of the newer half's median against the older half's: 0.25 is a quarter more. None: too few."""
        half = len(self.known) // 2
        if len(self.known) < _ENOUGH:
            return None
        older, newer = median(self.known[:half]), median(self.known[-half:])
        return newer / older - 1 if older > 0 else None


@dataclass(frozen=True, slots=True)
class VmStatistics:
    """One VM over the runs. `targeted`: in how many it was to be quiesced, `missed`: in how many of these not."""

    vm: Vm
    create: Series
    remove: Series
    targeted: int
    missed: int

    @property
    def usual(self) -> float:
        """The medians of both calls added up; the slowest VMs come first by this."""
        return (self.create.median or 0.0) + (self.remove.median or 0.0)


@dataclass(frozen=True, slots=True)
class Expected:
    """Tonight's expected quiesce window in seconds: the usual one, and if every call is as slow as its slowest."""

    usual: float
    worst: float
    capture: float  # from the first quiesce to the capture, which `max_quiesced` limits


@dataclass(frozen=True, slots=True)
class Statistics:
    """One job over its last runs, oldest first."""

    job: str
    runs: tuple[RunHistory, ...]
    vms: tuple[VmStatistics, ...]
    window: Series
    expected: Expected | None
    saved: Saved | None = None  # by the order of the last run's calls, unless that was the database's
    unreadable: tuple[str, ...] = ()


def statistics(job: str, runs: Sequence[RunHistory], parallel: int, unreadable: Sequence[str] = ()) -> Statistics:
    """Calculate the statistics of runs, oldest first; `parallel`: calls at a time, as configured now.

    Interrupted runs add no seconds: a kill or a signal cut them short.
    """
    ids: dict[int, Vm] = {}
    for run in runs:
        ids |= {one.vm.id: one.vm for one in run.vms}  # the newest name counts
    by_run = [{one.vm.id: one for one in run.vms} for run in runs]
    vms = tuple(sorted((_vm(vm, runs, by_run) for vm in ids.values()), key=lambda one: (-one.usual, one.vm.id)))
    window = Series(tuple(run.window if not run.interrupted else None for run in runs))
    return Statistics(
        job, tuple(runs), vms, window, _expected(runs, vms, parallel), _saved(runs, parallel), tuple(unreadable)
    )


def _vm(vm: Vm, runs: Sequence[RunHistory], by_run: Sequence[Mapping[int, VmHistory]]) -> VmStatistics:
    found = [one.get(vm.id) for one in by_run]
    targets = [
        one for run, one in zip(runs, found, strict=True) if one is not None and run.captures and one.state != SKIPPED
    ]
    timed = [None if run.interrupted else one for run, one in zip(runs, found, strict=True)]
    return VmStatistics(
        vm,
        Series(tuple(one.create_seconds if one is not None else None for one in timed)),
        Series(tuple(one.remove_seconds if one is not None else None for one in timed)),
        len(targets),
        sum(one.state != QUIESCED for one in targets),
    )


def _expected(runs: Sequence[RunHistory], vms: Sequence[VmStatistics], parallel: int) -> Expected | None:
    """Estimate from the VMs of the last run, their calls made by id, `parallel` at a time."""
    last = _last_with_quiesces(runs)
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


def _last_with_quiesces(runs: Sequence[RunHistory]) -> RunHistory | None:
    return next((run for run in reversed(runs) if any(one.quiesce is not None for one in run.vms)), None)


def _saved(runs: Sequence[RunHistory], parallel: int) -> Saved | None:
    """Estimate what the order of the last run's calls saved; None if it was the database's order."""
    last = _last_with_quiesces(runs)
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
    """The VMs in the order of their calls, by id among those sent together."""
    return sorted(sent, key=lambda vm: (sent[vm], vm))


def _typical(vms: Sequence[VmStatistics], kind: str) -> float | None:
    """The median of all VMs, for a VM without values of its own."""
    found = [value for one in vms if (value := (one.create if kind == "create" else one.remove).median) is not None]
    return median(found) if found else None


def makespan(seconds: Sequence[float], parallel: int) -> float:
    """Return how long the calls take with `parallel` workers, each taking the next call when it is done."""
    busy_until = [0.0] * max(1, min(parallel, len(seconds)))
    for one in seconds:
        heapq.heapreplace(busy_until, busy_until[0] + one)
    return max(busy_until)
