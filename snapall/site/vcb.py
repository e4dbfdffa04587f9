"""vcbsnapshot: its command lines, and what its answers mean."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Protocol

from snapall.backup.steps import Child, Done, Outcome, Quiesce, Refusal, Release, Unknown
from snapall.errors import ConfigError, SiteError
from snapall.site import process
from snapall.site.excerpt import last_line, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from snapall.backup.model import Vm
    from snapall.config.settings import Vcenter

MASK = "***"

# A line of its own, whatever the case; a log line `[time 'Component' number level] text` begins with a bracket
# and so never is one. Lines end in \n alone: other separators may stand in the text of a log line.
_SSID_LINE = re.compile(r"[ \t]*ssid:[ \t]*([A-Za-z0-9_.-]+)[ \t\r]*", re.IGNORECASE)
_SSID = re.compile(r"[A-Za-z0-9_.-]+")
_GONE = re.compile(r"has already been deleted or has not been completely created", re.IGNORECASE)
# The same words may be said of the VM, as when it was unregistered: that tells nothing of its snapshot.
_NO_VM = re.compile(r"vim\.VirtualMachine\b[^\n]*has already been deleted", re.IGNORECASE)
_BUSY = re.compile(r"another task is (?:already )?in progress|\bTaskInProgress\b", re.IGNORECASE)

# None of these wordings is attested for vcbsnapshot, they are VirtualCenter's own. A missing privilege is no refused
# login: VirtualCenter let the user in, and the next VM may lie where that user has the privilege.
_REFUSED_LOGIN = re.compile(r"complete login|user name or password|not authenticated", re.IGNORECASE)
_NO_PRIVILEGE = re.compile(r"permission to perform", re.IGNORECASE)
# Of a find.
_UNREACHED = re.compile(
    r"unable to communicate|(?:could|can) ?not (?:connect|resolve)|timed out|refused", re.IGNORECASE
)
_NOTHING_FOUND = re.compile(r"\b(?:not|no) (?:\w+ ){0,3}(?:found|find|snapshots?)\b|does not exist", re.IGNORECASE)
_NOBODYS = "snapall-doctor-looks-for-nothing"
_A_LOOK = 60.0  # seconds
_VC_HINT = "check `host` in [vcenter] and whether VirtualCenter's service runs, then run vcbsnapshot by hand with -f"
_LOGIN_HINT = "check `user` and `password` in [vcenter], or VCB's own config.js where these are left out"

# A line with one of these is kept however much the program prints: what all of the texts above say, in small letters.
_TELLING = (
    b"ssid:",
    b"already been deleted",
    b"another task",
    b"taskinprogress",
    b"login",
    b"password",
    b"not authenticated",
    b"permission",
)

_FAR_SHELLS = ("ssh", "plink")
_SAFE_FOR_A_SHELL = re.compile(r"[A-Za-z0-9_.:=@-]+")
_FAR_SHELL_FAILED = 255

# The code pages in which a Windows program may echo the password; read as UTF-8 it then looks different.
_CODE_PAGES = ("cp437", "cp850", "cp1252")


def ssids(stdout: str) -> tuple[str, ...]:
    """Every snapshot id that vcbsnapshot printed as `SsId:WORD` on a line of its own, each once, in order."""
    hits = (_SSID_LINE.fullmatch(line) for line in stdout.split("\n"))
    return tuple(dict.fromkeys(hit[1] for hit in hits if hit is not None))


class Programs(Protocol):
    """How programs are started: `snapall.site.process`, or a site's own in which no time passes."""

    def run(self, argv: Sequence[str], timeout: float, on_start: Callable[[Child], None]) -> process.Completed:
        """Run a program and wait `timeout` seconds for it. Raises process.NotStarted."""

    def alive(self, child: Child) -> bool:
        """Whether this very program still runs."""


class _ThisMachine:
    """Its programs, and of their output what tells, wherever it stands."""

    def run(self, argv: Sequence[str], timeout: float, on_start: Callable[[Child], None]) -> process.Completed:
        return process.run(argv, timeout, on_start, _TELLING)

    def alive(self, child: Child) -> bool:
        return process.alive(child)


