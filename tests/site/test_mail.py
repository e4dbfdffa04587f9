"""Mails, sent to a mail server over sockets: what arrives, and how each refusal is explained."""

from __future__ import annotations

import base64
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from snapall.config.notify import Mail
from snapall.config.secret import Secret
from snapall.errors import SiteError
from snapall.site import mail
from tests.site.mailserver import DROP, Behaviour, Letter, certified, mail_server
from tests.waiting import PATIENCE

AT = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)
PASSWORD = "hunter2-and-more"


def settings(port: int, **changes: object) -> Mail:
    values: dict[str, object] = {
        "to": ("ops@example.edu", "root"),
        "from": "snapall@example.edu",
        "server": "localhost",
        "port": port,
        "tls": "none",
        "timeout": PATIENCE,
    }
    return Mail.model_validate(values | changes)


def sent(server: Behaviour, subject: str = "a subject", body: str = "a body", **changes: object) -> Letter:
    mail.send(settings(server.port, **changes), subject, body, AT)
    (letter,) = server.letters
    return letter


def refusal(port: int, **changes: object) -> SiteError:
    with pytest.raises(SiteError) as caught:
        mail.send(settings(port, **changes), "a subject", "a body", AT)
    return caught.value


def test_a_mail_arrives_with_its_subject_text_and_date() -> None:
    with mail_server() as server:
        letter = sent(server, "snapall vol1: PARTIAL 18/19 (exit 3) on backup01", "first\n.\n..second\nFrom here\n")
    assert (letter.sender, letter.to) == ("snapall@example.edu", ("ops@example.edu", "root"))
    assert letter.message["Subject"] == "snapall vol1: PARTIAL 18/19 (exit 3) on backup01"
    assert letter.message["Auto-Submitted"] == "auto-generated"
    assert letter.message["Date"].datetime == AT
    assert letter.text.splitlines() == ["first", ".", "..second", "From here", ""]


def test_a_long_subject_stands_on_one_line() -> None:
    subject = f"snapall {'vol1' * 20}: OUTSTANDING, VMs may be left quiesced (exit 5) on backup01.example.edu"
    with mail_server() as server:
        letter = sent(server, subject)
    assert f"\r\nSubject: {subject}\r\n".encode() in letter.raw


def test_no_text_from_elsewhere_begins_a_header() -> None:
    evil = "x\r\nBcc: thief@example.edu\r\n\r\nhello\x1b[2J\u2028\udcff"
    with mail_server() as server:
        letter = sent(server, evil, f"a line\n{evil}")
    assert "Bcc" not in letter.message
    assert letter.to == ("ops@example.edu", "root")
    assert letter.message["Subject"].startswith("x\\r\\nBcc: thief@example.edu")
    assert "\x1b" not in letter.text
    assert "x\\r" in letter.text


def test_letters_of_every_script_survive_a_server_that_takes_seven_bits() -> None:
    with mail_server() as server:
        letter = sent(server, "VM Zürich 東京", "größer\n" + "東" * 2000)
    assert letter.raw.isascii()
    assert max(map(len, letter.raw.splitlines())) <= 998
    assert letter.message["Subject"] == "VM Zürich 東京"
    assert letter.text.splitlines() == ["größer", "東" * 2000]


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_certificate_that_nobody_trusts_is_refused_unless_the_settings_name_it(tmp_path: Path, tls: str) -> None:
    context, certificate = certified(tmp_path)
    with mail_server(Behaviour(context, implicit=tls == "tls", login=("u", PASSWORD))) as server:
        error = refusal(server.port, tls=tls, user="u", password=Secret(PASSWORD))
        assert (error.code, server.letters) == ("SA-1443", [])
        assert "ca_file" in error.hint
        letter = sent(server, tls=tls, user="u", password=Secret(PASSWORD), ca_file=certificate)
    assert (letter.encrypted, letter.user) == (True, "u")


