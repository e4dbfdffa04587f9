"""Which word of a command starts a program that hands its arguments to a shell, which reads them again."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SAFE = re.compile(r"[A-Za-z0-9_.:=@-]+")
_FAR = frozenset({"ssh", "plink"})
_OTHERS = frozenset({"rsh", "remsh", "winrs", "cmd", "powershell", "pwsh", "wsl"})
_BATCH = (".bat", ".cmd")
_SPECIAL_TO_CMD = re.compile(r"[\"%&|<>^!`',;=()]")


def name_of(word: str) -> str:
    """The name of a program, without its folder and `.exe`, in small letters."""
    return re.split(r"[/\\]", word)[-1].lower().removesuffix(".exe")


def is_far(argv: Sequence[str]) -> bool:
    """Whether ssh or plink hands the arguments to a shell on another machine."""
    return any(name_of(word) in _FAR for word in _programs(argv))


def shell_of(argv: Sequence[str]) -> str:
    """The first program of a command whose arguments a shell reads again, here or elsewhere; "" if there is none.

    Windows gives a .bat or .cmd to cmd.exe, whose rules for quotes differ from those of programs (CVE-2024-24576).
    """
    for word in _programs(argv):
        if name_of(word) in _FAR | _OTHERS or is_batch(word):
            return re.split(r"[/\\]", word)[-1]
    return ""


def is_batch(program: str) -> bool:
    """Whether Windows would have cmd.exe run this. Windows drops dots and blanks at the end of a name."""
    return program.rstrip(". ").lower().endswith(_BATCH)


def is_safe(word: str) -> bool:
    """Whether every shell takes this word for itself."""
    return _SAFE.fullmatch(word) is not None


def without_specials(text: str) -> str:
    """The text with `_` for what cmd.exe acts upon where a batch file expands a variable."""
    return _SPECIAL_TO_CMD.sub("_", text)


def _programs(argv: Sequence[str]) -> list[str]:
    """The words that may name a program, as in `nice ssh proxy`; not the value of an option such as `--world`."""
    return [word for at, word in enumerate(argv) if at == 0 or not argv[at - 1].startswith("--")]
