"""Notifications of runs on the lab: when they are sent, what they say, and that no channel harms a backup."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from snapall.backup.clock import SystemClock
from snapall.backup.lock import hold
from snapall.config.load import load
from snapall.lab.sites import LabVm
from tests.lab.atlab import AtLab, Ended
from tests.lab.sites import batch
from tests.operate.guardians import end_of_guardians, guarded, running, slow, wait_for_quiesced
from tests.platforms import posix
from tests.site.mailserver import DROP, HANG, Behaviour, Letter, certified, mail_server
from tests.waiting import PATIENCE

Make = Callable[..., AtLab]
HOST = socket.gethostname()
with_sockets = posix("Windows has no such sockets")


@pytest.fixture
def server() -> Iterator[Behaviour]:
    with mail_server() as running:
        yield running


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Callable[[], list[str]]]:
    """A syslog daemon's socket, at `log` in the test's folder; gives the lines that it was sent, each once."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "log"))
        listener.setblocking(False)

        def read() -> list[str]:
            found = []
            while True:
                try:
                    found.append(listener.recv(65536).decode())
                except BlockingIOError:
                    return found

        yield read


def by_mail(night: AtLab, port: int, more: str = 'on = "always"') -> None:
    timeout = "" if "timeout" in more else f"timeout = {PATIENCE}"
    tls = "" if "tls" in more else 'tls = "none"'
    add(
        night,
        '[notify.mail]\nto = ["ops@example.edu"]\nfrom = "snapall@example.edu"\n'
        f'server = "localhost"\nport = {port}\n{tls}\n{timeout}\n{more}\n',
    )


def by_syslog(night: AtLab, folder: Path, more: str = "") -> None:
    add(night, f'[notify.syslog]\naddress = "{folder / "log"}"\ntimeout = {PATIENCE}\n{more}\n')


def add(night: AtLab, table: str) -> None:
    night.config.write_text(f"{night.config.read_text()}\n{table}")


def the(server: Behaviour) -> Letter:
    (letter,) = server.letters
    return letter


def test_the_mail_of_a_partial_run_tells_all_in_its_subject_and_what_the_terminal_told(
    at_lab: Make, server: Behaviour
) -> None:
    night = at_lab()
    by_mail(night, server.port)
    night.fault("vm-fails")
    ended = night("run")
    assert ended.code == 3
    assert the(server).message["Subject"] == f"snapall vol1: PARTIAL 2/3 (exit 3) on {HOST}"
    _assert_the_same(ended, night, the(server).text)


def _assert_the_same(ended: Ended, night: AtLab, text: str) -> None:
    """Terminal, log and mail have the same messages, each with its code and remedy, and the same summary."""
    log = (night.lab.directory / "snapall.log").read_text()
    coded = re.findall(r"SA-\d{4} .*", ended.err)
    told = re.findall(r"(?:remedy|next): .*|not quiesced: .*|exit \d+: .*", ended.err)
    assert told
    for line in (*coded, *told):
        assert line in text
        assert line in log or ended.code == 0  # the batch's log says of a good run only that it is complete


@pytest.mark.parametrize(
    ("fault", "code", "subject", "severity"),
    [
        (None, 0, "OK, quiesced 3/3 (exit 0)", 6),
        ("vm-fails", 3, "PARTIAL 2/3 (exit 3)", 4),
        ("busy-oldest", 3, "PARTIAL, quiesced 3/3, pending (exit 3)", 4),
        ("volume-full", 1, "FAILED, no new backup (exit 1)", 3),
        ("stuck-vm", 5, "OUTSTANDING, VMs may be left quiesced (exit 5)", 2),
    ],
)
@with_sockets
def test_every_exit_code_has_its_words_and_its_severity(  # noqa: PLR0917
    at_lab: Make, server: Behaviour, lines: Callable[[], list[str]], tmp_path: Path, fault: str | None, code: int,
    subject: str, severity: int,
) -> None:  # fmt: skip
    night = at_lab()
    by_mail(night, server.port)
    by_syslog(night, tmp_path)
    if fault:
        night.fault(fault)
    ended = night("run")
    assert ended.code == code
    assert the(server).message["Subject"] == f"snapall vol1: {subject} on {HOST}"
    _assert_the_same(ended, night, the(server).text)
    (line,) = lines()
    assert line.startswith(f"<{3 * 8 + severity}>")
    assert f"]: vol1: {subject}" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("on", "fault", "count"),
    [("always", None, 1), ("failure", None, 0), ("failure", "vm-fails", 1), ("error", "vm-fails", 0),
     ("error", "volume-full", 1)],
)  # fmt: skip
def test_a_channel_is_used_when_the_settings_say_so(
    at_lab: Make, server: Behaviour, on: str, fault: str | None, count: int
) -> None:
    night = at_lab()
    by_mail(night, server.port, f'on = "{on}"')
    if fault:
        night.fault(fault)
    night("run")
    assert len(server.letters) == count


