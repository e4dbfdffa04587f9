"""A configuration in the making, as tomllib returns one: each key with its line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from snapall.config.batch.facts import Findings, Located
from snapall.config.tomlfile import KeyPath

Raw = dict[str, Any]
Found = list[tuple[Located | None, int]]
"""What each line says of one value, None if nothing."""


@dataclass(slots=True)
class Table:
    """The configuration's tables, where each key was read, and where contradictions are recorded."""

    findings: Findings
    raw: Raw = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def put(self, path: tuple[str, ...], value: object, line: int) -> None:
        """Set a key."""
        table = self.raw
        for part in path[:-1]:
            table = table.setdefault(part, {})
        table[path[-1]] = value
        self.lines[path] = line

    def agreed(self, found: Found, what: str, *keys: KeyPath, case: bool = False) -> Located | None:
        """Return the one value that all lines give; record a fault, which shows neither, if two differ.

        `case`: upper and lower case differ, too.
        """
        first: Located | None = None
        first_line = 0
        for value, line in found:
            if value is None:
                continue
            if first is None:
                first, first_line = value, line
            elif value.text != first.text if case else value.text.lower() != first.text.lower():
                text = f"{what} differs from line {first_line}"
                self.findings.fault(line, text, "snapall needs a single value: make the lines agree", *keys)
                return None
        return first

    def named_in_part(self, part: str) -> None:
        """Call the VM snapshots of every job by the constant part of their name, if there is one."""
        for job in self.raw.get("jobs", {}).values():
            if part and "vm_snapshot" in job:
                job["vm_snapshot"] = part

    def put_agreed(self, path: tuple[str, ...], found: Found, what: str, *, case: bool = False) -> None:
        """Set a key to the value that all lines give, if they agree on one."""
        value = self.agreed(found, what, path, case=case)
        if value is not None:
            self.put(path, value.text, value.line)
