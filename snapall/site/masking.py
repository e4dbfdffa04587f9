"""Passwords blotted out of what programs, drivers and filers printed, after that has been understood.

What a foreign program says is masked only where it is kept or shown: masked earlier, a password that is a word of the
answer (`deleted`, say) would change what the answer means. The words of snapall itself are never masked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from snapall.errors import SnapallError

if TYPE_CHECKING:
    from snapall.config.secret import Secret

MASK = "***"

SHORT = 4
"""Shorter passwords are part of many words: they are masked only where they stand alone."""

# Where a URL, a shell, a connection string or a filer cuts a password that it takes apart.
_CUT = re.compile(r"[@:/?#%&;={}\[\]()<>|,^!$\s\"'`\\+]+")

# The code pages in which a Windows program may echo the password; read as UTF-8 it then looks different.
_CODE_PAGES = ("cp437", "cp850", "cp1252")


class Mask:
    """Masks some passwords in a text: each whole, as a URL, JSON or a code page has it, and every part of it that
    remains where a parser has cut it.
    """

    def __init__(self, *secrets: Secret | str | None) -> None:
        clear = {one if isinstance(one, str) else one.reveal() for one in secrets if one is not None} - {""}
        self._forms = sorted({form for one in clear for form in _forms_of(one)}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern_of, self._forms)) or r"(?!)")

    def __call__(self, text: str) -> str:
        """Return the text with `***` in the place of each password."""
        return self._pattern.sub(MASK, text)

    def broken_off(self, text: str) -> str:
        """Mask a text that may begin or end anywhere, in the middle of a password, too."""
        begin = self._longest(text, lambda size: any(form.endswith(text[:size]) for form in self._forms))
        rest = text[begin:]
        end = self._longest(rest, lambda size: any(form.startswith(rest[-size:]) for form in self._forms))
        middle = self(rest[: len(rest) - end])
        return f"{MASK if begin else ''}{middle}{MASK if end else ''}"

    def _longest(self, text: str, found: Callable[[int], bool]) -> int:
        """The most characters at an end of the text that are part of a password, 0 if there are too few."""
        most = min(len(text), max(map(len, self._forms), default=0))
        return next((size for size in range(most, SHORT - 1, -1) if found(size)), 0)

    def blot(self, error: BaseException) -> None:
        """Mask an error that is passed on, with all that led to it: a traceback shows their texts."""
        one: BaseException | None = error
        while one is not None:
            one.args = tuple(self(part) if isinstance(part, str) else part for part in one.args)
            if isinstance(one, SnapallError):
                one.message = self(one.message)
            one = one.__cause__ or one.__context__


def _forms_of(password: str) -> Iterator[str]:
    """How a password may appear in a text."""
    yield password
    yield from (quote(password, safe=""), quote(password, safe=" +"), quote_plus(password))
    yield from (json.dumps(password)[1:-1], json.dumps(password, ensure_ascii=False)[1:-1], repr(password)[1:-1])
    for page in _CODE_PAGES:
        yield password.encode(page, "replace").decode("utf-8", "replace")
    yield from (part for part in _parts_of(password) if len(part) >= SHORT)


def _parts_of(password: str) -> Iterable[str]:
    """What is left where it is cut: each piece, and everything before and after each cut."""
    cuts = list(_CUT.finditer(password))
    ends = [0, *(end for cut in cuts for end in cut.span()), len(password)]
    yield from (password[begin:end] for begin, end in zip(ends[::2], ends[1::2], strict=True))
    for cut in cuts:
        for place in range(cut.start(), cut.end() + 1):
            yield from (password[:place], password[place:])


def _pattern_of(form: str) -> str:
    written = re.escape(form)
    return written if len(form) >= SHORT else rf"(?<!\w){written}(?!\w)"


UNMASKED = Mask()
"""Where there is no password."""
