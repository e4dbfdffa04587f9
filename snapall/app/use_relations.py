"""What a filer shows of the volumes that a mount or a restore would change: their relations, and which is the root."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from snapall.config.settings import Filer
from snapall.errors import SiteError
from snapall.restore.checks import Asked
from snapall.restore.mirror.client import Mirrors
from snapall.restore.mirror.relations import RelationEnd
from snapall.site import transport_to
from snapall.site.volumes import Volumes


def with_relations(asked: Asked, filer: Filer) -> Asked:
    """Add them; what cannot be read is named. Only a restore of a volume needs to know its root."""
    transport, unread = transport_to(filer.for_restore), list[str]()
    ends: tuple[RelationEnd, ...] = ()
    roots: Iterable[str] = ()
    try:
        ends = Mirrors(transport, filer.name, filer.host).ends()
    except SiteError as error:
        unread.append(error.message)
    if asked.way == "volume":
        try:
            roots = [one.name for one in Volumes(transport, filer.name).all() if one.root]
        except SiteError as error:
            unread.append(error.message)
    return replace(asked, relations=ends, roots=frozenset(roots), unread=tuple(unread))
