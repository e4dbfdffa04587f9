"""The audit of the filer: `snap list` compared with the journals. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from snapall.backup.model import FilerSnapshot, Job
from snapall.backup.origins import beyond_chain
from snapall.backup.outcome import Origin
from snapall.operate.findings import AuditFinding, Comparison, FindingKind, JobSources

Rows = Sequence[FilerSnapshot]


def side_by_side(sources: JobSources) -> tuple[Comparison, ...]:
    """Compare the job's names on each volume, newest first, then those that only one source knows."""
    found = []
    for volume, rows in sources.listings.items():
        listed = {row.name: row for row in rows}
        known = [one for one in sources.known if one.volume == volume]
        alive = {(one.name, one.date) for one in known if _listed(one, rows)}
        names = dict.fromkeys([*_own_names(sources.job, rows), *(one.name for one in known if _gone(one, known, rows))])
        for name in names:
            row = listed.get(name)
            fits = [one for one in known if one.name == name and (row is None or one.date == row.date)]
            if row is not None or not any((one.name, one.date) in alive for one in fits):
                found.append(Comparison(volume, name, row, fits[0] if fits else None))
    return tuple(found)


def _own_names(job: Job, rows: Rows) -> list[str]:
    listed = [row.name for row in rows]
    chain = [name for name in job.chain if name in listed]
    return chain + [name for name in listed if _temporary(job, name) or beyond_chain(job, name)]


def _temporary(job: Job, name: str) -> bool:
    return name.startswith(f"{job.prefix}_new_")


def _listed(origin: Origin, rows: Rows) -> bool:
    return any((row.name, row.date) == (origin.name, origin.date) for row in rows)


def _gone(origin: Origin, known: Sequence[Origin], rows: Rows) -> bool:
    """Whether none of the possible names of a run's snapshot is listed; an unanswered rename leaves two."""
    return not any(_listed(one, rows) for one in known if one.run == origin.run)


def on_the_filer(sources: JobSources) -> Iterator[AuditFinding]:
    """Yield the findings on a job's volumes."""
    for volume, rows in sources.listings.items():
        known = [one for one in sources.known if one.volume == volume]
        yield from _gaps(sources.job, volume, rows)
        yield from _moved(sources.job, known, rows)
        yield from _replaced(sources.job, volume, known, rows)
        yield from _strangers(sources.job, volume, known, rows)
        yield from _busy(sources.job, volume, known, rows)
        yield from _alike(sources.job, volume, rows)


def _gaps(job: Job, volume: str, rows: Rows) -> Iterator[AuditFinding]:
    listed = {row.name for row in rows}
    there = [n for n, name in enumerate(job.chain) if name in listed]
    missing = [job.chain[n] for n in range(max(there, default=0)) if n not in there]
    if missing:
        text = f"{', '.join(missing)} on {volume} {'is' if len(missing) == 1 else 'are'} missing, but older ones exist"
        yield AuditFinding(
            FindingKind.GAP, job.name, text, "wait for the next runs, which fill the gap; nothing is lost", "SA-5411"
        )


def _moved(job: Job, known: Sequence[Origin], rows: Rows) -> Iterator[AuditFinding]:
    """Snapshots of runs that are not under their names; an unclaimed row of the same date counts as renamed."""
    claimed = {(one.name, one.date) for one in known}
    reported: set[str] = set()
    for one in known:
        if one.run in reported or not _gone(one, known, rows):
            continue
        reported.add(one.run)
        what = f"{one.name} on {one.volume} ({one.label}, run {one.run})"
        same = [row.name for row in rows if row.date == one.date and (row.name, row.date) not in claimed]
        if same:
            text = f"{what} is missing; {' or '.join(same)} has its date, {one.date}"
            remedy = f"run `snap rename {one.volume} {same[0]} {one.name}` on the filer, or keep it: it is not rotated"
            yield AuditFinding(FindingKind.RENAMED, job.name, text, remedy, "SA-5412")
        else:
            text = f"{what} is missing"
            remedy = "check `snap autodelete` on the filer if nobody deleted it; the next run goes on without it"
            yield AuditFinding(FindingKind.DELETED, job.name, text, remedy, "SA-5413")


def _replaced(job: Job, volume: str, known: Sequence[Origin], rows: Rows) -> Iterator[AuditFinding]:
    for row in rows:
        expected = [one for one in known if one.name == row.name]
        if row.name in job.chain and expected and not any(one.date == row.date for one in expected):
            text = f"{row.name} on {volume} is dated {row.date}, but the last run left one dated {expected[0].date}"
            remedy = "check whether the old batch or another schedule is still active"
            yield AuditFinding(FindingKind.REPLACED, job.name, text, remedy, "SA-5414")


def _strangers(job: Job, volume: str, known: Sequence[Origin], rows: Rows) -> Iterator[AuditFinding]:
    for row in rows:
        mine = [one for one in known if (one.name, one.date) == (row.name, row.date)]
        if _temporary(job, row.name) and not mine:
            text = f"{row.name} on {volume}, {row.date}, is in no journal"
            remedy = f"run `snap delete {volume} {row.name}` on the filer if nobody needs it; snapall never touches it"
            yield AuditFinding(FindingKind.ORPHAN, job.name, text, remedy, "SA-5415")
        elif _temporary(job, row.name):
            text = f"{row.name} on {volume}, {mine[0].label}, is pending, not published"
            remedy = "wait for the next run or run `snapall recover`: it is published if its grade permits"
            yield AuditFinding(FindingKind.PENDING, job.name, text, remedy, "SA-5416")
        elif beyond_chain(job, row.name):
            text = f"{row.name} on {volume} is beyond the {len(job.chain)} retained names"
            remedy = "delete it by hand (snapall never does), or raise `retain`"
            yield AuditFinding(FindingKind.BEYOND, job.name, text, remedy, "SA-5417")


def _busy(job: Job, volume: str, known: Sequence[Origin], rows: Rows) -> Iterator[AuditFinding]:
    ours = {*job.chain, *(one.name for one in known)}
    for row in rows:
        if row.name in ours and row.tags:
            text = f"{row.name} on {volume} is busy ({', '.join(row.tags)}): rotation cannot move past it"
            remedy = "end what uses it: a clone, a LUN clone, a SnapMirror transfer or a dump"
            yield AuditFinding(FindingKind.BUSY, job.name, text, remedy, "SA-5418")


def _alike(job: Job, volume: str, rows: Rows) -> Iterator[AuditFinding]:
    """Names that differ only in case, which CIFS clients and people take for the same."""
    own = {name.lower(): name for name in job.chain}
    for row in rows:
        mine = own.get(row.name.lower())
        if mine is not None and row.name != mine:
            text = f"{row.name} on {volume} differs from {mine} only in upper and lower case"
            yield AuditFinding(
                FindingKind.COLLISION, job.name, text, "rename it, or set another `prefix` for the job", "SA-5419"
            )
