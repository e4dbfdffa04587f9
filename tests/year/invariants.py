"""What must hold after each command, and on the site in the morning, by the site history and the disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.year import lun_site
from tests.year.in_process import KILLED
from tests.year.incidents import Incidents
from tests.year.journal_files import open_journals
from tests.year.simulated_site import LabSite, grown
from tests.year.site_history import SiteHistory
from tests.year.snaps import TEMPORARY, Rules

WHOLE, FAILED, USAGE, PARTIAL, OUTSTANDING, STOPPED = 0, 1, 2, 3, 5, 130


@dataclass(frozen=True)
class Before:
    """The world when a command began."""

    chain: dict[tuple[str, str], int]
    retained: dict[str, int]  # how many backups each volume has
    eligible: frozenset[int]
    left: frozenset[int]  # VMs that have a VM snapshot of an earlier run
    gone: frozenset[int]  # the same, and unregistered
    open: frozenset[Path]
    blocked: bool  # whether the filer had tagged a snapshot, had no room, had a clone or a relation that is not at rest
    log: int


@dataclass(frozen=True)
class EndedCommand:
    """A command that has ended."""

    words: tuple[str, ...]
    code: int
    incidents: Incidents
    rules: Rules
    before: Before
    number: int  # of the command
    output: str

    @property
    def runs(self) -> bool:
        return self.words[0] == "run"

    @property
    def uses(self) -> bool:
        """Whether it uses a backup, and has nothing to do with VMs that are quiesced."""
        return self.rules.use.kind not in {"", "recover"}

    @property
    def killed(self) -> bool:
        return self.code == KILLED


def left(history: SiteHistory, site: LabSite) -> frozenset[int]:
    """The VMs that have a VM snapshot of snapall's now, and that VirtualCenter knows."""
    return _with_our_snapshot(history) - gone(history, site)


def gone(history: SiteHistory, site: LabSite) -> frozenset[int]:
    """The VMs that were unregistered with a VM snapshot of snapall's: it cannot be removed by their old number."""
    return _with_our_snapshot(history) - {vm.id for vm in site.world.vms()}


def _with_our_snapshot(history: SiteHistory) -> frozenset[int]:
    return frozenset(vm for vm, _, _ in history.ours.values())


def before(site: LabSite, history: SiteHistory, rules: Rules) -> Before:
    stores = (688,) if len(rules.volumes) == 1 else (688, 689)
    vms = {vm for store in stores for vm in site.world.vms(store)}
    return Before(
        history.numbers(rules),
        history.retained(rules),
        frozenset(vm.id for vm in vms if not (vm.name or "").startswith("test-")),
        left(history, site),
        gone(history, site),
        open_journals(site.journals),
        any(row.tags for volume in rules.volumes for row in site.listings()[volume])
        or any(full for full in _full(site))
        or lun_site.relation_trouble(site.world)
        or any(one.backing for one in lun_site.seen(site.world).values()),
        site.log.stat().st_size if site.log.exists() else 0,
    )


def _full(site: LabSite) -> list[int]:
    with site.world.transaction() as transaction:
        return [int(row[0]) for row in transaction.db.execute("SELECT full FROM volumes").fetchall()]


def lost(ended: EndedCommand, history: SiteHistory) -> int:
    """How many backups are gone although no newer one replaces them, on the volume that lost most."""
    now, most = history.retained(ended.rules), len(ended.rules.chain)
    return max(max(0, min(count, most) - now[volume]) for volume, count in ended.before.retained.items())


def after(ended: EndedCommand, site: LabSite, history: SiteHistory) -> Iterator[str]:
    """What does not hold of a command that has just ended."""
    for volume, rows in site.listings().items():
        names = {row.name for row in rows}
        if names != set(history.volumes[volume]):
            yield f"{volume} lists {sorted(names)}, the ledger says {sorted(history.volumes[volume])}"
    if ended.code not in {
        WHOLE,
        FAILED,
        USAGE,
        PARTIAL,
        OUTSTANDING,
        STOPPED,
        KILLED,
        *([USAGE] if ended.uses else []),
    }:
        yield f"exit {ended.code}"
    if not ended.rules.use.volumes and (count := lost(ended, history)) > (1 if ended.rules.undoes else 0):
        yield f"{count} backups are lost"
    if ended.uses:
        return
    if not ended.killed:
        yield from _released(ended, site, history)
        yield from _retention(ended, site, history)
    if ended.runs:
        log = grown(site.log, ended.before.log)
        if not ended.killed and "Script Execution complete at" not in log:
            yield "the log does not mention this run"
        if not ended.killed:
            yield from _exit_code(ended, history)
    elif not ended.killed and ended.incidents.quiet and not ended.before.blocked:
        yield from _recovered(ended, site, history)


