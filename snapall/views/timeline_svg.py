"""A run's timeline as one self-contained SVG, which prints in black and white and opens in any browser."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from snapall.operate.run_history import RunHistory
from snapall.views.messages import clocked, safe
from snapall.views.timeline import Drawing, Stretch, StretchKind, TimelineRow, clock, ticks, timeline

_WIDTH = 1000
_NAMES = 190  # where the bars begin
_RIGHT = 150  # what the seconds take
_ROW = 20
_LINE = 16  # of text below
_CHARACTERS = 150  # in one line of text below

# The fills differ in grey as much as in colour, and calls under way are hatched, each kind in its own direction.
_FILL = {
    StretchKind.QUIESCING: "url(#quiescing)",
    StretchKind.QUIESCED: "#1f5f8b",
    StretchKind.UNCERTAIN: "url(#uncertain)",
    StretchKind.RELEASING: "url(#releasing)",
}
_DEFS = """<defs>
<pattern id="quiescing" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="5" height="5" fill="#fdf3da"/><line x1="0" y1="0" x2="0" y2="5" stroke="#b07a08" stroke-width="3"/>
</pattern>
<pattern id="releasing" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">
<rect width="5" height="5" fill="#ffffff"/><line x1="0" y1="0" x2="0" y2="5" stroke="#4c9a6a" stroke-width="2"/>
</pattern>
<pattern id="uncertain" width="6" height="6" patternUnits="userSpaceOnUse">
<rect width="6" height="6" fill="#ffffff"/><circle cx="3" cy="3" r="1.5" fill="#a3232b"/></pattern>
</defs>"""
_STYLE = (
    "<style>text{font:11px 'DejaVu Sans',Verdana,Arial,sans-serif;fill:#1b1b1b}"
    ".title{font-size:17px;font-weight:bold}.dim{fill:#5a5a5a}.bad{fill:#a3232b;font-weight:bold}"
    ".capture{stroke:#a3232b;stroke-width:2}.name{fill:#a3232b;font-weight:bold}</style>"
)


def timeline_svg(history: RunHistory) -> str:
    """The picture as the text of one file. It loads nothing, runs nothing, and escapes all names."""
    picture = timeline(history)
    drawn, title = picture.drawing, safe(picture.title)
    foot = [part for line in picture.foot for part in textwrap.wrap(safe(line), _CHARACTERS)]
    top = 50 + _LINE * len(picture.head) + (44 if drawn is not None else 0)
    bottom = top + _ROW * (len(drawn.rows) if drawn is not None else 0)
    below = bottom + (52 if drawn is not None else 12)
    height = below + _LINE * len(foot) + 16
    parts = [
        _opening(f"{title}: {'; '.join(picture.head)}", height),
        f"<title>{escape(title)}</title>",
        _STYLE,
        _DEFS,
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="20" y="32" class="title">{escape(title)}</text>',
        *_texts(picture.head, 52, "dim"),
    ]
    if drawn is not None:
        parts += [*_axis(drawn, top), *_rows(drawn, top), *_captures(drawn, top), *_legend(drawn, bottom + 30)]
    return "\n".join([*parts, *_texts(foot, below, "plain"), "</svg>", ""])


def _opening(label: str, height: int) -> str:
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label={quoteattr(safe(label))}>'


def _texts(lines: Sequence[str], y: int, kind: str) -> Iterator[str]:
    for n, line in enumerate(lines):
        yield f'<text x="20" y="{y + n * _LINE}" class="{kind}">{escape(safe(line))}</text>'


def _x(share: float) -> str:
    return f"{_NAMES + share * (_WIDTH - _NAMES - _RIGHT):.1f}"


def _axis(drawn: Drawing, top: int) -> Iterator[str]:
    bottom = top + len(drawn.rows) * _ROW
    for time in ticks(drawn.start.astimezone(), drawn.end.astimezone(), 8):
        x = _x(drawn.share(time))
        yield f'<line x1="{x}" y1="{top - 4}" x2="{x}" y2="{bottom}" stroke="#d8d8d8"/>'
        yield f'<text x="{x}" y="{top - 8}" text-anchor="middle" class="dim">{clock(time, drawn.span)}</text>'
    for x_at, label in ((_WIDTH - 80, "quiesce"), (_WIDTH - 20, "release")):
        yield f'<text x="{x_at}" y="{top - 8}" text-anchor="end" class="dim">{label}</text>'


def _rows(drawn: Drawing, top: int) -> Iterator[str]:
    for n, row in enumerate(drawn.rows):
        y = top + n * _ROW
        if n % 2:
            yield f'<rect x="20" y="{y}" width="{_WIDTH - 40}" height="{_ROW}" fill="#000000" fill-opacity="0.03"/>'
        yield "<g>"
        yield f"<title>{escape(_story(row))}</title>"
        name = _short(row.vm.vm.name or row.vm.vm.moref)
        yield f'<text x="{_NAMES - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
        yield from (_stretch(drawn, one, y) for one in row.stretches)
        if row.failed is not None:
            yield f'<text x="{_x(drawn.share(row.failed))}" y="{y + 14}" class="bad">✕</text>'
        if row.beyond:
            yield f'<text x="{_WIDTH - _RIGHT + 4}" y="{y + 14}" class="bad">&gt;</text>'
        for x, seconds in ((_WIDTH - 80, row.vm.create_seconds), (_WIDTH - 20, row.vm.remove_seconds)):
            if seconds is not None:
                yield f'<text x="{x}" y="{y + 14}" text-anchor="end">{clocked(seconds)}</text>'
        yield "</g>"


def _short(name: str) -> str:
    name = safe(name)
    return name if len(name) <= 24 else f"{name[:23]}…"


def _story(row: TimelineRow) -> str:
    """What the tooltip of a row says."""
    story = [safe(row.vm.vm.label), row.vm.state + (f": {safe(row.vm.why)}" if row.vm.why else "")]
    if row.vm.quiesced_seconds is not None:
        story.append(f"quiesced for {clocked(row.vm.quiesced_seconds)}")
    return ", ".join(story)


def _stretch(drawn: Drawing, one: Stretch, y: int) -> str:
    start, end = drawn.share(one.start), drawn.share(one.end)
    width = max(1.0, (end - start) * (_WIDTH - _NAMES - _RIGHT))
    return (
        f'<rect x="{_x(start)}" y="{y + 4}" width="{width:.1f}" height="{_ROW - 8}" '
        f'fill="{_FILL[one.kind]}" stroke="#3a3a3a" stroke-width="0.5"/>'
    )


def _captures(drawn: Drawing, top: int) -> Iterator[str]:
    """A line through all bars where each capture was sent, and a band beside it until its answer."""
    bottom = top + len(drawn.rows) * _ROW
    for n, one in enumerate(drawn.captures):
        start = drawn.share(one.call.sent)
        x = _x(start)
        if one.call.answered is not None:
            width = (drawn.share(one.call.answered) - start) * (_WIDTH - _NAMES - _RIGHT)
            yield (
                f'<rect x="{x}" y="{top - 4}" width="{width:.1f}" height="{bottom - top + 8}" '
                'fill="#a3232b" fill-opacity="0.15"/>'
            )
        yield f'<line x1="{x}" y1="{top - 24}" x2="{x}" y2="{bottom + 6}" class="capture"/>'
        if n == 0:
            anchor, dx = ("start", 6) if start < 0.6 else ("end", -6)
            text = f"snap create {clock(one.call.sent.astimezone(), drawn.span)}"
            yield f'<text x="{float(x) + dx:.1f}" y="{top - 24}" text-anchor="{anchor}" class="name">{text}</text>'


def _legend(drawn: Drawing, y: int) -> Iterator[str]:
    for n, kind in enumerate(drawn.kinds):
        x = _NAMES + n * 120
        yield (
            f'<rect x="{x}" y="{y - 10}" width="24" height="12" fill="{_FILL[kind]}" '
            'stroke="#3a3a3a" stroke-width="0.5"/>'
        )
        yield f'<text x="{x + 30}" y="{y}" class="dim">{kind}</text>'
    if drawn.captures:
        x = _NAMES + len(drawn.kinds) * 120
        yield f'<line x1="{x + 12}" y1="{y - 12}" x2="{x + 12}" y2="{y + 4}" class="capture"/>'
        yield f'<text x="{x + 30}" y="{y}" class="dim">capture</text>'