def test_a_certificate_of_the_sites_own_authority_need_not_have_every_extension_of_today(tmp_path: Path) -> None:
    context, authority = certified(tmp_path, signed=True)
    with mail_server(Behaviour(context)) as server:
        assert refusal(server.port, tls="starttls").code == "SA-1443"
        assert sent(server, tls="starttls", ca_file=authority).encrypted


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    context, certificate = certified(tmp_path, "elsewhere.example.edu")
    with mail_server(Behaviour(context)) as server:
        error = refusal(server.port, tls="starttls", ca_file=certificate)
    assert error.code == "SA-1443"
    assert "name the server as its certificate does" in error.hint


def test_a_server_without_starttls_gets_no_mail_in_clear() -> None:
    with mail_server(Behaviour(login=("u", PASSWORD))) as server:
        error = refusal(server.port, tls="starttls", user="u", password=Secret(PASSWORD))
    assert (error.code, server.letters) == ("SA-1444", [])
    assert "STARTTLS" in error.message


def test_tls_with_a_server_that_speaks_in_clear_is_explained() -> None:
    with mail_server() as server:
        error = refusal(server.port, tls="tls")
    assert error.code == "SA-1444"
    assert '"tls" with 465' in error.hint


def test_a_file_without_a_certificate_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("nothing\n")
    error = refusal(1, tls="starttls", ca_file=file)
    assert error.code == "SA-1450"
    assert str(file) in error.message


def test_a_refused_login_names_the_user_and_no_part_of_the_password(tmp_path: Path) -> None:
    context, certificate = certified(tmp_path)
    with mail_server(Behaviour(context, login=("u", "another"))) as server:
        error = refusal(server.port, tls="starttls", user="u", password=Secret(PASSWORD), ca_file=certificate)
    assert error.code == "SA-1445"
    assert '"u" (535)' in error.message
    for secret in (PASSWORD, base64.b64encode(f"\0u\0{PASSWORD}".encode()).decode()):
        assert secret not in f"{error.message} {error.hint} {error.__cause__}"


def test_a_server_that_offers_no_login_is_explained(tmp_path: Path) -> None:
    context, certificate = certified(tmp_path)
    with mail_server(Behaviour(context)) as server:
        error = refusal(server.port, tls="starttls", user="u", password=Secret(PASSWORD), ca_file=certificate)
    assert (error.code, server.letters) == ("SA-1445", [])


@pytest.mark.parametrize(
    ("faults", "code", "text"),
    [
        ({"CONNECT": "554 go\x1b away"}, "SA-1447", '554 "go\\x1b away"'),
        ({"MAIL": "550 who are you"}, "SA-1446", 'refused the sender snapall@example.edu: 550 "who are you"'),
        ({"RCPT": "550 no relay"}, "SA-1449", 'ops@example.edu (550 "no relay"), root (550 "no relay"); 0 other'),
        ({"root": "550 unknown"}, "SA-1449", 'refused root (550 "unknown"); 1 other'),
        ({"DATA": "552 too much"}, "SA-1447", "552"),
        ({".": "554 spam"}, "SA-1447", "554"),
        ({"CONNECT": DROP}, "SA-1447", "did not accept the mail"),
        ({"EHLO": DROP}, "SA-1447", "did not accept the mail"),
        ({"RCPT": DROP}, "SA-1447", "did not accept the mail"),
        ({".": DROP}, "SA-1447", "did not accept the mail"),
    ],
)
def test_every_refusal_says_what_the_server_answered(faults: dict[str, str], code: str, text: str) -> None:
    with mail_server(Behaviour(faults=faults)) as server:
        error = refusal(server.port)
    assert error.code == code
    assert text in error.message
    assert error.hint


def test_a_mail_that_was_accepted_is_sent_however_the_connection_ends() -> None:
    with mail_server(Behaviour(faults={"QUIT": DROP})) as server:
        assert sent(server).text == "a body\n"


def test_a_server_that_nobody_runs_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = refusal(port)
    assert error.code == "SA-1442"
    assert f"localhost port {port} cannot be reached" in error.message


def test_a_name_that_does_not_exist_is_named() -> None:
    assert "no-such-host.invalid port 25 cannot be reached" in refusal(25, server="no-such-host.invalid").message
