"""What a journal can say: one frozen fact a line, and its JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

from snapall.backup import model, steps
from snapall.backup.model import FilerSnapshot, Grade, Job, Pace, Vm
from snapall.backup.steps import Child, Outcome, Step
from snapall.backup.typed import misfit

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose backup a filer snapshot is: a name together with its date text belongs to one run and one grade."""

    volume: str
    name: str
    date: str
    run: str  # the stamp of the run that made it
    grade: Grade
    quiesced: int
    asked: int
    temporary: bool = True  # still under its temporary name, waiting for the chain

    @property
    def told(self) -> str:
        """The grade as `list` shows it: `quiesced 19/19`, `partial 18/19` or `crash-consistent`."""
        match self.grade:
            case Grade.WHOLE:
                return f"quiesced {self.quiesced}/{self.asked}"
            case Grade.PARTIAL:
                return f"partial {self.quiesced}/{self.asked}"
            case Grade.CRASH_CONSISTENT:
                return "crash-consistent"


@dataclass(frozen=True, slots=True)
class Began:
    """The header: what must be known to settle this run, whatever the present configuration says."""

    job: Job
    stamp: str
    vcenter: str  # the host a moref belongs to
    filer: str  # the filer's host
    pace: Pace
    version: str  # snapall's own
    keep: str = ""  # the name of a backup outside the chain


@dataclass(frozen=True, slots=True)
class Listed:
    """A volume's `snap list`, newest first."""

    volume: str
    rows: tuple[FilerSnapshot, ...]


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What was there before anything changed, and what was going to be done."""

    commands: tuple[str, ...]  # as `plan` prints them, passwords masked
    asked: tuple[int, ...]  # VPX_VM.ID of every VM that is to be quiesced
    ssids: tuple[str, ...]  # the VM snapshots present: none of them is ours
    listings: tuple[Listed, ...]
    origins: tuple[Origin, ...]
    left: tuple[int, ...] = ()  # VPX_VM.ID of every VM that should be quiesced, and cannot be


@dataclass(frozen=True, slots=True)
class Intent:
    """Step number `n` is about to be taken. From here on it may have happened."""

    n: int
    step: Step


@dataclass(frozen=True, slots=True)
class Started:
    """The program that performs step `n` runs."""

    n: int
    child: Child


@dataclass(frozen=True, slots=True)
class Answered:
    """Step `n` was answered after so many seconds."""

    n: int
    outcome: Outcome
    seconds: float


@dataclass(frozen=True, slots=True)
class Found:
    """A VM snapshot of ours whose id no answer told was found in the database."""

    vm: int
    ssid: str


@dataclass(frozen=True, slots=True)
class Gone:
    """Nothing of ours is left on this VM: `how` says what that was concluded from."""

    vm: int
    how: str


@dataclass(frozen=True, slots=True)
class Proven:
    """A capture was read back from `snap list`; `late`: not while its VMs were provably held."""

    volume: str
    name: str
    date: str
    late: bool = False


@dataclass(frozen=True, slots=True)
class Absent:
    """A capture without an answer is not on the filer."""

    volume: str
    name: str


@dataclass(frozen=True, slots=True)
class Releasing:
    """The release has begun although no id is known yet: what was quiesced is looked for first."""


@dataclass(frozen=True, slots=True)
class TakenUp:
    """From here on it is not the run itself that writes: `by` whom its debts are settled, and `why`."""

    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Unheld:
    """A VM's snapshot had vanished before its removal was sent: it was not quiesced throughout."""

    vm: int


QUIESCED, NOT_QUIESCED, SKIPPED = "quiesced", "not quiesced", "skipped"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one VM: `state` is one of the three words above; `why` unless it was quiesced."""

    vm: Vm
    state: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Certified:
    """The certificate: the capture lies between the quiesce and the release of every VM called quiesced."""

    grade: Grade
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class RolledBack:
    """The names that a rotation before its capture had moved are back."""


@dataclass(frozen=True, slots=True)
class Landed:
    """Every filer command sent so far has acted, or never will."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The report: the exit code, whether debts stay open, and what the operator was told."""

    exit: int
    open: bool
    text: str


