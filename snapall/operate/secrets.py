"""Who can read the files with passwords and keys."""

from __future__ import annotations

import stat
import sys
from contextlib import suppress

from snapall.config.settings import Config

_OTHERS = stat.S_IRGRP | stat.S_IROTH


def exposed(settings: Config) -> tuple[tuple[str, str, str], ...]:
    """The warnings of files with a secret that not only their owner can read: text, remedy, code of each."""
    found = []
    if sys.platform != "win32":  # there an access list says who may read
        for path in settings.secret_files:
            with suppress(OSError):  # of one that is not there, whoever needs it says so
                if path.stat().st_mode & _OTHERS:
                    text = f"{path} holds a secret, and not only its owner can read it"
                    found.append((text, f"run `chmod 600 {path}`", "SA-5423"))
    return tuple(found)
