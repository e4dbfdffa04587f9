"""`snapall runbook`, and the run-books that a run writes: the commands that restore a backup by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from snapall.app.opening import store_of
from snapall.app.proofs import proofs_of
from snapall.backup.certificate import verdicts_of
from snapall.backup.context import guarded
from snapall.backup.facts import Warned
from snapall.backup.model import Job, Order, Vm
from snapall.backup.outcome import Origin
from snapall.backup.record import What
from snapall.backup.runstate import RunState
from snapall.backup.store import JournalStore
from snapall.config.settings import Config
from snapall.errors import ConfigError, SnapallError
from snapall.operate.history import require_listed
from snapall.restore.belongs import others_than, owners
from snapall.restore.book.blocks import Block, as_html, as_text
from snapall.restore.book.facts import BookFacts, FilerLogin, Given, Present, VmFiles, facts_of
from snapall.restore.book.runbook import runbook
from snapall.restore.book.shelf import Bookshelf
from snapall.restore.luns.commands import command_of
from snapall.restore.vmx.generations import copies_of
from snapall.restore.vmx.names import VmCopy

if TYPE_CHECKING:
    from snapall.restore.model import Igroup, LunView
    from snapall.site.vmrows import VmxPlace


@dataclass(frozen=True, slots=True)
class Book:
    """A run-book, and what it is made of: `present` are the backup's names now, `proof` its last proof or ""."""

    facts: BookFacts
    present: tuple[Present, ...]
    proof: str
    copies: tuple[VmCopy, ...]

    @property
    def name(self) -> str:
        """The backup's, on its first volume."""
        return self.present[0].name

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Its parts."""
        return runbook(self.facts, self.present, command_of, self.proof, self.copies)

    @property
    def text(self) -> str:
        """As text, 100 columns wide."""
        return as_text(self.blocks)

    @property
    def page(self) -> str:
        """As HTML."""
        return as_html(self.blocks, f"Run-book of job {self.facts.job}, {self.name} of {self.present[0].date}")


def kept_book(settings: Config, job: Job, snapshot: str) -> Book | None:
    """The run-book of a backup from what its run noted; nothing is contacted. None: its run noted nothing.

    `snapshot` is a name, or the stamp of the run; "" the newest. ConfigError: there is no such backup on record.
    """
    present = _named(store_of(settings), job, snapshot)
    facts = Bookshelf(settings.state).facts(job.name, present[0].run)
    return _book(settings, facts, present) if facts is not None else None


def book_of_now(settings: Config, job: Job, snapshot: str) -> Book:
    """The same with the LUNs as they are now. JournalError: the journal of its run cannot be read."""
    store = store_of(settings)
    present = _named(store, job, snapshot)
    state = store.read(store.path(job.name, present[0].run))
    return _book(settings, _read(settings, job, state, present[0], late=True), present)


def update_books(settings: Config, job: Job, stamp: str, publish: Callable[[What], None]) -> None:
    """After the run of this stamp: note the facts of its backup, and write all run-books under the present names.

    Those of backups that are gone are removed. Whatever fails is only a warning; what could not be read is no warning:
    the run-book names it, and `doctor` does. Nothing is asked while VMs may be quiesced.
    """
    if not wants_books(settings, job):
        return
    with guarded(lambda *parts: publish(Warned(*parts))):
        shelf, known = Bookshelf(settings.state), store_of(settings).known(job.name)
        _note(settings, job, stamp, known)
        for run in sorted(shelf.runs(job.name)) if known else ():  # lost journals are no reason to lose run-books
            present = _present(job, known, run)
            if not present:
                shelf.remove(job.name, run)
                continue
            with _warned(publish):
                facts = shelf.facts(job.name, run)
                if facts is not None:
                    book = _book(settings, facts, present)
                    shelf.put(job.name, run, book.name, book.text, book.page)


def wants_books(settings: Config, job: Job) -> bool:
    """Whether the job's runs write run-books: as its `runbook` says, else in safe order."""
    wanted = settings.job_tables[job.name].runbook
    return wanted if wanted is not None else job.order is not Order.PAPER