class Vcb:
    """Quiesces and releases VMs with vcbsnapshot (the paper, section 2; VMwareTips, December 2008)."""

    def __init__(self, settings: Vcenter, programs: Programs | None = None) -> None:
        """Raises ConfigError when a password would reach the command line of ssh or plink."""
        self._settings = settings
        self._programs = programs or _ThisMachine()
        self._program = PureWindowsPath(settings.vcbsnapshot[0]).name
        self._far = self._program.lower().removesuffix(".exe") in _FAR_SHELLS
        if self._far and settings.password is not None:
            raise ConfigError(
                f"[vcenter] password: it would appear on {self._program}'s command line, where a shell interprets it",
                hint="leave user and password out; VCB's own config.js on the proxy supplies them",
                code="SA-3003",
            )

    def argv(self, step: Quiesce | Release, masked: bool) -> tuple[str, ...]:
        """The command line as the batch wrote it, with `***` in the place of the password when masked."""
        match step:
            case Quiesce(vm, name):
                return (*self._beginning(masked), "-c", f"moref:{vm.moref}", name)
            case Release(vm, ssid):
                return (*self._beginning(masked), "-d", f"moref:{vm.moref}", f"ssid:{ssid}")

    def _beginning(self, masked: bool) -> tuple[str, ...]:
        settings = self._settings
        login: tuple[str, ...] = ("-h", settings.host)
        if settings.user is not None:
            login += ("-u", settings.user)
        if settings.password is not None:
            login += ("-p", MASK if masked else settings.password.reveal())
        return (*settings.vcbsnapshot, *login)

    def command(self, step: Quiesce | Release) -> str:
        """The masked command line, as a person would type it."""
        return " ".join(word if word == MASK else _quoted(word) for word in self.argv(step, masked=True))

    def perform(self, step: Quiesce | Release, on_start: Callable[[Child], None]) -> Outcome:
        """Do it and say how it went; what `on_start` raises is passed on while vcbsnapshot goes on."""
        refusal = self._unfit(step)
        if refusal is not None:
            return refusal
        timeout = self._settings.timeout if isinstance(step, Quiesce) else self._settings.remove_timeout
        try:
            completed = self._programs.run(self.argv(step, masked=False), timeout, on_start)
        except process.NotStarted as error:
            return Refusal(f"{error.message}; {error.hint}")
        return self._judge(step, completed, timeout)

    def program(self) -> str:
        """Where the program is. SiteError: it is not to be found here."""
        return program_of(self._settings.vcbsnapshot[0])

    def try_login(self, vm: Vm) -> str:
        """Ask for a snapshot that no VM has: whether vcbsnapshot logs in. Only the texts of failures tell.

        SiteError: it cannot, or its answer tells of neither. What VCB says to a find that finds nothing is not known.
        """
        argv = (*self._beginning(masked=False), "-f", f"moref:{vm.moref}", _NOBODYS)
        try:
            completed = self._programs.run(argv, _A_LOOK, lambda _: None)
        except process.NotStarted as error:
            raise SiteError(*error.parts) from error
        output = self._mask(whole(completed.stdout, completed.stderr))
        telling = last_line(self._mask(completed.stderr), self._mask(completed.stdout)) or "nothing"
        if completed.code is None:
            raise SiteError(f"{self._program} gave no answer within {_A_LOOK:g} s: {telling}", _VC_HINT, "SA-3004")
        if _REFUSED_LOGIN.search(output) or _NO_PRIVILEGE.search(output):
            raise SiteError(f"VirtualCenter {self._settings.host} refused the login: {telling}", _LOGIN_HINT, "SA-3005")
        if _UNREACHED.search(output) or (self._far and completed.code == _FAR_SHELL_FAILED):
            raise SiteError(f"{self._program} does not reach VirtualCenter: {telling}", _VC_HINT, "SA-3006")
        if completed.code == 0 or _NOTHING_FOUND.search(output):
            return f"accepted by {self._settings.host}"
        raise SiteError(f"{self._program} ended with exit code {completed.code}: {telling}", _VC_HINT, "SA-3001")

    def alive(self, child: Child) -> bool:
        """Whether a vcbsnapshot that a run started still runs."""
        return self._programs.alive(child)

    def _unfit(self, step: Quiesce | Release) -> Refusal | None:
        """Why this step must not become a command line."""
        if isinstance(step, Release) and _SSID.fullmatch(step.ssid) is None:
            return Refusal(f"{step.ssid!r} is not a snapshot id")
        unsafe = (word for word in self.argv(step, masked=True)[1:] if _SAFE_FOR_A_SHELL.fullmatch(word) is None)
        first = next(unsafe, None) if self._far else None
        if first is None:
            return None
        return Refusal(f"the argument {first!r} is not safe: the shell behind {self._program} would read it again")

    def _judge(self, step: Quiesce | Release, completed: process.Completed, timeout: float) -> Outcome:
        stdout, stderr = self._mask(completed.stdout), self._mask(completed.stderr)
        output = whole(stdout, stderr)
        telling = last_line(stderr, stdout) or "it printed nothing"
        if completed.code is None:
            return Unknown(f"{self._program} gave no answer within {timeout:g} s and still runs: {telling}", output)
        if self._far and completed.code == _FAR_SHELL_FAILED:
            return Unknown(f"{self._program} lost its remote connection (exit code 255): {telling}", output)
        # A negative code is a signal: somebody killed it, and it said nothing.
        spoke = completed.code > 0
        why = f"{self._program} ended with exit code {completed.code}: {telling}"
        found = ssids(completed.stdout)
        login = spoke and not found and _REFUSED_LOGIN.search(output) is not None
        failed = Unknown(why, output, failed=spoke, busy=_BUSY.search(output) is not None, login=login)
        match step:
            case Quiesce():
                return failed if completed.code else self._made(found, telling, output)
            case Release():
                if _NO_VM.search(output):
                    return failed
                if _GONE.search(output):
                    return Done(output, already=True)
                return failed if completed.code else Done(output)

    def _made(self, found: tuple[str, ...], telling: str, output: str) -> Outcome:
        if len(found) == 1:
            return Done(output, ssid=found[0])
        lack = f"several snapshot ids ({', '.join(found)})" if found else f"no snapshot id: {telling}"
        return Unknown(f"{self._program} succeeded, but printed {lack}", output, claimed=True)

    def _mask(self, text: str) -> str:
        """The text without the password, in whatever code page the program may have echoed it."""
        if self._settings.password is None:
            return text
        clear = self._settings.password.reveal()
        echoes = {clear} | {clear.encode(page, "replace").decode("utf-8", "replace") for page in _CODE_PAGES}
        for echo in sorted(echoes - {""}, key=len, reverse=True):
            text = text.replace(echo, MASK)
        return text


def program_of(name: str) -> str:
    """Where a program is. SiteError: it is not to be found here."""
    found = shutil.which(name)
    if found is None:
        raise SiteError(
            f"the program {name} is not on this machine, or is not executable",
            'set `vcbsnapshot` in [vcenter] to its full path; on another machine: ["ssh", "proxy", "vcbsnapshot"]',
            "SA-3002",
        )
    return found


def _quoted(word: str) -> str:
    if sys.platform == "win32":
        return subprocess.list2cmdline([word])
    return shlex.quote(word)
