"""The parts of a document that is printed as text and as HTML. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap

WIDTH = 100
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; `level` 1 is the title."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Commands:
    """Command lines to be typed as they stand, each as its words."""

    lines: tuple[Sequence[str], ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Labels and values."""

    rows: tuple[tuple[str, str], ...]


Block = Heading | Text | Commands | Rows


def as_text(blocks: Iterable[Block]) -> str:
    """The document as ASCII text, 100 columns wide; only a word that is longer stands out."""
    lines = [line for block in blocks for line in (*_text_of(block), "")]
    return "\n".join(line.rstrip() for line in lines).encode("ascii", "backslashreplace").decode()


def as_html(blocks: Sequence[Block], title: str) -> str:
    """The document as one HTML page without scripts, for printing."""
    body = "\n".join(map(_html_of, blocks))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _text_of(block: Block) -> list[str]:
    match block:
        case Heading(1, text):
            return [text, "=" * WIDTH]
        case Heading(2, text):
            return ["", text, "-" * len(text)]
        case Heading(_, text):
            return [text]
        case Text(text):
            return wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
        case Commands(lines):
            return [part for words in lines for part in folded(words)]
        case Rows(rows):
            wide = max((len(label) for label, _ in rows), default=0)
            return [part for label, value in rows for part in _row(f"  {label:<{wide}}  ", value)]


def _row(label: str, value: str) -> list[str]:
    hanging = " " * len(label)
    return wrap(
        value, WIDTH, initial_indent=label, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
    ) or [label]


def folded(words: Sequence[str], width: int = WIDTH) -> list[str]:
    """A command line in lines of the page's width, each but the last with a backslash at its end."""
    lines, line = [], _INDENT + words[0]
    for word in words[1:]:
        if len(line) + len(word) + 3 > width:  # a blank, and " \" at the end
            lines.append(line + " \\")
            line = _INDENT * 2 + word
        else:
            line += f" {word}"
    return [*lines, line]


def _html_of(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Text(text):
            return f"<p>{escape(text)}</p>"
        case Commands(lines):
            return f"<pre>{escape(chr(10).join(part[4:] for words in lines for part in folded(words)))}</pre>"
        case Rows(rows):
            cells = "".join(f"<tr><th>{escape(label)}</th><td>{escape(value)}</td></tr>" for label, value in rows)
            return f"<table>{cells}</table>"


_STYLE = (
    "body{font:11pt/1.4 sans-serif;max-width:60em;margin:1em auto;padding:0 1em}"
    "pre{background:#f2f2f2;border:1px solid #ccc;padding:.5em;white-space:pre-wrap;page-break-inside:avoid}"
    "th{text-align:left;vertical-align:top;padding-right:1em;font-weight:normal;color:#444}"
    "h2{border-top:1px solid #000;padding-top:.5em;page-break-after:avoid}h3{page-break-after:avoid}"
)
