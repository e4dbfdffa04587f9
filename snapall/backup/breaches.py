"""How others could have written a file that snapall believes, and the table of what is refused or warned of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from pathlib import Path


class FilePurpose(Enum):
    """What a file is for."""

    STATE = auto()  # the state folder, journals and locks
    CONFIGURATION = auto()  # or a batch, and its overlay
    SECRET = auto()  # a password or a key
    KNOWN_HOSTS = auto()
    PROGRAM = auto()  # a hook, or vcbsnapshot


class Breach(Enum):
    """How somebody else could have written a file, or can read it."""

    OWNER = "it belongs to another user"
    EVERYBODY = "everybody can write it"
    GROUP = "the members of a group can write it"
    FOLDER = "any user, or another user, can replace it, because of a folder above"
    SHARED_FOLDER = "the members of a group can replace it, because of a folder above"
    READABLE = "others can read it"


class BreachVerdict(IntEnum):
    """What follows. CAREFUL: `recover` and the commands that only read journals warn, all others refuse."""

    FINE = 0
    WARN = 1
    CAREFUL = 2
    REFUSE = 3


_F, _W, _C, _R = BreachVerdict
POLICY = {
    FilePurpose.STATE: dict(zip(Breach, (_R, _R, _R, _R, _W, _F), strict=True)),
    FilePurpose.CONFIGURATION: dict(zip(Breach, (_R, _R, _C, _R, _W, _F), strict=True)),
    FilePurpose.SECRET: dict(zip(Breach, (_W, _W, _W, _W, _W, _W), strict=True)),
    FilePurpose.KNOWN_HOSTS: dict(zip(Breach, (_W, _W, _W, _W, _W, _F), strict=True)),
    FilePurpose.PROGRAM: dict(zip(Breach, (_W, _W, _W, _W, _W, _F), strict=True)),
}
"""The verdicts, in the order of Breach. A user's private group counts as the user."""


Owner = int | str
"""The owner of a file: a user's number, or a SID on Windows."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One way in which somebody else could have written a file; `place` is the file or the folder with the fault."""

    breach: Breach
    place: Path
    why: str
