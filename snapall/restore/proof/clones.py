"""The clones of a verification, mapped while their LUNs are read; a journal of each lets `recover` take it down."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import snapall
from snapall.backup.model import Job
from snapall.backup.outcome import Origin
from snapall.errors import Exit, Refused, SiteError, SnapallError
from snapall.restore.journal import UseStore
from snapall.restore.loop import LunSystem, Show, UseCase
from snapall.restore.plan import mount, our_path
from snapall.restore.proof.device import MappedLun
from snapall.restore.record import Source, TakeDown, UseBegan, UseKind
from snapall.restore.state import UseState

KIND = "ver"
"""What the names of these clones say."""

_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class CloneLeft(SnapallError):
    """A clone could not be taken down."""

    exit = Exit.PARTIAL


@dataclass(frozen=True, slots=True)
class VerifyMount:
    """Mounts LUNs of one backup. Whoever calls it holds the volumes' lock.

    `present`: the backup as it is called now, on each of its volumes: a rotation may have renamed it.
    """

    job: Job
    igroup: str
    luns: LunSystem
    present: Callable[[], Sequence[Origin]]
    store: UseStore
    filer: str
    vcenter: str
    filer_timeout: float
    stopped: Callable[[], bool] = lambda: False
    show: Show = lambda _: None

    @contextmanager
    def __call__(self, paths: Sequence[str]) -> Iterator[Sequence[MappedLun]]:
        """Clone and map; at the end take everything down. SiteError: it was not mapped. CloneLeft. JournalError."""
        case = UseCase(self.store.begin(self._header(paths)), self.luns, self.store.runs.clock, self.stopped, self.show)
        try:
            case.drive()
            if case.state.down is not None:
                raise SiteError(*_failure(case.state))
            yield _mapped(case.state, paths, self.igroup)
        finally:
            if case.state.down is None:
                case.record(TakeDown("verify", "its LUNs need to be mapped no longer"))
                case.drive()
            left = case.state.outstanding
            case.close(Exit.PARTIAL if left else Exit.OK, "")
            if left:
                raise CloneLeft(
                    f"clones of {', '.join(paths)} may be left on the filer",
                    "run `snapall recover`; `lun show` lists them as snapall_ver_*",
                    "SA-1877",
                )

    def _header(self, paths: Sequence[str]) -> UseBegan:
        origins = self.present()
        volumes = {path.split("/")[2] for path in paths}
        if volumes - {one.volume for one in origins}:
            text = "the backup is gone: a later run has rotated it out"
            raise Refused(text, "run `snapall verify` again: it checks the newest", "SA-1878")
        views = {volume: self.luns.view(volume) for volume in sorted(volumes)}
        stamp, snapshot = self.store.runs.stamp(), origins[0].name
        return UseBegan(
            UseKind.VERIFY,
            self.job.name,
            self.filer,
            self.vcenter,
            stamp,
            snapshot,
            tuple(Source(one.volume, one.date) for one in origins if one.volume in volumes),
            mount(paths, snapshot, self.igroup, stamp, views, _serials(), kind=KIND),
            snapall.__version__,
            igroup=self.igroup,
            filer_timeout=self.filer_timeout,
        )


def _mapped(state: UseState, paths: Sequence[str], igroup: str) -> tuple[MappedLun, ...]:
    """The clones as the last look at their volume shows them."""
    found = []
    for path in paths:
        view, clone = state.views[path.split("/")[2]].view, our_path(path, KIND, state.header.stamp)
        ids = [one.id for one in view.maps_of(clone) if one.igroup == igroup]
        found += [MappedLun(path, view.luns[clone].serial, id_, view.luns[clone].size) for id_ in ids]
    return tuple(found)


def _failure(state: UseState) -> tuple[str, str, str]:
    if (failed := state.failure) is not None:
        return failed.text, failed.hint, failed.code
    why = state.down.why if state.down is not None else ""
    return f"the LUNs were not mapped: {why}", "run `snapall verify` again", "SA-1879"


def _serials() -> Iterator[str]:
    """Serials of 12 letters and digits; there are so many that none is taken."""
    while True:
        yield "".join(secrets.choice(_SIGNS) for _ in range(12))
