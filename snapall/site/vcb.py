"""vcbsnapshot: its command lines, and what its answers mean."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Protocol

from snapall.backup.steps import Child, Done, Outcome, Quiesce, Refusal, Release, Unknown
from snapall.config.secret import secret_words
from snapall.config.shells import is_far, is_safe, shell_of
from snapall.errors import ConfigError, SiteError
from snapall.escaping import shell_word
from snapall.site import process
from snapall.site.excerpt import last_line, whole
from snapall.site.masking import MASK, Mask
from snapall.site.programs import resolved, unfit_for_batch
from snapall.site.vcbtexts import (
    BUSY,
    GONE,
    LOGIN_HINT,
    NO_FAR_PROGRAM,
    NO_PRIVILEGE,
    NO_VM,
    NOTHING_FOUND,
    OLD_SSH,
    OLD_SSH_HINT,
    PRIVILEGE_HINT,
    REFUSED_LOGIN,
    TELLING,
    UNREACHED,
    VC_HINT,
    spoken,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from snapall.backup.model import Vm
    from snapall.config.settings import Config, Vcenter

# A line of its own, whatever the case; a log line `[time 'Component' number level] text` begins with a bracket
# and so never is one. Lines end in \n alone: other separators may stand in the text of a log line.
_SSID_LINE = re.compile(r"[ \t]*ssid:[ \t]*([A-Za-z0-9_.-]+)[ \t\r]*", re.IGNORECASE)
_SSID = re.compile(r"[A-Za-z0-9_.-]+")
_NOBODYS = "snapall-doctor-looks-for-nothing"
_A_LOOK = 60.0  # seconds
_FAR_SHELL_FAILED = 255


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


@dataclass(frozen=True, slots=True)
class ThisMachine:
    """Its programs, and of their output what tells, wherever it stands. `withheld`: variables that hold passwords."""

    withheld: frozenset[str] = frozenset()

    def run(self, argv: Sequence[str], timeout: float, on_start: Callable[[Child], None]) -> process.Completed:
        """Do what `process.run` does."""
        return process.run(argv, timeout, on_start, TELLING, self.withheld)

    def alive(self, child: Child) -> bool:
        """Do what `process.alive` does."""
        return process.alive(child)


class Vcb:
    """Quiesces and releases VMs with vcbsnapshot (the paper, section 2; VMwareTips, December 2008)."""

    def __init__(self, settings: Vcenter, programs: Programs | None = None) -> None:
        """Raises ConfigError when a password would reach the command line of a shell: ssh, plink, a batch file."""
        self._settings = settings
        self._programs = programs or ThisMachine()
        self._leading = secret_words(settings.vcbsnapshot)
        self._mask = Mask(settings.password, *self._leading.values())
        self._program = PureWindowsPath(settings.vcbsnapshot[0]).name
        self._started = resolved(settings.vcbsnapshot)
        self._far = is_far(settings.vcbsnapshot)
        self._shell = shell_of(self._started)
        if self._shell and settings.password is not None:
            raise ConfigError(
                f"[vcenter] password: it would appear on {self._shell}'s command line, where a shell interprets it",
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
        given = enumerate(settings.vcbsnapshot)
        return (*(MASK if masked and at in self._leading else word for at, word in given), *login)

    def _resolved(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """The command with its program in full: the one that `doctor` and the checks of permissions looked at."""
        return (self._started[0], *argv[1:])

    def command(self, step: Quiesce | Release) -> str:
        """The masked command line, as a person would type it."""
        return " ".join(word if word == MASK else shell_word(word) for word in self.argv(step, masked=True))

    def perform(self, step: Quiesce | Release, on_start: Callable[[Child], None]) -> Outcome:
        """Do it and say how it went; what `on_start` raises is passed on while vcbsnapshot goes on."""
        refusal = self._unfit(step)
        if refusal is not None:
            return refusal
        timeout = self._settings.timeout if isinstance(step, Quiesce) else self._settings.remove_timeout
        try:
            completed = self._programs.run(self._resolved(self.argv(step, masked=False)), timeout, on_start)
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
            completed = self._programs.run(self._resolved(argv), _A_LOOK, lambda _: None)
        except process.NotStarted as error:
            raise SiteError(*error.parts) from error
        said = spoken(whole(completed.stdout, completed.stderr))
        mask = self._mask.broken_off
        telling = last_line(mask(completed.stderr), mask(completed.stdout)) or "nothing"
        trouble = self._login_trouble(completed.code, said, telling)
        if trouble is not None:
            raise trouble
        return f"accepted by {self._settings.host}"

    def _login_trouble(self, code: int | None, said: str, telling: str) -> SiteError | None:
        host, program, far = self._settings.host, self._program, self._far
        if code is None:
            return SiteError(f"{program} gave no answer within {_A_LOOK:g} s: {telling}", VC_HINT, "SA-3004")
        if REFUSED_LOGIN.search(said):
            return SiteError(f"VirtualCenter {host} refused the login: {telling}", LOGIN_HINT, "SA-3005")
        if NO_PRIVILEGE.search(said):
            return SiteError(f"the user of vcbsnapshot lacks a privilege: {telling}", PRIVILEGE_HINT, "SA-5420")
        if far and OLD_SSH.search(said):
            return SiteError(f"{program} and the far side share no algorithm: {telling}", OLD_SSH_HINT, "SA-5421")
        if far and code in NO_FAR_PROGRAM:
            hint = "link the program into a folder that is in the PATH of ssh sessions on the far machine"
            return SiteError(f"{program} finds no vcbsnapshot on the far machine: {telling}", hint, "SA-5422")
        if UNREACHED.search(said) or (far and code == _FAR_SHELL_FAILED):
            return SiteError(f"{program} does not reach VirtualCenter: {telling}", VC_HINT, "SA-3006")
        if code == 0 or NOTHING_FOUND.search(said):
            return None
        return SiteError(f"{program} ended with exit code {code}: {telling}", VC_HINT, "SA-3001")

    def alive(self, child: Child) -> bool:
        """Whether a vcbsnapshot that a run started still runs."""
        return self._programs.alive(child)

    def _unfit(self, step: Quiesce | Release) -> Refusal | None:
        """Why this step must not become a command line."""
        if isinstance(step, Release) and _SSID.fullmatch(step.ssid) is None:
            return Refusal(f"{step.ssid!r} is not a snapshot id")
        words = [word for word in self.argv(step, masked=True)[1:] if word != MASK]
        first = next((word for word in words if not is_safe(word)), None) if self._shell else None
        first = unfit_for_batch(self._started[:1]) if first is None else first
        if first is None:
            return None
        return Refusal(f"the argument {first!r} is not safe: the shell behind {self._shell} would read it again")

    def _judge(self, step: Quiesce | Release, completed: process.Completed, timeout: float) -> Outcome:
        raw = whole(completed.stdout, completed.stderr)
        mask = self._mask if completed.code == 0 else self._mask.broken_off
        stdout, stderr = mask(completed.stdout), mask(completed.stderr)
        said, output = spoken(raw), whole(stdout, stderr)  # what it means is judged by what it said, as it is
        telling = last_line(stderr, stdout) or "it printed nothing"
        if completed.code is None:
            return Unknown(f"{self._program} gave no answer within {timeout:g} s and still runs: {telling}", output)
        if self._far and completed.code == _FAR_SHELL_FAILED:
            why = f"{self._program} lost its remote connection (exit code 255): {telling}"
            return Unknown(f"{why} ({OLD_SSH_HINT})" if OLD_SSH.search(said) else why, output)
        spoke = process.spoke(completed.code, said)  # a program that was killed says nothing
        why = f"{self._program} ended with {process.exit_text(completed.code)}: {telling}"
        why += f" ({PRIVILEGE_HINT})" if NO_PRIVILEGE.search(said) else ""
        found = ssids(completed.stdout)
        login = spoke and not found and REFUSED_LOGIN.search(said) is not None
        failed = Unknown(why, output, failed=spoke, busy=BUSY.search(said) is not None, login=login)
        match step:
            case Quiesce():
                return failed if completed.code else self._made(found, telling, output)
            case Release():
                if NO_VM.search(said):
                    return failed
                if GONE.search(said):
                    return Done(output, already=True)
                return failed if completed.code else Done(output)

    def _made(self, found: tuple[str, ...], telling: str, output: str) -> Outcome:
        if len(found) == 1:
            return Done(output, ssid=found[0])
        lack = f"several snapshot ids ({self._mask(', '.join(found))})" if found else f"no snapshot id: {telling}"
        return Unknown(f"{self._program} succeeded, but printed {lack}", output, claimed=True)


def vcb_of(settings: Config) -> Vcb:
    """The configured vcbsnapshot, whose environment holds no password. Raises ConfigError as Vcb does."""
    return Vcb(settings.vcenter, ThisMachine(settings.secret_variables))


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
