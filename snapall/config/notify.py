"""The settings of [notify]: who is notified when a run has ended, and how."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema, field_validator

from snapall.config import rules, values
from snapall.config.table import ConfigTable, Given

_PORTS = {"starttls": 587, "tls": 465, "none": 25}

_HOST_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s/:\[\]-][^\s/:\[\]]*))(?::([0-9]{1,5}))?")
_MAILBOX = r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+(@[A-Za-z0-9.-]+)?$"


def host_and_port(address: str) -> tuple[str, int] | None:
    """Split HOST:PORT, [IPv6]:PORT, or either without its port; None: it is none of these."""
    found = _HOST_PORT.fullmatch(address)
    port = int(found[3] or 514) if found is not None else 0
    return (found[1] or found[2], port) if found is not None and 0 < port < 65536 else None


def _address(value: str) -> str:
    if not value.startswith("/") and host_and_port(value) is None:
        raise ValueError("must be a path such as /dev/log, or HOST:PORT")
    return value


def _mailbox(value: str) -> str:
    if re.match(_MAILBOX, value) is None or value.endswith("\n") or len(value) > 254:
        raise ValueError("must be an address such as backup@example.edu, without a name")
    return value


_Wait = Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)]  # the next job waits for it
_Address = Annotated[values.Line, AfterValidator(_address)]
_Mailbox = Annotated[values.Line, AfterValidator(_mailbox), WithJsonSchema({"type": "string", "pattern": _MAILBOX})]

Occasion = Literal["always", "failure", "error"]
"""When a channel is used, by the exit code."""


class Syslog(ConfigTable):
    """[notify.syslog]: one line to a syslog daemon."""

    address: _Address = "/dev/log"
    """The daemon's socket on this machine, or `HOST:PORT`; the port is 514 if left out."""
    protocol: Literal["udp", "tcp"] = "udp"
    """`"udp"`, which confirms nothing, or `"tcp"`; only for `HOST:PORT`."""
    facility: Literal[
        "user", "mail", "daemon", "cron",
        "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ] = "daemon"  # fmt: skip
    """The facility of the message. Its severity follows the exit code."""
    on: Occasion = "always"
    """`"always"`; `"failure"`: the exit code is not 0; `"error"`: no new backup, or VMs may be left quiesced."""
    timeout: _Wait = 10
    """Seconds for one message."""
    given: Annotated[Given, rules.ruled_by(rules.syslog_rules)] = frozenset()


class EventLog(ConfigTable):
    """[notify.eventlog]: one event in the Windows Application log, from the source `snapall`."""

    on: Occasion = "always"
    """As in [notify.syslog]."""
    timeout: _Wait = 10
    """Seconds for one event."""
    given: Annotated[Given, rules.ruled_by(rules.eventlog_rules)] = frozenset()


class Mail(ConfigTable):
    """[notify.mail]: a mail by SMTP."""

    model_config = ConfigDict(populate_by_name=False)  # the file says `from`

    to: Annotated[tuple[_Mailbox, ...], Field(min_length=1, strict=False)]
    """The addresses of the recipients."""
    sender: _Mailbox = Field(validation_alias="from")
    """The address of the sender."""
    server: values.Word
    """The mail server."""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """`"starttls"`: encrypted after the greeting; `"tls"`: from the first byte; `"none"`: not encrypted."""
    port: Annotated[int, Field(ge=1, le=65535)] = Field(default=None, validate_default=True)
    """Left out: 587 for starttls, 465 for tls, 25 for none."""
    ca_file: values.SecretFile | None = None
    """The certificate that signed the server's, or the server's own (PEM); left out: those that the system trusts."""
    user: values.Line | None = None
    """The user for the server's login; left out: no login."""
    password: values.Password | None = None
    """As in [vcenter]; only over an encrypted connection."""
    on: Occasion = "failure"
    """As in [notify.syslog]."""
    timeout: _Wait = 30
    """Seconds for one mail."""
    given: Annotated[Given, rules.ruled_by(rules.mail_rules)] = frozenset()

    @field_validator("port", mode="before")
    @classmethod
    def _of_tls(cls, port: object, info: ValidationInfo) -> object:
        return _PORTS[info.data.get("tls", "starttls")] if port is None else port


class Channels(ConfigTable):
    """[notify]: the channels."""

    syslog: Annotated[Syslog, BeforeValidator(rules.with_keys)] | None = None
    """A line to syslog after each run: [notify.syslog]."""
    eventlog: Annotated[EventLog, BeforeValidator(rules.with_keys)] | None = None
    """An event in the Windows event log after each run: [notify.eventlog]."""
    mail: Annotated[Mail, BeforeValidator(rules.with_keys)] | None = None
    """A mail after each run: [notify.mail]."""
