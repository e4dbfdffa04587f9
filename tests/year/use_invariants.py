"""What must hold of LUNs, clones and relations, by the site history and the world."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from snapall.backup.clock import SystemClock
from snapall.backup.store import JournalStore
from snapall.restore.journal import UseStore
from tests.year import lun_site
from tests.year.administrators import Administrators, Deed
from tests.year.journal_files import open_journals
from tests.year.lun_history import HELPER, LunHistory
from tests.year.lun_site import LunSeen
from tests.year.simulated_site import LabSite

MOST_FILES = 3 * 60 + 40
"""Of the state folder: runs, uses and replications, each with `keep_journals` of them, locks, and what is open."""


def open_uses(site: LabSite) -> frozenset[Path]:
    """The journals of mounts, restores and verifications that may have left something half-way."""
    return open_journals(site.journals.parent / "restores")


def after_use(deed: Deed, code: int, site: LabSite, history: LunHistory, number: int, *, calm: bool) -> Iterator[str]:
    """What does not hold of a use that has just ended."""
    if deed.refused and number in history.touched:
        yield f"{deed.words} changed LUNs although their VM runs"
    if calm and code != 0 and deed.words[0] in {"mount", "unmount"}:
        yield f"nothing was wrong, and {deed.words[0]} exits {code}"
    if code == 0 and deed.words[0] == "mount" and len(history.made_by(number)) != len(deed.use.luns):
        yield f"{deed.words} exits 0, and its clones are {history.made_by(number)}"
    if code == 0 and deed.words[0] == "unmount" and (left := [one for one in deed.use.clones if one in history.disks]):
        yield f"{deed.words} exits 0, and {left} are there"


def in_the_morning(
    site: LabSite, history: LunHistory, people: Administrators, serials: Mapping[str, str]
) -> Iterator[str]:
    """What must hold of the LUNs every morning."""
    world = lun_site.seen(site.world)
    text = "".join(path.read_text(encoding="utf-8") for path in open_uses(site))
    uses = UseStore(JournalStore(site.journals.parent, SystemClock()))
    shown = {clone.path for mount in uses.standing() for clone in mount.luns}
    if set(world) != set(history.disks):
        yield f"the filer has the LUNs {sorted(world)}, the ledger says {sorted(history.disks)}"
    for path, one in world.items():
        known = history.disks.get(path)
        if known is not None and one.content != known.content:
            yield f"{path} holds {one.content!r}; last written or restored was {known.content!r}"
    yield from _originals(world, history, serials, text)
    yield from _clones(world, history, people, text, shown)
    for (serial, group), count in Counter(_serials(world)).items():
        if count > 1:
            yield f"{group} sees {count} LUNs with the serial {serial}"
    yield from (f"the base of {one} is gone" for one in lun_site.baseless(site.world))
    if (files := sum(1 for _ in site.journals.parent.rglob("*"))) > MOST_FILES:
        yield f"the state folder has {files} files"


def _serials(world: Mapping[str, LunSeen]) -> Iterator[tuple[str, str]]:
    return ((one.serial, group.partition("=")[0]) for one in world.values() for group in one.maps if one.online)


def _originals(
    world: Mapping[str, LunSeen], history: LunHistory, serials: Mapping[str, str], text: str
) -> Iterator[str]:
    for path, mapped in history.maps.items():
        one = world.get(path)
        whole = one is not None and one.online and one.maps == (mapped,) and one.serial == serials[path]
        if not whole and path not in text:
            yield f"{path} is not as it was, and no open journal names it: {one}"


def _clones(
    world: Mapping[str, LunSeen], history: LunHistory, people: Administrators, text: str, shown: set[str]
) -> Iterator[str]:
    standing = {path for paths in people.standing.values() for path in paths}
    for path in world:
        if path in history.maps or path in history.left() or path in text:
            continue
        if path not in shown:
            yield f"{path} is there, and `status` does not show it"
        elif path not in standing and not any(path in paths for paths in people.going.values()):
            yield f"{path} is there, and no mount that succeeded made it"
    for path in standing:
        one = world.get(path)
        groups = [group.partition("=")[0] for group in one.maps] if one is not None else []
        if one is None or not one.online or groups != [HELPER] or not one.backing:
            yield f"the mounted {path} was taken down without a command: {one}"
