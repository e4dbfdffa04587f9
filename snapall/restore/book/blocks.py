"""The parts of a document that is printed as text and as HTML. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap

WIDTH = 100
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; `level` 1 is the title. `page`: in print it begins a page, which can be handed to somebody."""

    level: int
    text: str
    page: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
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


Block = Heading | Paragraph | Commands | Rows


def as_text(blocks: Iterable[Block]) -> str:
    """The document as ASCII text, 100 columns wide; only a word that is longer stands out."""
    lines = [line for block in blocks for line in (*_text_of(block), "")]
    return "\n".join(line.rstrip() for line in lines).encode("ascii", "backslashreplace").decode()


def as_html(blocks: Sequence[Block], title: str) -> str:
    """The document as one HTML page without scripts, for printing: with contents, and the title below each page."""
    parts = [_html_of(block, n) for n, block in enumerate(blocks)]
    chapters = [(n, one.text) for n, one in enumerate(blocks) if isinstance(one, Heading) and one.level == 2]
    links = "".join(f'<li><a href="#h{n}">{escape(text)}</a></li>' for n, text in chapters)
    first = chapters[0][0] if chapters else len(parts)
    body = "\n".join((*parts[:first], f"<nav><ul>{links}</ul></nav>", *parts[first:]))
    below = f'@page{{@bottom-left{{content:"{_NOT_IN_CSS.sub("_", title)}"}}}}'
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f"<style>{_STYLE}{below}</style></head><body>\n{body}\n</body></html>\n"
    )


def _text_of(block: Block) -> list[str]:
    match block:
        case Heading(1, text, _):
            return [text, "=" * WIDTH]
        case Heading(2, text, _):
            return ["", text, "-" * len(text)]
        case Heading(_, text, _):
            return [text]
        case Paragraph(text):
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


def _html_of(block: Block, number: int) -> str:
    match block:
        case Heading(level, text, page):
            return f'<h{level} id="h{number}"{" class=page" * page}>{_words(text)}</h{level}>'
        case Paragraph(text):
            return f"<p>{_words(text)}</p>"
        case Commands(lines):
            typed = ("\n".join(part[len(_INDENT) :] for part in folded(words, _PRINTED)) for words in lines)
            return f"<ol>{''.join(f'<li>{escape(one)}</li>' for one in typed)}</ol>"
        case Rows(rows):
            cells = "".join(f"<tr><th>{escape(label)}</th><td>{_words(value)}</td></tr>" for label, value in rows)
            return f"<table>{cells}</table>"


def _words(text: str) -> str:
    """A text with what stands in backquotes as code."""
    return _QUOTED.sub(r"<code>\1</code>", escape(text))


_QUOTED = re.compile(r"`([^`]+)`")
_PRINTED = WIDTH + len(_INDENT)  # in print nothing is indented
_NOT_IN_CSS = re.compile(r"[^\w .,:-]")

# A command is ticked off by its number, and is never broken within a word: 100 columns fit on A4 and on Letter.
_STYLE = (
    "body{font:10pt/1.35 sans-serif;max-width:60em;margin:1em auto;padding:0 1em}p{margin:.5em 0;break-after:avoid}"
    "h1{font-size:16pt;margin:0 0 .4em}h2{font-size:13pt;border-top:1px solid #000;padding-top:.4em;margin:1em 0 .4em}"
    "h3{font-size:10.5pt;margin:.8em 0 .2em}h1,h2,h3{break-after:avoid}"
    "code,ol{font-family:monospace}"
    "ol{font-size:8pt;line-height:1.5;background:#f4f4f4;border:1px solid #999;margin:.3em 0;padding:.3em 0 .3em 3em;"
    "white-space:pre;overflow-x:auto}li{break-inside:avoid}li::marker{color:#555}"
    "th{text-align:left;vertical-align:top;padding-right:1em;font-weight:normal;white-space:nowrap;color:#333}"
    "td{vertical-align:top}nav ul{columns:3;font-family:sans-serif;margin:.5em 0;padding-left:1.2em}"
    "@media print{body{margin:0;padding:0;max-width:none}ol{white-space:pre-wrap}a{color:#000;text-decoration:none}"
    "h2.page{break-before:page;border-top:0;margin-top:0}}"
    '@page{margin:13mm 11mm 15mm;font:8pt sans-serif;@bottom-right{content:"page " counter(page) " of " counter(pages)}'
    "}"
)
