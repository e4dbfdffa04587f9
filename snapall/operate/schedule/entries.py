"""What a machine's schedulers start: their files and answers, read into entries."""

from __future__ import annotations

import re
import shlex
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seen:
    """The texts of the schedulers, as far as this user can read them."""

    crontabs: Mapping[str, str]  # by place
    system_crontabs: Mapping[str, str]  # these name a user in each line
    units: Mapping[str, str]  # systemd's services and timers, by name
    enabled: frozenset[str]  # the units that systemd starts by itself
    tasks: str  # what `schtasks /Query /XML` printed
    troubles: tuple[str, ...] = ()  # what could not be read


@dataclass(frozen=True, slots=True)
class SchedulerEntry:
    """One thing that a scheduler starts."""

    place: str  # for people
    words: tuple[str, ...]  # of its command line
    by_time: bool
    at_boot: bool
    off: bool = False  # it exists, and is not started
    folder: str = ""  # in which it is started, where that is named in full


def entries_of(seen: Seen) -> tuple[SchedulerEntry, ...]:
    """Everything that the schedulers start, whatever it is."""
    found = [one for place, text in seen.crontabs.items() for one in of_crontab(text, place, fields=5)]
    found += [one for place, text in seen.system_crontabs.items() for one in of_crontab(text, place, fields=6)]
    return (*found, *of_units(seen.units, seen.enabled), *of_tasks(seen.tasks))


def of_crontab(text: str, place: str, fields: int) -> Iterator[SchedulerEntry]:
    """The entries of a crontab; 5 `fields` stand before a command, or 6 where the user is one of them."""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#") or re.match(r"[A-Za-z_]\w*\s*=", stripped):
            continue
        named = stripped.startswith("@")
        parts = stripped.split(None, fields - 4 if named else fields)
        if len(parts) > (fields - 4 if named else fields):
            at_boot = parts[0] == "@reboot"
            words = words_of(parts[-1].replace("\\%", "%"))
            yield SchedulerEntry(f"{place} line {number}", words, by_time=not at_boot, at_boot=at_boot)


def of_units(units: Mapping[str, str], enabled: frozenset[str]) -> Iterator[SchedulerEntry]:
    """The services that systemd starts by a timer or at boot, and those that it would if they were enabled."""
    for name, text in units.items():
        if not name.endswith(".service"):
            continue
        timer = next((one for one in units if one.endswith(".timer") and started_by(one, units[one]) == name), "")
        timed = "OnCalendar" in units.get(timer, "")
        late = re.search(r"^On(Boot|Startup)Sec", units.get(timer, ""), re.MULTILINE)
        place, boots, off = timer if timed else name, "[Install]" in text or bool(late), not {name, timer} & enabled
        variables = (word for line in _settings("Environment", text) for word in words_of(line.replace("%%", "%")))
        config = tuple(one for one in variables if one.startswith("SNAPALL_CONFIG="))  # any other may be a password
        folder = _absolute((_settings("WorkingDirectory", text) or [""])[-1].replace("%%", "%").lstrip("-"))
        for command in _settings("ExecStart", text):
            words = words_of(command.lstrip("-@:+!").replace("%%", "%").replace("$$", "$"))
            yield SchedulerEntry(place, (*config, *words), timed, boots, off, folder)


def _settings(key: str, text: str) -> list[str]:
    """The values of a key of a unit, in their order."""
    return re.findall(rf"^{key}[^\S\n]*=[^\S\n]*(.*?)[^\S\n]*$", text.replace("\\\n", " "), re.MULTILINE)


def started_by(timer: str, text: str) -> str:
    """The service that a timer starts."""
    named = re.search(r"^Unit\s*=\s*(\S+)", text, re.MULTILINE)
    return named[1] if named else f"{timer.removesuffix('.timer')}.service"


_TASK = re.compile(r"(?:<!--(.*?)-->\s*)?(?:<\?xml[^>]*\?>\s*)?(<Task\b.*?</Task>)", re.DOTALL)
_SPACE = re.compile(r' xmlns="[^"]*"')


def of_tasks(text: str) -> Iterator[SchedulerEntry]:
    """The tasks of Windows: what `schtasks /Query /XML` prints, one document behind the other, each below its name."""
    for named, document in _TASK.findall(text):
        try:
            task = ET.fromstring(_SPACE.sub("", document, count=1))  # noqa: S314 - without a DTD
        except ET.ParseError:  # one that nobody can read is none of ours
            continue
        name = named.strip().removeprefix("\\") or "a task"
        off = (task.findtext("Settings/Enabled") or "true").strip() == "false"
        triggers = [one for one in task.iterfind("Triggers/*") if (one.findtext("Enabled") or "true") != "false"]
        boots = any(one.tag == "BootTrigger" for one in triggers)
        timed = any(one.tag in {"CalendarTrigger", "TimeTrigger"} for one in triggers)
        for action in task.iterfind("Actions/Exec"):
            line = f'"{action.findtext("Command") or ""}" {action.findtext("Arguments") or ""}'
            folder = _absolute(action.findtext("WorkingDirectory") or "")
            yield SchedulerEntry(f'task "{name}"', windows_words(line), timed, boots, off or not triggers, folder)


def _absolute(folder: str) -> str:
    """A folder that is named in full; "" for one that only the scheduler knows, such as `~` or `%TEMP%`."""
    plain = folder.strip('"')
    return plain if re.match(r"/|\\\\|[A-Za-z]:[/\\]", plain) else ""


def windows_words(line: str) -> tuple[str, ...]:
    """The words of a Windows command line, without quotation marks; and those of a word that holds blanks."""
    return _flat([one.replace('"', "") for one in re.findall(r'(?:[^\s"]|"[^"]*"?)+', line)])


def words_of(line: str) -> tuple[str, ...]:
    """The words of a shell's or a unit's command line; and those of a word that holds blanks, as in `sh -c`."""
    try:
        return _flat(shlex.split(line))
    except ValueError:  # an open quotation mark
        return _flat(line.split())


def _flat(words: list[str]) -> tuple[str, ...]:
    return tuple(part for word in words for part in ([word, *word.split()] if len(word.split()) > 1 else [word]))
