"""What a run that a defect of snapall has ended leaves behind, by the state folder alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from snapall.backup.debts import alarming, owed, standing
from snapall.backup.events import Report
from snapall.backup.facts import Began, Certified, Noted
from snapall.backup.journal import journals
from snapall.backup.memory import Memory
from snapall.backup.model import Job
from snapall.backup.provenance import origins
from snapall.errors import Exit, JournalError


@dataclass(frozen=True, slots=True)
class Aftermath:
    """The exit code of such a run. `report`: how it ended, as far as that is known; None: it had not begun."""

    exit: Exit
    report: Report | None


def aftermath(memory: Memory, job: Job, earlier: Collection[Path]) -> Aftermath:
    """Read it from the journals of the job, all but the `earlier` ones of which are of the run in question.

    5 when VMs may be left quiesced, 3 when the backup is confirmed all the same, 1 otherwise.
    """
    left = _left(memory, job)
    made = [path for path in journals(memory.folder, job.name) if path not in earlier]
    try:
        facts = memory.open(made[-1]).facts if made else ()
    except JournalError:  # it is among what is left, then
        facts = ()
    confirmed = bool(facts) and set(job.volumes) == {volume for volume, _ in standing(facts)}
    code = Exit.DEBTS if left else Exit.PARTIAL if confirmed else Exit.FAILED
    return Aftermath(code, _report(job, facts, code, left, confirmed=confirmed))


def _left(memory: Memory, job: Job) -> tuple[str, ...]:
    """The VMs that may be left quiesced, and the journals that might name some and cannot be read."""
    found: list[str] = []
    for path in memory.open_runs(job.name):
        try:
            debts = owed(memory.open(path).facts)
        except JournalError as error:
            found.append(error.message)
            continue
        found += [f"{one.vm.label}: {one.name}" for one in (*alarming(debts.vms, unreachable=False), *debts.lost)]
    return tuple(found)


def _report(job: Job, facts: tuple[Noted, ...], code: Exit, left: tuple[str, ...], *, confirmed: bool) -> Report | None:
    match facts:
        case [Noted(at, Began(stamp=stamp)), *_]:
            # Under several names as long as a rename was not read back: the last is where it was to go.
            own = [one for one in origins(facts) if one.run == stamp and one.volume == job.volumes[0]]
            backup = own[-1] if confirmed and own else None
            certificate = next((one.fact for one in facts if isinstance(one.fact, Certified)), None)
            return Report(
                job.name,
                stamp,
                code,
                backup.grade if backup is not None else None,
                certificate.verdicts if certificate is not None else (),
                backup.name if backup is not None else "",
                backup is not None and not backup.temporary and len(own) == 1,
                left,
                (),
                (facts[-1].at - at).total_seconds(),
                0.0,
            )
        case _:
            return None
