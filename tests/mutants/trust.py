"""Mutants of who is trusted, each named by what it lets another user do: caught by real users and by the ledger."""

from __future__ import annotations

from tests.mutants.planting import Mutant

TRUSTED, HOSTILE = ("tests/backup/test_trust.py",), ("tests/end_to_end/test_hostile_user.py",)

TRUST = (
    Mutant(
        "a name that another user made in a sticky folder is trusted",
        "backup/trust.py",
        "        elif about.st_mode & stat.S_ISVTX and _made_by_us(entry):\n",
        "        elif about.st_mode & stat.S_ISVTX:\n",
        TRUSTED,
    ),
    Mutant(
        "every group counts as private",
        "backup/trust.py",
        "    return named and all(",
        "    return not named or all(",
        TRUSTED,
    ),
    Mutant(
        "a link to the state folder is not looked behind",
        "backup/trust.py",
        "        if links < _MOST_LINKS and entry.is_symlink():\n",
        "        if links > _MOST_LINKS and entry.is_symlink():\n",
        TRUSTED,
    ),
    Mutant(
        "a link that others put in place of the log is followed",
        "backup/outfile.py",
        "lambda: _opened(path) if planted else ",
        "lambda: _opened(path) if not path else ",
        TRUSTED,
    ),
    Mutant(
        "a second name of a file is overwritten as the holder file",
        "backup/private.py",
        "        if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:\n",
        "        if not stat.S_ISREG(about.st_mode):\n",
        TRUSTED,
    ),
    Mutant(
        "root works on a service user's state as root",
        "app/service_user.py",
        "    if owner == 0:\n",
        "    if owner >= 0:\n",
        HOSTILE,
    ),
    Mutant(
        "root becomes any user who put a folder in its way",
        "app/service_user.py",
        "    _require_put_there_by(owner, state)\n    _switch_to(",
        "    _switch_to(",
        HOSTILE,
    ),
    Mutant(
        "a configuration of another user is believed",
        "config/load.py",
        "        require_believed(path, careful=not settling)\n",
        "",
        HOSTILE,
    ),
    Mutant(
        "recover refuses a configuration for what its group can do",
        "config/load.py",
        "        require_believed(path, careful=not settling)\n",
        "        require_believed(path, careful=True)\n",
        HOSTILE,
    ),
)
