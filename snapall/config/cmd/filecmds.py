"""`type`, `del`, `copy`, `move`, `ren`."""

from __future__ import annotations

import re

from snapall.config.cmd.files import device, split_path
from snapall.config.cmd.machine import Machine
from snapall.config.cmd.stops import Puzzle
from snapall.config.cmd.text import parameters, unquoted

_NOT_FOUND = "The system cannot find the file specified."
_BARE = ("/b", "/a-d", "/on", "/o:n")  # the files' names, in their order
_END = "\x1a"  # Ctrl-Z: where a text ends for type and copy


def type_file(machine: Machine, text: str) -> int | None:
    """`type`: the files' texts; of several files, the names go to the errors."""
    names = parameters(text)
    if not names:
        return machine.misused("type")
    code = 0
    for name in names:
        if device(unquoted(name)) == "nul":
            continue
        files = _files(machine, name)
        for full in files:
            content = machine.files.text(full, machine.code_page)
            if content is None:
                machine.complain(_NOT_FOUND, "type")
                code = 1
                continue
            if len(names) > 1 or len(files) > 1:
                machine.complain(f"\n{''.join(split_path(full)[2:])}\n\n", "type")
            machine.put(content.partition(_END)[0], "type")
        if not files:
            machine.complain(_NOT_FOUND, "type")
            code = 1
    return code


def delete(machine: Machine, text: str) -> int | None:
    """`del`: sets errorlevel 0 even where there is nothing to delete (dbenham, "Which commands clear ERRORLEVEL")."""
    names, switches = _split(text)
    _require_switches("del", switches, "/q", "/f", "/a")
    if not names:
        return machine.misused("del")
    for name in names:
        if "/q" not in switches and split_path(unquoted(name))[2:] in (("*", ""), ("*", ".*")):
            _require_consent(machine)
        files = _files(machine, name)
        if not files:
            machine.complain(f"Could Not Find {machine.full(unquoted(name))}", "del")
        for full in files:
            if not machine.exists(full):
                machine.complain(f"Could Not Find {full}", "del")
            machine.files.delete(full)
    return 0


def _require_consent(machine: Machine) -> None:
    """`del *.*` asks a person, if /q is not there; `echo y|` answers."""
    answer = "" if machine.streams.given is None else machine.streams.given.line() or ""
    if not answer.lower().startswith("y"):
        raise Puzzle("del asks whether it may delete all files", "write del /q")


def show_names(machine: Machine, text: str) -> int | None:
    """`dir /b`: the names alone; what else dir shows depends on the machine."""
    names, switches = _split(text)
    if "/b" not in switches or set(switches) - set(_BARE):
        raise Puzzle("what dir shows depends on the machine", "use dir /b")
    if "/a-d" not in switches and machine.files.folders:
        raise Puzzle("dir /b shows the folders that the batch made, too", "use dir /b /a-d")
    found = [full for name in names or ["."] for full in _listed(machine, name) if machine.exists(full)]
    for full in found:
        machine.put("".join(split_path(full)[2:]) + "\n", "dir")
    if not found:
        machine.complain("File Not Found", "dir")
    return 0 if found else 1


def copy(machine: Machine, text: str) -> int | None:
    """`copy`: files to a file or folder, and `a+b` to one file."""
    # Blanks around a + outside of quotes do not matter.
    names, switches = _split(re.sub(r'("[^"]*")|[ \t]*\+[ \t]*', lambda hit: hit[1] or "+", text))
    _require_switches("copy", switches, "/y", "/-y", "/v", "/b", "/a", "/z")
    if not 1 <= len(names) <= 2:
        return machine.misused("copy")
    if "+" in re.sub('"[^"]*"', "", names[0]):
        return _concatenate(machine, names, binary="/b" in switches)
    copied = 0
    for full, target in _pairs(machine, names):
        content = machine.files.text(full, machine.code_page) if device(full) != "nul" else ""
        if content is None:
            continue
        if full.lower() == target.lower():
            machine.complain("The file cannot be copied onto itself.", "copy")
            continue
        if device(target) != "nul":
            machine.budget.output(len(content))
            machine.files.write(target, content, machine.code_page, append=False)
        copied += 1
    if not copied:
        machine.complain(_NOT_FOUND, "copy")
    machine.put(f"{copied:9} file(s) copied.\n", "copy")
    return 0 if copied else 1


