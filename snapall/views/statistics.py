"""`stats` in words and little pictures: each VM's seconds over the last runs, and the window that is to be expected."""

from __future__ import annotations

from collections.abc import Sequence

from snapall.backup.schedule import Saved
from snapall.operate.statistics import Expected, Series, Statistics, VmStatistics
from snapall.views import messages
from snapall.views.glyphs import Alphabet, columns, fitted, sparkline
from snapall.views.json_root import moment, root

PIPE = 100  # columns where no terminal limits them
_BOTH = 50  # columns beside the names from which on both kinds have their curve and their worst
_ALL = 110  # and their trend
_NAMED = 3  # VMs that the summary names


def stats_lines(found: Statistics, width: int, glyphs: Alphabet) -> list[str]:
    """For people. `width` 0: no terminal, a hundred columns are taken."""
    width = width or PIPE
    if not found.runs:
        return [messages.safe(f"job {found.job}: no run is on record"), *_unreadable(found)]
    first, last = found.runs[0].began.astimezone(), found.runs[-1].began.astimezone()
    count = f"{len(found.runs)} run{'s' if len(found.runs) > 1 else ''}"
    lines = [f"job {found.job}: {count}, {first:%d %b %Y} to {last:%d %b %Y}"]
    lines += ["", *_table(found, width, glyphs), ""]
    lines += _summary(found, width, glyphs)
    return [part for line in lines for part in messages.wrapped(messages.safe(line), width)] + _unreadable(found)


def _unreadable(found: Statistics) -> list[str]:
    return [messages.safe(f"not readable: {text}") for text in found.unreadable]


def _table(found: Statistics, width: int, glyphs: Alphabet) -> list[str]:
    """The worst VM first. The curves take what is left of the width, at most a column a run."""
    longest = max((columns(_name(one)) for one in found.vms), default=2)
    names = max(4, min(longest, width // 4, 28))
    narrow = width - names < _BOTH
    figures = 9 if narrow else 19 if width < _ALL else 28
    left = width - names - 2 * (figures + 2)
    spark = max(4, min(len(found.runs), left if narrow else left // 2))
    curves = (spark, 0 if narrow else spark)
    titles = zip(("quiesce", "release"), curves, strict=True)
    lines = ["  ".join([fitted("VM", names), *(_title(title, curve, figures) for title, curve in titles)])]
    for one in found.vms:
        row = [fitted(_name(one), names)]
        for series, curve in zip((one.create, one.remove), curves, strict=True):
            row.append(sparkline(series.values, curve, glyphs).rjust(curve) + _figures(series, figures))
        lines.append("  ".join(row))
    return [line.rstrip() for line in lines]


def _name(one: VmStatistics) -> str:
    return messages.safe(one.vm.name or one.vm.moref)


def _title(title: str, curve: int, figures: int) -> str:
    heads = f"{'usual':>9}{'worst':>10}{'trend':>9}"[:figures]
    return f"{title:<{curve}}{heads}" if curve >= len(title) and figures > 9 else f"{title:>{curve + 9}}{heads[9:]}"


def _figures(series: Series, figures: int) -> str:
    usual, worst = ("-" if one is None else messages.clocked(one) for one in (series.median, series.worst))
    return f"{usual:>9}{worst:>10}{percent(series.trend):>9}"[:figures]


def percent(trend: float | None) -> str:
    """A trend as it is shown: `+25 %`, `-`."""
    return "-" if trend is None else f"{100 * trend:+.0f} %"


def _summary(found: Statistics, width: int, glyphs: Alphabet) -> list[str]:
    lines = []
    window = found.window
    if window.median is not None and window.worst is not None:
        picture = sparkline(window.values, min(40, max(4, width - 30)), glyphs)
        lines.append(f"window  {picture}  {messages.clocked(window.known[-1])} last")
        lines.append(
            f"window: usually {messages.clocked(window.median)}, at worst {messages.clocked(window.worst)}, "
            f"trend {percent(window.trend)}"
        )
    lines += _expected(found.expected, found.runs[-1].job.max_quiesced)
    lines += _saved(found.saved)
    slow = [one for one in found.vms if one.usual > 0][:_NAMED]
    lines += [f"slowest: {', '.join(f'{one.vm.label} {messages.clocked(one.usual)}' for one in slow)}"] if slow else []
    grown = [(one.vm.label, one.create.trend) for one in found.vms if one.create.trend is not None]
    worse = [f"{label} {percent(trend)}" for label, trend in sorted(grown, key=lambda pair: -pair[1]) if trend > 0.2]
    lines += [f"slower to quiesce than before: {', '.join(worse[:_NAMED])}"] if worse else []
    missed = sorted((one for one in found.vms if one.missed), key=lambda one: -one.missed)[:_NAMED]
    if missed:
        most = ", ".join(f"{one.vm.label} in {one.missed} of {one.asked}" for one in missed)
        lines.append(f"not quiesced most often: {most}")
    return lines


def _expected(expected: Expected | None, limit: float) -> list[str]:
    if expected is None:
        return []
    window = f"expected tonight: {messages.clocked(expected.usual)}, at worst {messages.clocked(expected.worst)}"
    lines = [f"{window}; the capture after {messages.clocked(expected.capture)} of at most {messages.clocked(limit)}"]
    if expected.capture > 0.8 * limit:
        lines.append("that is close to max_quiesced: raise it or `parallel`, or check the slowest VMs")
    return lines


def _saved(saved: Saved | None) -> list[str]:
    if saved is None:
        return []
    window = f"{messages.clocked(abs(saved.window))} {'shorter' if saved.window >= 0 else 'longer'}"
    quiesced = f"{messages.clocked(abs(saved.quiesced))} {'less' if saved.quiesced >= 0 else 'more'}"
    return [f"the order of the last run's calls: a window {window}, VMs quiesced {quiesced} in total"]


def stats_json(found: Sequence[Statistics]) -> dict[str, object]:
    """For programs: seconds by run, oldest first, null where there is none; a trend of 0.25 is a quarter more."""
    jobs = [
        {
            "job": one.job,
            "runs": [{"run": run.stamp, "began": moment(run.began), "window": run.window} for run in one.runs],
            "window": _series_json(one.window),
            "expected": (
                {"usual": one.expected.usual, "worst": one.expected.worst, "capture": one.expected.capture}
                if one.expected is not None
                else None
            ),
            "saved": ({"window": one.saved.window, "quiesced": one.saved.quiesced} if one.saved is not None else None),
            "vms": [
                {
                    "vm": vm.vm.moref,
                    "name": vm.vm.name,
                    "create": _series_json(vm.create),
                    "remove": _series_json(vm.remove),
                    "asked": vm.asked,
                    "missed": vm.missed,
                }
                for vm in one.vms
            ],
            "unreadable": list(one.unreadable),
        }
        for one in found
    ]
    return root(jobs=jobs)


def _series_json(series: Series) -> dict[str, object]:
    return {
        "seconds": list(series.values),
        "median": series.median,
        "worst": series.worst,
        "trend": series.trend,
    }
