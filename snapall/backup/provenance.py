"""Which run made which filer snapshot, followed through the renames: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from snapall.backup.facts import (
    QUIESCED,
    SKIPPED,
    Absent,
    Answered,
    Began,
    Certified,
    Intent,
    Landed,
    Noted,
    Origin,
    Proven,
    Surveyed,
    Unheld,
    Unregistered,
)
from snapall.backup.model import FILER_NAME, Grade, Job
from snapall.backup.rotation import Listings, Pending
from snapall.backup.steps import Capture, Delete, Done, Quiesce, Refusal, Rename


def origins(facts: Sequence[Noted]) -> tuple[Origin, ...]:
    """What is known of the filer's snapshots after a run: what it knew at its survey, and what it did since.

    Whether a rename or a deletion happened, an answer does not prove (over rsh a lost one looks like silence): both
    names are remembered, until the list was read back; else the date text of the next one tells which is true.
    """
    left: set[tuple[str, str]] = set()  # the names that nothing should bear any more
    known: dict[tuple[str, str], Origin] = {}
    refused = {noted.fact.n for noted in facts if isinstance(noted.fact, Answered) and _refused(noted.fact)}
    for noted in facts:
        match noted.fact:
            case Surveyed(origins=earlier):
                known = {(one.volume, one.name): one for one in earlier}
            case Proven(volume, name, date, late):
                known[volume, name] = _made(facts, volume, name, date, late)
                left.discard((volume, name))
            case Absent(volume, name):
                known.pop((volume, name), None)
            case Intent(n, Rename(volume, old, new)) if n not in refused:
                moved = known.get((volume, old))
                if moved is not None:
                    known[volume, new] = replace(moved, name=new, temporary=False)
                left = left - {(volume, new)} | {(volume, old)}
            case Intent(n, Delete(volume, name)) if n not in refused:
                left.add((volume, name))
            case Landed(proven=True):
                known = {key: one for key, one in known.items() if key not in left}
            case _:
                pass
    return tuple(known.values())


def _refused(answer: Answered) -> bool:
    return isinstance(answer.outcome, Refusal)


def _made(facts: Sequence[Noted], volume: str, name: str, date: str, late: bool) -> Origin:
    """The origin of what this run captured, graded by its certificate, or by its answers when it died before that."""
    began = next(noted.fact for noted in facts if isinstance(noted.fact, Began))
    surveyed = next((noted.fact for noted in facts if isinstance(noted.fact, Surveyed)), None)
    asked = len(surveyed.asked) + len(surveyed.left) if surveyed is not None else 0
    certificate = next((noted.fact for noted in facts if isinstance(noted.fact, Certified)), None)
    temporary = name == began.job.temporary(began.stamp)
    if certificate is not None:
        counted = [one for one in certificate.verdicts if one.state != SKIPPED]
        quiesced = sum(one.state == QUIESCED for one in counted)
        return Origin(volume, name, date, began.stamp, certificate.grade, quiesced, len(counted), temporary)
    quiesced = 0 if late else _held(facts)
    return Origin(volume, name, date, began.stamp, grade(quiesced, asked), quiesced, asked, temporary)


def _held(facts: Sequence[Noted]) -> int:
    """How many VMs answered before the capture, and had not lost their snapshot when they were released."""
    quiesces: dict[int, int] = {}
    held: set[int] = set()
    captured = False
    for noted in facts:
        match noted.fact:
            case Intent(_, Capture()):
                captured = True
            case Intent(n, Quiesce(vm)):
                quiesces[n] = vm.id
            case Answered(n, Done()) if n in quiesces and not captured:
                held.add(quiesces[n])
            case Unheld(vm_id) | Unregistered(vm_id):
                held.discard(vm_id)
            case _:
                pass
    return len(held)


def grade(quiesced: int, asked: int) -> Grade:
    """Whole when no VM that was asked for is missing; an empty datastore, where that is allowed, misses none."""
    if quiesced >= asked:
        return Grade.WHOLE
    return Grade.PARTIAL if quiesced > 0 else Grade.CRASH_CONSISTENT


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier journals know, held against the present listings."""

    origins: tuple[Origin, ...] = ()
    pending: tuple[Pending, ...] = ()  # oldest first
    warnings: tuple[str, ...] = ()

    def of(self, volume: str, name: str, date: str) -> Origin | None:
        """The origin of a listed snapshot; None: not made by snapall, or not the one that it made."""
        for one in self.origins:
            if (one.volume, one.name, one.date) == (volume, name, date):
                return one
        return None


def recall(job: Job, known: Sequence[Origin], listings: Listings) -> Past:
    """Keep of what was known only what the filer still lists under the same name and date, and say what is odd."""
    rows = {(volume, row.name, row.date) for volume in job.volumes for row in listings[volume]}
    alive = tuple(one for one in known if (one.volume, one.name, one.date) in rows)
    warnings = [*_changed(job, known, listings), *_strays(job, alive, listings)]
    runs = {one.run: one.grade for one in alive if one.temporary}
    latest = max((one.run for one in alive if not one.temporary and one.name in job.chain), default="")
    pending = []
    for run in sorted(runs):
        missing = [volume for volume in job.volumes if not any(o.run == run and o.volume == volume for o in alive)]
        why = f"is not complete on {', '.join(missing)}" if missing else ""
        if run < latest and runs[run] >= job.publish:  # other settings kept it from the chain, and are gone again
            why = why or f"is older than that of {latest}, which the chain holds"
        if why:
            warnings.append(
                f"the backup of {run} {why}: it is left pending and not published; "
                f"delete {job.temporary(run)} by hand if it is of no use"
            )
        else:
            pending.append(Pending(next(o.name for o in alive if o.run == run and o.temporary), runs[run]))
    return Past(alive, tuple(pending), tuple(warnings))


def _changed(job: Job, known: Sequence[Origin], listings: Listings) -> list[str]:
    """Names of the chain that carry another snapshot than the last journal left there."""
    found = []
    for volume in job.volumes:
        dates = {row.name: row.date for row in listings[volume]}
        expected: dict[str, set[str]] = {}
        for one in known:
            if one.volume == volume and one.name in job.chain:
                expected.setdefault(one.name, set()).add(one.date)
        for name, born in expected.items():
            if name in dates and dates[name] not in born:
                found.append(
                    f"{name} on {volume} is not the snapshot that the last run left there (now {dates[name]}): "
                    "is the old batch still scheduled somewhere?"
                )
    return found


def _strays(job: Job, alive: Sequence[Origin], listings: Listings) -> list[str]:
    """What looks like the job's own but is not known: it is reported and never touched."""
    known = {(one.volume, one.name) for one in alive}
    found = []
    for volume in job.volumes:
        for row in listings[volume]:
            if row.name.startswith(f"{job.prefix}_new_") and (volume, row.name) not in known:
                found.append(
                    f"{row.name} on {volume} is in no journal: it is left alone; delete it by hand if it is of no use"
                )
            if beyond_chain(job, row.name):
                found.append(
                    f"{row.name} on {volume} lies beyond the {len(job.chain)} retained names: it is left alone"
                )
    return found


def beyond_chain(job: Job, name: str) -> bool:
    """Whether a name continues the chain's numbering beyond what is retained."""
    stem = f"{job.prefix}_snap"
    past = name.removeprefix(stem)
    second = f"{job.prefix}_previous"
    return (
        FILER_NAME.fullmatch(name) is not None
        and name not in job.chain
        and (name == second or (name.startswith(stem) and past.isdigit()))
    )
