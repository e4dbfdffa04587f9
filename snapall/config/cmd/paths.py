"""Names of files and folders, as Windows interprets them."""

from __future__ import annotations

import re

from snapall.config.cmd.puzzle import Puzzle
from snapall.config.cmd.words import unquoted

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
