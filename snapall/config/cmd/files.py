"""The files that a batch sees: those that it wrote itself hide those that can be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from snapall.config.cmd.paths import matcher, split_path
from snapall.config.cmd.text import text_of


class Files:
    """Files by their full path; a file that the batch deleted is gone for it."""

    def __init__(self, read: Callable[[str], bytes | None], names: tuple[str, ...]) -> None:
        self._read = read
        self._names = names
        self._written: dict[str, tuple[str, list[str]]] = {}
        self._gone: set[str] = set()
        self.folders: set[str] = set()

    @property
    def count(self) -> int:
        """How many names a search goes through."""
        return len(self._names) + len(self._written) + len(self.folders)

    def text(self, full: str, code_page: int) -> str | None:
        """Return a file's text; None if there is no such file. Raises Puzzle if it cannot be decoded."""
        own = self.own(full)
        if own is not None:
            return own
        data = self.data(full)
        return None if data is None else text_of(data, code_page)

    def size(self, full: str) -> int | None:
        """Return how many bytes a file has; None if there is no such file."""
        own = self.own(full)
        if own is not None:
            return len(own.replace("\n", "\r\n"))
        data = self.data(full)
        return None if data is None else len(data)

    def own(self, full: str) -> str | None:
        """Return the text of a file that the batch wrote."""
        found = self._written.get(full.lower())
        return None if found is None else "".join(found[1])

    def data(self, full: str) -> bytes | None:
        """Return the bytes of a file that the batch did not write."""
        return None if full.lower() in self._gone else self._read(full)

    def exists(self, full: str) -> bool:
        """Whether there is such a file or folder; only folders that the batch made or that hold files are known."""
        lower = full.lower().rstrip("\\")
        return lower in self._written or self.data(full) is not None or lower in self.folders or self.below(lower)

    def below(self, folder: str) -> bool:
        """Whether a folder, by its full path in lower case, is known to hold a file or another folder."""
        return any(one.lower().startswith(folder + "\\") for one in [*self._all(), *self.folders])

    def write(self, full: str, text: str, code_page: int, *, append: bool) -> None:
        """Write or append a text."""
        lower = full.lower()
        if lower not in self._written or not append:
            before = self.text(full, code_page) if append else None
            self._written[lower] = (full, [] if before is None else [before])
        self._written[lower][1].append(text)

    def delete(self, full: str) -> None:
        """Delete a file, if there is one."""
        self._written.pop(full.lower(), None)
        self._gone.add(full.lower())

    def matching(self, full: str) -> list[str]:
        """Return the full paths of the files whose names match; the folder has no wildcards."""
        drive, folder, stem, extension = split_path(full)
        pattern = matcher(stem + extension)
        found = {}
        for one in self._all():
            parts = split_path(one)
            if (parts[0] + parts[1]).lower() == (drive + folder).lower() and pattern.fullmatch(parts[2] + parts[3]):
                found[one.lower()] = one
        return [found[lower] for lower in sorted(found)]

    def written(self) -> Mapping[str, str]:
        """Return what the batch wrote and left, by full path."""
        return {full: "".join(texts) for full, texts in self._written.values()}

    def _all(self) -> list[str]:
        known = [one for one in self._names if one.lower() not in self._gone and one.lower() not in self._written]
        return known + [full for full, _ in self._written.values()]