def _released(ended: EndedCommand, site: LabSite, history: SiteHistory) -> Iterator[str]:
    """No VM stays quiesced, or it is named, the code is 5, and a journal knows it."""
    for vm in gone(history, site) - ended.before.gone:
        if ended.code != OUTSTANDING or f"vm-{vm}" not in ended.output:
            yield f"vm-{vm} was unregistered with its snapshot, and no message says so"
    names = left(history, site)
    if not names:
        return
    for vm in names:
        if ended.code == OUTSTANDING and f"vm-{vm}" not in ended.output:
            yield f"vm-{vm} is left quiesced and not named"
    if ended.code != OUTSTANDING and not (ended.words == ("recover",) and ended.code == STOPPED):
        yield f"exit {ended.code} although {sorted(names)} are left quiesced"


def _retention(ended: EndedCommand, site: LabSite, history: SiteHistory) -> Iterator[str]:
    """Only the retained and the pending backups are kept."""
    for volume in ended.rules.volumes:
        rows = history.volumes[volume].items()
        waiting = [name for name, snap in rows if TEMPORARY.fullmatch(name) and snap.quiesced and not snap.orphaned]
        if len(waiting) > len(ended.rules.chain) + 1:
            yield f"{len(waiting)} backups are pending on {volume}: {waiting}"


def _recovered(ended: EndedCommand, site: LabSite, history: SiteHistory) -> Iterator[str]:
    """An undisturbed `recover` that may wait leaves nothing open."""
    if ended.words != ("recover",):
        return
    if ended.code not in {WHOLE, PARTIAL}:
        yield f"an undisturbed recover ends with {ended.code}"
    if left(history, site) or open_journals(site.journals):
        yield "an undisturbed recover leaves something open"


def _exit_code(ended: EndedCommand, history: SiteHistory) -> Iterator[str]:
    """The exit code of a run agrees with the world."""
    rules, incidents = ended.rules, ended.incidents
    tonight = history.tonight(rules, ended.number)
    everywhere = set(tonight) == set(rules.volumes)
    name = rules.keep or rules.chain[0]
    published = everywhere and all(one == name for one, _ in tonight.values())
    captured = [snap.quiesced for _, snap in tonight.values()]
    quiesced = frozenset.intersection(*captured) if everywhere else frozenset[int]()
    missing = ended.before.eligible - quiesced
    match ended.code:
        case 0 if not published:
            yield f"exit 0, but tonight's backup is {sorted(one for one, _ in tonight.values())}"
        case 0 if missing:
            yield f"exit 0, but {sorted(missing)} were not quiesced"
        case 3 if not everywhere:
            yield "exit 3, but there is no backup"
        # Paper order captures under the newest name: a signal before the confirmation comes too late to keep it out.
        case 1 | 130 if published and not incidents.fault and not (ended.code == STOPPED and rules.order == "paper"):
            yield f"exit {ended.code}, but there is a new backup in the chain"
        case _:
            pass
    was, now = ended.before.chain, history.numbers(rules)
    # What an earlier run in paper order moved may be moved back: the same snapshots, under other names of the chain.
    kept = sorted(was.values()) == sorted(now.values()) if rules.undoes else was == now
    if ended.code in {FAILED, STOPPED} and rules.order == "safe" and not kept:
        yield f"exit {ended.code}, but the chain was {was} and is {now}"
    if ended.code == STOPPED and not incidents.interruptions.stopped_at:
        yield "exit 130 without a signal"
    calm = incidents.quiet and not ended.before.open and not ended.before.left and not ended.before.blocked
    if calm and ended.code != WHOLE:
        yield f"nothing was wrong, and the exit code is {ended.code}"
    if calm and not rules.keep and (waiting := _waiting(history, rules)):
        yield f"nothing was wrong, and {waiting} are still pending"


def _waiting(history: SiteHistory, rules: Rules) -> list[str]:
    """The pending backups that could have been published."""
    return [
        name
        for volume in rules.volumes
        for name, snap in history.volumes[volume].items()
        if TEMPORARY.fullmatch(name) and not snap.orphaned
    ]


def in_the_morning(site: LabSite, history: SiteHistory, rules: Rules) -> Iterator[str]:
    """What must hold every morning, whatever happened at night."""
    for ssid, (vm, name) in unknown(site, history).items():
        yield f"vm-{vm} has {name} ({ssid}), and no open journal knows it"
    for volume in rules.volumes:
        numbers = [snap.number for snap in history.chain(volume, rules.chain) if not snap.touched]
        if numbers != sorted(numbers, reverse=True):
            yield f"the chain of {volume} is not in order: {numbers}"
        newest = history.volumes[volume].get(rules.chain[0])
        doubted = rules.undoes and open_journals(site.journals)  # paper order gives the name before the confirmation
        if newest is not None and newest.ours and not newest.listed and not doubted:
            yield f"{rules.chain[0]} on {volume} was never read back"


def unknown(site: LabSite, history: SiteHistory) -> dict[str, tuple[int, str]]:
    """The VM snapshots of snapall's that no open journal explains, by id."""
    journals = " ".join(path.read_text(encoding="utf-8") for path in open_journals(site.journals))
    lost = gone(history, site)
    return {
        ssid: (vm, name)
        for ssid, (vm, name, _) in history.ours.items()
        if vm not in lost and f'"id": {vm},' not in journals
    }
