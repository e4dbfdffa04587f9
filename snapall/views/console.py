"""The live console: a run on one screen while it happens, and its summary when it is over."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from snapall.backup.facts import Confirmed, Failed, Warned
from snapall.backup.record import Record, RunEnded, Stage
from snapall.errors import Exit
from snapall.views import messages
from snapall.views.progress import IN_FLIGHT, TROUBLE, Progress, VmStage, VmView, count, window

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
_CHROME = 12  # lines of the screen that are not VMs
_FRAME = 4  # columns that the panel takes
_NARROW = 72  # columns below which the hosts are left out


class Terminal(Console):
    """A console whose terminal may go. rich's own would then point stdout, where the results go, at nothing."""

    def on_broken_pipe(self) -> None:
        """End the thread that redraws; whoever else draws is protected from that."""
        raise SystemExit(1)


class ConsoleView:
    """Draws on a terminal (stderr) a few times a second. A context manager, so that the terminal is always restored."""

    def __init__(self, console: Console | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._console = console or Terminal(stderr=True, highlight=False)
        self._now = now
        self._progress = Progress()
        self._lock = threading.Lock()
        self._live = Live(
            get_renderable=self._draw,
            console=self._console,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._live.stop()
        except (OSError, SystemExit):
            return  # the terminal has gone, and nothing is left to restore

    def __call__(self, record: Record) -> None:
        """Take one record in; the next refresh shows it. The end of a run leaves its summary on the screen."""
        over = self._progress.report is not None
        with self._lock:
            self._progress(record)
        if over and isinstance(record.what, Warned | Failed):
            self._console.print(Text(messages.safe(f"warning: {record.what.text}"), style="yellow"))
        if isinstance(record.what, RunEnded):
            self._live.stop()
            self._console.print(ending(self._progress, self._console.width))

    def _draw(self) -> RenderableType:
        with self._lock:
            return screen(self._progress, self._now(), self._console.width, self._console.height)


class Picture:
    """Keeps the moment of the confirmation, when every VM is quiesced; saves it with the summary as one SVG file."""

    _WIDTH = 96

    def __init__(self, path: Path) -> None:
        self._path = path
        self._progress = Progress()
        self._console = Console(
            record=True, width=self._WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
        )
        self._kept = False

    def __call__(self, record: Record) -> None:
        """Take one record in, and save the picture with the last. Raises OSError when it cannot be written."""
        self._progress(record)
        if isinstance(record.what, Confirmed) and not self._kept:
            self._kept = True
            self._console.print(screen(self._progress, record.at, self._WIDTH, 60))
        if isinstance(record.what, RunEnded):
            self._console.print(ending(self._progress, self._console.width))
            self._path.write_text(self._console.export_svg(title="snapall run"), encoding="utf-8")


def screen(progress: Progress, now: datetime, width: int, height: int) -> RenderableType:
    """The whole screen at one moment: header and stages, VMs, window and bar, what the filer did, trouble."""
    parts: list[RenderableType] = [_stages(progress, now, width)]
    if views := progress.vms:
        rows = max(3, height - _CHROME - min(3, len(progress.troubles)) - min(6, len(progress.done)))
        parts += [Text(), _vms(list(views.values()), now, width, rows), Text(), _bar(progress, views, now, width)]
    parts += [_line(f"  {line}", "dim") for line in progress.done[-6:]]
    if progress.waiting:
        parts.append(_line(f"waiting: {progress.waiting}", "yellow"))
    parts += [_line(f"! {text}", "red") for text, _ in progress.troubles[-3:]]
    return Panel(Group(*parts), title=_title(progress), title_align="left", box=box.ROUNDED, border_style="blue")


def _line(text: str, style: str) -> Text:
    """One line of the screen, cut where the screen ends; the end of the run shows it whole."""
    return Text(messages.safe(text), style=style, no_wrap=True, overflow="ellipsis")


def _title(progress: Progress) -> Text:
    began = progress.state.began
    if began is None:
        return Text("snapall")
    job = began.job
    return Text(messages.safe(f"snapall · {job.name} · {', '.join(job.volumes)} · order {job.order} · {began.stamp}"))


def _stages(progress: Progress, now: datetime, width: int) -> Text:
    """The workflow in a line or two: what is done with its time, what goes on, what is to come."""
    lines = [Text()]
    for stage in progress.stages:
        shown = _stage(stage, progress, now)
        if lines[-1] and lines[-1].cell_len + 2 + shown.cell_len > width - _FRAME:
            lines.append(Text())
        lines[-1].append("  " if lines[-1] else "")
        lines[-1].append_text(shown)
    return Text("\n").join(lines)


def _stage(stage: Stage, progress: Progress, now: datetime) -> Text:
    if stage not in progress.spent:
        return Text(f"○ {stage}", style="dim")
    spent, since = progress.spent[stage], progress.running.get(stage)
    if since is None:
        return Text.assemble((f"✓ {stage} ", "green"), (messages.clocked(spent), "dim"))
    elapsed = spent + max(0.0, (now - since).total_seconds())
    return Text.assemble((f"● {stage} ", "bold yellow"), (messages.clocked(elapsed), "yellow"))


def _vms(views: Sequence[VmView], now: datetime, width: int, rows: int) -> Table:
    """A row a VM. When they do not all fit: trouble first, then what is under way, then the rest, and a count."""
    shown = views
    if len(views) > rows:
        shown = sorted(views, key=_urgency)[: rows - 1]
    wide = width >= _NARROW
    table = Table(box=None, padding=(0, 1), expand=True, show_header=True, header_style="dim")
    table.add_column("VM", ratio=3, no_wrap=True, overflow="ellipsis")
    if wide:
        table.add_column("host", ratio=3, no_wrap=True, overflow="ellipsis")
    table.add_column("state", ratio=4 if wide else 2, no_wrap=True, overflow="ellipsis")
    table.add_column("quiesced", justify="right", no_wrap=True, min_width=8)
    for view in shown:
        seconds = view.seconds(now)
        state = Text(f"{view.state}: {messages.safe(view.why)}" if view.why else view.state, style=STYLES[view.state])
        cells = [Text(messages.safe(view.vm.name or view.vm.moref))]
        cells += [Text(messages.safe(view.vm.host or "-"), style="dim")] if wide else []
        table.add_row(*cells, state, Text(messages.clocked(seconds) if seconds is not None else "", style="dim"))
    if len(shown) < len(views):
        table.add_row(Text(f"and {len(views) - len(shown)} more", style="dim"))
    return table


def _urgency(view: VmView) -> tuple[int, int]:
    rank = 0 if view.state in TROUBLE else 1 if view.state in IN_FLIGHT else 2 if view.state is VmStage.QUIESCED else 3
    return rank, view.vm.id


def _bar(progress: Progress, views: Mapping[int, VmView], now: datetime, width: int) -> Table:
    """How long VMs have been quiesced, against the most that the job allows, and how much of the plan is done."""
    quiesced = count(views, VmStage.QUIESCED, VmStage.RELEASING)
    text = Text(f"{quiesced} VMs quiesced, {messages.clocked(window(views, now))} ")
    if width >= _NARROW and progress.state.began is not None:
        text.append(f"of at most {messages.clocked(progress.state.began.job.max_quiesced)}", style="dim")
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1)
    grid.add_column(justify="right", no_wrap=True)
    bar = ProgressBar(
        total=max(1, progress.total), completed=min(progress.taken, progress.total), complete_style="cyan"
    )
    grid.add_row(text, bar, Text(f"{min(progress.taken, progress.total)}/{progress.total}"))
    return grid


def ending(progress: Progress, width: int) -> RenderableType:
    """What stays on the screen: the stages' times, what the filer did, trouble with its remedies, the summary."""
    report = progress.report
    if report is None:
        return Text()
    well = report.exit is Exit.OK
    parts: list[RenderableType] = [_stages(progress, progress.moment or datetime.now(UTC), width), Text()]
    parts += [Text(f"  {messages.safe(line)}", style="dim") for line in progress.done]
    for text, hint in progress.troubles:
        parts.append(Text(f"! {messages.safe(text)}", style="yellow" if well else "red"))
        parts += [Text(f"    remedy: {messages.safe(hint)}", style="yellow")] if hint else []
    parts.append(Text())
    colour = "green" if well else "red" if report.exit in (Exit.DEBTS, Exit.FAILED) else "yellow"
    summary = messages.summary(report, progress.job)
    parts += [Text(line, style=f"bold {colour}" if not n else "") for n, line in enumerate(summary)]
    return Panel(Group(*parts), title=_title(progress), title_align="left", box=box.ROUNDED, border_style=colour)
