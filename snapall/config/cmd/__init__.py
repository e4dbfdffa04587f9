"""An interpreter of cmd's language that runs a batch on paper: it starts nothing and touches no file."""

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
