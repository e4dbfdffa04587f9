"""Which run made which filer snapshot, followed through the renames. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from snapall.backup.certificate import certify
from snapall.backup.facts import Warned
from snapall.backup.model import FILER_NAME, Job
from snapall.backup.outcome import QUIESCED, SKIPPED, Origin
from snapall.backup.phases import CapturePhase, CaptureState, CommandPhase, CommandState
from snapall.backup.rotation import Listings, Pending
from snapall.backup.runstate import RunState
from snapall.backup.steps import Delete, Rename

_Known = dict[tuple[str, str], Origin]


def origins(state: RunState) -> tuple[Origin, ...]:
    """The origins of the filer's snapshots: those known at the survey, and the changes since.

    An answer does not prove a rename or a deletion (over rsh a lost answer looks like silence). Both names count until
    the list is read back; otherwise the date text in the next list tells which one is right.
    """
    known: _Known = {(one.volume, one.name): one for one in (state.surveyed.origins if state.surveyed else ())}
    done: list[tuple[int, CaptureState | CommandState]] = list(state.commands.items())
    done += [(one.calls[-1].n if one.calls else 0, one) for one in state.captures.values()]
    for _, one in sorted(done, key=lambda pair: pair[0]):
        if isinstance(one, CaptureState):
            _captured(state, known, one)
        else:
            _moved(state, known, one)
    return tuple(known.values())


def _captured(state: RunState, known: _Known, one: CaptureState) -> None:
    if one.phase is CapturePhase.CONFIRMED:
        known[one.volume, one.name] = _made(state, one)
    elif one.phase is CapturePhase.ABSENT:
        known.pop((one.volume, one.name), None)


def _moved(state: RunState, known: _Known, one: CommandState) -> None:
    if one.phase is CommandPhase.FAILED:
        return
    match one.step:
        case Rename(volume, old, new):
            moved = known.get((volume, old))
            if one.phase is CommandPhase.CONFIRMED:
                known.pop((volume, old), None)
                known.pop((volume, new), None)
            if moved is not None:
                # In paper order what was published to make room may be renamed back: then it is pending again.
                known[volume, new] = replace(moved, name=new, temporary=new not in state.header.job.chain)
        case Delete(volume, name):
            gone = known.get((volume, name))
            if gone is not None and gone.temporary:
                rest = {key: other for key, other in known.items() if other.run == gone.run and other.temporary}
                known |= {key: replace(other, doomed=True) for key, other in rest.items()}
            if one.phase is CommandPhase.CONFIRMED:
                known.pop((volume, name), None)


def _made(state: RunState, one: CaptureState) -> Origin:
    """The origin of what this run captured, graded by its certificate, or by its records when it died before that."""
    began = state.header
    found = certify(state)
    counted = [verdict for verdict in found.verdicts if verdict.state != SKIPPED]
    quiesced = sum(verdict.state == QUIESCED for verdict in counted)
    temporary = one.name == began.job.temporary(began.mark)
    kept = one.name == began.keep
    return Origin(
        one.volume, one.name, one.date, began.stamp, found.grade, quiesced, len(counted), temporary, kept=kept
    )


def backup_of(state: RunState) -> Origin | None:
    """The backup that this run made, on one of its volumes: one where it is not published yet, else the first.

    None: there is none on every volume.
    """
    if not state.confirmed:
        return None
    volumes = state.header.job.volumes
    made = [one for one in origins(state) if one.run == state.header.stamp]
    return min(made, key=lambda one: (not one.temporary, volumes.index(one.volume)), default=None)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What earlier journals know, compared with the current listings."""

    origins: tuple[Origin, ...] = ()
    pending: tuple[Pending, ...] = ()  # oldest first
    warnings: tuple[Warned, ...] = ()

    def of(self, volume: str, name: str, date: str) -> Origin | None:
        """The origin of a listed snapshot; None: snapall did not make it."""
        for one in self.origins:
            if (one.volume, one.name, one.date) == (volume, name, date):
                return one
        return None


def recall(job: Job, known: Sequence[Origin], listings: Listings) -> Provenance:
    """Keep the known origins that the filer still lists under the same name and date, and warn of what is odd."""
    rows = {(volume, row.name, row.date) for volume in job.volumes for row in listings[volume]}
    alive = tuple(one for one in known if (one.volume, one.name, one.date) in rows)
    warnings = [*_changed(job, known, listings), *_unknown(job, alive, listings)]
    runs = {one.run: one.grade for one in alive if one.temporary}
    latest = max((one.run for one in alive if not one.temporary and one.name in job.chain), default="")
    pending = []
    for run in sorted(runs):
        found = next(one for one in alive if one.run == run and one.temporary)
        if found.doomed:
            pending.append(Pending(found.name, runs[run], doomed=True))
            continue
        name = found.name
        missing = [volume for volume in job.volumes if not any(o.run == run and o.volume == volume for o in alive)]
        why = f"is not complete on {', '.join(missing)}" if missing else ""
        if run < latest and runs[run] >= job.publish:  # other settings kept it from the chain before
            why = why or f"is older than that of {latest}, which is published"
        if why:
            text = f"the backup of {run} {why}: it stays pending and is never published"
            warnings.append(Warned(text, f"delete {name} by hand on the filer when you no longer need it", "SA-1314"))
        else:
            pending.append(Pending(name, runs[run]))
    return Provenance(alive, tuple(pending), tuple(warnings))


def _changed(job: Job, known: Sequence[Origin], listings: Listings) -> list[Warned]:
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
                text = f"{name} on {volume} is not the snapshot that the last run left there (now {dates[name]})"
                remedy = "check whether the old batch, or another snapall, is still scheduled somewhere, and stop it"
                found.append(Warned(text, remedy, "SA-1311"))
    return found


def _unknown(job: Job, alive: Sequence[Origin], listings: Listings) -> list[Warned]:
    """Unknown snapshots with the job's names: reported, and never touched."""
    known = {(one.volume, one.name) for one in alive}
    found = []
    for volume in job.volumes:
        for row in listings[volume]:
            if row.name.startswith(f"{job.prefix}_new_") and (volume, row.name) not in known:
                text = f"{row.name} on {volume} is in no journal: snapall leaves it alone"
                found.append(Warned(text, "delete it by hand on the filer if nobody needs it", "SA-1312"))
            if beyond_chain(job, row.name):
                text = f"{row.name} on {volume} is beyond the {len(job.chain)} retained names: snapall leaves it alone"
                found.append(Warned(text, "delete it by hand on the filer, or raise `retain`", "SA-1313"))
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
