"""Lines to syslog, taken apart by rsyslog: by its socket, UDP and TCP."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from snapall.config.notify import Syslog
from snapall.site import syslog
from tests.real.machine import free_port, program, wait_for
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.real
CONFIGURATION = """\
global(workDirectory="{folder}")
module(load="imuxsock" SysSock.Use="off")
module(load="imudp")
module(load="imtcp")
input(type="imuxsock" Socket="{folder}/log")
input(type="imudp" address="127.0.0.1" port="{port}")
input(type="imtcp" address="127.0.0.1" port="{port}")
template(name="parts" type="string"
  string="%syslogfacility-text%.%syslogseverity-text% %timereported:::date-rfc3164% %hostname% %syslogtag% |%msg%|\\n")
action(type="omfile" file="{folder}/written" template="parts")
"""
AT = datetime(2007, 3, 2, 3, 4, 5)  # noqa: DTZ001 - local time
TEXT = "vol1: PARTIAL 18/19 (exit 3); Zürich 東京"


@dataclass(frozen=True, slots=True)
class Daemon:
    folder: Path
    port: int

    def assert_understood(self, address: str, host: str, **more: str) -> None:
        settings = Syslog.model_validate({"address": address, "facility": "local3", "timeout": PATIENCE, **more})
        for text in (TEXT, "x" * 5000):
            syslog.send(settings, 4, text, "backup01.example.edu", AT)
        written = self.folder / "written"
        until(lambda: written.exists() and written.read_bytes().count(b"\n") == 2, "two lines")
        first, second = written.read_text().splitlines()
        tail = f" {host} snapall[{os.getpid()}]: | "
        for line in (first, second):
            when = line.partition(tail)[0]  # its own socket makes rsyslog take the time of receipt
            assert when == "local3.warning Mar  2 03:04:05" if more else when.startswith("local3.warning ")
        assert first.endswith(f"{tail}{TEXT}|")
        assert re.fullmatch(r" x{500,}\.\.\.\|", second.partition("|")[2])


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    port = free_port()
    file = tmp_path / "rsyslog.conf"
    file.write_text(CONFIGURATION.format(folder=tmp_path, port=port))
    argv = [program("rsyslogd", "rsyslog"), "-n", "-f", str(file), "-i", str(tmp_path / "pid")]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as running:
        try:
            wait_for(port)
            until((tmp_path / "log").exists, "its socket")
            yield Daemon(tmp_path, port)
        finally:
            running.terminate()


def test_rsyslog_understands_a_line_by_its_socket(daemon: Daemon) -> None:
    daemon.assert_understood(str(daemon.folder / "log"), socket.gethostname().partition(".")[0])


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_rsyslog_understands_a_line_over_the_network(daemon: Daemon, protocol: str) -> None:
    daemon.assert_understood(f"127.0.0.1:{daemon.port}", "backup01", protocol=protocol)
