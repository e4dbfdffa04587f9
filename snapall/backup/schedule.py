"""The order of creates and removals within a run, by their usual durations. Pure functions of the history.

A VM is quiesced from the answer to its create to the answer to its removal, and no removal begins before the last
create has ended. The total is shortest when the longest creates and the shortest removals go first. `shortest_first`
does so without a longer window.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from dataclasses import dataclass, field
from itertools import accumulate
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

WORTH = 0.10
"""The least gain (see `Calls.gain_over`) for which a stage leaves the database's order; docs/order.md shows why."""

WORTH_SECONDS = 1.0
"""The least gain in seconds: below it, the order of short calls is mere chance."""

_ROUNDING = 1e-9  # the same calls in another order add up to slightly different sums


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds that a VM's calls took, or usually take; None: unknown.

    Usual durations are medians: from three nights on, a single outlier does no harm.
    """

    create: float | None
    remove: float | None


@dataclass(frozen=True, slots=True)
class History:
    """What a job's last nights show: what each VM's calls usually take, and which VMs the last one did not reach.

    `window` and `run` are the seconds that tonight should take, from the first quiesce to the last release, and in all;
    None: unknown.
    """

    usual: Mapping[int, Durations] = field(default_factory=dict)
    missed: frozenset[int] = frozenset()
    window: float | None = None
    run: float | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """VM ids in the order in which their calls begin, and why, in one sentence; "": in the database's order."""

    creates: tuple[int, ...]
    removals: tuple[int, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """Seconds saved compared with the database's order: of the window, and of all quiesced times together."""

    window: float
    quiesced: float


@dataclass(frozen=True, slots=True)
class CallOrder:
    """All creates or all removals in some order: how long they take, and what they add to the quiesced times."""

    order: tuple[int, ...]
    length: float
    quiesced: float

    @classmethod
    def of_creates(cls, order: Sequence[int], seconds: Mapping[int, float], places: int) -> CallOrder:
        """A VM is quiesced from the end of its own create to the end of the last one."""
        ended = ends(order, seconds, places).values()
        length = max(ended, default=0.0)
        return cls(tuple(order), length, sum(length - end for end in ended))

    @classmethod
    def of_removals(cls, order: Sequence[int], seconds: Mapping[int, float], places: int) -> CallOrder:
        """A VM is quiesced from the beginning of the first removal to the end of its own."""
        ended = ends(order, seconds, places).values()
        return cls(tuple(order), max(ended, default=0.0), sum(ended))

    def gain_over(self, other: CallOrder) -> float:
        """The seconds saved of the length and of a VM's mean quiesced time, per second of length; 0 if either grows."""
        if self.length > other.length * (1 + _ROUNDING) or self.quiesced >= other.quiesced:
            return 0.0
        seconds = other.length - self.length + (other.quiesced - self.quiesced) / len(self.order)
        return seconds / other.length if seconds >= WORTH_SECONDS else 0.0


@dataclass(frozen=True, slots=True)
class _Choice:
    """A stage in some order, and the VMs that it begins with; none: the database's order."""

    stage: CallOrder
    begins_with: tuple[str, ...] = ()


def schedule(
    vms: Sequence[int],
    usual: Mapping[int, Durations],
    parallel: int,
    must: Collection[int] = (),
    missed: Collection[int] = (),
    *,
    worth: float = WORTH,
) -> Schedule:
    """Order the calls of a run so that VMs are quiesced for less time, where the history promises enough gain.

    Creates always begin with the VMs in `must`, then with those in `missed`, which the last run did not reach.
    Otherwise the order is `vms`, the database's. VMs missing from `usual` count as the median of the others, and a
    stage keeps its order when fewer than half of its calls are known. `parallel`: calls at a time.
    """
    create = _filled(vms, {vm: one.create for vm, one in usual.items()})
    remove = _filled(vms, {vm: one.remove for vm, one in usual.items()})
    plain, longest = _creates(vms, create, parallel, frozenset(must), frozenset(missed))
    creates = _best(plain, [longest], worth)
    listed = _Choice(CallOrder.of_removals(vms, remove, parallel))
    removals = _best(listed, _removals(vms, remove, parallel), worth)
    gained = Saved(
        plain.stage.length - creates.stage.length + listed.stage.length - removals.stage.length,
        plain.stage.quiesced - creates.stage.quiesced + listed.stage.quiesced - removals.stage.quiesced,
    )
    return Schedule(creates.stage.order, removals.stage.order, _reason(tuple(vms), creates, removals, gained))


def saved(
    vms: Sequence[int],
    took: Mapping[int, Durations],
    parallel: int,
    creates: Sequence[int],
    removals: Sequence[int],
) -> Saved:
    """What a run saved by the order of its calls, compared with the same calls in the order of `vms`.

    Both are computed from the calls' durations, so other waits count in neither. A call without a duration is left out;
    quiesced times are of VMs with both calls.
    """
    at = {vm: n for n, vm in enumerate(vms)}
    create = _known(filter(at.__contains__, creates), {vm: one.create for vm, one in took.items()})
    remove = _known(filter(at.__contains__, removals), {vm: one.remove for vm, one in took.items()})
    used = _spent(create, remove, create, remove, parallel)
    plain = _spent(sorted(create, key=at.__getitem__), sorted(remove, key=at.__getitem__), create, remove, parallel)
    return Saved(plain[0] - used[0], plain[1] - used[1])


def ends(order: Iterable[int], seconds: Mapping[int, float], places: int) -> dict[int, float]:
    """When each call ends if they begin in this order, each as soon as one of the places is vacant."""
    vacant_at = [0.0] * places
    ended = {}
    for vm in order:
        ended[vm] = vacant_at[0] + seconds[vm]
        heapq.heapreplace(vacant_at, ended[vm])
    return ended


def shortest_first(vms: Sequence[int], seconds: Mapping[int, float], places: int, longest: int = 0) -> tuple[int, ...]:
    """Order calls by rising duration so that all places end at about the same time.

    The sum of all ends depends only on how many calls follow each call on its place. So the sorted calls are cut into
    rows of one call for each place: within a row any place keeps the sum at its minimum, and the choice levels the
    places (after Coffman and Sethi, 1976). If a few calls take far longer than all others, even level places end late:
    the `longest` longest begin before all others. Equal calls stay in the order of `vms`.
    """
    ascending = sorted(seconds[vm] for vm in vms)
    rest = len(ascending) - longest
    waiting: defaultdict[float, deque[int]] = defaultdict(deque)
    for vm in vms:
        waiting[seconds[vm]].append(vm)
    in_turn = [*reversed(ascending[rest:]), *_levelled(ascending[:rest], places - longest)]
    return tuple(waiting[one].popleft() for one in in_turn)


def _levelled(ascending: Sequence[float], places: int) -> list[float]:
    """Put each row's longest call on the place that ends first, rows with the widest spread first."""
    short = len(ascending) % places
    rows = [ascending[:short], *(ascending[n : n + places] for n in range(short, len(ascending), places))]
    columns: list[list[float]] = [[] for _ in range(places)]
    for row in sorted(filter(None, rows), key=lambda row: row[0] * (len(row) == places) - row[-1]):
        columns.sort(key=sum)
        for column, one in zip(columns, reversed(row), strict=False):
            column.append(one)
    begun: list[tuple[float, float]] = []
    for column in columns:
        column.sort()
        begun += zip(accumulate(column, initial=0.0), column, strict=False)
    return [one for _, one in sorted(begun)]


def _spent(
    creates: Iterable[int],
    removals: Iterable[int],
    create: Mapping[int, float],
    remove: Mapping[int, float],
    places: int,
) -> tuple[float, float]:
    """The window and the sum of all quiesced times, if the capture took no time."""
    created, removed = ends(creates, create, places), ends(removals, remove, places)
    captured = max(created.values(), default=0.0)
    quiesced = sum(captured - created[vm] + removed[vm] for vm in create if vm in remove)
    return captured + max(removed.values(), default=0.0), quiesced


def _known(vms: Iterable[int], seconds: Mapping[int, float | None]) -> dict[int, float]:
    """The VMs whose seconds are known, in the same order."""
    return {vm: one for vm in vms if (one := seconds.get(vm)) is not None}


def _filled(vms: Sequence[int], known: Mapping[int, float | None]) -> dict[int, float]:
    """Seconds for every VM: its own or the median; if too few are known, all equal, so that no order gains."""
    there = _known(vms, known)
    if not there or 2 * len(there) < len(vms):
        return dict.fromkeys(vms, 1.0)
    return dict.fromkeys(vms, median(there.values())) | there


def _creates(
    vms: Sequence[int], seconds: Mapping[int, float], places: int, must: frozenset[int], missed: frozenset[int]
) -> tuple[_Choice, _Choice]:
    """Group by group: once in the database's order, once with the longest first."""
    group = {vm: (vm not in must, vm not in missed) for vm in vms}
    named = (("the VMs marked must", must), ("those that the last run did not reach", missed))
    first = tuple(name for name, chosen in named if 0 < len(chosen.intersection(vms)) < len(vms))
    plain = sorted(vms, key=group.__getitem__)
    longest = sorted(vms, key=lambda vm: (group[vm], -seconds[vm]))
    return (
        _Choice(CallOrder.of_creates(plain, seconds, places), first),
        _Choice(CallOrder.of_creates(longest, seconds, places), (*first, "the longest")),
    )


def _removals(vms: Sequence[int], seconds: Mapping[int, float], places: int) -> list[_Choice]:
    """The shortest first: all of them, or after the longest one, the two longest, and so on."""
    found = []
    for longest in range(min(places, len(vms))):
        first = () if longest == 0 else ("the longest",) if longest == 1 else (f"the {longest} longest",)
        stage = CallOrder.of_removals(shortest_first(vms, seconds, places, longest), seconds, places)
        found.append(_Choice(stage, (*first, "the shortest")))
    return found


def _best(plain: _Choice, choices: Sequence[_Choice], worth: float) -> _Choice:
    """The choice that gains most over the plain one, the first of equals, if that is worth it; else the plain one."""
    best = max(choices, key=lambda one: one.stage.gain_over(plain.stage), default=plain)
    return best if best.stage.gain_over(plain.stage) >= worth else plain


def _reason(vms: tuple[int, ...], creates: _Choice, removals: _Choice, gained: Saved) -> str:
    """Why the calls do not begin in the database's order; "": they do."""
    named = (("creates", creates), ("removals", removals))
    parts = [f"{name} begin with {', then '.join(one.begins_with)}" for name, one in named if one.stage.order != vms]
    if not parts:
        return ""
    sentence = "; ".join(parts)
    if gained.quiesced > 0:
        sentence += f": judging by earlier runs, each VM is quiesced {gained.quiesced / len(vms):.1f} s less on average"
        sentence += f", and the window is {gained.window:.1f} s shorter" if gained.window >= 0.05 else ""
    return f"{sentence[0].upper()}{sentence[1:]}."
