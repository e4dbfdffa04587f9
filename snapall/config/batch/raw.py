"""A configuration in the making, as tomllib returns one: each key with its line."""

from __future__ import annotations

from dataclasses import dataclass, field

from snapall.config.batch.facts import KeyPath, Located, Script

Raw = dict[str, object]


@dataclass(slots=True)
class Table:
    """The configuration's tables, and where each key was read."""

    raw: dict[str, Raw] = field(default_factory=dict)
    log: Located | None = None
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def put(self, path: tuple[str, ...], value: object, line: int) -> None:
        """Set a key."""
        table: Raw = self.raw.setdefault(path[0], {})
        if len(path) == 3:
            inner = table.setdefault(path[1], {})
            table = inner if isinstance(inner, dict) else {}
        table[path[-1]] = value
        self.lines[path] = line

    def whole(self) -> Raw:
        """Return everything as tomllib returns a file."""
        return ({"log": self.log.text} if self.log is not None else {}) | dict(self.raw)


def agreed(
    found: list[tuple[Located | None, int]], what: str, script: Script, *keys: KeyPath, case: bool = True
) -> Located | None:
    """Return the one value that all lines give; record a fault, which shows neither, if two differ."""
    given = [(value, line) for value, line in found if value is not None]
    if not given:
        return None
    first = given[0][0]
    for value, line in given[1:]:
        same = value.text == first.text if case else value.text.lower() == first.text.lower()
        if not same:
            text = f"{what} differs from line {given[0][1]}"
            script.fault(line, text, "snapall needs a single value: make the lines agree", *keys)
            return None
    return first
