"""`snapall runbook`, and the run-books that a run writes: the commands that restore a backup by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from typing import ParamSpec, TypeVar

from snapall.app.opening import store_of
from snapall.app.proofs import proofs_of
from snapall.backup.certificate import verdicts_of
from snapall.backup.context import guarded
from snapall.backup.facts import Warned
from snapall.backup.model import Job, Order
from snapall.backup.outcome import Origin
from snapall.backup.record import What
from snapall.backup.runstate import RunState
from snapall.backup.store import JournalStore
from snapall.config.settings import Config
from snapall.errors import ConfigError, SnapallError
from snapall.operate.history import require_listed
from snapall.restore.belongs import others_than, owners
from snapall.restore.blocks import Block, as_html, as_text
from snapall.restore.bookfacts import BookFacts, FilerLogin, Given, Present, VmFiles, facts_of
from snapall.restore.bookshelf import Bookshelf
from snapall.restore.luncommands import command_of
from snapall.restore.runbook import runbook

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Book:
    """A run-book; `name` is the backup's on its first volume."""

    name: str
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        """As text, 100 columns wide."""
        return as_text(self.blocks)

    @property
    def page(self) -> str:
        """As HTML."""
        return as_html(self.blocks, f"Run-book of {self.name}")


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
    facts, _ = _read(settings, job, state, present[0], late=True)
    return _book(settings, facts, present)


def update_books(settings: Config, job: Job, stamp: str, publish: Callable[[What], None]) -> None:
    """After the run of this stamp: note the facts of its backup, and write all run-books under the present names.

    Those of backups that are gone are removed. Whatever fails is only a warning. Nothing is asked while VMs may be
    quiesced.
    """
    wanted = settings.job_tables[job.name].runbook
    if not wanted and (wanted is not None or job.order is Order.PAPER):
        return
    with guarded(lambda *parts: publish(Warned(*parts))):
        shelf, known = Bookshelf(settings.state), store_of(settings).known(job.name)
        _note(settings, job, stamp, known, publish)
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


def _note(settings: Config, job: Job, stamp: str, known: Sequence[Origin], publish: Callable[[What], None]) -> None:
    """Keep what the run-book of this run's backup needs, if the run made one and released its VMs."""
    shelf, store, present = Bookshelf(settings.state), store_of(settings), _present(job, known, stamp)
    if not present or stamp in shelf.runs(job.name):
        return
    state = store.read(store.path(job.name, stamp))
    if state.outstanding:
        return
    facts, troubles = _read(settings, job, state, present[0], late=False)
    for one in troubles:
        text = f"the run-book of {present[0].name} lacks something: {one.message}"
        publish(Warned(text, f"{one.hint}; `runbook = false` in the job turns run-books off", "SA-1801"))
    shelf.keep(facts)


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
    names = [Present(one.volume, one.name, one.date) for one in present]
    proofs = proofs_of(store_of(settings), facts.job, facts.run)
    return Book(
        names[0].name, runbook(facts, names, command_of, "; ".join(f"{one.name}: {one.text}" for one in proofs))
    )


def _asked(troubles: list[SnapallError], ask: Callable[P, T], *args: P.args, **named: P.kwargs) -> T | None:
    """What a system answers; None: it does not, and `troubles` has the error."""
    try:
        return ask(*args, **named)
    except SnapallError as error:
        troubles.append(error)
        return None


def _read(
    settings: Config, job: Job, state: RunState, origin: Origin, *, late: bool
) -> tuple[BookFacts, list[SnapallError]]:
    """Look at the LUNs and ask for the vmx paths; what cannot be read is named in the facts, too."""
    from snapall.restore.luns import Luns  # noqa: PLC0415 - the transports load what they need
    from snapall.site import transport_to  # noqa: PLC0415 - as above
    from snapall.site.virtualcenter import VirtualCenter  # noqa: PLC0415 - sqlalchemy

    filer = settings.filers[job.filer].for_restore
    luns = Luns(transport_to(filer), filer.name, filer.host)
    troubles: list[SnapallError] = []
    verdicts = verdicts_of(state)
    ids = [one.vm.id for one in verdicts]
    views = [_asked(troubles, luns.view, one) for one in job.volumes]
    igroups = _asked(troubles, luns.igroups)
    vc = VirtualCenter(settings.database)
    places = _asked(troubles, vc.vmx_places, ids)
    others = others_than([one.vm for one in verdicts], _asked(troubles, vc.everyone) or ())
    paths = [path for view in views if view is not None for path in view.luns]
    of = owners(paths, [one.vm for one in verdicts], settings.job_tables[job.name].luns, others)
    facts = BookFacts(
        job=job.name,
        run=origin.run,
        filer=FilerLogin(filer.host, filer.transport, filer.port, filer.user or ""),
        grade=origin.label,
        vm_snapshot=job.vm_snapshot_of(state.header.mark),
        verdicts=verdicts,
        read_at=store_of(settings).clock.utc().astimezone(UTC).isoformat(timespec="seconds"),
        volumes=tuple(facts_of(one) for one in views if one is not None),
        igroups=igroups or (),
        files=tuple(VmFiles(vm, place.file) for vm, place in (places or {}).items() if place.file),
        given=tuple(Given(vm, paths) for vm, paths in settings.job_tables[job.name].luns.items()),
        late=late,
        troubles=tuple(dict.fromkeys(one.message for one in troubles)),
        others=tuple(vm for vm in others if vm in of.values()),
    )
    return facts, list({one.message: one for one in troubles}.values())
