"""The checks of this machine: configuration, file permissions, state folder, log, hooks, locks, outstanding cleanup."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from snapall.backup import private
from snapall.backup.holder import holder_of
from snapall.backup.journal import journals
from snapall.backup.lock import Use, use_of
from snapall.backup.store import JournalStore
from snapall.config.believed import findings
from snapall.config.settings import Config, Hooks
from snapall.errors import SnapallError
from snapall.operate.doctor.checklist import Checklist, CheckOutcome
from snapall.operate.history import known_of, lock_of
from snapall.operate.launcher import OUTLIVE
from snapall.site.detached import would_be_confined
from snapall.site.programs import resolved, unfit_for_batch

_ROOM = 50 * 1024 * 1024  # bytes; a journal of 1,000 VMs takes two
_LEAST = 64 * 1024  # a journal of 20 VMs
_OWNER_OF_LOCK = (
    "close the program that has it open, remove it while nothing of snapall runs, or run snapall as its owner"
)
_OWNER = "run snapall as its owner, or change its owner or permissions"


def check_machine(checks: Checklist, settings: Config, store: JournalStore) -> None:
    """Check everything that needs no other machine."""
    jobs = ", ".join(settings.jobs)
    checks.check("configuration", "", lambda: CheckOutcome(f"{settings.path}: jobs {jobs}"))
    checks.check("file permissions", "", lambda: _permissions(settings))
    readable = checks.check("state folder", "", lambda: _folder(settings))
    for key, path in (("log", settings.log_at(store.clock.utc())), ("metrics", settings.metrics)):
        if path is not None:
            checks.check(key, "", lambda path=path, key=key: _file(path, key))  # type: ignore[misc]
    for job, hooks in settings.hooks.items():
        if hooks.programs:
            checks.check("hooks", job, lambda hooks=hooks: _hooks(hooks))  # type: ignore[misc]
    if sys.platform == "win32" and any(job.guardian for job in settings.jobs.values()):
        withheld = settings.secret_variables
        checks.check("guardian", "", lambda: guardian_outlook(confined=would_be_confined(withheld)))
    for job in settings.jobs:
        checks.check("lock", job, lambda job=job: _lock(store, job), "state folder")  # type: ignore[misc]
    # A job that was removed from the configuration may have left VMs quiesced, too.
    for job in dict.fromkeys([*settings.jobs, *(store.jobs() if readable else ())]):
        checks.check("outstanding work", job, lambda job=job: _outstanding(store, job), "state folder")  # type: ignore[misc]


def _permissions(settings: Config) -> Iterator[CheckOutcome]:
    """Who can read the passwords and keys, and who can write or replace what snapall trusts."""
    found = findings(settings)
    yield from (CheckOutcome(one.text, one.hint, one.code) for one in found)
    if not found:
        yield CheckOutcome("only the owner can read the secrets, and nobody else can write what snapall trusts")


def _folder(settings: Config) -> CheckOutcome:
    path = settings.state
    nearest = _nearest(path)
    if not nearest.is_dir():
        raise SnapallError(
            f"{nearest} is a file, but the journals need a folder", "set `state` to another path", "SA-5301"
        )
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise SnapallError(f"this user cannot write {nearest}", _OWNER, "SA-5302")
    private.require_trusted(path)
    unread = private.not_readable_by(settings.readers, path) if settings.readers is not None and path.exists() else None
    if unread is not None:
        return CheckOutcome(
            f"the group `readers` cannot read {unread}",
            "make the user who runs snapall a member of that group; the next run then sets the permissions",
        )
    free = shutil.disk_usage(nearest).free
    if free < _ROOM:
        needed = max(_LEAST, *(one.stat().st_size for one in journals(path / "journals")), 0)
        remedy = "free some space: without a journal no backup is taken"
        return CheckOutcome(f"{path} has only {free // 1024} KiB left", remedy, "SA-5424", failed=free < needed)
    return CheckOutcome(f"{path}{'' if path.exists() else ' (the first run creates it)'}")


def _nearest(path: Path) -> Path:
    """The path, or the nearest of its parents that exists."""
    return path if path.exists() or path == path.parent else _nearest(path.parent)


def _file(path: Path, key: str) -> CheckOutcome:
    """A file that no backup depends on."""
    target = path if path.exists() else path.parent
    if path.is_dir():
        return CheckOutcome(f"{path} is a folder", f"set `{key}` to a file")
    if not target.exists():
        return CheckOutcome(f"the folder {path.parent} does not exist", f"create it, or set `{key}` to another file")
    if not os.access(target, os.W_OK):
        return CheckOutcome(f"this user cannot write {path}", _OWNER)
    return CheckOutcome(str(path))


def _hooks(hooks: Hooks) -> Iterator[CheckOutcome]:
    """Whether the programs of the hooks exist; they are not run."""
    missing = {when: program for when, program in hooks.programs.items() if shutil.which(program) is None}
    texts = {when: f"`{when}`: {program} does not exist, or is not executable" for when, program in missing.items()}
    for when, argv in hooks.commands.items():
        if (unfit := unfit_for_batch(resolved(argv))) is not None:
            texts[when] = f"`{when}`: {argv[0]} is a batch file, and {unfit!r} cannot be passed to it safely"
    remedy = (
        "set the hook to the full path of its program, as a list with the arguments; a batch file can take only "
        "letters, digits and _ . : = @ -"
    )
    if "before" in texts:
        raise SnapallError(f"{texts['before']}, so no backup would be begun", remedy, "SA-5303")
    for text in texts.values():
        yield CheckOutcome(text, remedy)
    if not texts:
        yield CheckOutcome(f"{', '.join(hooks.programs)}: found")


def guardian_outlook(*, confined: bool) -> CheckOutcome:
    """Whether the guardian of a run that is started as this command was outlives the run."""
    if not confined:
        return CheckOutcome("outlives the program that starts the run")
    return CheckOutcome(
        "this command runs in a job object that lets no process out: a guardian started here would end with its run",
        OUTLIVE,
        "SA-1953",
    )


def _lock(store: JournalStore, job: str) -> CheckOutcome:
    path, lock = store.state / f"{job}.lock", lock_of(store, job)
    if path.exists() and (not path.is_file() or use_of(store.state, job, store.processes) is Use.HIDDEN):
        raise SnapallError(f"the lock {path} cannot be opened, so no run can begin", _OWNER_OF_LOCK, "SA-5427")
    if lock.abandoned:
        raise SnapallError(lock.abandoned, lock.remedy, lock.code)
    if not lock.at_work:
        return CheckOutcome("free")
    holder = holder_of(store.state, job)
    since = f" since {holder.since} (pid {holder.pid})" if holder.pid else ", and has left no holder file"
    return CheckOutcome(
        f"{lock.at_work} is at work{since}",
        "wait until it has ended: a run would exit with 4 now",
    )


def _outstanding(store: JournalStore, job: str) -> Iterator[CheckOutcome]:
    known = known_of(store, job)
    for one in known.unreadable:
        yield CheckOutcome(one.text, one.remedy, one.code, failed=one.open)
    left = [label for one in known.open for label in one.left]
    if left and lock_of(store, job).at_work:
        yield CheckOutcome(f"quiesced, as long as the run is at work: {', '.join(left)}")
    elif left:
        text = f"earlier runs may have left VMs quiesced: {', '.join(left)}"
        yield CheckOutcome(text, "run `snapall recover`", "SA-5425", failed=True)
    elif known.open:
        yield CheckOutcome("an earlier run is not completely cleaned up", "run `snapall recover`")
    elif not known.unreadable:
        yield CheckOutcome("none")
