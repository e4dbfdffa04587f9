"""The command interpreter that runs a batch: Windows' own cmd.exe, or Wine 10's, started from here.

On Windows, and in a Python for Windows under Wine, it is cmd.exe as it stands. On Linux, SNAPALL_WINE_PREFIX names a
Wine prefix with Wine 10's in it; without it there is none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "SNAPALL_WINE_PREFIX"
OVERRIDES = "cmd.exe,find.exe,findstr.exe,sort.exe=n;mscoree,mshtml="  # take the prefix's own programs, not Wine 8's
ON_WINDOWS = os.name == "nt"
LIMIT = 300  # seconds for one batch
UNSET = "vc_user"  # the batch uses it and sets it nowhere


@dataclass(frozen=True, slots=True)
class CmdEnd:
    """How a batch ended. `code` is the lowest byte of its exit code, all that Linux keeps of it."""

    code: int
    console: str


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A cmd.exe that can be started: `leading` starts a program of Windows, `drive` is its drive C."""

    leading: tuple[str, ...]
    drive: Path
    environment: Mapping[str, str] = field(hash=False)

    def run(
        self, batch: str, folder: Path, *, path: Path, variables: Mapping[str, str] | None = None, arguments: str = ""
    ) -> CmdEnd:
        """Run a batch that lies in `folder`, its current one; `path` is searched for programs, too."""
        command = [*self.leading, "cmd.exe", "/d", "/c", batch, *arguments.split()]
        environment = {**self.environment, **self._path(path), **(variables or {})}
        ended = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT,
            check=False,
        )
        return CmdEnd(ended.returncode & 0xFF, ended.stdout.decode("cp437"))

    @contextmanager
    def held(self, holder: Path, file: Path, share: int) -> Iterator[None]:
        """Keep a file open in another program, which allows the others what `share` says (1: to read)."""
        command = [*self.leading, self.named(holder), self.named(file), str(share)]
        with subprocess.Popen(
            command, env=dict(self.environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            said = _pipe(process.stdout).readline().strip()
            try:
                assert said == b"held", said
                yield
            finally:
                _pipe(process.stdin).close()
                process.wait(LIMIT)

    def named(self, path: Path) -> str:
        """The path as Windows names it."""
        if ON_WINDOWS:
            return str(path)
        if path.is_relative_to(self.drive):
            return "C:\\" + str(path.relative_to(self.drive)).replace("/", "\\")
        return "Z:" + str(path).replace("/", "\\")

    def _path(self, path: Path) -> dict[str, str]:
        if ON_WINDOWS:
            root = self.environment["SYSTEMROOT"]
            return {"PATH": f"{path};{root}\\system32;{root}"}
        return {"WINEPATH": self.named(path)}


@cache
def skips_blank_lines(peer: Interpreter) -> bool:
    """Whether `for /F` skips blank lines where `eol=` is given: Windows does, Wine 10 does not."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "list.txt").write_bytes(b"1\r\n\r\n2\r\n")
        (folder / "list.bat").write_bytes(b'@for /F "eol=(" %%i in (list.txt) do @echo %%i.\r\n')
        return peer.run("list.bat", folder, path=folder).console.splitlines() == ["1.", "2."]


def interpreter() -> Interpreter | str:
    """The one of this machine, or why there is none."""
    if ON_WINDOWS:
        kept = {name: value for name, value in os.environ.items() if name.lower() != UNSET}
        return Interpreter((), Path("C:/"), kept)
    prefix, wine = os.environ.get(PREFIX), shutil.which("wine")
    if wine is None:
        return "no Wine: install the package wine64"
    if prefix is None:
        return f"no Wine prefix with Wine 10's cmd.exe: {PREFIX} is not set"
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR") if name in os.environ}
    wines = {"WINEPREFIX": prefix, "WINEDEBUG": "-all", "WINEDLLOVERRIDES": OVERRIDES}
    return Interpreter((wine,), Path(prefix) / "drive_c", kept | wines)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
