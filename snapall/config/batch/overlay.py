"""NAME.bat.toml, the overlay: what the batch is given, and keys of snapall.toml that add to it or override it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from snapall.config.batch.facts import ANY, BatchFault
from snapall.config.tomlfile import KeyPath

_KEYS = ("arguments", "variables")
_LONGEST = 2_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True, repr=False)
class BatchInvocation:
    """What the batch is given. `variables` are those of its environment; `date` and `time` among them stand still."""

    arguments: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether a variable is given, in any case."""
        return name.lower() in {one.lower() for one in self.variables}

    def with_machine(self, machine: Mapping[str, str]) -> BatchInvocation:
        """Add what the machine's environment says; what the overlay says wins."""
        added = {key: value for key, value in machine.items() if not self.has(key) and _is_line(value)}
        return BatchInvocation(self.arguments, {**added, **self.variables})


def given_of(overlay: Mapping[str, object]) -> BatchInvocation:
    """Return what the overlay gives; what `faults_in` names is left out."""
    table = overlay.get("batch")
    if not isinstance(table, Mapping):
        return BatchInvocation()
    arguments, variables = table.get("arguments"), table.get("variables")
    pairs = variables.items() if isinstance(variables, Mapping) else ()
    return BatchInvocation(
        arguments if _is_line(arguments) else "",
        {key: value for key, value in pairs if _NAME.fullmatch(key) is not None and _is_line(value)},
    )


def with_arguments(overlay: Mapping[str, object], arguments: str) -> dict[str, object]:
    """The overlay with these arguments of the batch in place of its own; "": with its own."""
    table = overlay.get("batch", {})
    if not arguments or not isinstance(table, Mapping):
        return dict(overlay)
    return {**overlay, "batch": {**table, "arguments": arguments}}


def without_given(overlay: Mapping[str, object]) -> dict[str, object]:
    """The overlay's keys of snapall.toml."""
    return {key: value for key, value in overlay.items() if key != "batch"}


def faults_in(overlay: Mapping[str, object]) -> Iterator[str]:
    """What is wrong with [batch], each with its key."""
    table = overlay.get("batch", {})
    if not isinstance(table, Mapping):
        yield "batch: must be a table"
        return
    for key in table:
        if key not in _KEYS:
            yield f"batch.{key}: is not a known key; known are {', '.join(_KEYS)}"
    if not _is_line(table.get("arguments", "")):
        yield "batch.arguments: must be one line of text, as on a command line"
    variables = table.get("variables", {})
    if not isinstance(variables, Mapping):
        yield "batch.variables: must be a table of texts"
        return
    for key, value in variables.items():
        if _NAME.fullmatch(key) is None or not _is_line(value):
            yield f"batch.variables.{key}: must be a variable's name with a text of one line"


def _is_line(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= _LONGEST and re.search(r"[\x00-\x1f\x7f]", value) is None


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
