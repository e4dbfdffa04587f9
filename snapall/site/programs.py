"""Where a program is, looked up once: Windows would find other files under a bare name than PATHEXT says."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from snapall.config.shells import is_batch, is_safe

_NOT_IN_A_PATH = re.compile(r"[\"%&|<>^!`',;=]")


def resolved(argv: Sequence[str]) -> tuple[str, ...]:
    """The command with the full path of its program, as the PATH and PATHEXT give it; as it stands if there is none.

    CreateProcess looks for `x.exe` alone when it is asked for `x`, while `doctor` and the checks of permissions look
    at what `shutil.which` finds: that same file is to be started.
    """
    found = shutil.which(argv[0]) if argv else None
    return tuple(argv) if found is None else (str(Path(found).absolute()), *argv[1:])


def unfit_for_batch(argv: Sequence[str]) -> str | None:
    """The word that cmd.exe would not pass to a batch file as it is; None if there is none, or it is no batch file.

    `argv` is resolved.
    """
    if not argv or not is_batch(argv[0]):
        return None
    if _NOT_IN_A_PATH.search(argv[0]):
        return argv[0]
    return next((word for word in argv[1:] if not is_safe(word)), None)
