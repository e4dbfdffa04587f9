"""External programs: how they are recorded, and how their words are split."""

from __future__ import annotations

from dataclasses import replace

import pytest

from snapall.config.cmd import BatchLine
from snapall.config.cmd.text import c_words
from tests.config.cmd.paper import SETTING, console, ran, said, sent

# Microsoft, "Parsing C command-line arguments": its own table, and what password lines need.
SPLIT: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("blanks and tabs separate", "a  b\tc", ("a", "b", "c")),
    ("quotes keep a word together", '"a b" c', ("a b", "c")),
    ("quotes within a word", 'a"b c"d', ("ab cd",)),
    ("a backslash and a quote are a quote", r'"ab\"c" "\\" d', ('ab"c', "\\", "d")),
    ("backslashes alone stay", r"a\\\b d", ("a\\\\\\b", "d")),
    ("an even number before a quote is halved", r'a\\"b c" d', ("a\\b c", "d")),
    ("an odd number before a quote keeps it", r"a\\\"b c", ('a\\"b', "c")),
    ("an empty word", '"" a', ("", "a")),
    ("a doubled quote within quotes", '"a""b" c', ('a"b', "c")),
    ("an open quote lasts to the end", '"a b', ("a b",)),
    ("a backslash before the last quote", r'"C:\x\" y', ('C:\\x" y',)),
    ("commas do not separate", "a,b=c", ("a,b=c",)),
)


@pytest.mark.parametrize(("sentence", "line", "words"), SPLIT, ids=[row[0] for row in SPLIT])
def test_words(sentence: str, line: str, words: tuple[str, ...]) -> None:
    assert c_words(line) == words


def test_a_program_is_recorded_as_it_would_be_started() -> None:
    (one,) = sent(ran('cd \\tools\n"c:\\my tools\\PROG.exe" -a "b c" >> out.log\n'))
    assert (one.program, one.name, one.words) == ("c:\\my tools\\PROG.exe", "prog", ("-a", "b c"))
    assert (one.line, one.folder, one.output, one.append) == (' -a "b c" ', "C:\\tools", "out.log", True)
    assert one.where == BatchLine("night.bat", 2)


def test_a_switch_may_be_joined_to_the_program() -> None:
    (one,) = sent(ran("prog/x y"))
    assert (one.program, one.words) == ("prog", ("/x", "y"))


def test_a_statement_is_where_its_line_is_in_a_block() -> None:
    found = sent(ran("if a==a (\nprog 1\nfor %%i in (x) do (\nprog 2\n)\n)\n"))
    assert [one.where.line for one in found] == [2, 4]


def test_a_continued_line_is_where_it_begins() -> None:
    assert [one.where.line for one in sent(ran("prog a^\nb\nprog c"))] == [1, 3]


def test_a_statement_of_another_batch_is_there() -> None:
    setting = replace(SETTING, read=lambda full: b"\r\nprog x\r\n" if full.lower().endswith("inner.bat") else None)
    found = sent(ran("call inner.bat\nprog y", setting))
    assert [one.where for one in found] == [BatchLine("C:\\snapall\\inner.bat", 2), BatchLine("night.bat", 2)]


def test_nul_is_an_output() -> None:
    assert [one.output for one in sent(ran("prog > nul\nprog"))] == ["nul", None]


def test_a_program_gets_what_it_would_read() -> None:
    assert next(one.stdin for one in sent(ran("echo yes| prog\nprog < list.txt"))) == "yes\n"


def test_a_files_name_in_the_answer_is_relative_to_the_folder() -> None:
    found = ran("cd \\out\nwriter x.txt")
    assert found.files == {"C:\\out\\x.txt": "a b c\n"}


def test_an_exe_beside_a_batch_of_its_name_goes_first() -> None:
    setting = replace(SETTING, read=lambda full: b"echo batch" if full.endswith(("prog.exe", "prog.bat")) else None)
    assert console(ran("prog a", setting)) == "[a]\n"


STOPS = (
    ("a program that is unknown", "unheard of", "snapall does not know what this program answers"),
    ("a command that is an empty variable", '"%nothing%" a', "a command has no name; perhaps a variable is not set"),
    ("a path with slashes and without quotes", "c:/tools/prog.exe a", "a program's path has a / and no quotes"),
)


@pytest.mark.parametrize(("sentence", "batch", "reason"), STOPS, ids=[row[0] for row in STOPS])
def test_stops(sentence: str, batch: str, reason: str) -> None:
    assert said(batch) == f"STOP 1: {reason}\n"


SECRETS = (
    "set pw=s3cret\n%pw% x",
    "set pw=s3cret\nif a%pw%-b lss b-%pw% echo x",
    "set pw=s3cret\ngoto %pw%",
    'set pw=s3cret\nfor /F "%pw%" %%i in (x) do echo',
    "set pw=s3cret\nexit /b %pw%",
    "set pw=s3cret\nchcp %pw%",
    'set pw=s3cret\nfindstr "%pw%*" list.txt',
    "set pw=s3cret\nshift %pw%",
    "set pw=s3cret\nset x=1 > lpt1 %pw%",
    "set pw=s3cret\ncd \\\\%pw%\\x",
    "set pw=s3cret\nmore /%pw%",
    "set pw=s3cret\nfor /L %%i in (%pw%,1,2) do echo",
)


@pytest.mark.parametrize("batch", SECRETS)
def test_a_stop_never_quotes_a_value(batch: str) -> None:
    stop = ran(batch).stop
    assert stop is not None
    assert stop.remedy
    assert "s3cret" not in stop.reason + stop.remedy
