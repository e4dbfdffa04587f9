"""Read an old snapall.bat as a configuration, or report line by line why it cannot be imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snapall.config.batch.contents import BatchFault, Defect, Script
from snapall.config.batch.defects import defects_of
from snapall.config.batch.overlay import answers, merged
from snapall.config.batch.parser import read
from snapall.config.batch.redacted import redacted
from snapall.config.batch.table import table_of
from snapall.config.tomlfile import KeyPath
from snapall.escaping import printable


@dataclass(frozen=True, slots=True, repr=False)
class Batch:
    """A batch that was read: its faults, or a table as tomllib returns it, with the line of each key."""

    faults: tuple[BatchFault, ...]
    table: Mapping[str, object]
    lines: Mapping[KeyPath, int]
    defects: tuple[Defect, ...]
    script: Script

    def fault_lines(self) -> list[str]:
        """Return one line for each fault: number, excerpt, reason and remedy, without any password."""
        found = []
        for fault in self.faults:
            text = redacted(self.script.texts.get(fault.line, ""))
            line = f": `{text}`" if text.strip(" *") else ""
            found.append(printable(self.script.masked(f"line {fault.line}{line}: {fault.text}; {fault.remedy}")))
        return list(dict.fromkeys(found))

    def line_of(self, path: KeyPath) -> int | None:
        """Return the line of a key, or of what lies in it or above it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return min((line for key, line in self.lines.items() if key[: len(path)] == path), default=None)


def batch_of(data: bytes, overlay: Mapping[str, object]) -> Batch:
    """Read a batch file together with its overlay. Never raises: what it cannot read is among the faults."""
    script = read(data)
    table = table_of(script)
    value = table.raw
    faults = sorted((one for one in script.faults if not answers(overlay, value, one)), key=lambda one: one.line)
    if faults:
        return Batch(tuple(faults), {}, table.lines, (), script)
    return Batch((), merged(value, overlay), table.lines, defects_of(script), script)
