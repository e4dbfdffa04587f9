"""Puts a question together: configuration, state folder and site, for the commands that look at more than a plan."""

from __future__ import annotations

from snapall.backup.clock import SystemClock
from snapall.backup.memory import Memory
from snapall.config import Config
from snapall.operate.course import Course
from snapall.operate.history import run_named


def memory_of(settings: Config) -> Memory:
    """The state folder; nothing is written by asking."""
    return Memory(settings.state, SystemClock())


def run_of(settings: Config, wanted: str) -> Course:
    """One run of the past. ConfigError: none is called so. JournalError: its journal cannot be read."""
    return run_named(memory_of(settings), wanted, tuple(settings.jobs))
