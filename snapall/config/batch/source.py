"""A batch file and the overlay beside it as one table, whose keys know where they were written."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from snapall.backup.patience import patiently
from snapall.config.batch import Batch, batch_of
from snapall.config.batch.overlay import faults_in, with_arguments
from snapall.config.batch.text import MARKER
from snapall.config.tomlfile import dotted, tables_of, text_of
from snapall.errors import ConfigError

if TYPE_CHECKING:
    from snapall.config.tomlfile import KeyPath


_MACHINE = ("COMPUTERNAME",)
_LARGEST = 1 << 16  # of a file that a batch reads


@dataclass(frozen=True, slots=True, repr=False)
class BatchSource:
    """A batch and its overlay."""

    path: Path
    batch: Batch
    overlay: Mapping[str, object]

    def located(self, path: KeyPath, text: str) -> str:
        """Return a key's fault with its file, and with the line if that is the batch."""
        fault = self.batch.masked(f"{dotted(path)}: {text}")
        if _stands_in(self.overlay, path):
            return f"{overlay_of(self.path)}: {fault}"
        line = self.batch.line_of(path)
        return f"{self.path}: {fault}" if line is None else f"{self.path}: line {line}: {fault}"


def overlay_of(path: Path) -> Path:
    """Return the path of the overlay beside a batch: `snapall.bat.toml`."""
    return path.with_name(f"{path.name}.toml")


def source_of(path: Path, arguments: str = "") -> BatchSource:
    """Read a batch file and its overlay, if any. Raises ConfigError with every line that cannot be imported.

    `arguments` are the batch's, as on its command line; they take the place of the overlay's.
    """
    beside = overlay_of(path)
    try:
        data = patiently(path.read_bytes, path)
        overlaid = beside.exists()
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}", "check the file's name and permissions", "SA-7002"
        ) from error
    overlay = tables_of(text_of(beside), beside) if overlaid else {}
    given = with_arguments(overlay, arguments)
    odd = list(faults_in(given))
    if odd:
        raise ConfigError("\n".join(f"{beside}: {one}" for one in odd), "correct the file", "SA-7001")
    machine = {name: os.environ[name] for name in _MACHINE if os.environ.get(name)}
    batch = batch_of(data, given, lambda name: _beside(path, name), machine)
    if batch.faults:
        lines = [f"{path}: {line}" for line in batch.fault_lines()]
        raise ConfigError("\n".join(lines), f"correct a copy of the batch, or write {beside.name} beside it", "SA-7006")
    return BatchSource(path, batch, overlay)


def _beside(path: Path, asked: str) -> bytes | None:
    """A file that the batch reads; None if there is none that can be read. VCB's folder is taken for the batch's."""
    folder, name = path.absolute().parent, re.split(r"[\\/]", asked)[-1]
    with suppress(OSError):
        if sys.platform == "win32" and MARKER.search(asked) is None and Path(asked).is_file():
            folder = Path(asked).parent  # the batch runs on this machine, and names the file's own folder
        found = next((one for one in folder.iterdir() if one.name.lower() == name.lower() and one.is_file()), None)
        return None if found is None or found.stat().st_size > _LARGEST else found.read_bytes()
    return None


def _stands_in(table: object, path: KeyPath) -> bool:
    if not path or isinstance(path[0], int) or not isinstance(table, Mapping):
        return True
    return path[0] in table and _stands_in(table[path[0]], path[1:])