def _note(settings: Config, job: Job, stamp: str, known: Sequence[Origin]) -> None:
    """Keep what the run-book of this run's backup needs, if the run made one and released its VMs."""
    shelf, store, present = Bookshelf(settings.state), store_of(settings), _present(job, known, stamp)
    if not present or stamp in shelf.runs(job.name):
        return
    state = store.read(store.path(job.name, stamp))
    if state.outstanding:
        return
    shelf.keep(_read(settings, job, state, present[0], late=False))


@contextmanager
def _warned(publish: Callable[[What], None]) -> Iterator[None]:
    """Turn an error about one run-book into a warning, so that the others are written."""
    try:
        yield
    except SnapallError as error:
        publish(Warned(*error.parts))


def _named(store: JournalStore, job: Job, snapshot: str) -> tuple[Origin, ...]:
    """The backup on each of its volumes."""
    require_listed(store.folder)
    known = store.known(job.name)
    found = [one for one in known if snapshot in {one.name, one.run, ""}]
    published = [one for one in found if not one.temporary]
    if not found:
        raise ConfigError(
            f"job {job.name} has no backup {snapshot or 'at all'} on record",
            f"`snapall list {job.name}` shows the backups; those that snapall did not make have no run-book",
            "SA-1800",
        )
    return _present(job, known, max(one.run for one in published or found))


def _present(job: Job, known: Sequence[Origin], run: str) -> tuple[Origin, ...]:
    made = (one for one in known if one.run == run and one.volume in job.volumes)
    return tuple(sorted(made, key=lambda one: job.volumes.index(one.volume)))


def _book(settings: Config, facts: BookFacts, present: Sequence[Origin]) -> Book:
    names = tuple(Present(one.volume, one.name, one.date) for one in present)
    proofs = proofs_of(store_of(settings), facts.job, facts.run)
    copies = copies_of(settings.vmx.get(facts.job), facts.job, facts.run)
    return Book(facts, names, "; ".join(f"{one.name}: {one.text}" for one in proofs), copies)


def luns_shown(settings: Config, job: Job, troubles: list[SnapallError]) -> tuple[list[LunView], tuple[Igroup, ...]]:
    """What the filer shows up to the first thing that it does not: no second timeout is spent on a run-book."""
    from snapall.restore.luns.client import Luns  # noqa: PLC0415 - the transports load what they need
    from snapall.site import transport_to  # noqa: PLC0415 - as above

    filer = settings.filers[job.filer].for_restore
    luns = Luns(transport_to(filer), filer.name, filer.host)
    views: list[LunView] = []
    try:
        views.extend(luns.view(one) for one in job.volumes)
        return views, luns.igroups()
    except SnapallError as error:
        troubles.append(error)
        return views, ()


def _read(settings: Config, job: Job, state: RunState, origin: Origin, *, late: bool) -> BookFacts:
    """Look at the LUNs and ask for the vmx paths; what cannot be read is named in the facts."""
    from snapall.site.virtualcenter import VirtualCenter  # noqa: PLC0415 - sqlalchemy

    filer = settings.filers[job.filer].for_restore
    troubles: list[SnapallError] = []
    verdicts = verdicts_of(state)
    views, igroups = luns_shown(settings, job, troubles)
    vc = VirtualCenter(settings.database)
    places: Mapping[int, VmxPlace] = {}
    everyone: Sequence[Vm] = ()
    try:
        places = vc.vmx_places([one.vm.id for one in verdicts])
        everyone = vc.everyone()
    except SnapallError as error:
        troubles.append(error)
    others = others_than([one.vm for one in verdicts], everyone)
    paths = [path for view in views for path in view.luns]
    of = owners(paths, [one.vm for one in verdicts], settings.job_tables[job.name].luns, others)
    return BookFacts(
        job=job.name,
        run=origin.run,
        filer=FilerLogin(filer.host, filer.transport, filer.port, filer.user or ""),
        grade=origin.label,
        vm_snapshot=job.vm_snapshot_of(state.header.mark),
        verdicts=verdicts,
        read_at=store_of(settings).clock.utc().astimezone(UTC).isoformat(timespec="seconds"),
        volumes=tuple(map(facts_of, views)),
        igroups=igroups,
        files=tuple(VmFiles(vm, place.file) for vm, place in places.items() if place.file),
        given=tuple(Given(vm, paths) for vm, paths in settings.job_tables[job.name].luns.items()),
        late=late,
        troubles=tuple(dict.fromkeys(one.message for one in troubles)),
        others=tuple(vm for vm in others if vm in of.values()),
    )