Fact = (
    Began
    | Surveyed
    | Intent
    | Started
    | Answered
    | Found
    | Gone
    | Proven
    | Absent
    | Unheld
    | Releasing
    | Certified
    | RolledBack
    | Landed
    | TakenUp
    | Ended
)


@dataclass(frozen=True, slots=True)
class Noted:
    """A fact and the moment (UTC) it was noted."""

    at: datetime
    fact: Fact


_KNOWN: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *(
            Began,
            Surveyed,
            Intent,
            Started,
            Answered,
            Found,
            Gone,
            Proven,
            Absent,
            Unheld,
            Releasing,
            Certified,
            RolledBack,
            Landed,
            TakenUp,
            Ended,
        ),
        *(Listed, Origin, Verdict, Job, Pace, Vm, FilerSnapshot, model.Policies, model.Policy, Grade, model.Order),
        *(steps.Quiesce, steps.Release, steps.Capture, steps.Rename, steps.Delete),
        *(steps.Done, steps.Refusal, steps.Unknown, Child),
    )
}
_FACTS = Fact.__args__
_EARLIEST, _LATEST = 1970, 4999  # years; what is reckoned from a fact's time must still be a time


def to_line(noted: Noted) -> str:
    """One JSON line without its newline; control characters are escaped by JSON itself."""
    at = noted.at.astimezone(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"at": at, **_body(noted.fact)})


def from_line(line: str) -> Noted | None:
    """The fact of a line, None for a kind that this snapall does not know (a newer one wrote it).

    ValueError: the line is no fact at all.
    """
    try:
        return _fact(json.loads(line), line)
    except RecursionError as error:
        raise ValueError(f"nested too deeply: {line[:80]!r}") from error


def _fact(body: object, line: str) -> Noted | None:
    if not isinstance(body, dict) or not isinstance(body.get("is"), str) or not isinstance(body.get("at"), str):
        raise ValueError(f"not a fact: {line[:80]!r}")
    at = datetime.fromisoformat(body.pop("at"))
    if at.tzinfo is None:
        raise ValueError(f"a time without a zone: {line[:80]!r}")
    if not _EARLIEST <= at.year <= _LATEST:
        raise ValueError(f"a time that cannot be: {line[:80]!r}")
    if body["is"] not in _KNOWN:
        return None
    try:
        fact = _decode(body)
    except (TypeError, KeyError) as error:
        raise ValueError(f"not a fact: {line[:80]!r}") from error
    if not isinstance(fact, _FACTS):
        raise ValueError(f"not a fact: {line[:80]!r}")
    return Noted(at, fact)


def _body(value: DataclassInstance) -> dict[str, object]:
    return {"is": type(value).__name__, **{field.name: _encode(getattr(value, field.name)) for field in fields(value)}}


def _encode(value: object) -> object:
    if isinstance(value, Enum):
        return {"is": type(value).__name__, "value": value.name}
    if is_dataclass(value) and not isinstance(value, type):
        return _body(value)
    if isinstance(value, tuple):
        return [_encode(one) for one in value]
    return value


def _decode(value: object) -> object:
    if isinstance(value, list):
        return tuple(_decode(one) for one in value)
    if not isinstance(value, dict):
        return value
    kind = _KNOWN[value["is"]]
    if issubclass(kind, Enum):
        return kind[value["value"]]
    return _construct(kind, value)


def _construct(kind: type, body: Mapping[str, object]) -> object:
    """Fields that this version does not know are left out, fields that the line lacks take their defaults."""
    known = {field.name: field for field in fields(kind)}
    missing = [name for name, field in known.items() if name not in body and field.default is MISSING]
    if missing:
        raise TypeError(f"{kind.__name__} without {', '.join(missing)}")
    given = {name: _decode(value) for name, value in body.items() if name in known}
    if wrong := misfit(kind, given):
        raise TypeError(f"{kind.__name__} with another {wrong}")
    return kind(**given)
