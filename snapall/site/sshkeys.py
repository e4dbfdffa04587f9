"""The keys of ssh with a filer: what we log in with, what its host key is, and how known_hosts writes that."""

from __future__ import annotations

import codecs
import io
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko

from snapall.backup.patience import patiently
from snapall.config.textfile import text_in
from snapall.errors import reason_of
from snapall.escaping import printable
from snapall.site.filer import Hop, NotSent
from snapall.site.knownhosts import HostKeys

if TYPE_CHECKING:
    from snapall.config.secret import Secret
    from snapall.config.settings import Filer

RSA = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")

_SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class HostKey:
    """The key that a filer shows. `line` is what known_hosts must have for it."""

    kind: str
    fingerprint: str  # SHA256, in base64, as OpenSSH shows it
    line: str
    bits: int

    @property
    def label(self) -> str:
        """As it is shown to a person."""
        return f"{self.kind} {self.fingerprint}"

    @property
    def too_short(self) -> bool:
        """Whether somebody with some patience could forge it: a filer's own choice is 768 bits, or even 512."""
        return self.kind == "ssh-rsa" and self.bits < _FORGEABLE


_FORGEABLE = 1024


def short_key(host: str, key: HostKey) -> tuple[str, str, str]:
    """The warning of a host key that is known and all the same too short: text, remedy, code."""
    text = f"the host key of the filer {host} has only {key.bits} bits: with some effort it can be forged"
    remedy = "run `secureadmin setup -f ssh` on the filer with 2048 bits for the ssh2 host key; then replace its line"
    return text, f"{remedy} in known_hosts", "SA-4164"


def name_in_file(settings: Filer) -> str:
    """How known_hosts calls the filer."""
    return settings.host if settings.port == _SSH_PORT else f"[{settings.host}]:{settings.port}"


def host_key_of(settings: Filer, key: paramiko.PKey) -> HostKey:
    """The key as a person compares it, and as known_hosts keeps it."""
    line = f"{name_in_file(settings)} {key.get_name()} {key.get_base64()}"
    return HostKey(key.get_name(), key.fingerprint, line, key.get_bits())


def proof_of(settings: Filer) -> paramiko.RSAKey | Secret | NotSent:
    """What we log in with, or why we cannot. The key is loaded as RSA alone: guesses would hide the true fault."""
    if settings.key_file is None:
        return settings.password or NotSent(
            f"[filers.{settings.name}]: ssh needs a key_file or a password",
            hint="make a key with `ssh-keygen -t rsa -m PEM`, and put its .pub line on the filer",
            hop=Hop.LOGIN,
            code="SA-4116",
        )
    try:
        return paramiko.RSAKey.from_private_key(io.StringIO(text_in(settings.key_file)))
    except Exception as error:  # noqa: BLE001 - whatever the library makes of a file that is none of its own
        what, hint = _why_unusable(settings.key_file, error)
        return NotSent(
            f"the key file {settings.key_file} cannot be used: {what}", hint=hint, hop=Hop.LOGIN, code="SA-4117"
        )


_MAKE_ONE = "make an RSA key without a passphrase with `ssh-keygen -t rsa -m PEM`, and authorize its .pub line"


def _why_unusable(path: Path, error: Exception) -> tuple[str, str]:
    """What is wrong with a key file, and the remedy; paramiko tries to read every file as RSA."""
    if isinstance(error, paramiko.PasswordRequiredException):
        remedy = f"remove it with `ssh-keygen -p -N '' -m PEM -f {path}`: nobody is there at night to enter it"
        return "it has a passphrase", remedy
    try:
        beginning = path.read_bytes().removeprefix(codecs.BOM_UTF8)[:64].lstrip()
        if beginning.startswith(b"PuTTY-User-Key-File"):
            return (
                "it is in PuTTY's own format",
                "export it in PuTTYgen (Conversions, Export OpenSSH key), and name that file",
            )
        if beginning.startswith((b"ssh-", b"ecdsa-")):
            return "it is a public key", "name the private one, the file without .pub"
        kind = paramiko.PKey.from_path(path).get_name()
    except OSError as unreadable:
        return printable(unreadable.strerror or str(unreadable)), "check the path, and that snapall's user may read it"
    except Exception:  # noqa: BLE001 - as above
        return f"it is not a private key ({printable(str(error))})", _MAKE_ONE
    if kind == "ssh-rsa":
        return printable(str(error)), _MAKE_ONE
    return f"it holds a key of the kind {kind}, and only RSA keys can be used", _MAKE_ONE


