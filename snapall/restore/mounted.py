"""A mount as `status`, `list` and `mount` show it: its clones, its age, its purpose and its end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from snapall.restore.steps import CloneLun, MapLun

if TYPE_CHECKING:
    from snapall.restore.state import UseState


@dataclass(frozen=True, slots=True)
class MountedLun:
    """A clone. `lun_id` and `serial` as the last look showed them; None and "": unknown now."""

    path: str
    parent: str
    igroup: str = ""
    lun_id: int | None = None
    serial: str = ""


@dataclass(frozen=True, slots=True)
class Mount:
    """A mount. `half`: it died, or could not be taken down; `recover` settles it. `left`: what is wrong for good."""

    id: str
    job: str
    filer: str
    snapshot: str
    began: datetime | None
    luns: tuple[MountedLun, ...]
    kind: str = "mount"
    purpose: str = ""
    until: str = ""
    half: bool = False
    left: tuple[str, ...] = ()

    def age(self, now: datetime) -> float | None:
        """Seconds since it began."""
        return (now - self.began).total_seconds() if self.began is not None else None

    def is_over(self, now: datetime) -> bool:
        """Whether the day until which it was wanted has passed."""
        return bool(self.until) and date.fromisoformat(self.until) < now.date()


def mount_of(state: UseState, *, half: bool, left: tuple[str, ...] = ()) -> Mount:
    """A mount by its journal."""
    header = state.header
    groups = {one.step.path: one.step.igroup for one in state.forward if isinstance(one.step, MapLun)}
    luns = []
    for one in state.forward:
        if isinstance(one.step, CloneLun):
            clone = one.step
            seen = next((each.view for each in state.views.values() if clone.path in each.view.luns), None)
            rows = seen.maps_of(clone.path) if seen is not None else ()
            serial = seen.luns[clone.path].serial if seen is not None else ""
            lun_id = rows[0].id if rows else None
            luns.append(MountedLun(clone.path, clone.parent, groups.get(clone.path, ""), lun_id, serial))
    return Mount(
        header.stamp,
        header.job,
        header.filer,
        header.snapshot,
        state.began_at,
        tuple(luns),
        str(header.kind),
        header.purpose,
        header.until,
        half,
        left,
    )
