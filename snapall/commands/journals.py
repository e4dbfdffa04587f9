"""status, show and stats: what the journals say. These commands contact no other machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from snapall.commands import options
from snapall.errors import Exit, SnapallError

RunToShow = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run: its stamp, the first part of it, JOB-stamp, or a job (its last run). Default: the last run.",
    ),
]


def status(
    jobs: options.Jobs = None,
    nagios: Annotated[
        bool, typer.Option("--nagios", help="Print one line and exit 0, 1, 2 or 3, as a monitoring plugin.")
    ] = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Show the state of the backups.

    For each job: the newest backup, its age compared with `max_age`, the last run, and outstanding cleanup. Reads only
    the journals, so it works when the site is down.
    """
    from snapall.app.status import job_statuses, mounts_of
    from snapall.backup.clock import SystemClock
    from snapall.views.mounts import mount_lines, mounts_json
    from snapall.views.status import status_json, status_lines

    if nagios:
        line, code = _plugin(config, jobs)
        typer.echo(line)
        raise typer.Exit(code)
    settings, chosen = options.chosen(config, jobs, secrets=False)
    found = job_statuses(settings, chosen)
    mounts, now = mounts_of(settings, chosen), SystemClock().utc()
    if as_json:
        options.emit(status_json(found) | {"mounts": mounts_json(mounts, now)})
    else:
        options.emit([*status_lines(found, options.width()), *mount_lines(mounts, now, options.width())])
    options.leave(Exit.OK)


def _plugin(config: Path | None, jobs: list[str] | None) -> tuple[str, int]:
    """The line and exit code of a monitoring plugin, whatever happens: a state that cannot be known is UNKNOWN."""
    from snapall.app.status import job_statuses
    from snapall.operate.status import Level
    from snapall.views.nagios import nagios_line, plugin_text

    try:
        settings, chosen = options.chosen(config, jobs, secrets=False)
        line, level = nagios_line(job_statuses(settings, chosen))
        return line, int(level)
    except SnapallError as error:
        text = error.message
    except Exception as error:  # noqa: BLE001 - a traceback would exit with 1, which means WARNING
        text = f"a bug in snapall: {type(error).__name__}: {error}"
    return f"SNAPALL UNKNOWN - {plugin_text(text)}", int(Level.UNKNOWN)


def show(
    run: RunToShow = "",
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Save the timeline as an SVG file.")] = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Show a run as a timeline.

    One bar for each VM (quiescing, quiesced, releasing), and the capture as a line across all bars. Reads the journal.
    """
    from snapall.app.opening import store_of
    from snapall.app.proofs import proofs_of
    from snapall.app.status import run_of
    from snapall.backup.outfile import replace_content
    from snapall.restore.vmx.generations import copies_by_run
    from snapall.views.glyphs import alphabet
    from snapall.views.proofs import proof_lines
    from snapall.views.run_json import run_json
    from snapall.views.timeline_svg import timeline_svg
    from snapall.views.timeline_text import timeline_lines

    settings = options.load(config, secrets=False)
    found = run_of(settings, run)
    copies = copies_by_run(settings.vmx.get(found.job.name), found.job.name)
    vmx = copies[found.stamp].label if copies is not None and found.stamp in copies else ""
    proofs = proofs_of(store_of(settings), found.job.name, found.stamp)
    if svg is not None:
        try:
            replace_content(svg, timeline_svg(found).encode(), 0o644)
        except OSError as error:
            raise SnapallError(
                f"{svg} cannot be written: {error.strerror}", "name another file with --svg", "SA-6003"
            ) from error
    if as_json:
        options.emit(run_json(found, vmx, proofs))
    elif svg is None:
        lines = timeline_lines(found, options.width(), alphabet(sys.stdout.encoding))
        if copies is not None and found.backup is not None:
            lines.append(f"vmx files copied for {vmx or 'no'} VMs")
        options.emit([*lines, *([""] if proofs else []), *proof_lines(proofs)])


def stats(
    jobs: options.Jobs = None,
    last: Annotated[int, typer.Option("--last", min=1, metavar="N", help="How many runs of each job to use.")] = 30,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Show how long the VMs take.

    For each VM: the seconds of the last runs as a small curve, the median, the worst and the trend; then how long
    tonight's VMs should stay quiesced. Reads the journals.
    """
    from snapall.app.statistics import statistics_of
    from snapall.views.glyphs import alphabet
    from snapall.views.statistics import stats_json, stats_lines

    settings, chosen = options.chosen(config, jobs, secrets=False)
    found = statistics_of(settings, chosen, last)
    if as_json:
        options.emit(stats_json(found))
        return
    for n, one in enumerate(found):
        options.emit(([""] if n else []) + stats_lines(one, options.width(), alphabet(sys.stdout.encoding)))
