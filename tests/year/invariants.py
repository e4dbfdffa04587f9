"""What must hold of a command when it has ended, and of the site at dawn. It believes the chronicle and the disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tests.year.in_process import KILLED
from tests.year.incidents import Night
from tests.year.simulated_site import Town, grown
from tests.year.site_history import TEMPORARY, Chronicle, Rules

WHOLE, FAILED, PARTIAL, DEBTS, STOPPED = 0, 1, 3, 5, 130


@dataclass(frozen=True)
class Before:
    """What the world was like when a command began."""

    chain: dict[tuple[str, str], int]
    retained: dict[str, int]  # how many backups each volume has
    eligible: frozenset[int]
    left: frozenset[int]  # VMs that have a VM snapshot of an earlier run
    gone: frozenset[int]  # the same, and unregistered
    open: frozenset[Path]
    held: bool  # whether the filer held a snapshot, or had no room
    log: int


@dataclass(frozen=True)
class Deed:
    """A command that has ended."""

    words: tuple[str, ...]
    code: int
    night: Night
    rules: Rules
    before: Before
    number: int  # of the command
    story: str

    @property
    def runs(self) -> bool:
        return self.words[0] == "run"

    @property
    def killed(self) -> bool:
        return self.code == KILLED


def left(chronicle: Chronicle, town: Town) -> frozenset[int]:
    """The VMs that have a VM snapshot of snapall's now, and that VirtualCenter knows."""
    return _held(chronicle) - gone(chronicle, town)


def gone(chronicle: Chronicle, town: Town) -> frozenset[int]:
    """The VMs that were unregistered with a VM snapshot of snapall's: nobody can remove it by their old number."""
    return _held(chronicle) - {vm.id for vm in town.world.vms()}


def _held(chronicle: Chronicle) -> frozenset[int]:
    return frozenset(vm for vm, _, _ in chronicle.ours.values())


def open_journals(folder: Path) -> frozenset[Path]:
    """The journals whose last whole line is no report that closes them. ValueError: one cannot be read."""
    return frozenset(path for path in folder.glob("*.jsonl") if _is_open(path, path.stat().st_size))


@lru_cache(maxsize=1000)
def _is_open(path: Path, _size: int) -> bool:
    """A journal only grows, so that one of the same size says the same."""
    text = path.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
    return bool(lines) and not (lines[-1]["is"] == "Ended" and not lines[-1]["open"])


def before(town: Town, chronicle: Chronicle, rules: Rules) -> Before:
    stores = (688,) if len(rules.volumes) == 1 else (688, 689)
    vms = {vm for store in stores for vm in town.world.vms(store)}
    return Before(
        chronicle.numbers(rules),
        chronicle.retained(rules),
        frozenset(vm.id for vm in vms if not (vm.name or "").startswith("test-")),
        left(chronicle, town),
        gone(chronicle, town),
        open_journals(town.journals),
        any(row.tags for volume in rules.volumes for row in town.world.listing(volume))
        or any(full for full in _full(town)),
        town.log.stat().st_size if town.log.exists() else 0,
    )


def _full(town: Town) -> list[int]:
    with town.world.transaction() as transaction:
        return [int(row[0]) for row in transaction.db.execute("SELECT full FROM volumes").fetchall()]


def lost(deed: Deed, chronicle: Chronicle) -> int:
    """How many backups are gone although no newer one stands for them, on the volume that lost most."""
    now, most = chronicle.retained(deed.rules), len(deed.rules.chain)
    return max(max(0, min(count, most) - now[volume]) for volume, count in deed.before.retained.items())


def after(deed: Deed, town: Town, chronicle: Chronicle) -> Iterator[str]:
    """What does not hold of a command that has just ended."""
    for volume in town.world.volumes():
        names = {row.name for row in town.world.listing(volume)}
        if names != set(chronicle.volumes[volume]):
            yield f"{volume} lists {sorted(names)}, the ledger says {sorted(chronicle.volumes[volume])}"
    if deed.code not in {WHOLE, FAILED, PARTIAL, DEBTS, STOPPED, KILLED}:
        yield f"exit {deed.code}"
    if (count := lost(deed, chronicle)) > (1 if deed.rules.undoes else 0):
        yield f"{count} backups are lost"
    if not deed.killed:
        yield from _freed(deed, town, chronicle)
        yield from _sparse(deed, town, chronicle)
    if deed.runs:
        log = grown(town.log, deed.before.log)
        if not deed.killed and "Script Execution complete at" not in log:
            yield "the log does not tell of this run"
        if not deed.killed:
            yield from _told(deed, chronicle)
    elif not deed.killed and deed.night.quiet and not deed.before.held:
        yield from _recovered(deed, town, chronicle)


