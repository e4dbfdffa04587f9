"""Whether what the schedulers start is what this configuration needs."""

from __future__ import annotations

import ntpath
import posixpath
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from snapall.escaping import shell_word
from snapall.operate.doctor.checklist import CheckOutcome
from snapall.operate.schedule.entries import SchedulerEntry, Seen, entries_of, of_tasks, of_units, started_by

_PROGRAM = re.compile(r"(?:.*[/\\])?snapall(?:\.exe)?", re.IGNORECASE)
_ON_WINDOWS = re.compile(r"[A-Za-z]:[/\\]|\\\\")
_BATCH = re.compile(r"snapall\.(?:bat|cmd)", re.IGNORECASE)


def check_schedule(config: str, seen: Seen) -> Iterator[CheckOutcome]:
    """Whether `snapall run` and, at boot, `snapall recover` are scheduled for this configuration, and the batch not."""
    entries = entries_of(seen)
    remedy = f"run `snapall schedule --install --config {shell_word(config)}`"
    yield from _missing(config, entries, remedy)
    if twice := _scheduled_twice(entries, config):
        yield CheckOutcome(
            f"the backup is scheduled more than once: {', '.join(twice)}", "remove all but one of them", "SA-1969"
        )
    for one in entries:
        if not one.off and _starts_the_batch(one, config):
            yield CheckOutcome(
                f"the old batch is still scheduled: {one.place} starts {_batch_in(one, config)}",
                "remove that entry: both would rotate the same backups",
                "SA-1972",
            )
    for text in seen.troubles:
        yield CheckOutcome(
            f"a scheduler cannot be asked: {text}",
            "fix the cause in the message, or check by hand what it starts",
            "SA-1974",
        )


def _missing(config: str, entries: Sequence[SchedulerEntry], remedy: str) -> Iterator[CheckOutcome]:
    backups = [one for one in entries if one.by_time and runs(one, "run", config)]
    recoveries = [one for one in entries if one.at_boot and runs(one, "recover", config)]
    for found, what in ((backups, "the backup"), (recoveries, "the recovery at boot")):
        live = [one.place for one in found if not one.off]
        if live:
            yield CheckOutcome(f"{what}: {', '.join(dict.fromkeys(live))}")
        elif found:
            yield CheckOutcome(f"{what} is scheduled, but disabled: {found[0].place}", remedy, "SA-1973")
        elif what == "the backup":
            yield CheckOutcome("nothing that this user can see schedules the backup", remedy, "SA-1970")
        else:
            yield CheckOutcome(
                "nothing that this user can see runs `snapall recover` at boot: after a power cut, VMs would stay "
                "quiesced until the next run",
                remedy,
                "SA-1971",
            )


def _scheduled_twice(entries: Sequence[SchedulerEntry], config: str) -> tuple[str, ...]:
    """The places that start the same backup; one that only makes up for a failed one, `--if-older-than`, differs."""
    places: dict[tuple[str, ...], list[str]] = {}
    for one in entries:
        if one.by_time and not one.off and runs(one, "run", config):
            words = one.words[one.words.index("run") :]
            config_words = {"--config", "-c", "--quiet", "-q", *configs_in(one)}
            places.setdefault(tuple(word for word in words if word not in config_words), []).append(one.place)
    return tuple(place for found in places.values() if len(found) > 1 for place in found)


def runs(entry: SchedulerEntry, command: str, config: str = "") -> bool:
    """Whether it starts this command of snapall; with `config`, for this configuration, or for one it does not name."""
    place = _program_in(entry.words)
    if place is None or command not in entry.words[place:]:
        return False
    named = configs_in(entry)
    if not config or not (named or entry.folder):
        return True
    return any(_same(one, config, entry.folder) for one in named or ("snapall.toml",))


def configs_in(entry: SchedulerEntry) -> tuple[str, ...]:
    """The configurations that its command line names."""
    words = entry.words[_program_in(entry.words) or 0 :]
    named = [after for one, after in pairwise(words) if one in {"--config", "-c"}]
    named += [one.partition("=")[2] for one in words if one.startswith("--config=")]
    named += [one.partition("=")[2] for one in entry.words if one.startswith("SNAPALL_CONFIG=")]
    return tuple(named)


def another_in_unit(name: str, text: str, config: str) -> str:
    """What a unit of systemd starts that is not snapall with this very configuration; "" if it is, or there is none."""
    if text and name.endswith(".timer"):
        service = started_by(name, text)
        return "" if service == f"{name.removesuffix('.timer')}.service" else service
    return _another_in(text, list(of_units({name: text}, frozenset())), config)


def another_in_task(text: str, config: str) -> str:
    """What a task of Windows starts that is not snapall with this very configuration; "" if it is, or there is none."""
    return _another_in(text, list(of_tasks(text)), config)


def _another_in(text: str, entries: Sequence[SchedulerEntry], config: str) -> str:
    if text.strip() and not entries:
        return "something without a command line"
    for one in entries:
        ours = runs(one, "run", config) or runs(one, "recover", config)
        if not ours or not (configs_in(one) or one.folder):
            return " ".join(one.words) + (f" in {one.folder}" if one.folder and not configs_in(one) else "")
    return ""


def _program_in(words: Sequence[str]) -> int | None:
    """Where `snapall` stands as a program, or as the module behind `-m`."""
    return next((n for n, one in enumerate(words) if _PROGRAM.fullmatch(one)), None)


def _same(named: str, config: str, folder: str) -> bool:
    """Whether a name means this configuration, from this folder; from an unknown one, a bare name may."""
    paths = ntpath if _ON_WINDOWS.match(config) else posixpath
    found, wanted = (paths.normcase(paths.normpath(one)) for one in (paths.join(folder, named), config))
    return found == wanted or (not folder and found == paths.basename(wanted))


def _starts_the_batch(entry: SchedulerEntry, config: str) -> bool:
    return _program_in(entry.words) is None and bool(_batch_in(entry, config))


def _batch_in(entry: SchedulerEntry, config: str) -> str:
    """The batch that it starts: a snapall.bat, or the batch that is this configuration; "" if it starts none."""
    own = re.split(r"[/\\]", config)[-1].casefold()
    names = [(re.split(r"[/\\]", one)[-1], one) for one in entry.words if not one.startswith("-")]
    found = [one for name, one in names if _BATCH.fullmatch(name) or (name.casefold() == own and _is_batch(own))]
    return found[0] if found else ""


def _is_batch(name: str) -> bool:
    return name.endswith((".bat", ".cmd"))
