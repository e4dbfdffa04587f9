"""A path through the exploration in plain English: what happens, and what snapall then does."""

from __future__ import annotations

from collections.abc import Iterator

from snapall.backup.facts import Answered, Began, Certified, Ended, Fact, Intent, Started, Surveyed, Warned
from snapall.backup.sight import Observation, VmsListed, VolumeListed
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Refusal, Release, Rename, Step, Unknown
from tests.explore.process import ActiveProcess
from tests.explore.scenes import beginning
from tests.explore.search import Found
from tests.explore.system import Deaths, System
from tests.explore.transitions import transitions
from tests.explore.world import Violation, moment


def render(found: Found) -> str:
    """The counterexample, one line for each step."""
    lines: list[str] = []
    system = System(beginning(found.scene))

    def listen(run: int, what: Fact | Observation) -> None:
        lines.extend(f"        run {run}: {line}" for line in _lines(what))

    ActiveProcess.listener = listen
    try:
        for number, label in enumerate(found.path, 1):
            if label:
                lines.append(f"{number:4} {moment(system.world.now):%H:%M:%S} {label}")
                system = _follow(system, label)
    except Violation as why:
        lines.append(f"     {why}")
    else:
        lines.append(f"     {found.broken}")
    finally:
        ActiveProcess.listener = None
    return "\n".join([found.scene.name, *lines])


def _follow(system: System, label: str) -> System:
    event, _, death = label.partition("; it is killed ")
    one = next(one for one in transitions(system) if one.label == event)
    deaths: Deaths | None = [] if death else None
    after = one.apply(deaths)
    if not death:
        return after
    assert deaths is not None
    return deaths[int(death.rpartition("[")[2].rstrip("]"))][1]


def _lines(what: Fact | Observation) -> Iterator[str]:
    match what:
        case Intent(n, step):
            yield f"sends {command_text(step)} as command {n}"
        case Answered(n, outcome):
            yield f"takes the answer of command {n}: {_outcome_text(outcome)}"
        case VmsListed(rows=rows):
            yield f"sees the VM snapshots {', '.join(row.ssid for row in rows) or 'none'}"
        case VolumeListed(volume, rows):
            yield f"sees on {volume}: {', '.join(f'{row.name} ({row.date})' for row in rows)}"
        case Started() | Warned():
            return
        case Began():
            yield f"run {what.stamp} of job {what.job.name} begins"
        case Surveyed():
            targets = ", ".join(vm.label for vm in what.targets)
            yield f"plans to quiesce {targets or 'no VM'}, and to make {what.capture}"
        case Certified(grade, verdicts):
            words = ", ".join(f"{one.vm.label} {one.state}{f' ({one.why})' if one.why else ''}" for one in verdicts)
            yield f"certifies: {grade.name}, {words}"
        case Ended(code, open_):
            yield f"reports exit {code}, and {'stays open' if open_ else 'is closed'}"
        case _:
            text = str(what)
            yield text if len(text) < 200 else f"{text[:200]}..."


def command_text(step: Step) -> str:
    """A command as a person types it."""
    match step:
        case Quiesce(vm, name):
            return f"`vcbsnapshot -c {vm.moref} {name}`"
        case Release(vm, ssid):
            return f"`vcbsnapshot -d {vm.moref} {ssid}`"
        case Capture(volume, name):
            return f"`snap create {volume} {name}`"
        case Rename(volume, old, new):
            return f"`snap rename {volume} {old} {new}`"
        case Delete(volume, name):
            return f"`snap delete {volume} {name}`"


def _outcome_text(outcome: Outcome) -> str:
    match outcome:
        case Done(output, ssid, already):
            return (
                "done"
                + (f", {ssid}" if ssid else "")
                + (", already gone" if already else "")
                + ("" if output else ", no output")
            )
        case Refusal(why):
            return f"refused, {why}"
        case Unknown(why):
            return f"unknown, {why}"
