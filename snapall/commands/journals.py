"""status, show and stats: what the journals tell; nobody is contacted."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from snapall.commands import options
from snapall.errors import Exit, SnapallError


def status(
    jobs: options.Jobs = None,
    nagios: Annotated[
        bool, typer.Option("--nagios", help="One line for a monitoring system, which exits 0, 1, 2 or 3 as plugins do.")
    ] = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Show the state of the backups.

    Each job's newest backup, its age against `max_age`, its last run, and what is outstanding. Read from the journals:
    it works when the site is down.
    """
    from snapall.app.status import standings
    from snapall.views.status import status_json, status_lines

    if nagios:
        line, code = _plugin(config, jobs)
        typer.echo(line)
        raise typer.Exit(code)
    settings, chosen = options.chosen(config, jobs, None, "", secrets=False)
    found = standings(settings, chosen)
    for line in [json.dumps(status_json(found), indent=1)] if as_json else status_lines(found):
        typer.echo(line)
    options.leave(Exit.OK)


def _plugin(config: Path | None, jobs: list[str] | None) -> tuple[str, int]:
    """A plugin answers with a line and a code whatever happens: what cannot be known is UNKNOWN."""
    from snapall.app.status import standings
    from snapall.operate.status import Level
    from snapall.views.status import nagios_line, plugin_text

    try:
        settings, chosen = options.chosen(config, jobs, None, "", secrets=False)
        line, level = nagios_line(standings(settings, chosen))
    except SnapallError as error:
        line, level = f"SNAPALL UNKNOWN - {plugin_text(error.message)}", Level.UNKNOWN
    except Exception as error:  # noqa: BLE001 - a traceback would exit with 1, which says WARNING
        told = f"a defect of snapall: {type(error).__name__}: {error}"
        line, level = f"SNAPALL UNKNOWN - {plugin_text(told)}", Level.UNKNOWN
    return line, int(level)


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
    from snapall.app.status import run_of
    from snapall.views.glyphs import alphabet
    from snapall.views.run_json import run_json
    from snapall.views.timeline_svg import timeline_svg
    from snapall.views.timeline_text import timeline_lines

    found = run_of(options.load(config, secrets=False), run)
    if svg is not None:
        try:
            svg.write_text(timeline_svg(found), encoding="utf-8")
        except OSError as error:
            raise SnapallError(f"{svg} cannot be written: {error.strerror}", "name another file with --svg") from error
    if as_json:
        typer.echo(json.dumps(run_json(found), indent=1))
    elif svg is None:
        for line in timeline_lines(found, options.width(), alphabet(sys.stdout.encoding)):
            typer.echo(line)


def stats(
    jobs: options.Jobs = None,
    last: Annotated[int, typer.Option("--last", min=1, metavar="N", help="How many runs of each job count.")] = 30,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Show how long the VMs take.

    The seconds of each VM over the last runs as little curves, what is usual, the worst, the trend, and the window that
    tonight's run should take. Read from the journals.
    """
    from snapall.app.statistics import statistics_of
    from snapall.views.glyphs import alphabet
    from snapall.views.statistics import stats_json, stats_lines

    settings, chosen = options.chosen(config, jobs, None, "", secrets=False)
    found = statistics_of(settings, chosen, last)
    if as_json:
        typer.echo(json.dumps(stats_json(found), indent=1))
        return
    for n, one in enumerate(found):
        for line in ([""] if n else []) + stats_lines(one, options.width(), alphabet(sys.stdout.encoding)):
            typer.echo(line)
