"""`stats` in words and sparklines: each VM's seconds over the last runs, and the window to expect tonight."""

from __future__ import annotations

from collections.abc import Sequence

from snapall.backup.schedule import Saved
from snapall.operate.statistics import Expected, Series, Statistics, VmStatistics
from snapall.views.columns import fitted, table_lines, wrapped
from snapall.views.glyphs import Alphabet, sparkline
from snapall.views.json_root import picked, root
from snapall.views.messages import clocked, safe

_PIPE = 100  # columns where no terminal limits them
_NAMED = 3  # VMs that the summary names


def stats_lines(found: Statistics, width: int, glyphs: Alphabet) -> list[str]:
    """For people. `width` 0: no terminal, so that a hundred columns are used."""
    width = width or _PIPE
    unreadable = [f"not readable: {text}" for text in found.unreadable]
    if not found.runs:
        lines = [f"job {found.job}: no run is on record"]
    else:
        first, last = found.runs[0].began.astimezone(), found.runs[-1].began.astimezone()
        count = f"{len(found.runs)} run{'s' if len(found.runs) > 1 else ''}"
        lines = [f"job {found.job}: {count}, {first:%d %b %Y} to {last:%d %b %Y}", ""]
        lines += [*_table(found, width, glyphs), "", *_summary(found, width, glyphs)]
    return [part for line in [*lines, *unreadable] for part in wrapped(line, width)]


def _table(found: Statistics, width: int, glyphs: Alphabet) -> list[str]:
    """The slowest VM first. What is left of the width goes to the sparklines, at most a column for each run."""
    figures = 1 if width < 70 else 2 if width < 110 else 3  # usual, worst, trend
    names = max(4, min(width // 4, 28))
    curve = max(7, min(len(found.runs), (width - names) // 2 - 11 * figures - 3))
    head = ["VM"]
    for title in ("quiesce", "release"):
        head += [title, *("usual", "worst", "trend")[:figures]]
    rows = []
    for one in found.vms:
        row = [fitted(safe(one.vm.name or one.vm.moref), names).rstrip()]
        for series in (one.create, one.remove):
            row += [sparkline(series.values, curve, glyphs), *_figures(series)[:figures]]
        rows.append(row)
    return table_lines(head, rows, width, right=("usual", "worst", "trend"))


def _figures(series: Series) -> tuple[str, str, str]:
    usual, worst = ("-" if one is None else clocked(one) for one in (series.median, series.worst))
    return usual, worst, _percent(series.trend)


def _percent(trend: float | None) -> str:
    return "-" if trend is None else f"{100 * trend:+.0f} %"


def _summary(found: Statistics, width: int, glyphs: Alphabet) -> list[str]:
    lines, window = [], found.window
    if window.median is not None and window.worst is not None:
        curve = sparkline(window.values, min(40, max(4, width - 30)), glyphs)
        usual, worst, trend = _figures(window)
        lines += [f"window  {curve}  {clocked(window.known[-1])} last"]
        lines += [f"window: usually {usual}, at worst {worst}, trend {trend}"]
    lines += _expected(found.expected, found.runs[-1].job.max_quiesced)
    lines += _saved(found.saved)
    slow = [f"{one.vm.label} {clocked(one.usual)}" for one in found.vms if one.usual > 0]
    lines += [f"slowest: {', '.join(slow[:_NAMED])}"] if slow else []
    grown = [(one.vm.label, one.create.trend) for one in found.vms if one.create.trend is not None]
    worse = [f"{label} {_percent(trend)}" for label, trend in sorted(grown, key=lambda pair: -pair[1]) if trend > 0.2]
    lines += [f"slower to quiesce than before: {', '.join(worse[:_NAMED])}"] if worse else []
    missed = sorted((one for one in found.vms if one.missed), key=lambda one: -one.missed)
    most = [f"{one.vm.label} in {one.missed} of {one.targeted} runs" for one in missed]
    lines += [f"most often not quiesced: {', '.join(most[:_NAMED])}"] if most else []
    return lines


def _expected(expected: Expected | None, limit: float) -> list[str]:
    if expected is None:
        return []
    window = f"expected tonight: {clocked(expected.usual)}, at worst {clocked(expected.worst)}"
    lines = [f"{window}; the capture after {clocked(expected.capture)} (max_quiesced: {clocked(limit)})"]
    if expected.capture > 0.8 * limit:
        lines.append("that is close to max_quiesced: raise it or `parallel`, or check the slowest VMs")
    return lines


def _saved(saved: Saved | None) -> list[str]:
    if saved is None:
        return []
    window = f"{clocked(abs(saved.window))} {'shorter' if saved.window >= 0 else 'longer'}"
    quiesced = f"{clocked(abs(saved.quiesced))} {'less' if saved.quiesced >= 0 else 'more'}"
    return [f"the order of the last run's calls: a window {window}, VMs quiesced {quiesced} in total"]


def stats_json(found: Sequence[Statistics]) -> dict[str, object]:
    """The same for programs: seconds by run, oldest first, null where there are none."""
    jobs = [
        picked(one, "job", "expected", "saved", "unreadable")
        | {"runs": [{"run": run.stamp, **picked(run, "began", "window")} for run in one.runs]}
        | {"window": _series_json(one.window)}
        | {"vms": [_vm_json(vm) for vm in one.vms]}
        for one in found
    ]
    return root(jobs=jobs)


def _vm_json(one: VmStatistics) -> dict[str, object]:
    series = {"create": _series_json(one.create), "remove": _series_json(one.remove)}
    return {"vm": one.vm.moref, "name": one.vm.name, **series, "asked": one.targeted, "missed": one.missed}


def _series_json(series: Series) -> dict[str, object]:
    return {"seconds": list(series.values), **picked(series, "median", "worst", "trend")}
