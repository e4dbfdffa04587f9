"""The tables of [notify]: defaults, and faults that name their key."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest

from snapall.config.complaints import keys_of
from snapall.config.json_schema import SHIPPED
from snapall.config.load import parse
from snapall.config.notify import EventLog, Mail, Syslog, host_and_port
from tests.config.json_schema import accepts
from tests.config.test_config import ENVIRON, PLAIN, faults, folder, read
from tests.platforms import posix

__all__ = ["folder"]
MAIL = f'{PLAIN}\n[notify.mail]\nto = ["ops@example.edu"]\nfrom = "snapall@example.edu"\nserver = "mail.example.edu"\n'
SYSLOG = f"{PLAIN}\n[notify.syslog]\n"
NO_SOCKET = posix("Windows has no /dev/log, so that syslog needs an address")
EVERY_KEY = """
[notify.syslog]
address = "log.example.edu:514"
protocol = "tcp"
facility = "local3"
on = "error"
timeout = 5

[notify.mail]
to = ["ops@example.edu", "root"]
from = "snapall@example.edu"
server = "mail.example.edu"
tls = "tls"
port = 4650
ca_file = "id_rsa"
user = "post"
password = { env = "VCPWORD" }
on = "always"
timeout = 5
"""


def test_without_a_table_nobody_is_notified(folder: Path) -> None:
    settings = read(folder)
    assert (settings.notify.syslog, settings.notify.mail) == (None, None)


@NO_SOCKET
def test_short_tables_get_the_defaults(folder: Path) -> None:
    log = read(folder, SYSLOG).notify.syslog
    assert log is not None
    assert (log.address, log.protocol, log.facility, log.on, log.timeout) == ("/dev/log", "udp", "daemon", "always", 10)
    mail = read(folder, MAIL).notify.mail
    assert mail is not None
    assert (mail.tls, mail.port, mail.on, mail.timeout, mail.user) == ("starttls", 587, "failure", 30, None)


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_follows_the_encryption(folder: Path, tls: str, port: int) -> None:
    mail = read(folder, f'{MAIL}tls = "{tls}"\n').notify.mail
    assert mail is not None
    assert mail.port == port


def test_every_key_is_read_and_the_schema_accepts_it(folder: Path) -> None:
    settings = read(folder, PLAIN + EVERY_KEY).notify
    written = tomllib.loads(EVERY_KEY)["notify"]
    assert settings.mail is not None
    assert settings.syslog is not None
    assert (settings.mail.sender, settings.mail.port) == ("snapall@example.edu", 4650)
    assert (settings.syslog.address, settings.syslog.facility) == ("log.example.edu:514", "local3")
    assert set(keys_of(Mail)) == set(written["mail"])
    assert set(keys_of(Syslog)) == set(written["syslog"])
    assert accepts(json.loads(SHIPPED.read_text()), tomllib.loads(PLAIN + EVERY_KEY))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has an event log")
def test_the_event_log_is_refused_where_there_is_none(folder: Path) -> None:
    (found,) = faults(folder, f"{PLAIN}[notify.eventlog]\n")
    assert found.endswith("notify.eventlog: is for Windows only: write [notify.syslog] in its place")


@pytest.mark.skipif(sys.platform != "win32", reason="only Windows has an event log")
def test_the_event_log_of_windows_takes_every_run_by_default(folder: Path) -> None:
    events = read(folder, f"{PLAIN}[notify.eventlog]\n").notify.eventlog
    assert events is not None
    assert (events.on, events.timeout) == ("always", 10)


def test_the_schema_knows_the_keys_of_the_event_log() -> None:
    schema = json.loads(SHIPPED.read_text())
    good = tomllib.loads(f'{PLAIN}[notify.eventlog]\non = "failure"\ntimeout = 5\n')
    assert accepts(schema, good)
    assert not accepts(schema, tomllib.loads(f"{PLAIN}[notify.eventlog]\nlevel = 3\n"))
    assert keys_of(EventLog) == ("on", "timeout")


def test_the_password_counts_among_the_secrets(folder: Path) -> None:
    in_file = read(folder, f'{MAIL}user = "post"\npassword = "hunter2"\n')
    assert in_file.path in in_file.secret_files
    assert "hunter2" not in repr(in_file)
    settings = parse(f'{MAIL}user = "post"\npassword = {{ env = "POST" }}\n', in_file.path, ENVIRON | {"POST": "x"})
    assert "POST" in settings.secret_variables  # so that no hook gets it


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"{PLAIN}[notify.sms]\n", "notify.sms: is not a known key; known are syslog, eventlog, mail"),
        pytest.param(
            f"{SYSLOG}adress = 1\n",
            "notify.syslog.adress: is not a known key; did you mean address?",
            marks=NO_SOCKET,
        ),
        (f"{MAIL}servers = 1\n", "notify.mail.servers: is not a known key; did you mean server?"),
        (f'{MAIL}sender = "x"\n', "notify.mail.sender: is not a known key; did you mean server?"),
        (f'{SYSLOG}address = "log"\nprotocol = "sctp"\n', 'notify.syslog.protocol: must be "udp" or "tcp"'),
        pytest.param(
            f'{SYSLOG}protocol = "tcp"\n',
            "notify.syslog.protocol: is for HOST:PORT only: leave it out",
            marks=NO_SOCKET,
        ),
        (
            f'{SYSLOG}address = "a b"\n',
            "notify.syslog.address: must be a path such as /dev/log, or HOST:PORT",
        ),
        (
            f'{MAIL}password = "x"\n',
            "notify.mail.user: is missing, though there is a password: give both, or neither",
        ),
        (f'{MAIL}user = "x"\n', "notify.mail.password: is missing, though there is a user: give both, or neither"),
        (
            f'{MAIL}user = "x"\npassword = "y"\ntls = "none"\n',
            'password: would cross the network unencrypted: set tls to "starttls" or "tls", or leave it out',
        ),
        (
            f'{MAIL}user = "x"\npassword = "pässword"\n',
            "notify.mail.password: cannot be sent: user and password must be ASCII",
        ),
        (f'{MAIL}ca_file = "gone.pem"\n', 'gone.pem" cannot be read: No such file or directory'),
        (
            MAIL.replace('["ops@example.edu"]', '["Ops <ops@example.edu>"]'),
            "notify.mail.to[0]: must be an address such as backup@example.edu, without a name",
        ),
        (MAIL.replace('["ops@example.edu"]', "[]"), "notify.mail.to: must hold at least one entry"),
        (MAIL.replace('server = "mail.example.edu"\n', ""), "notify.mail.server: is missing"),
        (f"{PLAIN}[notify]\nmail = 3\n", "notify.mail: must be a table"),
    ],
)
def test_a_fault_names_its_key(folder: Path, text: str, fault: str) -> None:
    (found,) = faults(folder, text)
    assert found.endswith(fault)
    assert "pässword" not in found


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("log:1514", ("log", 1514)),
        ("10.0.0.1", ("10.0.0.1", 514)),
        ("[fe80::1]:514", ("fe80::1", 514)),
        ("[::1]", ("::1", 514)),
        ("log:0", None),
        ("log:70000", None),
        ("-log", None),
        ("::1", None),
        ("", None),
    ],
)
def test_an_address_is_a_host_with_or_without_its_port(address: str, place: tuple[str, int] | None) -> None:
    assert host_and_port(address) == place
