"""Deferred effects: a process of its own that outlives the call, waits, and lets the world catch up."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def catch_up_later(directory: Path, seconds: float) -> None:
    """Start the process, in a session of its own, so that killing its parent's group spares it. `seconds` from now."""
    process = subprocess.Popen(
        [sys.executable, "-m", "snapall.lab.vcbsnapshot", "--world", str(directory), "--deferred", str(seconds)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Nobody waits for it; this keeps Popen from warning of that.
    process.returncode = 0
