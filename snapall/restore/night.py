"""What mounts and restores mean for a nightly run: it waits for no copy, and names what is mounted."""

from __future__ import annotations

from dataclasses import replace

from snapall.backup.model import Job
from snapall.errors import Notify, Refused, SiteError
from snapall.restore.ending import left_wrong, nothing_left
from snapall.restore.journal import RecordedUse, UseStore
from snapall.restore.loop import LunSystem
from snapall.restore.model import LunView
from snapall.restore.record import CopyEnded
from snapall.restore.state import SentStep, fold
from snapall.restore.steps import is_final, volume_of
from snapall.restore.wording import words


def meet(store: UseStore, luns: LunSystem, job: Job, filer: str, warn: Notify) -> None:
    """Before the first quiesce: warn of what is mounted. Refused: the filer still copies in a volume of the job, or a
    restore that has not finished left a LUN out of its place, or may still do what nothing takes back.

    `filer`: its host. Where the LUNs cannot be looked at, the run goes on: the filer refuses the snapshot itself. A
    journal that cannot be read is a warning, and hides no other one.
    """
    views: dict[str, LunView] = {}
    for use in store.uses(unreadable=warn):
        header = use.state.header
        if not header.touches(filer, job.volumes):
            continue
        what = f"{header.kind} {header.stamp}"
        if use.open and use.state.displaced:
            raise Refused(
                f"{what} has not finished: {', '.join(use.state.displaced)} is not in its place, so that a backup "
                "would lack it",
                "run `snapall recover`, which puts it back, then run again",
                "SA-1771",
            )
        last = use.state.unsettled if use.open else None
        if last is not None and not last.undoes and is_final(last.step):
            raise Refused(
                f"{what} has not finished, and whether the filer did this, or will yet, is unknown: {words(last.step)}",
                "run `snapall recover`, which waits and looks, then run again: a rotation would hide what happened",
                "SA-1781",
            )
        if use.open:
            warn(f"{what} has not finished, and may have left clones", "run `snapall recover`", "SA-1745")
        elif use.left:
            warn(*left_wrong(use.state))
        elif use.state.stands and header.snapshot in job.chain:
            text = f"{header.snapshot} is mounted by {what}{_for(header.purpose)}: it is not rotated meanwhile"
            warn(text, f"run `snapall unmount {header.stamp}` when it is no longer needed", "SA-1744")
        try:
            for one in use.state.copying:
                _require_copied(store, luns, use, one, views)
        except SiteError as error:
            warn(f"cannot look whether {what} still copies: {error.message}", error.hint, "SA-1739")


def _for(purpose: str) -> str:
    return f" for {purpose}" if purpose else ""


def _require_copied(
    store: UseStore, luns: LunSystem, use: RecordedUse, one: SentStep, views: dict[str, LunView]
) -> None:
    """Refused: the filer still copies. Otherwise that is written down, so that no later run has to look."""
    volume, path = volume_of(one.step), getattr(one.step, "path", "")
    if volume not in views:
        views[volume] = luns.view(volume)
    if path in views[volume].splitting:
        header = use.state.header
        raise Refused(
            f"the filer still copies {path} after {header.kind} {header.stamp}: no snapshot of {volume} can be made",
            "wait until `lun clone split status` shows nothing, and no tag `snap restore` is in `snap list`; run again",
            "SA-1738",
        )
    journal = store.open(use.path)
    try:
        journal.remember([CopyEnded(one.n)])
        if (ended := use.state.ended) is not None:  # an open use stays open, so that `recover` settles it
            over = nothing_left(fold(journal.records))
            journal.remember([replace(ended, length=journal.size if over else 0)])
    finally:
        journal.leave()
