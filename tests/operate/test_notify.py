"""What is reported of a channel is the same, whichever of its limits is over first."""

from __future__ import annotations

import errno
import smtplib

import pytest

from snapall.errors import Exit, SiteError
from snapall.operate.notify import Channel, EventLevel, Notification, Severity, level
from tests.waiting import PATIENCE


def code_of(cause: OSError) -> str:
    """The code that is reported if smtplib hides this behind a closed connection, as it does."""

    def send(_: Notification) -> None:
        try:
            try:
                raise cause
            except OSError as error:
                raise smtplib.SMTPServerDisconnected(f"Connection unexpectedly closed: {error}")  # noqa: B904
        except smtplib.SMTPException as error:
            raise SiteError("mail: not accepted", "", "SA-1447") from error

    channel = Channel("mail", "mx", "always", PATIENCE, send)
    with pytest.raises(SiteError) as raised:
        channel.deliver(Notification(Severity.INFO, Exit.OK, 0, "", "", ""))
    return raised.value.code


def level_of(severity: Severity, code: Exit) -> EventLevel:
    return level(Notification(severity, code, 0, "", "", ""))


def test_the_level_of_an_event_follows_the_exit_code() -> None:
    assert level_of(Severity.INFO, Exit.OK) is EventLevel.INFORMATION
    assert level_of(Severity.WARNING, Exit.PARTIAL) is EventLevel.WARNING
    others = [one for one in Exit if one not in {Exit.OK, Exit.PARTIAL}]
    assert {level_of(Severity.WARNING, one) for one in others} == {EventLevel.ERROR}


def test_a_recovery_that_found_work_is_no_mere_information() -> None:
    assert level_of(Severity.WARNING, Exit.OK) is EventLevel.WARNING
    assert level_of(Severity.ERROR, Exit.OK) is EventLevel.ERROR  # the run that it settled made no backup


def test_a_socket_whose_timeout_is_over_is_reported_as_the_channels_timeout() -> None:
    assert code_of(TimeoutError("timed out")) == "SA-1448"


@pytest.mark.parametrize("cause", [TimeoutError(errno.ETIMEDOUT, "no route"), ConnectionResetError("reset")])
def test_what_the_system_or_the_server_ends_is_reported_as_what_it_is(cause: OSError) -> None:
    assert code_of(cause) == "SA-1447"
