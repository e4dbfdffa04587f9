"""The console's screen at any moment of a run, and what stays of it at the end: drawing alone, from a `Progress`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from snapall.backup.record import Stage
from snapall.errors import Exit
from snapall.views.columns import wrapped
from snapall.views.messages import brief, clocked, safe, summary
from snapall.views.progress import IN_FLIGHT, TROUBLE, Progress, ScreenProblem, VmStage, VmView, count, window

STYLES = {
    VmStage.WAITING: "dim",
    VmStage.QUIESCING: "yellow",
    VmStage.QUIESCED: "bold cyan",
    VmStage.RELEASING: "yellow",
    VmStage.RELEASED: "green",
    VmStage.UNCERTAIN: "bold red",
    VmStage.LEFT: "bold red",
    VmStage.SKIPPED: "dim",
}
_CHROME = 11  # lines of the screen that are not VMs
_FRAME = 4  # columns that the panel takes
_NARROW = 72  # columns below which the hosts are left out
_STATE = max(map(len, VmStage))


def screen(progress: Progress, now: datetime, width: int, height: int) -> RenderableType:
    """The whole screen at one moment: facts and stages, VMs, window and bar, what the filer did, trouble."""
    room, views = width - _FRAME, progress.vms
    parts = _head(progress, now, room)
    if views:
        rows = max(3, height - _CHROME - min(3, len(progress.problems)) - min(6, len(progress.done)))
        parts += [_vms(list(views.values()), now, width, rows), Text(), *_bar(progress, views, now, room)]
    else:
        parts += _facts(progress)
    parts += [_line(f"  {line}", "dim") for line in progress.done[-6:]]
    parts += [_line(f"waiting: {progress.waiting}", "yellow")] if progress.waiting else []
    parts += [_line(f"! {one.text}", _severity(one)) for one in progress.problems[-3:]]
    return _panel(parts, progress, "blue", room)


def _panel(parts: Sequence[RenderableType], progress: Progress, colour: str, room: int) -> Panel:
    began = progress.state.began
    names: tuple[str, ...] = ("earlier runs",) if any(progress.states) else ()
    names = (began.job.name, f"order {began.job.order}", began.stamp) if began is not None else names
    title = Text(safe(_fitting(("snapall", *names), room - 2)))
    return Panel(Group(*parts), title=title, title_align="left", box=box.ROUNDED, border_style=colour)


def _line(text: str, style: str = "") -> Text:
    """One line of the screen, cut where the screen ends; the end of the run shows it whole."""
    return Text(safe(text), style=style, no_wrap=True, overflow="ellipsis")


def _fitting(parts: Sequence[str], room: int) -> str:
    """As many of the parts, the most important first, as a line has room for."""
    line = ""
    for part in filter(None, parts):
        longer = f"{line} · {part}" if line else part
        line = longer if len(longer) <= room else line
    return line


def _head(progress: Progress, now: datetime, room: int) -> list[RenderableType]:
    if progress.first is None:
        return [_line("starting: connecting to the filer and to VirtualCenter's database")]
    stages = [_stages(progress, now, room)] if progress.stages else []
    return [_times(progress, progress.first, now, room), *stages, Text()]


def _times(progress: Progress, first: datetime, now: datetime, room: int) -> Text:
    elapsed = clocked(max(0.0, (now - first).total_seconds()))
    if progress.forecast is not None:
        elapsed += f"{' of about' if progress.report is None else ', usually'} {clocked(progress.forecast.run)}"
    job = progress.job
    filer = f"filer {job.filer}, {', '.join(job.volumes)}" if job is not None else ""
    return _line(_fitting((elapsed, f"started {first.astimezone():%H:%M:%S}", filer), room))


def _facts(progress: Progress) -> list[RenderableType]:
    """What is worth knowing before the VMs are."""
    began, forecast = progress.state.began, progress.forecast
    if began is None:
        return []
    job = began.job
    facts = {
        "filer": f"{began.filer}, {', '.join(job.volumes)}",
        "VMs of": f"{job.scope}, VirtualCenter {began.vcenter}",
        "usually": f"VMs quiesced for {clocked(forecast.window)}" if forecast is not None else "unknown: too few runs",
        "retained": ", ".join(job.chain),
        "now": "reading VMs and snapshots; nothing has been changed",
    }
    return [_line(f"{name:<9} {text}") for name, text in facts.items()]


def _stages(progress: Progress, now: datetime, room: int) -> Text:
    """The workflow: what is done, what is under way, what is to come, each with its time below it. It never wraps."""
    names, times = Text(no_wrap=True), Text(no_wrap=True)
    marks = Text(no_wrap=True, overflow="ellipsis")
    current = ""
    for stage in progress.stages:
        spent, running = progress.spent_on(stage, now), stage in progress.running
        mark, style = ("○", "dim") if spent is None else ("●", "bold yellow") if running else ("✓", "green")
        mark, style = ("✗", "red") if stage in progress.failed else (mark, style)
        time = brief(spent) if spent is not None else ""
        wide = max(len(stage) + 2, len(time) + 2)
        names.append(f"{mark} {stage}".ljust(wide + 1), style)
        times.append(f"  {time}".ljust(wide + 1), "yellow" if running else "dim")
        marks.append(mark, style)
        current = f" {stage} {time}" if running or (spent is not None and not progress.running) else current
    if max(names.cell_len, times.cell_len) <= room + 1:
        return Text("\n").join([names, times])
    return marks.append(current)


def _vms(views: Sequence[VmView], now: datetime, width: int, rows: int) -> Table:
    """A row for each VM. When they do not all fit: trouble first, then what is under way, and a count of the rest."""
    chosen = views if len(views) <= rows else sorted(views, key=_urgency)[: rows - 1]
    wide = width >= _NARROW
    table = Table(box=None, padding=(0, 1), pad_edge=False, expand=True, header_style="dim")
    table.add_column("VM", ratio=3, no_wrap=True, overflow="ellipsis")
    if wide:
        table.add_column("host", ratio=3, no_wrap=True, overflow="ellipsis", style="dim")
    table.add_column(
        "state", ratio=4 if wide else None, width=None if wide else _STATE, no_wrap=True, overflow="ellipsis"
    )
    table.add_column("quiesced", justify="right", no_wrap=True, min_width=8, style="dim")
    for view in chosen:
        seconds = view.seconds(now)
        state = _line(f"{view.state}: {view.why}" if view.why and wide else view.state, STYLES[view.state])
        host = [_line(view.vm.host or "-")] if wide else []
        table.add_row(_line(view.vm.name or view.vm.moref), *host, state, brief(seconds) if seconds is not None else "")
    if len(chosen) < len(views):
        table.add_row(Text(f"and {len(views) - len(chosen)} more", style="dim"))
    return table


def _urgency(view: VmView) -> tuple[int, int]:
    rank = 0 if view.state in TROUBLE else 1 if view.state in IN_FLIGHT else 2 if view.state is VmStage.QUIESCED else 3
    return rank, view.vm.id


def _bar(progress: Progress, views: Mapping[int, VmView], now: datetime, room: int) -> list[RenderableType]:
    """How many VMs are quiesced or released, how much of the plan is done, and how long the window is open."""
    wanted = len(views) - count(views, VmStage.SKIPPED)
    text = f"{count(views, VmStage.QUIESCED, VmStage.RELEASING)} of {wanted} VMs quiesced"
    if Stage.RELEASE in progress.spent:
        quiesced = wanted - count(views, VmStage.WAITING, VmStage.LEFT)
        text = f"{count(views, VmStage.RELEASED)} of {quiesced} VMs released"
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1)
    grid.add_column(justify="right", no_wrap=True, style="dim")
    taken, total = min(progress.taken, progress.total), progress.total
    steps = f"{taken}/{total} commands" if room + _FRAME >= _NARROW else f"{taken}/{total}"
    grid.add_row(text, ProgressBar(total=max(1, total), completed=taken, complete_style="cyan"), steps)
    forecast, job = progress.forecast, progress.job
    usual = f"usually {clocked(forecast.window)}" if forecast is not None else ""
    limit = ""
    if job is not None and Stage.CAPTURE not in progress.spent:
        limit = f"at most {clocked(job.max_quiesced)} before the capture"
    return [grid, _line(_fitting((f"window {clocked(window(views, now))}", usual, limit), room))]


def _severity(problem: ScreenProblem) -> str:
    """The colour of a problem, the same while the run goes on and at its end."""
    return "red" if problem.failed else "yellow"


def ending(progress: Progress, width: int) -> RenderableType:
    """What stays on the screen: the stages' times, what the filer did, problems with their remedies, the summary."""
    report, now = progress.report, progress.last or datetime.now(UTC)
    well = not progress.problems if report is None else report.exit is Exit.OK
    room = width - _FRAME
    parts = _head(progress, now, room)
    parts += [Padding(Text(safe(line), style="dim"), (0, 0, 0, 2)) for line in progress.done]
    for one in progress.problems:
        trouble = Table.grid(padding=(0, 1))
        trouble.add_row("!", Text(safe(one.text)), style=_severity(one))
        if one.remedy:
            trouble.add_row("", Text(f"remedy: {safe(one.remedy)}"))
        parts.append(trouble)
    if report is None:
        views = progress.vms
        parts += [Text(f"{count(views, VmStage.RELEASED)} of {len(views)} VMs released")] if views else []
        return _panel(parts, progress, "green" if well else "yellow", room)
    colour = "green" if well else "red" if report.exit in (Exit.OUTSTANDING, Exit.FAILED) else "yellow"
    first, *rest = (Text("\n".join(wrapped(line, room, 2))) for line in summary(report, progress.job))
    first.stylize(f"bold {colour}")
    return _panel([*parts, Text(), first, *rest], progress, colour, room)
