"""Notifies by the channels of [notify] when a run, `recover` or a guardian has ended, and tests the channels."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from snapall.backup.bus import Listener
from snapall.backup.context import guarded
from snapall.backup.facts import Warned
from snapall.backup.model import Job
from snapall.backup.record import Record, What
from snapall.config.settings import Config
from snapall.errors import ConfigError, Exit
from snapall.operate.doctor.checklist import Checklist, CheckOutcome
from snapall.operate.notify import Channel, Notification, channels_of, notify_all
from snapall.site import eventlog
from snapall.views import notification


def notify_of_run(settings: Config, job: Job, code: Exit, heard: Sequence[Record], listener: Listener) -> None:
    """Notify of a run that has ended with this code; `heard` is all that it published."""
    _notify(settings, listener, lambda host: notification.of_run(job, code, heard, host))


def notify_of_recovery(
    settings: Config, who: str, code: Exit | None, heard: Sequence[Record], listener: Listener
) -> None:
    """Notify of what `recover` (with its exit code) or a guardian has settled, if it had work."""
    _notify(settings, listener, lambda host: notification.of_recovery(who, code, heard, host))


def _notify(settings: Config, listener: Listener, of: Callable[[str], Notification | None]) -> None:
    """Send what there is to send. Whatever fails is only a warning."""

    def publish(what: What) -> None:
        listener(Record(datetime.now(UTC), what))

    with guarded(lambda *parts: publish(Warned(*parts))):
        if (channels := _channels(settings)) and (found := of(socket.gethostname())) is not None:
            notify_all(channels, found, publish)


def _channels(settings: Config) -> tuple[Channel, ...]:
    return channels_of(settings.notify, socket.gethostname(), lambda: datetime.now(UTC).astimezone())


def check_channels(checks: Checklist, settings: Config) -> None:
    """Send a test message by each channel."""
    test = notification.of_test(socket.gethostname())
    for one in _channels(settings):

        def deliver(one: Channel = one) -> CheckOutcome:
            one.deliver(test)
            return CheckOutcome(f"a test message was sent to {one.to}")

        checks.check("notify", one.name, deliver)


def check_source(checks: Checklist, settings: Config) -> None:
    """Check that the source of [notify.eventlog] is registered, if there is this channel."""
    if settings.notify.eventlog is not None:
        checks.check("event log", "", _source)


def _source() -> CheckOutcome:
    if eventlog.is_registered():
        return CheckOutcome(f"the source {eventlog.SOURCE} is registered")
    return CheckOutcome(
        "its source is not registered: Windows shows each event below a complaint that it finds no description",
        'run `snapall schedule --install` from a prompt opened with "Run as administrator"',
        "SA-1976",
    )


def require_channels(settings: Config) -> None:
    """ConfigError: there is no channel to test."""
    if not _channels(settings):
        raise ConfigError(
            f"{settings.path}: there is no channel to test",
            "write a table [notify.syslog], [notify.eventlog] or [notify.mail], or leave out --notify",
            "SA-7150",
        )
