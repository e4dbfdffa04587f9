"""What a cell has to show: judged by the lab's own account of what is left, never by snapall's word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from snapall.backup.model import Job, Order
from snapall.lab.ledger import Change, Effect, Ledger
from snapall.lab.proof import SiteState


class Broken(StrEnum):
    """The promises that a cell can show broken."""

    VM = "a VM was left quiesced"
    FOREIGN = "something that is not ours was touched"
    LOST = "a backup was lost"
    EARLY = "a retained backup was touched before the new one was confirmed"
    UNCONFIRMED = "an unconfirmed backup is the newest"
    ORDER = "the retained backups are out of order"
    JOURNAL = "a journal is open or unreadable"
    HUNG = "a command did not end, or its exit code is unknown"


@dataclass(frozen=True, slots=True)
class BrokenPromise:
    """One promise that did not hold."""

    broken: Broken
    what: str


def judged(before: SiteState, after: SiteState, job: Job) -> Iterator[BrokenPromise]:
    """What does not hold."""
    for ssid, vm, name in after.vm_snapshots - before.vm_snapshots:
        yield BrokenPromise(Broken.VM, f"vm-{vm}: {name} ({ssid})")
    for ssid, vm, name in before.vm_snapshots - after.vm_snapshots:
        yield BrokenPromise(Broken.FOREIGN, f"vm-{vm}: {name} ({ssid})")
    for volume, rows in before.listings.items():
        left = set(after.listings[volume])
        ours = set(job.chain) if volume in job.volumes else set()
        for row in rows:
            if row[0] not in ours and row not in left:
                yield BrokenPromise(Broken.FOREIGN, f"{volume}: {row[0]}")
    for volume in job.volumes:
        yield from _chain(volume, before, after, job)
    if job.order is Order.SAFE:
        yield from _early(before, after.ledger, job)


def _chain(volume: str, before: SiteState, after: SiteState, job: Job) -> Iterator[BrokenPromise]:
    was = dict(before.listings[volume])
    present = dict(after.listings[volume])
    old = [was[name] for name in job.chain if name in was]  # newest first
    kept = [present[name] for name in job.chain if name in present]
    lost = [date for date in old if date not in kept]
    captures = sum(effect.change is Change.CAPTURED and effect.volume == volume for effect in after.ledger.effects)
    # In paper order the oldest goes before there is a new one: a run that is killed has then lost that one alone, and
    # the next run, whose chain has room, loses none.
    allowed = max(captures, 1) if job.order is Order.PAPER else captures
    gap = job.order is Order.SAFE and len(kept) < len(old)  # what went must have its successor in the chain
    if lost != old[len(old) - len(lost) :] or len(lost) > allowed or gap:
        yield BrokenPromise(Broken.LOST, f"{volume}: {len(lost)} of {len(old)}, after {captures} captures")
    known = [date for date in kept if date in old]
    if known != [date for date in old if date in known] or kept[len(kept) - len(known) :] != known:
        yield BrokenPromise(Broken.ORDER, f"{volume}: {', '.join(name for name in job.chain if name in present)}")
    newest = present.get(job.newest)
    if newest is not None and newest not in old and not _confirmed(volume, job.newest, after.ledger):
        yield BrokenPromise(Broken.UNCONFIRMED, f"{volume}: {job.newest}")


def _early(before: SiteState, ledger: Ledger, job: Job) -> Iterator[BrokenPromise]:
    """Each change of a retained backup for which no capture of every volume had been made and read back."""
    retained = {(volume, name) for volume in job.volumes for name, _ in before.listings[volume] if name in job.chain}
    made: Counter[str] = Counter()
    confirmed: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    for entry in ledger:
        effect = entry.effect
        if entry.verb == "snap list" and entry.fault is None:  # else nobody read the answer
            confirmed.update({volume: made[volume] - confirmed[volume] for volume in entry.command.split()[2:]})
        elif effect is not None and effect.change is Change.CAPTURED:
            made[effect.volume] += 1
        elif effect is not None and (effect.volume, effect.name) in retained:
            retained.remove((effect.volume, effect.name))
            if effect.change is Change.RENAMED:
                retained.add((effect.volume, effect.new))
            gone[effect.volume] += effect.change is Change.DELETED
            if min(confirmed[volume] for volume in job.volumes) < max(1, gone[effect.volume]):
                yield BrokenPromise(Broken.EARLY, effect.label)


def _confirmed(volume: str, newest: str, ledger: Ledger) -> bool:
    """Whether the list was read after the capture that now has this name, and before it was renamed to it."""
    born: dict[str, int] = {}  # the entry of the capture that has a name now
    given: dict[str, int] = {}  # the entry of the rename that gave it the name
    for entry in ledger:
        match entry.effect:
            case Effect(change=Change.CAPTURED, volume=where, name=name) if where == volume:
                born[name] = entry.n
                given.pop(name, None)
            case Effect(change=Change.RENAMED, volume=where, name=name, new=new) if where == volume:
                born[new] = born.pop(name, 0)
                given[new] = entry.n
            case _:
                pass
    looks = [entry.n for entry in ledger.filer if entry.verb == "snap list" and volume in entry.command.split()]
    latest = given.get(newest, max(looks, default=0) + 1)
    return any(born.get(newest, 0) < n < latest for n in looks)
