"""A record in one sentence, and how much it matters: alike in plain lines, log file and console."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import assert_never

from snapall.backup.facts import (
    Absent,
    Adopted,
    Answered,
    Began,
    Certified,
    CommandSettled,
    Confirmed,
    Ended,
    Fact,
    Failed,
    Found,
    Gone,
    Intent,
    LeftOut,
    NamesConfirmed,
    NamesDiffer,
    ProgramEnded,
    ReleaseBegan,
    RenamedBack,
    RotationEnded,
    SnapshotVanished,
    Started,
    StopAsked,
    Surveyed,
    TakenOver,
    VmLost,
    Warned,
    Withheld,
)
from snapall.backup.record import What
from snapall.backup.steps import Step
from snapall.errors import coded
from snapall.views import messages
from snapall.views.labels import Labels


class Weight(IntEnum):
    """How much a sentence matters."""

    ROUTINE = 0  # part of every good run
    NEWS = 1  # unusual, but not a problem by itself
    TROUBLE = 2  # a problem


@dataclass(frozen=True, slots=True)
class Sentence:
    """`of_vm`: it is about one VM, so that a view with a row for each VM shows it there."""

    text: str
    weight: Weight
    of_vm: bool = False


def sentence(what: What, names: Labels) -> Sentence | None:
    """Put a fact into words. None: each view shows it in its own way, or not at all.

    `names` must have learned all records up to this one.
    """
    return _sentence(what, names) if isinstance(what, Fact) else None


def _sentence(fact: Fact, names: Labels) -> Sentence | None:  # noqa: PLR0912 - one total match
    match fact:
        case ReleaseBegan(why):
            return Sentence(f"the release begins: {why}", Weight.ROUTINE)
        case TakenOver(by, why):
            return _news(f"an unfinished run is taken over by {by}: {why}")
        case Ended(code, _, text) if names.job is None:
            return _news(f"an earlier run: {text} (exit {code})")
        case LeftOut() | Found() | Adopted() | Withheld() | SnapshotVanished() | VmLost():
            return _of_vm(fact, names)
        case Confirmed(volume, name, date):
            return Sentence(f"{name} on {volume} is confirmed, dated {date}", Weight.ROUTINE)
        case Absent(volume, name):
            return _trouble(f"{name} is not on {volume}")
        case CommandSettled(n, done):
            step = names.step(n)
            return _news(_settled(step, done)) if step is not None else None
        case NamesDiffer(volume, listed):
            return _trouble(f"{volume}: the filer's answers and `snap list` differ; it lists {listed or 'none'}")
        case RenamedBack(step):
            return _news(f"{step.new} on {step.volume} was renamed back to {step.old}")
        case RotationEnded(_, whole):
            if whole:
                return Sentence("the rotation is complete", Weight.ROUTINE)
            return _trouble("the rotation is not complete")
        case Began() | Surveyed() | Intent() | Answered() | Warned() | Failed() | Ended():
            return None  # each view shows these in its own way
        case StopAsked() | Started() | ProgramEnded() | NamesConfirmed() | Gone() | Certified():
            return None  # what follows from them is shown
        case _:
            assert_never(fact)


def _of_vm(fact: LeftOut | Found | Adopted | Withheld | SnapshotVanished | VmLost, names: Labels) -> Sentence | None:
    match fact:
        case LeftOut(vm, why):
            return _trouble(f"{names.vm(vm)} is not quiesced: {why}", of_vm=True)
        case Found(vm, ssid):
            return None if names.created(vm) else _news(f"the database lists {ssid} for {names.vm(vm)}")
        case Adopted(adopted, name, ssid):
            return _news(f"{adopted.label}: removing {name} ({ssid}), which no run made, as requested")
        case Withheld(vm, ssid, why, code):
            return _trouble(coded(code, f"{names.vm(vm)}: {ssid} is not removed: {why}"), of_vm=True)
        case SnapshotVanished(vm):
            return _trouble(f"{names.vm(vm)}: somebody else removed its snapshot before the release", of_vm=True)
        case VmLost(vm):
            return _trouble(f"VirtualCenter no longer knows {names.vm(vm)}: its snapshot cannot be removed", of_vm=True)


def _settled(step: Step, done: bool | None) -> str:
    match done:
        case True:
            return f"{messages.doing(step)}: `snap list` shows that it took effect"
        case False:
            return f"{messages.doing(step)}: `snap list` shows that it did not take effect"
        case None:
            return f"{messages.doing(step)}: it can no longer take effect; whether it did is unknown"


def _news(text: str) -> Sentence:
    return Sentence(text, Weight.NEWS)


def _trouble(text: str, *, of_vm: bool = False) -> Sentence:
    return Sentence(text, Weight.TROUBLE, of_vm)
