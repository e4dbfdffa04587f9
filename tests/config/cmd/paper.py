"""Runs small batches on paper, for the tables of these tests."""

from __future__ import annotations

from dataclasses import replace

from snapall.config.cmd import Answer, Echoed, ProgramCall, Rehearsal, Sent, Setting, rehearse

Row = tuple[str, str, str]  # a sentence, a batch, what is on the console afterwards


def answered(call: ProgramCall) -> Answer | None:
    """`prog` says its arguments, `exit5` ends with 5, `twice` says its input twice, `lines` three lines."""
    if call.name.startswith("exit"):
        return Answer(int(call.name[4:]))
    match call.name:
        case "prog":
            return Answer(stdout="".join(f"[{word}]" for word in call.words) + "\n")
        case "tail":
            return Answer(stdout=f"<{call.line}>\n")
        case "twice":
            return Answer(stdout=call.stdin * 2)
        case "lines":
            return Answer(stdout="one 1\r\ntwo 2\r\n\r\nthree 3\r\n")
        case "grumble":
            return Answer(1, "out\n", "err\n")
        case "writer":
            return Answer(files={call.words[0]: "a b c\n"})
        case _:
            return None


FILES = {
    "c:\\snapall\\list.txt": b"alpha 1\r\n;beta 2\r\n\r\n  gamma 3\r\n(delta 4\r\n",
    "c:\\snapall\\names.csv": b"id,name\n108,web server\n110,db\n",
    "c:\\snapall\\two words.txt": b"found it\r\n",
    "c:\\snapall\\other.bat": b"@echo other %0 %1 %~n0\r\n@exit /b 7\r\n",
    "c:\\snapall\\setter.cmd": b"set fromsetter=yes\n",
}
NAMES = ("C:\\snapall\\list.txt", "C:\\snapall\\names.csv", "C:\\snapall\\two words.txt")
SETTING = Setting(
    variables={"v": "Hello World", "q": '"in quotes"', "amp": "a & b", "Path": "C:\\WINDOWS", "n": "7"},
    read=lambda full: FILES.get(full.lower()),
    names=NAMES,
)


def ran(batch: str, setting: Setting = SETTING, name: str = "night.bat") -> Rehearsal:
    return rehearse(batch.encode("cp437"), name, setting, answered)


def console(found: Rehearsal) -> str:
    """What is on the console, and after it the reason of a stop, if there is one."""
    said = "".join(event.text for event in found.events if isinstance(event, Echoed))
    return said if found.stop is None else f"{said}STOP {found.stop.where.line}: {found.stop.reason}\n"


def said(batch: str, arguments: str = "") -> str:
    return console(ran(batch, replace(SETTING, arguments=arguments)))


def sent(found: Rehearsal) -> list[Sent]:
    return [event for event in found.events if isinstance(event, Sent)]
