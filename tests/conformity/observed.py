"""What a scenario, recorded or performed, shows, in a form that can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from snapall.views.logfile import FOREIGN

Lines = tuple[str, ...]


class Aspect(StrEnum):
    """What is compared, by the words of the table of differences."""

    FILER = "filer commands"
    VCB = "vcb commands"
    LOGIN = "vcb login"
    DATABASE = "database"
    CHAIN = "end state"
    QUIESCED = "quiesced"
    VM_SNAPSHOTS = "vm snapshots"
    EXIT = "exit code"
    LOG = "log"


Part = Mapping[Aspect, Lines]
"""One night, or one of two instances."""

Observation = tuple[Part, ...]
Value = tuple[Lines, ...]
"""One aspect of every part."""

VERBS = {"-c": "create", "-d": "remove"}

# Lines that the batch's own `echo` writes.
ECHOED = re.compile(
    r"Script Execution (Commenced|complete) at .+ |An error occurred during script execution "
    r"|(Creating|Removing) snapshot for vmid=\S+ +|(deleting|creating) vmware_\S+ +|renaming vmware_\S+ to \S+ +"
)
# What the programs print after them, into the batch's log.
ANSWERED = re.compile(
    r"SsId:|Snapshot ssid:\S+ deleted|(deleting|creating) snapshot\.\.\.|Error: Other error encountered: "
    r"|snap (create|rename|delete): |Snapshot \S+ (already exists|does not exist)\.|.* not found\.  Type '\?' for"
)


@dataclass(frozen=True, slots=True)
class VcbCall:
    """One call of vcbsnapshot: how it logs in, and its arguments from the verb on."""

    login: str
    arguments: str

    @classmethod
    def of(cls, argv: Sequence[str]) -> VcbCall:
        """Split the arguments at the verb."""
        at = next(place for place, word in enumerate(argv) if word in VERBS)
        return cls(f"{VERBS[argv[at]]}: {' '.join(argv[:at])}", " ".join(argv[at:]))


def logins(calls: Iterable[VcbCall]) -> Lines:
    """Every way of logging in, once, in order."""
    return tuple(dict.fromkeys(call.login for call in calls))


def plain(lines: Iterable[str], made: Mapping[int, int]) -> Lines:
    """The lines without what differs in every run: times, stamps, and the ids of snapshots made by it.

    `made` maps such an id to its VM: `snapshot-1228` becomes `snapshot-<108>`.
    """

    def named(match: re.Match[str]) -> str:
        number = int(match[1])
        return f"snapshot-<{made[number]}>" if number in made else match[0]

    found = (re.sub(r"\d{8}T\d{6}Z(-[a-z0-9]{4}\b)?", "<UTC>", line) for line in lines)
    found = (re.sub(r"( at )\d\d/.+?[AP]M", r"\1<time>", line) for line in found)
    return tuple(re.sub(r"snapshot-(\d+)", named, line) for line in found)


def batch_lines(lines: Iterable[str]) -> list[str]:
    """What the batch could have written: its own lines and the programs' answers."""
    return [line for line in lines if ECHOED.fullmatch(line) or ANSWERED.match(line)]


def as_the_batch_copies(lines: Iterable[str]) -> list[str]:
    """snapall's lines, those that programs printed without their mark; each must be one of the batch's or marked."""
    found = list(lines)
    assert not [line for line in found if ANSWERED.match(line) and not ECHOED.fullmatch(line)]
    return [line.removeprefix(FOREIGN) for line in found]


def in_chain_order(names: Iterable[str]) -> Lines:
    """Snapshots as `NAME GENERATION`, the chain from the newest on, then all else."""
    chain = ("vmware_recent", "vmware_previous", "vmware_snap3", "vmware_snap4")
    return tuple(sorted(names, key=lambda text: (*[text.split()[0] != name for name in chain], text)))


def vms(ids: Iterable[int]) -> str:
    """The VMs that are quiesced, one that has two snapshots twice."""
    return " ".join(str(one) for one in sorted(ids)) or "none"


def value(seen: Observation, aspect: Aspect) -> Value:
    """One aspect of every part."""
    return tuple(part[aspect] for part in seen)


def differing(recorded: Observation, performed: Observation) -> dict[Aspect, Value]:
    """The aspects in which the two differ, each with what was performed."""
    assert len(recorded) == len(performed)
    found = {}
    for aspect in Aspect:
        theirs, ours = value(recorded, aspect), value(performed, aspect)
        if aspect is Aspect.LOGIN:  # compare only the verbs that both have called
            theirs, ours = _both_called(theirs, ours), _both_called(ours, theirs)
        if theirs != ours:
            found[aspect] = ours
    return found


def _both_called(one: Value, other: Value) -> Value:
    def verb(login: str) -> str:
        return login.split(":", maxsplit=1)[0]

    return tuple(
        tuple(login for login in mine if verb(login) in map(verb, yours))
        for mine, yours in zip(one, other, strict=True)
    )
