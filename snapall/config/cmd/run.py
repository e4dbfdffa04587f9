"""Runs a batch on paper."""

from __future__ import annotations

from snapall.config.cmd.rehearsal import Place, Programs, Rehearsal, Setting, Stop


def rehearse(batch: bytes, name: str, setting: Setting, programs: Programs) -> Rehearsal:
    """Run a batch on paper: every program is answered by `programs`. `name` is its path, as %0 shows it."""
    del batch, setting, programs
    return Rehearsal((), {}, 0, Stop(Place(name, 1), "nothing can be rehearsed yet", "wait"))
