"""Inputs as the outside world might send them: real ones, torn, spliced, doubled, and salted with what hurts."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

SALT = (
    *("\x1b[31m", "\x1b]0;x\x07", "\x00", "\r", "\n", "\t", "\x7f", "\x85", "\u2028", "\u202e", "\u200f", "\ufeff"),
    *(
        "\ud800",
        "\U0001f600",
        "\u00e9",
        "[red]",
        "[/]",
        "%2f",
        "%s",
        "%n",
        "{0}",
        "%%",
        "${IFS}",
        "`id`",
        "; snap delete",
    ),
    *("'", '"', "\\", "|", "&", "<", "^", "(", ")", "!", "NULL", "-1", "9" * 40, "1e999", "nan", "inf", "A" * 255),
    *("true", "[]", "{}", "= ", "[[", "]]", "#", ",", ":", "..", "../../etc/passwd", "-rf", "SsId:", "Volume ", "REM "),
)


def mutated(text: str, edits: Sequence[tuple[str, int, int, str]]) -> str:
    """The text after some edits, each at a place and of a length that are taken from the numbers."""
    for kind, at, length, salt in edits:
        here = at % (len(text) + 1)
        there = min(len(text), here + length % 80)
        match kind:
            case "insert":
                text = text[:here] + salt + text[here:]
            case "replace":
                text = text[:here] + salt + text[there:]
            case "delete":
                text = text[:here] + text[there:]
            case "double":
                text = text[:there] + text[here:]
            case "tear":
                text = text[:here]
            case _:
                text = text[there:] + text[:here]
    return text


_NUMBERS = st.integers(0, 1 << 20)
_KINDS = st.sampled_from(["insert", "insert", "replace", "delete", "double", "tear", "swap"])
_SALTED = st.one_of(st.sampled_from(SALT), st.text(max_size=20))
_EDITS = st.lists(st.tuples(_KINDS, _NUMBERS, _NUMBERS, _SALTED), max_size=6)


def texts(*originals: str) -> st.SearchStrategy[str]:
    """One of these, as it is or spoilt; or any text at all."""
    real = st.sampled_from(originals)
    return st.one_of(real, st.builds(mutated, real, _EDITS), st.text(max_size=200))


def blobs(*originals: str) -> st.SearchStrategy[bytes]:
    """The same as bytes, in several encodings; or any bytes at all."""
    encodings = st.sampled_from(["utf-8", "cp437", "cp1252", "utf-16", "utf-8-sig"])
    encoded = st.builds(lambda text, encoding: text.encode(encoding, "replace"), texts(*originals), encodings)
    return st.one_of(encoded, st.binary(max_size=300))


NAMES = st.one_of(
    st.none(),
    st.builds(mutated, st.sampled_from(["sql01", "hr%2fpayroll", "[vmvol1] a/b.vmx", "A" * 255]), _EDITS),
    st.text(max_size=40),
).map(lambda name: name if name is None else name.encode("utf-8", "replace").decode())
"""What may stand in a name's column: NULLs, and texts that a database can hold."""
