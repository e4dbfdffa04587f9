"""What a batch makes of its machine: of variables that nothing in the file sets, and that differ elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from snapall.config.batch.commands.others import is_unknown
from snapall.config.batch.commands.programs import BACKUP
from snapall.config.batch.desk import Desk
from snapall.config.batch.rehearsals.alarms import added
from snapall.config.batch.rehearsals.answers import ProgramAnswers
from snapall.config.batch.rehearsals.nights import TWO_VMS, Paper, captures, changed, elsewhere
from snapall.config.batch.text import Text, is_echo, marker, names_in
from snapall.config.cmd import Event, Rehearsal, Sent, Setting, Written
from snapall.escaping import printable

_MACHINE = r"computername|username|userdomain|userprofile|logonserver|clientname|number_of_processors|processor_\w+"
_VOLATILE = rf"{_MACHINE}|date|time|random"
_COMPARED = r"\bif\b.*(==|\bequ\b|\bneq\b|\blss\b|\bleq\b|\bgtr\b|\bgeq\b)"
_DECIDES = re.compile(r"\b(if|find|findstr|goto|call|set)\b", re.IGNORECASE)
_DEFINED = re.compile(r"\bif\s+(?:/i\s+)?(?:not\s+)?defined\s+([A-Za-z_][A-Za-z0-9_.-]*)", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9-]{1,30}")
_MOST = 100
_STEPS = 2_000  # of each such night; one that takes more counts as changed
_GIVE = "or set it in [batch.variables] of the overlay file"
_NIGHTLY = (
    "write a copy for one of them, without the condition, and give the other a job of its own in snapall.toml; or "
    "schedule snapall for one of them only, and set {} in [batch.variables] of the overlay file as it is then"
)


def conditions(paper: Paper, desk: Desk) -> None:
    """Record each comparison with a variable that differs by machine or night, unless it is given."""
    for at, line in desk.text.lines.items():
        found = re.search(rf"[%!]({_VOLATILE})[%!:]", line.text, re.IGNORECASE)
        if found is None:
            continue
        name = found[1]
        if paper.given.has(name):
            if not is_echo(line):
                _read_as(name, at, paper, desk)
        elif re.match(_COMPARED, line.bare, re.IGNORECASE) is None:
            continue
        elif re.fullmatch(_MACHINE, name, re.IGNORECASE) is not None:
            text = f"what follows depends on %{name}%, which differs from machine to machine"
            desk.findings.fault(at, text, f"write a copy for this machine, without the condition, {_GIVE}")
        else:
            text = f"what follows depends on %{name}%, and so differs from night to night"
            desk.findings.fault(at, text, _NIGHTLY.format(name))


def _read_as(name: str, line: int, paper: Paper, desk: Desk) -> None:
    value = next(one for key, one in paper.given.variables.items() if key.lower() == name.lower())
    machine = re.fullmatch(_MACHINE, name, re.IGNORECASE) is not None
    remedy = "another machine has a configuration of its own" if machine else "schedule snapall for such nights only"
    desk.findings.notice(line, f"%{name}% is always read as {printable(value)}", remedy)


def machines(paper: Paper, first: Rehearsal, desk: Desk) -> None:
    """Rehearse with words of the batch as the machine's name and so on: nothing may change."""
    deciding = _deciding(paper)
    if deciding and (paper.long or len(_words(paper.text)) > _MOST):
        _changing(deciding, desk)
        return
    for word, other in on_other_machines(paper):
        usual = _as_on(first, deciding, word)
        if changed(usual, other) is not None or elsewhere(usual, other) is not None or added(usual, other):
            _changing(deciding, desk)
            return


def hosts(paper: Paper, first: Rehearsal, desk: Desk) -> None:
    """Rehearse nights on which no host answers ping, and nothing is copied or mapped.

    The batch may end without a backup, but not take another.
    """
    sent = [one for one in first.events if isinstance(one, Sent) and one.name not in BACKUP]
    beside = {one.name: one for one in sent if not is_unknown(one)}
    usual, _ = paper.good(TWO_VMS)
    for name, call in beside.items():
        night = ProgramAnswers(TWO_VMS, lambda one, name=name: one.name == name)  # type: ignore[misc]
        other = paper.night(night, ("name", name))
        if captures(other) and changed(usual, other) is not None:
            what = "a host answers ping" if name == "ping" else f"{name} succeeds"
            text = f"what the batch does depends on whether {what}"
            desk.findings.fault(desk.line(call.where), text, "write a copy without the condition")
            return


def on_other_machines(paper: Paper) -> Iterator[tuple[str, Rehearsal]]:
    """Good nights with words of the batch as the values of the variables that may decide something."""
    deciding = _deciding(paper)
    for word in _words(paper.text)[:_MOST] if deciding else ():
        yield word, paper.good(variables={**paper.variables, **dict.fromkeys(deciding, word)}, steps=_STEPS)[0]


def _deciding(paper: Paper) -> list[str]:
    known = {name.lower() for name in (*Setting().variables, *paper.given.variables)}
    names = [name for name in (*paper.text.unset(), *_defined(paper.text)) if name.lower() not in known]
    return [name for name in names if _line_of(name, paper.text)]


def _defined(text: Text) -> list[str]:
    """The names of which the batch only asks whether they are set, and that nothing in it sets."""
    own = {one.name for one in text.assignments}
    found = dict.fromkeys(name for line in text.lines.values() for name in _DEFINED.findall(line.text))
    return [name for name in found if name.lower() not in own]


def _words(text: Text) -> list[str]:
    """The words with which a variable can be compared: those of lines that decide something, and labels."""
    lines = [line for line in text.all.values() if _DECIDES.search(line) or line.lstrip().startswith(":")]
    return list(dict.fromkeys(word for line in lines for word in _WORD.findall(line)))


def _changing(names: list[str], desk: Desk) -> None:
    machine = [name for name in names if re.fullmatch(_MACHINE, name, re.IGNORECASE) is not None]
    name = (machine or names)[0]
    line = _line_of(name, desk.text)
    if machine:
        text = f"what follows depends on %{name}%, which differs from machine to machine"
        desk.findings.fault(line, text, f"write a copy for this machine, without the condition, {_GIVE}")
    else:
        text = f"with %{name}% in its environment, the batch does something else; snapall takes what it does without it"
        desk.findings.notice(line, text, "if it is set, set it in [batch.variables] of the overlay file")


def _line_of(name: str, text: Text) -> int:
    """The first line on which a variable may decide something, or 0."""
    lines = ((at, one) for at, one in text.lines.items() if not is_echo(one) and _DECIDES.search(one.text))
    asked = ((at, [*names_in(one.text), *map(str.lower, _DEFINED.findall(one.text))]) for at, one in lines)
    return next((at for at, names in asked if name.lower() in names), 0)


def _as_on(rehearsal: Rehearsal, names: list[str], word: str) -> Rehearsal:
    """The night with a word in place of the markers for these variables."""

    def put(text: str) -> str:
        for name in names:
            text = text.replace(marker(name), word)
        return text

    def events() -> Iterator[Event]:
        for one in rehearsal.events:
            if isinstance(one, Sent):
                output = None if one.output is None else put(one.output)
                yield replace(one, program=put(one.program), words=tuple(map(put, one.words)), output=output)
            else:
                yield replace(one, full=put(one.full)) if isinstance(one, Written) else one

    return replace(rehearsal, events=tuple(events()))
