"""`snapall status`, `snapall show` and the metrics: how the jobs stand, by their journals alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from snapall.app.opening import store_of
from snapall.backup.clock import SystemClock
from snapall.backup.context import guarded
from snapall.backup.facts import Warned
from snapall.backup.model import Job
from snapall.backup.record import What
from snapall.config.settings import Config
from snapall.operate.history import known_of, run_named
from snapall.operate.run_history import RunHistory
from snapall.operate.status import Standing, forgotten, standing


def run_of(settings: Config, wanted: str) -> RunHistory:
    """One run of the past. ConfigError: none is called so. JournalError: its journal cannot be read."""
    return run_named(store_of(settings), wanted, tuple(settings.jobs))


def standings(settings: Config, jobs: Sequence[Job]) -> tuple[Standing, ...]:
    """How the jobs stand, by the state folder alone. JournalError: it cannot be read.

    When all are asked for, so are those that the configuration has lost: their VMs may be quiesced all the same.
    """
    store = store_of(settings)
    now = store.clock.utc()
    found = [standing(job, known_of(store, job.name), now) for job in jobs]
    lost = [name for name in store.jobs() if name not in settings.jobs] if len(jobs) == len(settings.jobs) else []
    found += [one for one in (forgotten(name, known_of(store, name), now) for name in lost) if one is not None]
    return tuple(found)


def update_metrics(settings: Config, publish: Callable[[What], None]) -> None:
    """Write the metrics anew, if any are wanted. What keeps them from being written is a warning, no failure."""
    if settings.metrics is None:
        return
    from snapall.views.prometheus import metrics_text, write_metrics  # noqa: PLC0415 - only where it is wanted

    with guarded(lambda text, hint: publish(Warned(text, hint))):
        found = standings(settings, tuple(settings.jobs.values()))
        write_metrics(settings.metrics, metrics_text(found, SystemClock().utc()))
