"""One mail by SMTP: plain text in UTF-8, over an encrypted connection unless the settings say otherwise."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from snapall.config.notify import Mail
from snapall.errors import SiteError, reason_of
from snapall.escaping import printable, quoted

_SUBJECT = 200  # characters
_WIDE = SMTP.clone(max_line_length=300)
"""For headers in ASCII: folded at 78, a subject of more begins with an empty line. Encoded words need the 78."""


def send(to: Mail, subject: str, body: str, at: datetime) -> None:
    """Send a mail. SiteError: it was not sent, or not to everybody, or it is unknown whether it was."""
    message = _message(to, subject, body, at)
    with _explained(to), _connected(to) as server:
        # send_message would write ">From" for "From" at the beginning of a line.
        missed = server.sendmail(to.sender, to.to, message.as_bytes(policy=_WIDE if subject.isascii() else SMTP))
    if missed:
        raise _refused(to, missed)


def _message(to: Mail, subject: str, body: str, at: datetime) -> EmailMessage:
    """Build the mail. No text from elsewhere can begin a header or a line of its own."""
    message = EmailMessage(SMTP)
    message["From"], message["To"] = to.sender, ", ".join(to.to)
    message["Subject"] = printable(subject)[:_SUBJECT]
    message["Date"] = format_datetime(at.astimezone())
    message["Message-ID"] = make_msgid(domain=to.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer from somebody's vacation
    lines = "".join(f"{printable(line)}\n" for line in body.split("\n"))
    message.set_content(lines, cte="quoted-printable")  # any server takes it: seven bits, short lines
    return message


@contextmanager
def _connected(to: Mail) -> Iterator[smtplib.SMTP]:
    """Connect, encrypt and log in as the settings say."""
    context = None if to.tls == "none" else _context(to)
    if to.tls == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(to.server, to.port, timeout=to.timeout, context=context)
    else:
        server = smtplib.SMTP(to.server, to.port, timeout=to.timeout)
    try:
        if to.tls == "starttls":
            server.starttls(context=context)
        if to.user is not None and to.password is not None:
            _log_in(to, server, to.user, to.password.reveal())
        yield server
        with suppress(OSError):  # SMTPException among them: the mail has been accepted
            server.quit()
    finally:
        server.close()


def _context(to: Mail) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=to.ca_file)
    except OSError as error:  # SSLError among them
        raise SiteError(
            f"mail: no mail was sent: {to.ca_file} cannot be used: {reason_of(error)}",
            "set `ca_file` in [notify.mail] to a file of certificates in PEM format",
            "SA-1450",
        ) from error
    # Since Python 3.13 the default refuses certificates that lack what RFC 5280 demands, as those of old servers do.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _log_in(to: Mail, server: smtplib.SMTP, user: str, password: str) -> None:
    try:
        server.login(user, password)
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPException as error:  # without its text, in which some servers repeat what they were sent
        code = f" ({error.smtp_code})" if isinstance(error, smtplib.SMTPResponseException) else ""
        raise SiteError(
            f"mail: no mail was sent: {to.server} did not accept the login of {quoted(user)}{code}",
            "check `user` and `password` in [notify.mail], and that the server offers a login on this port",
            "SA-1445",
        ) from None


@contextmanager
def _explained(to: Mail) -> Iterator[None]:
    """Turn whatever smtplib raises into an error with its remedy."""
    place = f"{to.server} port {to.port}"
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise SiteError(
            f"mail: no mail was sent: the certificate of {place} is not trusted: {error.verify_message}",
            "name the server as its certificate does; if your own authority signed it, set `ca_file` in [notify.mail]",
            "SA-1443",
        ) from error
    except (ssl.SSLError, smtplib.SMTPNotSupportedError) as error:
        raise SiteError(
            f"mail: no mail was sent: no encrypted connection to {place}: {printable(str(error))}",
            'check `tls` and `port` in [notify.mail]: "starttls" with port 587 or 25, "tls" with 465; a server without '
            'TLS 1.2 needs "none"',
            "SA-1444",
        ) from error
    except smtplib.SMTPRecipientsRefused as error:
        raise _refused(to, error.recipients) from error
    except smtplib.SMTPSenderRefused as error:
        answer = _text(error.smtp_code, error.smtp_error)
        raise SiteError(
            f"mail: no mail was sent: {to.server} refused the sender {to.sender}: {answer}",
            "set `from` in [notify.mail] to an address that the server accepts, or give it `user` and `password`",
            "SA-1446",
        ) from error
    except smtplib.SMTPException as error:
        reason = printable(str(error))
        if isinstance(error, smtplib.SMTPResponseException):
            reason = _text(error.smtp_code, error.smtp_error)
        raise SiteError(
            f"mail: {place} did not accept the mail: {reason}", "check the mail server's log", "SA-1447"
        ) from error
    except (OSError, UnicodeError) as error:
        raise SiteError(
            f"mail: no mail was sent: {place} cannot be reached: {reason_of(error)}",
            "check `server`, `port` and `tls` in [notify.mail], and the network between them",
            "SA-1442",
        ) from error


def _refused(to: Mail, missed: dict[str, tuple[int, bytes]]) -> SiteError:
    """The error that names the recipients whom the server refused."""
    names = ", ".join(f"{name} ({_text(*answer)})" for name, answer in missed.items())
    return SiteError(
        f"mail: {to.server} refused {names}; {len(to.to) - len(missed)} other recipients got the mail",
        "correct `to` in [notify.mail]; if it is right, allow this host to relay, or set `user` and `password`",
        "SA-1449",
    )


def _text(code: int, answer: bytes | str) -> str:
    """A server's answer, printable and short."""
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"{code} {quoted(text)}"