def _remedy_for(unreadable: OSError | ValueError) -> str:
    """What to do about a known_hosts file that cannot be read."""
    match unreadable:
        case FileNotFoundError():
            return "create the file: an empty one will do, because snapall then prints the line to add"
        case PermissionError():
            return "let the user who runs snapall read it"
        case OSError():
            return "set `known_hosts` of the filer to a file"
        case _:
            return "save it as ASCII or UTF-8"


def ordered(algorithms: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """The host key algorithms, those of the known keys first, so that the server shows one that can be checked."""
    kinds = set(known)
    if "ssh-rsa" in kinds:
        kinds.update(RSA)
    return tuple(sorted(algorithms, key=lambda kind: kind not in kinds))


class KnownHosts:
    """The host keys that are known. The file is read anew for each command, and may vanish: then what it said holds."""

    def __init__(self, settings: Filer) -> None:
        """The file need not be readable yet."""
        self._settings = settings
        self._file = settings.known_hosts or Path("~/.ssh/known_hosts").expanduser()
        self._once: HostKeys | None = None
        with suppress(NotSent):
            self._once = self._read()

    def read(self) -> HostKeys:
        """What the file says. Raises NotSent."""
        try:
            return self._read()
        except NotSent as error:
            if self._once is not None and isinstance(error.__cause__, FileNotFoundError):
                return self._once
            raise

    def verify(self, known: HostKeys, key: paramiko.PKey) -> None:
        """The host key must be the known one, before anything secret is said. Raises NotSent."""
        filer, blob = self._settings.label, key.asbytes()
        if known.revoked(blob):
            raise NotSent(
                f"the host key of {filer} ({key.get_name()} {key.fingerprint}) is marked as @revoked in "
                f"{self._file}; nothing was sent",
                hint="whoever has this key can pretend to be the filer: give the filer a new one with `secureadmin "
                "setup -f ssh`, and verify it through a channel you trust",
                hop=Hop.HOST_KEY,
                code="SA-4120",
            )
        if known.known(blob):
            return
        if not known.kinds:
            raise NotSent(
                f"the host key of {filer} ({key.get_name()} {key.fingerprint}) is not known",
                hint="verify this fingerprint through a channel you trust, then " + self._add_the_line(key),
                hop=Hop.HOST_KEY,
                code="SA-4118",
            )
        raise NotSent(
            f"THE HOST KEY HAS CHANGED: {filer} shows {key.get_name()} "
            f"{key.fingerprint}, which is not the one in {self._file}; nothing was sent",
            hint="this may be an attack. Ask the filer's administrator whether its keys are new or its partner "
            f"took over; only then remove the old line, and {self._add_the_line(key)}",
            hop=Hop.HOST_KEY,
            code="SA-4115",
        )

    def _read(self) -> HostKeys:
        try:
            data = patiently(self._file.read_bytes, self._file).removeprefix(codecs.BOM_UTF8)
            if b"\0" in data:
                utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
                raise ValueError("it is UTF-16 text" if utf16 else "it is not plain text")
            # OpenSSH, too, takes a key without a port for every port, if there is no line with this one.
            names = dict.fromkeys((name_in_file(self._settings), self._settings.host))
            return HostKeys(data.decode("utf-8", "surrogateescape"), *names)
        except (OSError, ValueError) as error:
            raise NotSent(
                f"the known_hosts file {self._file} cannot be read: {printable(reason_of(error))}",
                hint=_remedy_for(error),
                hop=Hop.HOST_KEY,
                code="SA-4119",
            ) from error

    def _add_the_line(self, key: paramiko.PKey) -> str:
        """Today's ssh-keyscan offers nothing that a 7-Mode filer speaks, and would come back without a key."""
        return f"add this line to {self._file}: {host_key_of(self._settings, key).line}"