def _concatenate(machine: Machine, names: list[str], *, binary: bool) -> int:
    """Join files as text: each up to a Ctrl-Z, and one more at the end (ss64, "Copy")."""
    parts = re.findall(r'(?:"[^"]*"|[^"+])+', names[0])
    if any("*" in one or "?" in one for one in parts):
        raise Puzzle("copy joins files that a wildcard names", "name the files")
    texts = [machine.files.text(machine.full(unquoted(one)), machine.code_page) for one in parts]
    found = [one for one in texts if one is not None]
    if not found:
        machine.complain(_NOT_FOUND, "copy")
        return 1
    content = "".join(found) if binary else "".join(one.partition(_END)[0] for one in found) + _END
    machine.budget.output(len(content))
    machine.files.write(machine.full(unquoted(names[-1] if len(names) > 1 else parts[0])), content, 437, append=False)
    machine.put("        1 file(s) copied.\n", "copy")
    return 0


def move(machine: Machine, text: str) -> int | None:
    """`move`."""
    return _moved(machine, text, "move", "        1 file(s) moved.\n")


def rename(machine: Machine, text: str) -> int | None:
    """`ren`: the new name has no folder."""
    names, _ = _split(text)
    if len(names) == 2 and ("\\" in names[1] or ":" in names[1]):
        return machine.misused("ren")
    return _moved(machine, text, "ren", "")


def _moved(machine: Machine, text: str, by: str, said: str) -> int:
    names, _ = _split(text)
    if len(names) != 2:
        return machine.misused(by)
    if by == "ren" and "*" not in names[1]:
        folder = "".join(split_path(machine.full(unquoted(names[0])))[:2])
        names[1] = folder + unquoted(names[1])
    code = 1
    for full, target in _pairs(machine, names):
        content = machine.files.text(full, machine.code_page)
        if content is None or (by == "ren" and machine.exists(target)):
            continue
        machine.budget.output(len(content))
        machine.files.delete(full)
        machine.files.write(target, content, machine.code_page, append=False)
        code = 0
    if code:
        machine.complain(_NOT_FOUND, by)
    elif said:
        machine.put(said, by)
    return code


def _split(text: str) -> tuple[list[str], list[str]]:
    """Return the names, and the switches in small letters."""
    words = parameters(re.sub(r'("[^"]*")|/', lambda hit: hit[1] or " /", text))
    return [one for one in words if one[0] != "/"], [one.lower() for one in words if one[0] == "/"]


def _require_switches(by: str, switches: list[str], *known: str) -> None:
    if set(switches) - set(known):
        raise Puzzle(f"snapall does not know a switch of this {by}", "remove it")


def _files(machine: Machine, name: str) -> list[str]:
    """Return the full paths that a name stands for, which need not exist if it has no wildcard."""
    full = machine.full(unquoted(name))
    if "*" in full or "?" in full:
        return machine.matching(full)
    if device(unquoted(name)) not in ("", "nul"):
        raise Puzzle("a device, such as con, is named where a file should be", "name a file")
    if _is_folder(machine, full):
        raise Puzzle("a folder is named, which stands for all its files", "name the files")
    return [full]


def _listed(machine: Machine, name: str) -> list[str]:
    """Return the full paths that `dir` lists: of a folder, what is in it."""
    full = machine.full(unquoted(name))
    return machine.matching(full.rstrip("\\") + "\\*") if _is_folder(machine, full) else _files(machine, name)


def _is_folder(machine: Machine, full: str) -> bool:
    lower = full.lower().rstrip("\\")
    return full == machine.folder or lower in machine.files.folders or machine.files.below(lower)


def _pairs(machine: Machine, names: list[str]) -> list[tuple[str, str]]:
    """Return each source with its target."""
    sources = _files(machine, names[0])
    target = unquoted(names[1]) if len(names) > 1 else machine.folder
    if device(target):
        _files(machine, target)  # nul alone
        return [(one, target) for one in sources]
    full = machine.full(target)
    if "*" in target or "?" in target:
        raise Puzzle("a new name has a wildcard", "write the name itself")
    into = target.endswith(("\\", ".", ":")) or _is_folder(machine, full)
    if len(sources) > 1 and not into:
        raise Puzzle("several files are copied or moved to one name", "end the folder's name with a backslash")
    return [(one, full.rstrip("\\") + "\\" + "".join(split_path(one)[2:]) if into else full) for one in sources]
