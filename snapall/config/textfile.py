"""A text file as an editor left it: Notepad writes UTF-8 or UTF-16 ("Unicode") with a byte order mark."""

from __future__ import annotations

import codecs
from pathlib import Path

from snapall.backup.patience import patiently

_NO_TEXT = "is not a text file, or is UTF-16 without a byte order mark"


def text_in(path: Path) -> str:
    """The text of a file, with \\n at the end of each line. OSError; ValueError: it is in another encoding."""
    return decoded(patiently(path.read_bytes, path))


def decoded(data: bytes) -> str:
    """The text of UTF-8, or of UTF-16 that begins with its mark. ValueError says what else it seems to be."""
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError:
        if marked or b"\0" in data:
            raise ValueError(_NO_TEXT) from None
        raise ValueError('is not UTF-8 text, but in a code page (Notepad calls it "ANSI")') from None
    if "\0" in text:
        raise ValueError(_NO_TEXT)
    return text.replace("\r\n", "\n").replace("\r", "\n")
