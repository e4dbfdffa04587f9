"""What happens after everybody is gone: a process of its own that waits, and then lets the world catch up."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def catch_up_later(directory: Path, seconds: float) -> None:
    """Start that process, in a session of its own, so that whoever kills its parent's group does not meet it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "snapall.lab.vcbsnapshot", "--world", str(directory), "--later", str(seconds)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Nobody is going to wait for it, and that is no mistake that Popen should warn of.
    process.returncode = 0
