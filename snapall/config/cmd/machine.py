"""The state of a rehearsal: variables, folders, files, output and loops."""

from __future__ import annotations

from collections.abc import Mapping

from snapall.config.cmd.expand import delayed, loop_values
from snapall.config.cmd.files import Files, full_path, modified
from snapall.config.cmd.frames import Frame, Handles, LocalState, Sink
from snapall.config.cmd.rehearsal import BatchLine, Echoed, Event, Programs, Setting, Written
from snapall.config.cmd.stops import Budget, Puzzle
from snapall.config.cmd.text import LONGEST, unquoted

_LONGEST_VALUE = 32_767


class Machine:
    """What a statement can change. `where` is the statement that runs."""

    def __init__(self, setting: Setting, programs: Programs, where: BatchLine) -> None:
        self.setting = setting
        self.programs = programs
        self.where = where
        self.budget = Budget(setting.steps)
        self.files = Files(setting.read, setting.names)
        self.variables: dict[str, tuple[str, str]] = {}
        self.folder = setting.folder.rstrip("\\") if len(setting.folder) > 3 else setting.folder
        self.elsewhere: dict[str, str] = {}
        self.pushed: list[str] = []
        self.code_page = setting.code_page
        self.errorlevel = 0
        self.delayed_on = False
        self.echo_on = True
        self.open_files: list[str] = []  # those that redirections write
        self.loops: dict[str, str] = {}
        self.frames: list[Frame] = []
        self.streams = Handles(Sink("console"), Sink("console"), None)
        self.events: list[Event] = []

    @property
    def frame(self) -> Frame:
        """The batch or subroutine that runs."""
        return self.frames[-1]

    def variable(self, name: str) -> str | None:
        """Return a variable's value, of the environment or of cmd's own ones; None if it is not defined."""
        found = self.variables.get(name.lower())
        if found is not None:
            return found[1]
        match name.lower():
            case "errorlevel":
                return str(self.errorlevel)
            case "cd":
                return self.folder
            case "date":
                return self.setting.date
            case "time":
                return self.setting.time
            case "random":
                return "16807"
            case "cmdextversion" | "cmdcmdline" | "highestnumanodenumber":
                raise Puzzle(f"snapall does not know the variable {name.lower()}", "remove it")
            case _:
                return None

    def assign(self, name: str, value: str) -> None:
        """Set a variable; an empty value deletes it."""
        if len(value) > _LONGEST_VALUE or len(name) > LONGEST:
            raise Puzzle("the variables grow too large", "remove the loop")
        before = self.variables.pop(name.lower(), None)
        if before is not None:
            self.budget.environment(-len(before[0]) - len(before[1]) - 2)
        if value:
            self.budget.environment(len(name) + len(value) + 2)
            self.variables[name.lower()] = (before[0] if before is not None else name, value)

    def expanded(self, text: str) -> str:
        """Put in the variables of the loops around, and those of delayed expansion."""
        if "%" in text and self.frame.in_loop:
            text = loop_values(text, self.loops, self.modified)
        if self.delayed_on:
            text = delayed(text, self.variable)
        if len(text) > LONGEST:
            raise Puzzle("a command is too long for cmd", "shorten it")
        self.budget.step(len(text))
        return text

    def modified(self, text: str, modifiers: str) -> str:
        """Apply `~dp` and the like to a file's name."""
        path = unquoted(text)
        full = self.full(path)
        size = self.files.size(full) if "z" in modifiers.lower() else None
        # A path that ends in a backslash names a folder: all of it is the folder, and there is no name.
        folder = "\\" if path.endswith(("\\", "/")) and not full.endswith("\\") else ""
        return modified(text, modifiers, full + folder, size)

    def full(self, path: str) -> str:
        """Return a name with drive and folder."""
        return full_path(path, self.folder, self.elsewhere)

    def exists(self, full: str) -> bool:
        """Whether there is such a file or folder."""
        self.budget.step(self.files.count)
        return self.files.exists(full)

    def matching(self, full: str) -> list[str]:
        """Return the full paths of the files whose names match."""
        self.budget.step(4 * self.files.count)
        return self.files.matching(full)

    def put(self, text: str, by: str, sink: Sink | None = None) -> None:
        """Write a text to a sink, standard output if none is named."""
        sink = self.streams.out if sink is None else sink
        self.budget.output(len(text))
        match sink.kind:
            case "console":
                self.events.append(Echoed(text, self.where, by))
            case "taken":
                sink.taken.append(text)
            case "file":
                self.files.write(sink.full, text, self.code_page, append=sink.append)
                self.events.append(Written(sink.path, sink.full, text, sink.append, self.where, by))
                sink.append = True
            case _:
                pass  # nul

    def complain(self, text: str, by: str) -> None:
        """Write a message of cmd to standard error."""
        self.put(text + "\n", by, self.streams.err)

    def misused(self, by: str) -> int:
        """Report wrong arguments of a command, and return the errorlevel for that."""
        self.complain("The syntax of the command is incorrect.", by)
        return 1

    def frame_success(self) -> int | None:
        """Return what `set` and its like leave as errorlevel: 0 in a .cmd, nothing in a .bat."""
        return 0 if self.frame.full.lower().endswith(".cmd") or self.frame.command_line else None

    def save(self) -> LocalState:
        """Return what `setlocal` and a cmd of its own restore later."""
        self.budget.step(len(self.variables))
        return LocalState(dict(self.variables), self.folder, dict(self.elsewhere), self.delayed_on)

    def restore(self, saved: LocalState) -> None:
        """Go back to what was saved."""
        self.budget.environment(_size(saved.variables) - _size(self.variables))
        self.variables = dict(saved.variables)
        self.folder = saved.folder
        self.elsewhere = dict(saved.elsewhere)
        self.delayed_on = saved.delayed_on


def _size(variables: Mapping[str, tuple[str, str]]) -> int:
    return sum(len(name) + len(value) + 2 for name, value in variables.values())