def test_nothing_is_sent_while_a_vm_is_quiesced(at_lab: Make, server: Behaviour) -> None:
    night = at_lab()
    by_mail(night, server.port)
    server.look = lambda: (dict(night.world.quiesced()), len(night.ledger))
    night("run")
    assert server.looks == [(night.foreign, len(night.ledger))]  # once, when all was over


@pytest.mark.parametrize(
    ("faults", "code"),
    [({"CONNECT": HANG}, "SA-1448"), ({"RCPT": HANG}, "SA-1448"), ({"CONNECT": DROP}, "SA-1447"),
     ({"RCPT": "550 no"}, "SA-1449")],
)  # fmt: skip
def test_a_channel_that_fails_or_hangs_is_a_warning_and_harms_no_backup(
    at_lab: Make, faults: dict[str, str], code: str
) -> None:
    with mail_server(Behaviour(faults=faults)) as server:
        night = at_lab()
        by_mail(night, server.port, 'on = "always"\ntimeout = 0.5' if code == "SA-1448" else 'on = "always"')
        ended = night("run")
    assert ended.code == 0
    night.assert_shifted_by_one()
    assert f"warning: {code} mail: " in ended.err
    assert f"warning: {code} mail: " in (night.lab.directory / "snapall.log").read_text()


@with_sockets
def test_a_channel_that_fails_does_not_stop_the_other(at_lab: Make, server: Behaviour, tmp_path: Path) -> None:
    night = at_lab()
    by_syslog(night, tmp_path)
    by_mail(night, server.port)
    ended = night("run")
    assert (ended.code, len(server.letters)) == (0, 1)
    assert "SA-1440" in ended.err


def test_a_log_that_cannot_be_written_and_a_hook_that_failed_are_in_the_mail(at_lab: Make, server: Behaviour) -> None:
    night = at_lab()
    by_mail(night, server.port)
    (night.lab.directory / "snapall.log").mkdir()
    add(night, '[jobs.vol1.hooks]\nafter = ["false"]\n')
    assert night("run").code == 0
    assert "SA-6001 cannot write the log" in the(server).text
    assert "SA-5103 the after hook failed: exit code 1" in the(server).text


def test_a_run_that_finds_another_at_work_notifies(at_lab: Make, server: Behaviour) -> None:
    night = at_lab()
    by_mail(night, server.port)
    state = load(night.config).state
    state.mkdir()
    with hold(state, "vol1", "run", SystemClock(), lambda: False):
        assert night("run").code == 4
    assert the(server).message["Subject"] == f"snapall vol1: LOCKED, another run holds the lock (exit 4) on {HOST}"
    assert "SA-1011" in the(server).text


@with_sockets
def test_the_name_of_a_vm_adds_no_header_and_no_line(
    at_lab: Make, server: Behaviour, lines: Callable[[], list[str]], tmp_path: Path
) -> None:
    evil = "web\r\nBcc: thief@example.edu\r\n.\r\n\x1b[2J\u202e東"
    site = batch()
    night = at_lab(site=replace(site, vms=(*site.vms, LabVm(111, evil, 11, (688,)))))
    by_mail(night, server.port)
    by_syslog(night, tmp_path)
    night.fault("all-fail")
    night("run")
    letter = the(server)
    assert (letter.to, letter.message["Bcc"]) == (("ops@example.edu",), None)
    assert "web\\r\\nBcc: thief@example.edu\\r\\n.\\r\\n\\x1b[2J\\u202e東" in letter.text
    (line,) = lines()
    assert line.isprintable()


