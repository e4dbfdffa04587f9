"""Reads a mapped LUN: as a device of this machine, or by a helper command. Nothing that a dead device does hangs us."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from snapall import restart
from snapall.config.settings import Verify
from snapall.errors import SiteError
from snapall.escaping import printable
from snapall.restore.proof.proofs import Readability
from snapall.site import hook_process
from snapall.site.process import environment_without, exit_text, spoke

if TYPE_CHECKING:
    from snapall.backup.clock import Clock

_LINES = 5  # of a command's output that are reported
_PLAIN_SERIAL = re.compile(r"[A-Za-z0-9/-]+")
_NOT_RUN = frozenset({126, 127, 255})  # what a shell or ssh exits with when the command itself did not run


@dataclass(frozen=True, slots=True)
class MappedLun:
    """A clone that is mapped: the LUN that it is of, and by what a host knows it. `size` in bytes."""

    lun: str
    serial: str
    id: int
    size: int


@dataclass(frozen=True, slots=True)
class LunReading:
    """What came of reading a LUN: what is wrong, and what was found."""

    found: Readability
    problems: tuple[str, ...] = ()
    structures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LunReader:
    """Reads LUNs by the job's [verify] table. `withheld`: variables that no command gets, since they hold passwords."""

    settings: Verify
    clock: Clock
    stopped: Callable[[], bool]
    withheld: Collection[str] = field(default_factory=frozenset)

    @property
    def way(self) -> str:
        """How LUNs are read, as a proof says it."""
        return "helper" if self.settings.helper else "signatures"

    def read(self, one: MappedLun) -> LunReading:
        """Read a mapped LUN. Raises nothing that is expected: what cannot be read is a result, too."""
        device = replaced(self.settings.device, one)
        if "{serial}" in self._templates and _PLAIN_SERIAL.fullmatch(one.serial) is None:
            return _unread(f"the serial {one.serial} cannot be part of a name or command: use {{hex}} for {{serial}}")
        if trouble := self._failed(self.settings.rescan):
            return _unread(f"the rescan failed: {trouble}")
        if self.settings.helper:
            return self._by_helper([replaced(word, one, device) for word in self.settings.helper])
        return self._by_signatures(device, one.size)

    @property
    def _templates(self) -> str:
        return " ".join((self.settings.device, *self.settings.helper))

    def _by_helper(self, argv: Sequence[str]) -> LunReading:
        try:
            ran = self._run(argv)
        except SiteError as error:
            return _unread(error.message)
        if ran.code == 0:
            return LunReading(Readability.READABLE)
        trouble = self._told(ran)
        if ran.code is None or ran.code in _NOT_RUN or not spoke(ran.code, ran.output):
            return _unread(f"the helper failed: {trouble}")
        return LunReading(Readability.DAMAGED, (f"the helper found: {trouble}",))

    def _by_signatures(self, device: str, size: int) -> LunReading:
        limit = self.settings.timeout
        self.clock.wait(limit, lambda: os.path.lexists(device) or self.stopped())
        if not os.path.lexists(device):
            why = "stopped by a signal" if self.stopped() else f"it did not appear within {limit:g} s"
            return _unread(f"the device {device}: {why}; check `igroup`, `device` and `rescan`")
        try:
            ran = self._run(restart.command("snapall.restore.disk.read", device, str(size), safe_path=True))
        except SiteError as error:
            return _unread(error.message)
        if ran.code is None:
            return _unread(f"the device {device} did not answer: {self._told(ran)}; check the paths to the LUN")
        return _understood(ran.output) or _unread(f"the device {device}: {self._told(ran)}")

    def _failed(self, argv: Sequence[str]) -> str:
        """Run a command, if there is one; why it failed, or ""."""
        if not argv:
            return ""
        try:
            ran = self._run(argv)
        except SiteError as error:
            return error.message
        return "" if ran.code == 0 else self._told(ran)

    def _run(self, argv: Sequence[str]) -> hook_process.Ran:
        environ = environment_without(self.withheld)
        environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(restart.home()), environ.get("PYTHONPATH"))))
        return hook_process.run(argv, b"", environ, self.settings.timeout, self.stopped)

    def _told(self, ran: hook_process.Ran) -> str:
        ended = exit_text(ran.code) if ran.code is not None else f"not finished after {ran.seconds:.0f} s"
        said = " / ".join([line for line in ran.output.splitlines() if line.strip()][-_LINES:])
        return printable(f"{ended}: {said}" if said else ended)


def replaced(template: str, one: MappedLun, device: str = "") -> str:
    """A word of the configuration for this LUN. Like udev, it has _ for each / of the serial."""
    values = {
        "serial": one.serial.replace("/", "_"),
        "hex": one.serial.encode().hex(),
        "id": str(one.id),
        "device": device,
    }
    return re.sub(r"\{(serial|hex|id|device)\}", lambda hit: values[hit[1]], template)


def _unread(why: str) -> LunReading:
    return LunReading(Readability.UNREAD, (why,))


def _understood(output: str) -> LunReading | None:
    """The reading that the child printed; None: it printed something else."""
    with suppress(ValueError, KeyError, TypeError):
        body = json.loads(output)
        if "error" in body:
            return _unread(str(body["error"]))
        found = Readability.READABLE if body["readable"] is True else Readability.DAMAGED
        return LunReading(found, tuple(map(str, body["damage"])), tuple(map(str, body["found"])))
    return None
