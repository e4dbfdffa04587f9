"""An interpreter for cmd's language that rehearses a batch: it starts nothing and touches no file."""

from snapall.config.cmd.rehearsal import (
    Answer,
    Call,
    Echoed,
    Event,
    Place,
    Programs,
    Rehearsal,
    Sent,
    Setting,
    Stop,
    Written,
)
from snapall.config.cmd.run import rehearse

__all__ = [
    "Answer",
    "Call",
    "Echoed",
    "Event",
    "Place",
    "Programs",
    "Rehearsal",
    "Sent",
    "Setting",
    "Stop",
    "Written",
    "rehearse",
]
