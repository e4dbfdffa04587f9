"""A fact of every kind."""

from __future__ import annotations

from datetime import UTC, datetime

from snapall.backup.facts import (
    FORMAT,
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
    Left,
    LeftOut,
    Listed,
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
from snapall.backup.model import FilerSnapshot, Grade, Pace, Vm
from snapall.backup.outcome import Origin, Verdict
from snapall.backup.steps import Capture, Child, Delete, Done, Quiesce, Refusal, Release, Rename, Step, Unknown
from tests.backup.simulated import JOB

AT = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)
VM = Vm(611, "sql01", "esx1")
BEGAN = Began(JOB, "20070322T030000Z", "vc01", "filer1", Pace(), "0.2.0", format=FORMAT)
STEPS: list[Step] = [
    Quiesce(VM, "Quiesce"),
    Release(VM, "snapshot-7"),
    Capture("v", "n"),
    Rename("v", "a", "b"),
    Delete("v", "n"),
]


ORIGIN = Origin("v", "n", "d", "s", Grade.PARTIAL, 18, 19)
FACTS: list[Fact] = [
    BEGAN,
    Surveyed(("a command",), (VM,), ("snapshot-1",), (Listed("v", (FilerSnapshot("n", "d", ("busy",)),)),), (ORIGIN,)),
    Surveyed((), (), (), (), (), (Left(VM, "full"),), (VM,), "n", (Rename("v", "a", "b"), Delete("v", "n")), (611,)),
    *(Intent(n, step) for n, step in enumerate(STEPS, 1)),
    *(StopAsked(), ReleaseBegan("confirmed"), TakenOver("recover", "why"), Warned("text", "hint"), Failed("text")),
    Answered(1, Done("said\x1b", "snapshot-7"), 0.5),
    Answered(1, Refusal("no", "said"), 0.5),
    Answered(1, Unknown("lost", failed=True), 0.5),
    *(Started(1, Child(7, 1.5)), ProgramEnded(1)),
    *(LeftOut(611, "why"), Found(611, "snapshot-7"), Adopted(VM, "Quiesce", "snapshot-7")),
    *(Withheld(611, "snapshot-7", "why"), SnapshotVanished(611), VmLost(611), Gone(611, "how")),
    *(Confirmed("v", "n", "Mar 22 03:00"), Absent("v", "n"), CommandSettled(1, None), CommandSettled(1, done=True)),
    *(NamesConfirmed("v"), NamesDiffer("v", "n of d"), RenamedBack(Rename("v", "a", "b"))),
    RotationEnded(("20070322T030000Z",), whole=True),
    Certified(Grade.WHOLE, (Verdict(VM, "quiesced"),)),
    Ended(5, True, "text"),
]