def test_a_mail_stays_small_however_many_vms_there_are(at_lab: Make, server: Behaviour) -> None:
    site = batch()
    vms = tuple(LabVm(3000 + n, "x" * 200 + str(n), 11, (688,)) for n in range(40))
    night = at_lab(site=replace(site, vms=(*site.vms, *vms)))
    by_mail(night, server.port)
    night.fault("all-fail")
    night("run")
    assert max(map(len, the(server).text.splitlines())) < 2100
    assert len(the(server).text) < 65_000


def test_no_password_is_in_a_notification(at_lab: Make, tmp_path: Path) -> None:
    context, certificate = certified(tmp_path)
    with mail_server(Behaviour(context, login=("post", "mail-secret"))) as server:
        night = at_lab()
        login = f'tls = "starttls"\nuser = "post"\npassword = "mail-secret"\nca_file = "{certificate}"'
        by_mail(night, server.port, login)
        night.fault("vm-fails")
        ended = night("run")
    raw = the(server).raw.decode()
    assert the(server).user == "post"
    settings = night.world.settings
    for secret in ("mail-secret", settings.vc_password):
        assert secret not in raw
        assert secret not in ended.err
        assert secret not in (night.lab.directory / "snapall.log").read_text()


def test_recover_notifies_of_what_it_settled_and_of_nothing_else(at_lab: Make, server: Behaviour) -> None:
    night = at_lab()
    night("run")
    by_mail(night, server.port, 'on = "failure"')
    assert night("recover").code == 0
    assert server.letters == []
    journal = max((night.lab.directory / "snapall.state").glob("**/*.jsonl"))
    kept = journal.read_text().splitlines()
    journal.write_text("\n".join(kept[: next(n for n, line in enumerate(kept) if '"Capture"' in line)]) + "\n")
    assert night("recover").code == 0
    letter = the(server)
    assert letter.message["Subject"] == f"snapall recover: OK, an unfinished run was cleaned up (exit 0) on {HOST}"
    assert "recovered; it made no backup" in letter.text


def test_the_guardian_of_a_run_that_was_killed_notifies(at_lab: Make, server: Behaviour) -> None:
    night = guarded(at_lab)
    by_mail(night, server.port, 'on = "failure"')
    server.look = lambda: dict(night.world.quiesced())
    slow(night)
    with running(night) as run:
        wait_for_quiesced(night, 2)
        run.kill()
        end_of_guardians(night)
    assert server.looks == [night.foreign]
    letter = the(server)
    ended = "OK, an unfinished run was cleaned up (exit 0)"
    assert letter.message["Subject"] == f"snapall vol1: guardian: {ended} on {HOST}"
    assert "died in the middle of the run" in letter.text
    assert "it made no backup" in letter.text


@with_sockets
def test_the_doctor_sends_a_test_message_by_each_channel_and_runs_no_hook(
    at_lab: Make, server: Behaviour, lines: Callable[[], list[str]], tmp_path: Path
) -> None:
    night = at_lab()
    by_mail(night, server.port, 'on = "error"')
    by_syslog(night, tmp_path)
    add(night, f'[jobs.vol1.hooks]\nafter = ["touch", "{tmp_path / "ran"}"]\n')
    assert night("doctor").code == 0
    assert (server.letters, lines()) == ([], [])
    ended = night("doctor", "--notify")
    assert ended.code == 0
    assert re.search(r"\[ok\] +notify of syslog +a test message was sent to ", ended.out)
    assert re.search(r"\[ok\] +notify of mail +a test message was sent to localhost port ", ended.out)
    assert the(server).message["Subject"] == f"snapall test message on {HOST}"
    (line,) = lines()
    assert "]: test message; `snapall doctor --notify` sent this" in line
    assert not (tmp_path / "ran").exists()


@with_sockets
def test_the_doctor_reports_a_channel_that_fails(at_lab: Make, tmp_path: Path) -> None:
    night = at_lab()
    with mail_server(Behaviour(faults={"MAIL": "550 no"})) as server:
        by_mail(night, server.port)
        by_syslog(night, tmp_path)
        ended = night("doctor", "--notify")
    assert ended.code == 1
    assert re.search(r"\[FAIL\] +notify of syslog +SA-1440 ", ended.out)
    assert re.search(r"\[FAIL\] +notify of mail +SA-1446 ", ended.out)


def test_the_doctor_has_nothing_to_test_without_a_channel(at_lab: Make) -> None:
    ended = at_lab()("doctor", "--notify")
    assert (ended.code, ended.out) == (2, "")
    assert "SA-7150" in ended.err
