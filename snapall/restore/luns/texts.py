"""What a 7-Mode filer prints about LUNs, their maps and initiator groups, and what it means. Pure.

The forms are those of na_lun(1), na_igroup(1) and of transcripts of 7.0 to 8.2. Every function raises SiteError for a
line that it does not understand: a guess would restore the wrong LUN.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from snapall.errors import SiteError
from snapall.restore.model import Igroup, Lun, LunMap
from snapall.site.answertext import plain_lines, unwrapped
from snapall.site.excerpt import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


def _text(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_STATE = r"[\d.]+[kmgtp]?\s+\((\d{1,18})\)\s+\(([^()]*)\)"
_LUN = _text(rf"(/vol/.*?\S)\s+{_STATE}")
_STATE_ALONE = _text(_STATE)  # a long path stands on a line of its own
_PATH_ALONE = _text(r"/vol/[^()]*")
_ID = re.compile(r"[0-9]{1,4}")
_KNOWN_KEY = _text(
    r"(serial ?#|comment|share|space reservation|multiprotocol type|maps|backed by|occupied size|creation time|"
    r"cluster shared volume information): *(.*)"
)
_KEY = _text(r"([a-z][^:]{0,60}): *(.*)")


@dataclass(slots=True)
class _Found:
    """A LUN that is being read."""

    lun: Lun
    indent: int
    maps: set[tuple[str, int]] = field(default_factory=set)


def parse_luns(text: str) -> tuple[tuple[Lun, ...], frozenset[tuple[str, str, int]]]:
    """The LUNs out of `lun show -v`, and what its lines `Maps:` say: path, initiator group, LUN id of each."""
    found = whole_text(text, _luns)
    for one in found:
        if not one.lun.serial:
            raise not_understood("lun show -v", f"{one.lun.path} has no line `Serial#:`")
    return tuple(one.lun for one in found), frozenset((one.lun.path, *pair) for one in found for pair in one.maps)


def _luns(text: str) -> list[_Found]:
    found: list[_Found] = []
    path = ""
    for raw in spoken_lines(text):
        line, indent = raw.strip(), len(raw) - len(raw.lstrip())
        row, state = _LUN.fullmatch(line), _STATE_ALONE.fullmatch(line)
        if not path and row is not None:
            found.append(_Found(_lun(row[1], row[2], row[3], line), indent))
        elif path and state is not None and indent:
            found.append(_Found(_lun(path, state[1], state[2], line), indent))
            path = ""
        elif not path and _PATH_ALONE.fullmatch(line) is not None:
            path = line
        elif path or not found or not _attribute(line, indent, found[-1]):
            raise not_understood("lun show -v", line)
    if path:
        raise not_understood("lun show -v", path)
    return found


def _lun(path: str, size: str, state: str, line: str) -> Lun:
    words = {word.strip().lower() for word in state.split(",")}
    if len(words & {"online", "offline"}) != 1 or len(words & {"r/w", "r/o"}) != 1:
        raise not_understood("lun show -v", line)
    return Lun(path, int(size), online="online" in words, mapped="mapped" in words, read_only="r/o" in words)


def _attribute(line: str, indent: int, found: _Found) -> bool:
    """Take a line below a LUN; a key that is not known counts only when it is indented, as no error is."""
    known = _KNOWN_KEY.fullmatch(line)
    if known is None:
        return indent > found.indent and _KEY.fullmatch(line) is not None
    value = known[2].strip()
    match known[1].lower().replace(" ", ""):
        case "serial#":
            found.lun = replace(found.lun, serial=value)
        case "comment":
            found.lun = replace(found.lun, comment=value.removeprefix('"').removesuffix('"'))
        case "backedby":
            found.lun = replace(found.lun, backed_by=value)
        case "maps":
            pairs = (one.rpartition("=") for one in re.split(r"[\s,]+", value))
            found.maps.update((group, int(id_)) for group, _, id_ in pairs if group and _ID.fullmatch(id_))
        case _:
            pass
    return True


_MAP = _text(r"(/vol/.*?\S)\s+(\S+)\s+(\d{1,4})\s+((?:FCP|iSCSI)(?:[,/ ]+(?:FCP|iSCSI))?)")
_MAP_ALONE = _text(r"(\S+)\s+(\d{1,4})\s+((?:FCP|iSCSI)(?:[,/ ]+(?:FCP|iSCSI))?)")
_MAP_HEADING = _text(r"LUN path +Mapped to +LUN ID +Protocol")
_RULE = re.compile(r"-{4,}(?: +-{4,})*")


def parse_maps(text: str) -> tuple[LunMap, ...]:
    """The rows of `lun show -m`; a LUN that is not mapped has none."""
    return tuple(whole_text(text, _maps))


def _maps(text: str) -> list[LunMap]:
    found: list[LunMap] = []
    path = ""
    for raw in spoken_lines(text):
        line = raw.strip()
        row, rest = _MAP.fullmatch(line), _MAP_ALONE.fullmatch(line)
        if path and rest is not None and raw[0] == " ":
            found.append(LunMap(path, rest[1], int(rest[2]), rest[3]))
            path = ""
        elif not path and row is not None:
            found.append(LunMap(row[1], row[2], int(row[3]), row[4]))
        elif not path and _PATH_ALONE.fullmatch(line) is not None:
            path = line
        elif path or not (_MAP_HEADING.fullmatch(line) or _RULE.fullmatch(line)):
            raise not_understood("lun show -m", line)
    if path:
        raise not_understood("lun show -m", path)
    return found


_IGROUP = _text(r"(\S+)\s+\((FCP|iSCSI|mixed)\)\s+\(ostype:\s*([^()\s]+)\s*\):")
_INITIATOR = _text(r"(\S+)(?:\s+\((not logged in|logged in on:[^()]*)\))?")


def parse_igroups(text: str) -> tuple[Igroup, ...]:
    """The initiator groups out of `igroup show`, each with its initiators and whether they are logged in."""
    return tuple(whole_text(text, _igroups))


def _igroups(text: str) -> list[Igroup]:
    found: list[Igroup] = []
    for line in (raw.strip() for raw in spoken_lines(text)):
        group, initiator = _IGROUP.fullmatch(line), _INITIATOR.fullmatch(line)
        if group is not None:
            found.append(Igroup(group[1], group[2], group[3]))
        elif found and initiator is not None and not line.endswith(":"):
            logged_in = (initiator[2] or "").lower().startswith("logged in")
            found[-1] = replace(found[-1], initiators=(*found[-1].initiators, (initiator[1], logged_in)))
        else:
            raise not_understood("igroup show", line)
    return found


_LONGEST = 4096  # characters of a line; a list of options or maps is shorter


def whole_text(text: str, parse: Callable[[str], T]) -> T:
    """What `parse` finds in the text as it stands, or else with the lines put together that a terminal has broken."""
    try:
        return parse(_bounded(text))
    except SiteError:
        with suppress(SiteError):
            return parse(_bounded(unwrapped(text, _begins_attribute)))
        raise


def _begins_attribute(line: str) -> bool:
    return line[:1].isspace() and _KNOWN_KEY.fullmatch(line.strip()) is not None


def _bounded(text: str) -> str:
    """The text, unless one of its lines is so long that to understand it would take its time."""
    longest = max(text.split("\n"), key=len)
    if len(longest) > _LONGEST:
        raise not_understood("lun", longest)
    return text


# `[filer1: lun.map:info]: LUN /vol/v/l was mapped to initiator group ig=0`
_LOGGED = re.compile(r"\[[A-Za-z0-9_.-]+: ?[A-Za-z0-9_.]+:(?:debug|info|notice)\]: ")


def spoken_lines(text: str) -> Iterator[str]:
    """The lines that say something, indented by blanks; without what the filer logs, with or without the date."""
    return (line.expandtabs() for line in plain_lines(text) if line and _LOGGED.match(line) is None)


def not_understood(command: str, line: str) -> SiteError:
    """The error that quotes the line."""
    return SiteError(
        f"a line of `{command}` is not understood: {one_line(line) or 'nothing'!r}",
        "run the command by hand on the filer; if its answer is normal there, report it as a defect of snapall",
        "SA-4300",
    )
