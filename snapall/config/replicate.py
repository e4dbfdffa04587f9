"""The settings of [jobs.NAME.replicate]: where SnapMirror and SnapVault take a backup after it was published."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from snapall.config import values
from snapall.config.table import ConfigTable


class Mirror(ConfigTable):
    """An entry of `mirrors`: one SnapMirror relation."""

    filer: str
    """The NAME of the [filers.NAME] that holds the mirror: updates run there."""
    source: values.Place
    """`FILER:VOLUME` as the filers call it; a volume of the job."""
    destination: values.Place
    """`FILER:VOLUME`, the mirror."""


class Vault(ConfigTable):
    """An entry of `vaults`: one qtree of a SnapVault secondary."""

    filer: str
    """The NAME of the [filers.NAME] that is the secondary: updates run there."""
    destination: values.Place
    """`/vol/VOLUME/QTREE` on the secondary."""
    keep_name: values.Name | None = None
    """The name of the retained copies, as in `snapvault snap sched`; left out: no retained copy is made."""


class Replicate(ConfigTable):
    """[jobs.NAME.replicate]: the relations that are updated after a backup."""

    mirrors: Annotated[tuple[Mirror, ...], Field(strict=False)] = ()
    """SnapMirror: `[{ filer = "filer2", source = "filer1:vmvol1", destination = "filer2:vmvol1_mirror" }]`."""
    vaults: Annotated[tuple[Vault, ...], Field(strict=False)] = ()
    """SnapVault: `[{ filer = "filer2", destination = "/vol/sv_vmvol1/q1", keep_name = "sv_nightly" }]`."""
    grade: Literal["any", "partial", "whole"] = "partial"
    """Least grade of a backup that is replicated, as in `publish`."""
    wait: values.Seconds = 3600
    """Seconds to wait for all transfers of a backup; a transfer that takes longer goes on without snapall."""
    max_lag: values.Hours = 48
    """Hours; `snapall status` warns of a destination that is further behind."""
