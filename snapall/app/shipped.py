"""`snapall docs`: the files that ship with snapall. They are the documents, the files for other programs, and the SQL.

A wheel and the stand-alone program carry them inside the package; a checkout has them beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from snapall import restart
from snapall.backup import outfile
from snapall.errors import ConfigError, SnapallError, reason_of

FOLDERS = ("docs", "sql")
_NOT_SHIPPED = frozenset({"docs/causes.toml"})  # what docs/messages.md is made from


def write_out(folder: Path) -> list[Path]:
    """Write every shipped file below a new or empty folder; return the files.

    ConfigError: there is something in the folder already. SnapallError: it cannot be written, or nothing ships.
    """
    found = [(name, data) for part in FOLDERS for name, data in _below(part, _root().joinpath(part))]
    if not found:
        raise SnapallError(
            f"no documents are installed with snapall in {restart.home()}",
            "install snapall again, from its wheel, the offline bundle or the stand-alone folder",
            "SA-1982",
        )
    try:
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise ConfigError(f"{folder} exists already", "name a new folder; nothing was written", "SA-1980")
        return [_written(folder / name, data) for name, data in found]
    except OSError as error:
        raise SnapallError(
            f"{error.filename or folder} cannot be written: {reason_of(error)}",
            f"name a folder that you can write; remove {folder} if a part of the documents is there",
            "SA-1981",
        ) from error


def _root() -> Traversable:
    inside = files("snapall").joinpath("shipped")
    return inside if inside.is_dir() else restart.home()


def _below(name: str, one: Traversable) -> Iterator[tuple[str, bytes]]:
    """The files of a folder with their names, in the order of the names; what is hidden does not ship."""
    if one.is_file() and name not in _NOT_SHIPPED:
        yield name, one.read_bytes()
    elif one.is_dir():
        for part in sorted(one.iterdir(), key=lambda each: each.name):
            if not part.name.startswith("."):
                yield from _below(f"{name}/{part.name}", part)


def _written(path: Path, data: bytes) -> Path:
    outfile.make_folders(path.parent)
    outfile.create(path, data, 0o644)
    return path
