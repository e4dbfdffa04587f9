"""Stand-ins for the programs that a batch calls: small programs of Windows that a server in this process answers."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from snapall.lab.listener import Listener

SOURCE = Path(__file__).with_name("program.c")
BUILT = "SNAPALL_STAND_IN"  # the variable that names one that was built elsewhere
COMPILERS = ("x86_64-w64-mingw32-gcc", "gcc") if os.name == "nt" else ("x86_64-w64-mingw32-gcc",)
PORT = "standins.port"
LIMIT = 120  # seconds for the compiler


@dataclass(frozen=True, slots=True)
class StandInCall:
    """One start of a stand-in, as it came to it: `line` is its exact command line, `folder` its current folder."""

    program: str
    folder: str
    line: str
    argv: tuple[str, ...]

    @property
    def name(self) -> str:
        """The program's name as the batch's recordings write it."""
        return self.program.removesuffix(".exe")

    @classmethod
    def read(cls, data: bytes) -> StandInCall:
        """Read what a stand-in sends: its fields, each ended by a zero byte."""
        program, folder, line, *argv = data.decode().split("\0")[:-1]
        return cls(program, folder, line, tuple(argv))


@dataclass(frozen=True, slots=True)
class StandInReply:
    """How a stand-in ends: its exit code, what it prints, and the file (name, content) that it writes, if any."""

    code: int = 0
    out: str = ""
    err: str = ""
    file: tuple[str, str] | None = None

    def data(self) -> bytes:
        """The reply as the stand-in reads it."""
        name, content = (text.encode() for text in self.file or ("", ""))
        out, err = self.out.encode(), self.err.encode()
        code = self.code - (1 << 32) if self.code >= 1 << 31 else self.code  # as a signed number of 32 bits
        lengths = (code, len(out), len(err), len(name), -1 if self.file is None else len(content))
        return f"{' '.join(map(str, lengths))}\n".encode() + out + err + name + content


Answers = Callable[[StandInCall], StandInReply]


class StandIns(Listener):
    """Answers stand-ins until it is closed, and keeps every call with its exit code, in order."""

    def __init__(self, answers: Answers) -> None:
        self.calls: list[tuple[StandInCall, int]] = []
        self._answers = answers
        self._one_at_a_time = threading.Lock()
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        """Answer one."""
        data = b""
        while part := connection.recv(65536):
            data += part
        with self._one_at_a_time:
            call = StandInCall.read(data)
            reply = self._answers(call)
            self.calls.append((call, reply.code))
        connection.sendall(reply.data())

    def place(self, folder: Path, names: Iterable[str]) -> None:
        """Put stand-ins of these names into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PORT).write_text(f"{self.port}\n", encoding="ascii")
        for name in names:
            shutil.copyfile(built(), folder / f"{name}.exe")
            (folder / f"{name}.exe").chmod(0o755)


@cache
def built() -> Path:
    """The program that all stand-ins are copies of. Raises FileNotFoundError where none can be built."""
    if BUILT in os.environ:
        return Path(os.environ[BUILT])
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise FileNotFoundError("no compiler for Windows: install mingw-w64")
    program = Path(mkdtemp(prefix="stand-in-")) / "stand-in.exe"
    build(compiler, program)
    return program


def build(compiler: str, program: Path) -> None:
    """Build it. Raises subprocess.CalledProcessError."""
    command = [compiler, "-municode", "-O1", "-s", "-Wall", "-Wextra", "-Werror", "-o", str(program)]
    subprocess.run([*command, str(SOURCE), "-lws2_32"], check=True, timeout=LIMIT)
