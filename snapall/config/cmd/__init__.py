"""An interpreter for cmd's language that rehearses a batch: it starts nothing and touches no file."""

from snapall.config.cmd.interpreter import rehearse
from snapall.config.cmd.rehearsal import (
    Answer,
    BatchLine,
    Echoed,
    Event,
    ProgramCall,
    Programs,
    Rehearsal,
    Sent,
    Setting,
    Stop,
    Written,
)

__all__ = [
    "Answer",
    "BatchLine",
    "Echoed",
    "Event",
    "ProgramCall",
    "Programs",
    "Rehearsal",
    "Sent",
    "Setting",
    "Stop",
    "Written",
    "rehearse",
]
