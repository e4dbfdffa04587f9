"""Names of files and folders as Windows interprets them, and the files that a batch sees."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from snapall.config.cmd.stops import Puzzle
from snapall.config.cmd.text import text_of, unquoted

_DEVICES = re.compile(r"(?:.*[\\/])?(nul|con|prn|aux|com[1-9]|lpt[1-9])(?:\..*)?:?", re.IGNORECASE)
_SPLIT = re.compile(
    r"(?P<drive>[A-Za-z]:|\\\\[^\\]+\\[^\\]+)?(?P<folder>.*\\)?(?P<stem>.*?)(?P<ext>\.[^.\\]*)?", re.DOTALL
)


def device(path: str) -> str:
    """Return "nul", "con" ... if the name is that of a device, else ""."""
    hit = _DEVICES.fullmatch(path)
    return hit[1].lower() if hit is not None else ""


def full_path(path: str, folder: str, elsewhere: dict[str, str]) -> str:
    """Return a name with drive and folder; `elsewhere` has the folders of the other drives, as `D:`."""
    path = path.replace("/", "\\")
    drive, rest = (path[:2], path[2:]) if re.match("[A-Za-z]:", path) else ("", path)
    if path.startswith("\\\\"):
        share = re.match(r"\\\\[^\\]+\\[^\\]+", path)
        root, rest = (share[0], path[share.end() :]) if share is not None else (path.rstrip("\\"), "")
        return root + "\\" + "\\".join(_walked([], rest))
    if drive and drive.upper() != folder[:2].upper():
        folder = elsewhere.get(drive.upper(), f"{drive}\\")
    before = [] if rest.startswith("\\") else folder[3:].split("\\")
    return (drive or folder[:2]) + "\\" + "\\".join(_walked(before, rest))


def _walked(before: list[str], rest: str) -> list[str]:
    steps = [one for one in before if one]
    for one in rest.split("\\"):
        if one == "..":
            steps = steps[:-1]
        elif one not in ("", "."):
            steps.append(one.rstrip(". ") or one)
    return steps


def split_path(path: str) -> tuple[str, str, str, str]:
    """Return drive, folder (with its last backslash), name and extension (with its dot)."""
    hit = _SPLIT.fullmatch(path)
    assert hit is not None  # noqa: S101 - every text matches
    return hit["drive"] or "", hit["folder"] or "", hit["stem"], hit["ext"] or ""


def modified(text: str, modifiers: str, full: str, size: int | None) -> str:
    """Apply `~`, `~dp`, `~nx` ...; `full` is the full path that the text names."""
    wanted = modifiers[1:].lower()
    if set(wanted) & set("ats"):
        raise Puzzle("an argument asks for a file's attributes, date or short name (%~a, %~t, %~s)", "remove it")
    if not wanted or not unquoted(text):
        return unquoted(text)
    if "z" in wanted:
        return "" if size is None else str(size)
    if "f" in wanted:
        return full
    parts = zip("dpnx", split_path(full), strict=True)
    return "".join(part for letter, part in parts if letter in wanted)


def matcher(pattern: str) -> re.Pattern[str]:
    """Return what matches a name with `*` and `?`, case ignored.

    As in FindFirstFile, a `?` before a full stop or the end may be missing, and so may a full stop before `*` at the
    end: `*.*` is every name.
    """
    text = ""
    for hit in re.finditer(r"(\.\*+$)|(\*+)|\?(?=\?*(\.|$))|.", re.sub(r"\*+", "*", pattern)):
        one = hit[0]
        if hit[1] is not None:
            text += r"(?:\..*)?"
        elif one == "*":
            text += ".*"
        else:
            text += "[^.]?" if one == "?" and hit[3] is not None else "[^.]" if one == "?" else re.escape(one)
    return re.compile(text, re.IGNORECASE)


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
