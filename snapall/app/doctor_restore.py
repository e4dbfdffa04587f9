"""The checks of what using a backup needs: its login, what the nightly one can do, and what a run-book will have."""

from __future__ import annotations

from collections.abc import Iterator

from snapall.app.opening import relations_of
from snapall.app.replicate import mirrors_on
from snapall.app.runbook import luns_shown, wants_books
from snapall.backup.model import Job, volume_at
from snapall.config.settings import Config, Filer
from snapall.errors import SiteError, SnapallError
from snapall.operate.doctor.checklist import Checklist, CheckOutcome
from snapall.restore.luns.answers import LUN_REMEDIES, LunMeaning, meaning_of
from snapall.restore.luns.client import Luns, NoLuns
from snapall.restore.luns.texts import spoken_lines
from snapall.restore.mirror.client import Mirrors
from snapall.restore.mirror.decide import unfit
from snapall.restore.mirror.relations import Relation
from snapall.site import transport_to
from snapall.site.filer import FilerSystem, NoAnswer, NotReached, Transport
from snapall.views.messages import aged

_BARE = "snap restore"  # without a volume or a path it restores nothing: it prints its usage, if the role allows it


def check_restore_login(checks: Checklist, settings: Config, filer: Filer) -> None:
    """Check the login for restores, if the filer has one. No backup depends on it: every problem is a warning."""
    if filer.restore is None:
        return
    volumes = dict.fromkeys(one for job in settings.jobs.values() if job.filer == filer.name for one in job.volumes)
    transport = transport_to(filer.for_restore)
    checks.check("restore login", filer.name, lambda: _login(transport, filer, tuple(volumes)))
    checks.check("nightly login", filer.name, lambda: _nightly(transport_to(filer), filer), f"version of {filer.name}")


def _login(transport: Transport, filer: Filer, volumes: tuple[str, ...]) -> Iterator[CheckOutcome]:
    """Log in, read what mount and restore read, and find out whether the role allows `snap restore`."""
    luns = Luns(transport, filer.name, filer.host)
    try:
        FilerSystem(transport, filer.name, filer.host).version()
        groups = luns.igroups()
        for volume in volumes:
            seen = luns.view(volume)
            yield CheckOutcome(f"{volume}: {len(seen.luns)} LUNs in {len(seen.maps)} maps")
        Mirrors(transport, filer.name, filer.host).ends()
        meaning = _of_restore(transport)
    except SiteError as error:
        remedy = error.hint or "check [filers.NAME.restore]; the nightly backup does not depend on it"
        yield CheckOutcome(f"mount and restore will fail: {error.message}", remedy, error.code)
        return
    if not groups:
        yield CheckOutcome("there is no initiator group to mount to", "create one on the filer: `igroup create`")
    if meaning in (LunMeaning.NO_RIGHT, LunMeaning.NO_LICENCE):
        text = f"`snap restore` cannot be used ({meaning}): LUNs can be mounted and swapped, volumes not restored"
        yield CheckOutcome(text, LUN_REMEDIES[meaning], "SA-4308")


def check_destinations(checks: Checklist, settings: Config, job: Job) -> None:
    """Check that each destination of the job's backups can be updated. No backup depends on it."""
    for one in relations_of(settings, job.name):
        checks.check("destination", one.destination, lambda one=one: _destination(settings, job, one))  # type: ignore[misc]


def _destination(settings: Config, job: Job, relation: Relation) -> CheckOutcome:
    """Log in, look at the relation and at the copies, and find out whether the role allows an update."""
    try:
        mirrors = mirrors_on(settings, relation.filer)
        look = mirrors.status(relation)
        copies = mirrors.copies(volume_at(relation.destination))
        mirrors.require_right(relation)
    except SnapallError as error:
        remedy = error.hint or "check [filers.NAME] of the destination"
        return CheckOutcome(f"{relation.label} will not be updated: {error.message}", remedy, error.code)
    if (why := unfit(relation, look, job.volumes)) is not None:
        return CheckOutcome(why.text, why.hint, why.code)
    lag = f"{aged(look.lag)} behind" if look.lag is not None else "nothing was sent yet"
    return CheckOutcome(f"{look.state}, {look.status}, {lag}; {len(copies)} snapshots")


def check_books(checks: Checklist, settings: Config, job: Job) -> None:
    """Check whether the job's run-books will have its LUNs, if its runs write some. No backup depends on it."""
    if wants_books(settings, job):
        checks.check("run-book", job.name, lambda: _books(settings, job), f"version of {job.filer}")


def _books(settings: Config, job: Job) -> CheckOutcome:
    troubles: list[SnapallError] = []
    views, _ = luns_shown(settings, job, troubles)
    if not troubles:
        return CheckOutcome(f"it will have {sum(len(one.luns) for one in views)} LUNs")
    error = troubles[0]
    if isinstance(error, NoLuns):  # such a site has its VMs on NFS
        return CheckOutcome("it will have no LUN: the filer shows none")
    remedy = f"{error.hint}; `runbook = false` in the job turns run-books off"
    return CheckOutcome(f"the run-book of job {job.name} lacks something: {error.message}", remedy, "SA-1801")


def _nightly(transport: Transport, filer: Filer) -> CheckOutcome:
    """Whether the login of the nightly backup could revert a volume, which it never needs."""
    try:
        meaning = _of_restore(transport)
    except (NotReached, NoAnswer) as error:
        return CheckOutcome(f"not known whether it can run `snap restore`: {error.message}", error.hint, error.code)
    if meaning is LunMeaning.NO_RIGHT:
        return CheckOutcome("cannot run `snap restore`")
    text = f"the nightly login {filer.user or ''} can also run `snap restore`, which reverts a whole volume"
    remedy = (
        "a role cannot tell `snap restore` from `snap create`: keep its key as safe as an administrator's. `cli-snap` "
        "instead of `cli-snap*` at least takes snapmirror and snapvault away"
    )
    return CheckOutcome(" ".join(text.split()), remedy, "SA-4307")


def _of_restore(transport: Transport) -> LunMeaning:
    reply = transport.run(_BARE)
    return meaning_of([line for text in (reply.stderr, reply.stdout) for line in spoken_lines(text)])
