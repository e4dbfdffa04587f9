"""show and stats: what the journals tell; nobody is contacted."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from snapall.commands import options
from snapall.errors import SnapallError


def show(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="A run's stamp, its beginning, JOB-stamp, or a job for its last run; else the last run."
        ),
    ] = "",
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Save the picture as one SVG file.")] = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Show a run as a timeline.

    One bar a VM (quiescing, quiesced, releasing), the capture as a line through all of them. Read from the journal.
    """
    from snapall import asking
    from snapall.views.course_json import course_json
    from snapall.views.letters import alphabet
    from snapall.views.timeline import timeline_lines
    from snapall.views.timeline_svg import timeline_svg

    found = asking.run_of(options.load(config), run)
    if svg is not None:
        try:
            svg.write_text(timeline_svg(found), encoding="utf-8")
        except OSError as error:
            raise SnapallError(f"{svg} cannot be written: {error.strerror}", "name another file with --svg") from error
    if as_json:
        typer.echo(json.dumps(course_json(found), indent=1))
    elif svg is None:
        for line in timeline_lines(found, options.width(), alphabet(sys.stdout.encoding)):
            typer.echo(line)
