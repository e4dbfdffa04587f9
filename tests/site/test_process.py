"""The subprocess of the tool, tried with real children: they outlive the timeout and are not killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from snapall.backup.steps import Child
from snapall.errors import SiteError
from snapall.site import process, streams
from snapall.site.output import CEILING, BoundedOutput
from tests.platforms import posix, windows, with_signals
from tests.site.gates import WAIT, Gate
from tests.waiting import PATIENCE, until

# Waits at the gate; then writes to stdout, and to a file if that went well.
SLOW = f"""
{WAIT}
print('late', flush=True)
open(sys.argv[2], 'w').write('unharmed')
"""


def nobody(child: Child) -> None:
    """A listener who does not care that the program started."""


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def test_a_program_reads_nothing_of_what_is_typed_for_us() -> None:
    ours = """
import sys
from snapall.site import process
print(process.run([sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"], 300, lambda child: None).stdout)
print(repr(sys.stdin.read()))
"""
    ended = subprocess.run(python(ours), input="typed", capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["''", "'typed'"]


class SlowProgram:
    """A program that goes on until it is let go."""

    def __init__(self, folder: Path) -> None:
        self.gate = Gate()
        self.mark = folder / "mark"
        self.argv = python(SLOW, self.gate.port, str(self.mark))

    def let_go(self, child: Child) -> None:
        """Let it end, and wait until it is reaped."""
        self.gate.open()
        for thread in threading.enumerate():
            if thread.name == f"reaper-{child.pid}":
                thread.join(PATIENCE)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[SlowProgram]:
    program = SlowProgram(tmp_path)
    with closing(program.gate):
        yield program


def test_a_program_returns_its_exit_code_and_both_streams() -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    completed = process.run(python(code), PATIENCE, nobody)
    assert (completed.code, completed.stdout, completed.stderr) == (3, "out\n", "err\n")
    assert completed.argv == tuple(python(code))
    assert completed.seconds > 0


def test_the_arguments_reach_the_program_without_a_shell() -> None:
    words = ["a b", "$HOME", "&", "%x%", '"', "*"]
    completed = process.run(python("import sys; print(sys.argv[1:])", *words), PATIENCE, nobody)
    assert completed.stdout == f"{words}\n"


def test_a_program_that_asks_gets_an_empty_answer() -> None:
    completed = process.run(python("import sys; print(repr(sys.stdin.read()))"), PATIENCE, nobody)
    assert completed.stdout == "''\n"


@posix("made of POSIX sessions")
def test_a_program_is_beyond_the_reach_of_the_terminals_interrupt() -> None:
    completed = process.run(python("import os; print(os.getsid(0) == os.getpid() == os.getpgid(0))"), PATIENCE, nobody)
    assert completed.stdout == "True\n"


def test_the_listener_learns_the_pid_and_the_start_time_while_the_program_runs(slow: SlowProgram) -> None:
    lived: list[bool] = []
    children: list[Child] = []

    def listen(child: Child) -> None:
        children.append(child)
        lived.append(process.alive(child))
        slow.gate.open()

    assert process.run(slow.argv, PATIENCE, listen).code == 0
    assert lived == [True]
    assert not process.alive(children[0])


def test_a_program_that_outlives_the_timeout_keeps_running_and_leaves_no_zombie(slow: SlowProgram) -> None:
    children: list[Child] = []
    completed = process.run(slow.argv, 0.01, children.append)
    assert completed.code is None
    assert process.alive(children[0])
    slow.let_go(children[0])
    assert slow.mark.read_text() == "unharmed"
    assert not process.alive(children[0])
    assert not psutil.pid_exists(children[0].pid)


def test_when_the_listener_fails_the_program_keeps_running(slow: SlowProgram) -> None:
    children: list[Child] = []

    def fail(child: Child) -> None:
        children.append(child)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        process.run(slow.argv, PATIENCE, fail)
    assert process.alive(children[0])
    slow.let_go(children[0])
    assert slow.mark.read_text() == "unharmed"


def test_bytes_of_a_windows_code_page_do_not_crash_and_line_ends_are_plain() -> None:
    code = r"import sys; sys.stdout.buffer.write(b'gel\x94scht \x81\r\nSsId:snapshot-1\r\n')"
    assert process.run(python(code), PATIENCE, nobody).stdout == "gel\ufffdscht \ufffd\nSsId:snapshot-1\n"


def test_output_without_end_is_read_to_its_end_and_kept_to_a_bound() -> None:
    code = "import sys; [sys.stdout.write('x' * 999 + '\\n') for _ in range(20_000)]; print('the end')"
    completed = process.run(python(code), PATIENCE, nobody)
    assert completed.code == 0
    assert len(completed.stdout) < 2 * CEILING
    assert completed.stdout.endswith("the end\n")


def test_a_line_that_tells_is_found_in_the_middle_of_a_flood_on_either_stream() -> None:
    code = """
import sys
for stream in (sys.stdout, sys.stderr):
    for n in range(40_000):
        stream.write('SsId:snapshot-7\\n' if n == 20_000 else 'x' * 999 + '\\n')
"""
    completed = process.run(python(code), PATIENCE, nobody, (b"ssid:",))
    for text in (completed.stdout, completed.stderr):
        assert text.count("\nSsId:snapshot-7\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it writes into files")
def test_a_program_writes_into_no_file(tmp_path: Path) -> None:
    program, kinds = SlowProgram(tmp_path), list[str]()

    def look(child: Child) -> None:
        kinds.extend(str(Path(f"/proc/{child.pid}/fd/{n}").readlink()).partition(":")[0] for n in (1, 2))
        program.gate.open()

    process.run(program.argv, PATIENCE, look)
    assert kinds == ["pipe", "pipe"]


CHATTY = f"""
{WAIT}
for stream in (sys.stdout, sys.stderr):
    stream.write('x' * int(sys.argv[3]))
    stream.flush()
open(sys.argv[2], 'w').write('unharmed')
"""


def test_a_program_that_outlives_the_timeout_may_print_without_end(slow: SlowProgram) -> None:
    children: list[Child] = []
    argv = python(CHATTY, slow.gate.port, str(slow.mark), str(5 * CEILING))
    assert process.run(argv, 0.01, children.append).code is None
    slow.let_go(children[0])
    assert slow.mark.read_text() == "unharmed"


def test_a_child_that_a_program_left_behind_delays_no_answer_and_may_print_without_end(slow: SlowProgram) -> None:
    leaves = "import subprocess, sys; print(subprocess.Popen([sys.executable, *sys.argv[1:]]).pid)"
    argv = python(leaves, "-c", CHATTY, slow.gate.port, str(slow.mark), str(5 * CEILING))
    completed = process.run(argv, PATIENCE, nobody)
    assert completed.code == 0
    assert psutil.pid_exists(int(completed.stdout))
    slow.gate.open()
    until(lambda: slow.mark.exists() and slow.mark.read_text() == "unharmed", "the child's last word")


@with_signals
def test_a_program_goes_on_printing_when_we_are_killed(slow: SlowProgram) -> None:
    """Even one that keeps no descriptors but its three, as ssh and sudo do."""
    ours = """
import os, signal, sys
from snapall.site import process

def die(child):
    print(child.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

process.run([sys.executable, "-c", *sys.argv[1:]], 300, die)
"""
    closing = "import os; os.closerange(3, 1000)\nimport signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"
    # What an unprivileged user's smallest pipe holds.
    words = python(ours, closing + CHATTY, slow.gate.port, str(slow.mark), "4000")
    ended = subprocess.run(words, stdout=subprocess.PIPE, check=False)
    assert ended.returncode == -signal.SIGKILL
    slow.gate.open()
    until(lambda: not psutil.pid_exists(int(ended.stdout)), "the program's end")
    assert slow.mark.read_text() == "unharmed"


def test_a_missing_program_never_started_and_the_hint_names_the_key(tmp_path: Path) -> None:
    with pytest.raises(process.NotStarted, match="nosuch") as caught:
        process.run([str(tmp_path / "nosuch"), "-p", "vcpw"], PATIENCE, nobody)
    assert "vcbsnapshot" in caught.value.hint
    assert "vcpw" not in caught.value.message
    assert isinstance(caught.value, SiteError)


def test_a_file_that_is_not_a_program_never_starts(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("no program")
    with pytest.raises(process.NotStarted, match="plain cannot be started"):
        process.run([str(plain)], PATIENCE, nobody)


def test_an_argument_that_no_system_can_pass_on_is_not_started() -> None:
    with pytest.raises(process.NotStarted, match=r"null (byte|character)"):
        process.run(python("", "a\0b"), PATIENCE, nobody)


def test_a_command_line_with_a_password_does_not_show_in_the_result() -> None:
    assert "vcpw" not in repr(process.run(python("", "vcpw"), PATIENCE, nobody))


KILLED = (1, 15, 9, 0xFFFFFFFF, 0xFFFFFFF1)  # by TerminateProcess, with what its caller liked
CRASHED = (0xC000013A, 0xC0000005, 0xC0000409, 0x40010004, 0x80000003, 0xC0000142)


@pytest.mark.parametrize("code", KILLED)
def test_on_windows_a_program_that_printed_nothing_may_have_been_killed(code: int) -> None:
    assert not process.spoke(code, " \r\n", "win32")
    assert process.spoke(code, "Error: no such VM", "win32")


@pytest.mark.parametrize("code", CRASHED)
def test_on_windows_a_crash_and_ctrl_c_say_nothing_whatever_was_printed_before(code: int) -> None:
    assert not process.spoke(code, "Error: no such VM", "win32")
    assert process.exit_text(code) == f"exit code 0x{code:X}"


@pytest.mark.parametrize(("code", "speaks"), [(1, True), (255, True), (-9, False), (-15, False)])
def test_elsewhere_a_signal_alone_says_nothing(code: int, speaks: bool) -> None:
    assert process.spoke(code, "", "linux") is speaks
    assert process.exit_text(code) == f"exit code {code}"


@pytest.mark.parametrize("platform", ["win32", "linux"])
def test_a_success_reports_no_failure(platform: str) -> None:
    assert not process.spoke(0, "done", platform)


def kill(child: Child) -> None:
    psutil.Process(child.pid).kill()


def terminate(child: Child) -> None:
    os.kill(child.pid, signal.SIGTERM)


@pytest.mark.parametrize("end", [kill, terminate])
def test_a_child_that_was_killed_has_not_spoken(end: Callable[[Child], None]) -> None:
    completed = process.run(python("import time; time.sleep(3600)"), PATIENCE, end)
    assert completed.code not in {None, 0}
    assert not process.spoke(completed.code or 0, completed.stdout + completed.stderr)


CONSOLE = """
import ctypes
print(ctypes.windll.kernel32.GetConsoleWindow(), ctypes.windll.kernel32.GetConsoleCP())
pids = (ctypes.c_uint * 9)()
count = ctypes.windll.kernel32.GetConsoleProcessList(pids, 9)
import os
print(sorted(pids[:count]) == [os.getpid()])
"""


@windows("elsewhere it is a session")
def test_on_windows_a_program_has_a_console_of_its_own() -> None:
    """Closing ours then ends nothing, and Ctrl-C does not reach it."""
    assert process.run(python(CONSOLE), PATIENCE, nobody).stdout.split()[-1] == "True"


@posix("Windows has no zombies")
def test_a_zombie_is_not_alive() -> None:
    program = subprocess.Popen(python(""))
    os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)
    zombie = Child(program.pid, psutil.Process(program.pid).create_time())
    assert not process.alive(zombie)
    program.wait()


def test_another_program_with_the_same_pid_is_not_the_child() -> None:
    started = psutil.Process().create_time()
    assert process.alive(Child(os.getpid(), started))
    assert not process.alive(Child(os.getpid(), started - 3600))


@pytest.mark.parametrize("folder", [None, "/nowhere"], ids=["a file", "no file"])
def test_where_no_pipe_will_do_a_program_writes_into_a_file(
    monkeypatch: pytest.MonkeyPatch, folder: str | None
) -> None:
    monkeypatch.setattr("tempfile.tempdir", folder)
    kept = BoundedOutput((b"ssid:",))
    with closing(streams._File(kept)) as file:
        subprocess.run(python("print('SsId:snapshot-7')"), stdout=file.end, check=True)
        file.started()
        file.finish()
    assert kept.text() == ("SsId:snapshot-7\n" if folder is None else "")


def test_a_program_runs_even_if_no_file_can_be_created(tmp_path: Path) -> None:
    code = (
        "import sys, tempfile; from snapall.site import process; tempfile.tempdir = '/nowhere'; "
        "print(process.run([sys.executable, '-c', 'raise SystemExit(4)'], 300, lambda child: None))"
    )
    ran = subprocess.run(python(code), capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "code=4" in ran.stdout
    assert "stdout=''" in ran.stdout
