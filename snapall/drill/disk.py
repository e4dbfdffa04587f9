"""What a power cut leaves of a folder: what was synced, and the rest lost, torn, or with a hole in it.

A killed process loses no byte that it has written; a machine that loses its power does. So the process that is to die
records what its fsyncs made durable, and `cut` makes the folder what a disk may contain afterwards.
"""

from __future__ import annotations

import os
import pickle
import shutil
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from snapall.drill import NotOnWindows


class Damage(StrEnum):
    """What becomes of bytes and names that were never synced."""

    LOST = "lost"  # bytes, and names of files in their folder
    TORN = "torn"  # the first half of the first line is left
    HOLED = "zero-filled"  # only the last line reached the disk, after zeros


@dataclass
class DurableFolder:
    """What is durable of the folder `root`: the bytes of files, and the names in folders with what each is."""

    root: Path
    files: dict[int, bytes] = field(default_factory=dict)  # by inode
    names: dict[int, dict[str, tuple[int, int]]] = field(default_factory=dict)  # by a folder's; inode and mode of each

    @classmethod
    def of(cls, root: Path) -> DurableFolder:
        """Everything is durable that is there now."""
        root = root.resolve()
        disk = cls(root)
        if root.exists():
            disk.names[root.parent.stat().st_ino] = {root.name: (root.stat().st_ino, root.stat().st_mode)}
            for path in (root, *root.rglob("*")):
                disk.keep(path)
        return disk

    @classmethod
    def recorded(cls, record: Path, root: Path) -> DurableFolder:
        """Read what a process has recorded; nothing is durable of one that never synced."""
        if not record.exists():
            return cls(root)
        disk = pickle.loads(record.read_bytes())  # noqa: S301 - of the drill's own run
        assert isinstance(disk, cls)  # noqa: S101
        return disk

    def keep(self, path: Path) -> None:
        """Make this file or folder durable as it is now."""
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            found: dict[str, tuple[int, int]] = {}
            for one in os.scandir(path):
                if path != self.root.parent or one.name == self.root.name:  # the lab is at work beside it
                    with suppress(FileNotFoundError):  # removed meanwhile
                        entry = one.stat(follow_symlinks=False)
                        found[one.name] = (entry.st_ino, entry.st_mode)
            self.names[status.st_ino] = found
        else:
            self.files[status.st_ino] = path.read_bytes()

    def listen(self, record: Path | None = None, before: Callable[[], object] = lambda: None) -> None:
        """Keep what this process syncs from now on, and save it in `record` if that is given.

        `before` is called before each sync.
        """
        if sys.platform == "win32":
            raise NotOnWindows
        lock, sync = threading.Lock(), os.fsync

        def listened(file: int) -> None:
            before()
            path = Path(f"/proc/self/fd/{file}").resolve()
            with lock:
                if path.is_relative_to(self.root.parent):
                    self.keep(path)  # first: what is written meanwhile may not be synced
                sync(file)
                if record is not None:
                    fresh = record.with_suffix(".fresh")
                    fresh.write_bytes(pickle.dumps(self))
                    fresh.replace(record)

        setattr(os, "fsync", listened)  # noqa: B010 - this process is the drill's own

    def cut(self, damage: Damage) -> None:
        """Make the folder what it is after a power cut."""
        if damage is not Damage.LOST:
            for path in (path for path in self.root.rglob("*") if path.is_file()):
                kept = self.files.get(path.stat().st_ino, b"")
                path.write_bytes(damaged(path.read_bytes(), kept, damage))
            return
        shutil.rmtree(self.root, ignore_errors=True)
        if entry := self.names.get(self.root.parent.stat().st_ino, {}).get(self.root.name):
            self._restore(self.root, *entry)

    def _restore(self, path: Path, inode: int, mode: int) -> None:
        if stat.S_ISDIR(mode):
            path.mkdir()
            for name, entry in self.names.get(inode, {}).items():
                self._restore(path / name, *entry)
        else:
            path.write_bytes(self.files.get(inode, b""))
        path.chmod(stat.S_IMODE(mode))


def damaged(now: bytes, kept: bytes, damage: Damage) -> bytes:
    """A file's bytes after the cut; `kept` are those that were synced."""
    kept = kept if now.startswith(kept) else b""  # else it was written anew
    lines = now[len(kept) :].splitlines(keepends=True)
    if damage is Damage.LOST or not lines:
        return kept
    if damage is Damage.TORN:
        return kept + lines[0][: len(lines[0]) // 2]
    last = b"\n" + lines[-1] if len(lines) > 1 else b""
    return kept + bytes(len(now) - len(kept) - len(last)) + last