def _freed(deed: Deed, town: Town, chronicle: Chronicle) -> Iterator[str]:
    """No VM stays quiesced, or it is named, the code is 5, and a journal knows it."""
    for vm in gone(chronicle, town) - deed.before.gone:
        if deed.code != DEBTS or f"vm-{vm}" not in deed.story:
            yield f"vm-{vm} was unregistered with its snapshot, and that is not told"
    names = left(chronicle, town)
    if not names:
        return
    for vm in names:
        if deed.code == DEBTS and f"vm-{vm}" not in deed.story:
            yield f"vm-{vm} is left quiesced and not named"
    if deed.code != DEBTS and not (deed.words == ("recover",) and deed.code == STOPPED):
        yield f"exit {deed.code} although {sorted(names)} are left quiesced"


def _sparse(deed: Deed, town: Town, chronicle: Chronicle) -> Iterator[str]:
    """No more is kept than the chain and what waits for it."""
    for volume in deed.rules.volumes:
        rows = chronicle.volumes[volume].items()
        waiting = [name for name, snap in rows if TEMPORARY.fullmatch(name) and snap.held and not snap.stray]
        if len(waiting) > len(deed.rules.chain) + 1:
            yield f"{len(waiting)} backups wait for the chain on {volume}: {waiting}"


def _recovered(deed: Deed, town: Town, chronicle: Chronicle) -> Iterator[str]:
    """A recover that nothing disturbs, and that may wait, settles all."""
    if deed.words != ("recover",):
        return
    if deed.code not in {WHOLE, PARTIAL}:
        yield f"an undisturbed recover ends with {deed.code}"
    if left(chronicle, town) or open_journals(town.journals):
        yield "an undisturbed recover leaves something open"


def _told(deed: Deed, chronicle: Chronicle) -> Iterator[str]:
    """The exit code of a run says what the world shows."""
    rules, night = deed.rules, deed.night
    tonight = chronicle.tonight(rules, deed.number)
    everywhere = set(tonight) == set(rules.volumes)
    name = rules.keep or rules.chain[0]
    published = everywhere and all(one == name for one, _ in tonight.values())
    held = frozenset.intersection(*(snap.held for _, snap in tonight.values())) if everywhere else frozenset[int]()
    missing = deed.before.eligible - held
    match deed.code:
        case 0 if not published:
            yield f"exit 0, but tonight's backup is {sorted(one for one, _ in tonight.values())}"
        case 0 if missing:
            yield f"exit 0, but {sorted(missing)} were not held"
        case 3 if not everywhere:
            yield "exit 3, but there is no backup"
        # Paper order captures under the newest name: a signal before the proof comes too late to keep it out.
        case 1 | 130 if published and not night.fault and not (deed.code == STOPPED and rules.order == "paper"):
            yield f"exit {deed.code}, but there is a new backup in the chain"
        case _:
            pass
    was, now = deed.before.chain, chronicle.numbers(rules)
    # What an earlier run in paper order moved may be moved back: the same snapshots, under other names of the chain.
    kept = sorted(was.values()) == sorted(now.values()) if rules.undoes else was == now
    if deed.code in {FAILED, STOPPED} and rules.order == "safe" and not kept:
        yield f"exit {deed.code}, but the chain was {was} and is {now}"
    if deed.code == STOPPED and not night.fate.stopped_at:
        yield "exit 130 without a signal"
    calm = night.quiet and not deed.before.open and not deed.before.left and not deed.before.held
    if calm and deed.code != WHOLE:
        yield f"nothing was wrong, and the exit code is {deed.code}"
    if calm and not rules.keep and (waiting := _waiting(chronicle, rules)):
        yield f"nothing was wrong, and {waiting} still wait for the chain"


def _waiting(chronicle: Chronicle, rules: Rules) -> list[str]:
    """The backups that are not in the chain although they could be."""
    return [
        name
        for volume in rules.volumes
        for name, snap in chronicle.volumes[volume].items()
        if TEMPORARY.fullmatch(name) and not snap.stray
    ]


def at_dawn(town: Town, chronicle: Chronicle, rules: Rules) -> Iterator[str]:
    """What must hold whatever the night was like."""
    for ssid, (vm, name) in unknown(town, chronicle).items():
        yield f"vm-{vm} has {name} ({ssid}), and no open journal knows it"
    for volume in rules.volumes:
        numbers = [snap.number for snap in chronicle.chain(volume, rules.chain) if not snap.touched]
        if numbers != sorted(numbers, reverse=True):
            yield f"the chain of {volume} is not in order: {numbers}"
        newest = chronicle.volumes[volume].get(rules.chain[0])
        doubted = rules.undoes and open_journals(town.journals)  # paper order gives the name before the proof
        if newest is not None and newest.ours and not newest.listed and not doubted:
            yield f"{rules.chain[0]} on {volume} was never read back"


def unknown(town: Town, chronicle: Chronicle) -> dict[str, tuple[int, str]]:
    """The VM snapshots of snapall's that no open journal explains, by id."""
    journals = " ".join(path.read_text(encoding="utf-8") for path in open_journals(town.journals))
    lost = gone(chronicle, town)
    return {
        ssid: (vm, name)
        for ssid, (vm, name, _) in chronicle.ours.items()
        if vm not in lost and f'"id": {vm},' not in journals
    }
