"""NAME.bat.toml, the overlay: keys of snapall.toml that add to a batch file or override it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from snapall.config.batch.facts import ANY, BatchFault
from snapall.config.tomlfile import KeyPath


def answers(overlay: Mapping[str, object], table: Mapping[str, object], fault: BatchFault) -> bool:
    """Whether the overlay sets a key that the fault is about; for every job of the batch, if the path says ANY."""
    return any(_has(overlay, table, key) for key in fault.keys)


def _has(overlay: object, table: object, path: KeyPath) -> bool:
    if not path:
        return True
    if not isinstance(overlay, Mapping):
        return False
    inner = table if isinstance(table, Mapping) else {}
    head, rest = path[0], path[1:]
    if head == ANY:
        # One left out would fall back to a default that nobody chose.
        return bool(inner) and all(_has(overlay.get(one), inner[one], rest) for one in inner)
    return head in overlay and _has(overlay[head], inner.get(head), rest)


def merged(under: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Merge both, table by table; the overlay wins, and a key that replaces others displaces them."""
    return _merged(under, over, ())


def _merged(under: Mapping[str, object], over: Mapping[str, object], path: tuple[str, ...]) -> dict[str, object]:
    whole = {key: value for key, value in under.items() if not _displaced(key, over, path)}
    for key, value in over.items():
        known = whole.get(key)
        # { file = ... } is a password's value, no table of keys.
        deep = isinstance(known, Mapping) and isinstance(value, Mapping) and key != "vms"
        whole[key] = _merged(known, value, (*path, key)) if deep else value  # type: ignore[arg-type]
    return whole


def _displaced(key: str, over: Mapping[str, object], path: tuple[str, ...]) -> bool:
    """Whether the overlay's keys displace this one of the batch."""
    if path == ("database",) and key == "password":
        # The batch's password belongs to a login, and this URL has none, for example with a Windows login.
        return "url" in over and re.match(r"[^/]*//[^/@]+@", str(over["url"])) is None
    if len(path) == 2 and path[0] == "filers" and key == "password":
        return not {"user", "key_file"}.isdisjoint(over)  # the batch's password belongs to its user
    if len(path) == 2 and path[0] == "jobs":
        named = {"chain": {"prefix", "retain"}, "prefix": {"chain"}, "retain": {"chain"}}
        return not named.get(key, set()).isdisjoint(over)
    return False
