"""The channels of [notify], each bounded in time: one that fails or hangs never harms a backup."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import partial

from snapall.backup.context import defect
from snapall.backup.facts import Warned
from snapall.backup.record import What
from snapall.config.notify import Channels, Mail, Occasion, Syslog
from snapall.errors import Exit, SiteError


class Severity(IntEnum):
    """How serious a notification is; the values are those of syslog."""

    CRITICAL = 2  # VMs may be left quiesced
    ERROR = 3  # no new backup
    WARNING = 4  # a backup with problems
    INFO = 6


class EventLevel(IntEnum):
    """The level of an event in the log of Windows; the values are those of ReportEventW."""

    ERROR = 1
    WARNING = 2
    INFORMATION = 4


_LEAST = {"always": Severity.INFO, "failure": Severity.WARNING, "error": Severity.ERROR}


@dataclass(frozen=True, slots=True)
class Notification:
    """What a channel sends: one line, or a subject and a text. Printable, without a password.

    `event` is the number of the worst message, 1101 for SA-1101; without a message, it is the exit code.
    """

    severity: Severity
    code: Exit
    event: int
    line: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to notify. `send` raises SiteError."""

    name: str
    to: str
    on: Occasion
    timeout: float
    send: Callable[[Notification], None]

    def wants(self, notification: Notification) -> bool:
        """Whether the channel is for notifications of this severity."""
        return notification.severity <= _LEAST[self.on]

    def deliver(self, notification: Notification) -> None:
        """Send within the timeout. SiteError: the notification was not sent, or it is unknown whether it was."""
        failures: list[SiteError] = []

        def send() -> None:
            try:
                self.send(notification)
            except SiteError as error:
                failures.append(error)
            except Exception:  # noqa: BLE001 - a defect must not harm the run that has ended
                failures.append(SiteError(*defect()))

        # No socket's timeout bounds everything: a name server, or a peer that sends one byte at a time.
        sending = threading.Thread(target=send, daemon=True)
        sending.start()
        sending.join(self.timeout)
        if sending.is_alive() or any(map(_timed_out, failures)):  # whichever limit was noticed first
            raise SiteError(
                f"{self.name}: {self.to} did not finish within {self.timeout:g} s; the message may not have been sent",
                f"check it with `snapall doctor --notify`; if it is only slow, raise `timeout` in [notify.{self.name}]",
                "SA-1448",
            )
        if failures:
            raise failures[0]


def _timed_out(error: BaseException | None) -> bool:
    """Whether our timeout of a socket is behind it: smtplib calls that a connection which was closed.

    The system's own timeout, ETIMEDOUT, has a number, and means that nobody is there.
    """
    while error is not None and not (isinstance(error, TimeoutError) and error.errno is None):
        error = error.__cause__ or error.__context__
    return error is not None


def channels_of(settings: Channels, host: str, now: Callable[[], datetime]) -> tuple[Channel, ...]:
    """The configured channels. `host` is this machine's name, `now` its local time."""
    found = []
    if (log := settings.syslog) is not None:
        found.append(Channel("syslog", log.address, log.on, log.timeout, partial(_by_syslog, log, host, now)))
    if (events := settings.eventlog) is not None:
        found.append(Channel("eventlog", "the Application log", events.on, events.timeout, _by_eventlog))
    if (mail := settings.mail) is not None:
        place = f"{mail.server} port {mail.port}"
        found.append(Channel("mail", place, mail.on, mail.timeout, partial(_by_mail, mail, now)))
    return tuple(found)


def _by_syslog(to: Syslog, host: str, now: Callable[[], datetime], notification: Notification) -> None:
    from snapall.site import syslog  # noqa: PLC0415 - only if configured

    syslog.send(to, notification.severity, notification.line, host, now())


def _by_eventlog(notification: Notification) -> None:
    from snapall.site import eventlog  # noqa: PLC0415 - pywin32, only if configured

    eventlog.send(level(notification), notification.event, notification.body)


def level(notification: Notification) -> EventLevel:
    """The level of an event: by the exit code, and at least a warning for what deserves one in syslog."""
    if notification.severity <= Severity.ERROR or notification.code not in {Exit.OK, Exit.PARTIAL}:
        return EventLevel.ERROR
    return EventLevel.INFORMATION if notification.severity is Severity.INFO else EventLevel.WARNING


def _by_mail(to: Mail, now: Callable[[], datetime], notification: Notification) -> None:
    from snapall.site import mail  # noqa: PLC0415 - smtplib and ssl, only if configured

    mail.send(to, notification.subject, notification.body, now())


def notify_all(channels: Sequence[Channel], notification: Notification, publish: Callable[[What], None]) -> None:
    """Send the notification by every channel that wants it. A failure is only a warning."""
    for channel in channels:
        if channel.wants(notification):
            try:
                channel.deliver(notification)
            except SiteError as error:
                publish(Warned(*error.parts))
