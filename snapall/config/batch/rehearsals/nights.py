"""The rehearsals of a batch: of one night, and of others that differ in what the batch must not depend on."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from snapall.config.batch.commands.programs import BACKUP
from snapall.config.batch.overlay import BatchInvocation
from snapall.config.batch.rehearsals.answers import ProgramAnswers, numbers_in
from snapall.config.batch.rehearsals.days import Day, other_days, usual_day
from snapall.config.batch.text import FOLDER, Text, marker
from snapall.config.cmd import ProgramCall, Rehearsal, Sent, Setting, Written, rehearse

NAME = f"{FOLDER}\\snapall.bat"
TWO_VMS = (108, 1226)
"""The VMs of nights on which it makes no difference which they are."""
_OTHER_VMS = (3, 17, 45, 81, 204, 997, 5003, 60001, 7000007, *range(211, 5000, 97))
_WINDOWS = ("ProgramFiles", "SystemRoot", "TEMP", "TMP", "windir")  # differ from machine to machine
_MOST_FILES = 6
_FEW_STEPS = 4_000  # of a night; the original has about 60, and 4 for each VM
_STEPS = 20_000
_FEW_EVENTS = 1_000  # of a night that is kept: a batch has some 200 nights

Files = Callable[[str], bytes | None]
"""A file that the batch reads, by its name or its whole path in the rehearsal; most stand beside the batch."""


def no_files(_name: str) -> bytes | None:
    """A batch that has no files beside it."""
    return None


@dataclass(slots=True)
class Paper:
    """A batch, its text, and what is beside it; `present` are files that are taken to be there, by full path."""

    data: bytes
    text: Text
    files: Files = no_files
    given: BatchInvocation = field(default_factory=BatchInvocation)
    present: frozenset[str] = frozenset()
    missing: dict[str, None] = field(default_factory=dict)  # which the batch asked for in vain
    steps: int = _FEW_STEPS
    variables: Mapping[str, str] = field(default_factory=dict)
    known: dict[Hashable, tuple[Rehearsal, ProgramAnswers]] = field(default_factory=dict)  # the nights so far

    def __post_init__(self) -> None:
        self.variables = self.variables or {**Setting().variables, **self.given.variables}

    @property
    def long(self) -> bool:
        """Whether a night takes so many steps that it cannot be rehearsed for every date."""
        return self.steps > _FEW_STEPS

    def good(self, vms: Sequence[int] = (), **changes: object) -> tuple[Rehearsal, ProgramAnswers]:
        """Rehearse a good night. `vms`: those of the first query; without, numbers of the batch are among them."""
        return self._once(ProgramAnswers(vms or (*self._named(), *TWO_VMS)), "good", changes)

    def near(self, left_out: Iterable[int]) -> tuple[int, ...]:
        """Ids of VMs that the batch does not name, though those that it leaves out are within them."""
        within = (int(text) for one in left_out for text in (f"{one}0", f"1{one}", f"9{one}8"))
        named = self._named()
        return tuple(one for one in dict.fromkeys((*_OTHER_VMS, *within)) if one not in named and one < 10**8)

    def _named(self) -> tuple[int, ...]:
        return numbers_in("\n".join(line.text for line in self.text.lines.values()))

    def night(self, night: ProgramAnswers, key: Hashable, **changes: object) -> Rehearsal:
        """Rehearse any night; `changes` are those of the setting.

        `key`: what fails, prints or is read on this night, which tells it from others with the same setting.
        """
        return self._once(night, key, changes)[0]

    def _once(
        self, night: ProgramAnswers, key: Hashable, changes: Mapping[str, object]
    ) -> tuple[Rehearsal, ProgramAnswers]:
        """Rehearse a night, or return it if it is known: most are asked for by several checks."""
        setting = {"steps": self.steps, "date": usual_day(self.text).written, "variables": self.variables, **changes}
        parts = (frozenset(one.items()) if isinstance(one, Mapping) else one for one in setting.values())
        whole = (key, tuple(night.vms), self.present, tuple(setting), *parts)
        if whole in self.known:
            return self.known[whole]
        usual = Setting(folder=FOLDER, read=self._read, arguments=self.given.arguments)
        rehearsal = rehearse(self.data, NAME, replace(usual, **setting), night)  # type: ignore[arg-type]
        if len(rehearsal.events) <= _FEW_EVENTS:
            self.known[whole] = rehearsal, night
        return rehearsal, night

    def _read(self, path: str) -> bytes | None:
        name = re.split(r"[\\/]", path)[-1]
        if path.lower() in self.present:
            return b""
        found = self.files(path)
        found = None if found is not None and self._writes(name) else found
        if found is None:
            self.missing[path.lower()] = None
        return found

    def _writes(self, name: str) -> bool:
        """Whether the batch itself makes or removes the file, so that it is not there when a night begins."""
        made = rf"(>\s*|-o\s*|\bdel\s+|\berase\s+)(/\w\s+)*\"?[^\"\s]*{re.escape(name)}"
        return self.text.first(made) is not None

    def marked(self) -> Mapping[str, str]:
        """The variables of Windows, and a marker for each that nothing sets."""
        unset = {name: marker(name) for name in self.text.unset() if not self.given.has(name)}
        windows = {name: f"C:\\{marker(name)}" for name in _WINDOWS}
        known = {name.lower() for name in Setting().variables} | {name.lower() for name in windows}
        return {
            **Setting().variables,
            **windows,
            **{key: one for key, one in unset.items() if key.lower() not in known},
            **self.given.variables,
        }


def first_night(paper: Paper) -> tuple[Rehearsal, ProgramAnswers]:
    """Rehearse the night by which the batch is read: with a marker for each variable that nothing sets."""
    found, night = paper.good()
    if found.stop is not None:
        paper.steps = _STEPS
        found, night = paper.good()
    if not captures(found) and found.stop is None:
        for path in list(paper.missing)[:_MOST_FILES]:
            with_it = replace(paper, present=frozenset({path}), missing={})
            other, _ = with_it.good()
            if captures(other):  # it asks for a program or a folder that is there on every night
                paper.present, paper.missing = with_it.present, with_it.missing
                found = other
                break
    if found.stop is not None or not paper.text.uses("[%!]"):
        return found, night
    marked, marked_night = paper.good(variables=paper.marked())
    if _shape(marked) != _shape(found):
        return found, night
    paper.variables = paper.marked()
    return marked, marked_night


def on_other_days(paper: Paper) -> Iterator[tuple[Day, Rehearsal]]:
    """The good night at other dates and times."""
    for number, (day, time) in enumerate(other_days(paper.text)):
        variables = {**paper.variables, "RANDOM": str(number)}
        yield day, paper.good(date=day.written, time=time, variables=variables)[0]


def later(paper: Paper) -> Rehearsal:
    """The good night at another time of the same day."""
    return paper.good(time="23:59:58,98", variables={**paper.variables, "RANDOM": "20011"})[0]


def captures(rehearsal: Rehearsal) -> bool:
    """Whether a snapshot is taken on the filer."""
    return any(isinstance(one, Sent) and "create" in " ".join(one.words).lower().split() for one in rehearsal.events)


def _shape(rehearsal: Rehearsal) -> list[tuple[object, str]]:
    return [(one.where, one.name) for one in rehearsal.events if isinstance(one, Sent)]


def commands(rehearsal: Rehearsal) -> list[Sent]:
    """The calls of the programs that take the backup."""
    return [one for one in rehearsal.events if isinstance(one, Sent) and one.name in BACKUP]


def changed(one: Rehearsal, other: Rehearsal) -> ProgramCall | None:
    """The first command of the backup in which two rehearsals differ."""
    left, right = commands(one), commands(other)
    pairs = zip(left, right, strict=False)
    found = next((call for call, twin in pairs if (call.name, call.words) != (twin.name, twin.words)), None)
    longer = left if len(left) > len(right) else right
    return found or next(iter(longer[min(len(left), len(right)) :]), None)


def elsewhere(one: Rehearsal, other: Rehearsal) -> ProgramCall | Written | None:
    """The first place where two rehearsals with the same commands write to different files."""
    for event, twin in zip(writing(one), writing(other), strict=False):
        if event[1] != twin[1]:
            return event[0]
    return None


def writing(rehearsal: Rehearsal) -> Iterator[tuple[ProgramCall | Written, str]]:
    """Each place where a command of the backup or an echo writes to a file, and the file's name."""
    for event in rehearsal.events:
        if isinstance(event, Sent) and event.name in BACKUP and event.output is not None:
            yield event, event.output
        elif isinstance(event, Written) and event.by == "echo":
            yield event, event.full
