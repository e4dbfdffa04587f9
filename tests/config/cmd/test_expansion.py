"""Percent signs, quotes, carets and delayed expansion: documented behaviour of cmd, one row each."""

from __future__ import annotations

import pytest

from tests.config.cmd.paper import Row, said

PERCENT: tuple[Row, ...] = (
    ("a variable is put in", "echo %v%", "Hello World\n"),
    ("names ignore case", "echo %V%", "Hello World\n"),
    ("an undefined variable is empty", "echo [%nothing%]", "[]\n"),
    ("two percent signs are one", "echo 100%%", "100%\n"),
    ("a lone percent sign vanishes", "echo 100% sure", "100 sure\n"),
    ("four are two", "echo %%%%", "%%\n"),
    ("two lone signs enclose an undefined name", "echo 10% or 20% off", "10 off\n"),
    ("a value is not expanded again", "set a=%%v%%\necho %a%", "%v%\n"),
    ("a part from a position", "echo %v:~6%", "World\n"),
    ("a part with a length", "echo %v:~0,5%", "Hello\n"),
    ("a part from the end", "echo %v:~-5%", "World\n"),
    ("a part up to the end less some", "echo %v:~0,-6%", "Hello\n"),
    ("a part from the end with a length", "echo %v:~-5,2%", "Wo\n"),
    ("a part without a position starts at 0", "echo %v:~,3%", "Hel\n"),
    ("a part beyond the end is empty", "echo [%v:~50%]", "[]\n"),
    ("a part before the start begins there", "echo %v:~-50,3%", "Hel\n"),
    ("a negative end before the start is empty", "echo [%v:~8,-9%]", "[]\n"),
    ("a blank before a number is skipped", "echo %v:~0, 5%", "Hello\n"),
    ("a word is replaced", "echo %v:World=You%", "Hello You\n"),
    ("a replacement ignores case", "echo %v:WORLD=You%", "Hello You\n"),
    ("every occurrence is replaced", "echo %v:l=1%", "He11o Wor1d\n"),
    ("a word is removed", "echo %v:Hello =%", "World\n"),
    ("all up to a word is replaced", "echo %v:*o=0%", "0 World\n"),
    ("a backslash in a replacement is a backslash", "echo %v:o=\\1%", "Hell\\1 W\\1rld\n"),
    ("a search that is not found changes nothing", "echo %v:xyz=1%", "Hello World\n"),
    ("an undefined variable's part leaves the part", "echo %nothing:~0,2%", "~0,2\n"),
    ("an undefined variable's replacement leaves it", "echo %nothing:a=b%", "a=b\n"),
    ("a colon before the last sign belongs to the name", "set a:=x\necho %a:%", "x\n"),
    ("the date has the setting's format", "echo %date%", "Thu 03/22/2007\n"),
    ("the time has the setting's format", "echo %time%", " 3:00:00.00\n"),
    ("a part of the date", "echo %date:~10,4%%date:~4,2%%date:~7,2%", "20070322\n"),
    ("blanks in the time are replaced", "echo %time: =0%", "03:00:00.00\n"),
    ("a variable of one's own hides the date", "set date=today\necho %date%", "today\n"),
    ("the folder is a variable", "echo %cd%", "C:\\snapall\n"),
    ("the errorlevel is a variable", "exit3\necho %errorlevel%", "3\n"),
    ("an argument of a batch that has none is empty", "echo [%1]", "[]\n"),
    (
        "an octal position is not guessed",
        "echo %v:~08%",
        "STOP 1: a position in a variable has a leading zero or too many digits\n",
    ),
    ("a name may have parentheses", "set a(x86)=y\necho %a(x86)%", "y\n"),
    ("an unfinished part is text", "echo %v:~x%", "v:~x\n"),
    ("expansion comes before the quotes are read", "echo %q%", '"in quotes"\n'),
    ("a value's sign is a sign of cmd", "echo %amp%", "a \nSTOP 1: snapall does not know what this program answers\n"),
    ("a value's sign within quotes is text", 'echo "%amp%"', '"a & b"\n'),
    (
        "a replacement of nothing",
        "echo %v:=x%",
        (
            "STOP 1: cmd reports a syntax error here and ends the batch: "
            "a replacement in a variable searches for nothing\n"
        ),
    ),
    ("a part without an end", "echo %v:x", "v:x\n"),
)

QUOTES: tuple[Row, ...] = (
    ("a caret makes a sign a letter", "echo a ^& b", "a & b\n"),
    ("a caret makes a letter a letter", "echo ^a", "a\n"),
    ("two carets are one", "echo ^^", "^\n"),
    ("a caret in quotes stays", 'echo "a^b"', '"a^b"\n'),
    ("signs in quotes are letters", 'echo "<&|>"', '"<&|>"\n'),
    ("an open quote lasts to the end of the line", 'echo "a & echo b\necho c', '"a & echo b\nc\n'),
    ("an escaped quote opens nothing", 'echo ^"a & echo b', '"a \nb\n'),
    ("a caret joins lines", "echo a^\nb", "ab\n"),
    ("the first sign of a joined line is a letter", "echo a ^\n& echo b", "a & echo b\n"),
    ("a caret in quotes at the end joins nothing", 'echo "a^\necho b', '"a^\nb\n'),
    ("a caret escapes a redirection", "echo a ^> b", "a > b\n"),
    ("a caret does not escape a percent sign", "echo ^^%v%", "^Hello World\n"),
    ("blanks before a command do not matter", "   echo a", "a\n"),
    ("commas and semicolons before a command do not matter", ",;= echo a", "a\n"),
    ("an at sign hides a command and runs it", "@echo a", "a\n"),
    ("a parenthesis in a command outside blocks is text", "echo a (b) c", "a (b) c\n"),
    ("a line that begins with a superfluous parenthesis is ignored", ") echo a\necho b", "b\n"),
    ("blank lines and carriage returns do not matter", "\r\r\n\r\necho a\r\r\n", "a\n"),
    ("a Ctrl-Z ends a line", "echo a\x1aecho b", "a\nb\n"),
    ("a caret before an empty line", "echo a^\n\necho b", "STOP 2: a ^ continues the line with an empty one\n"),
    ("a caret at the very end", "echo a^", "a\n"),
)

DELAYED: tuple[Row, ...] = (
    ("without it an exclamation mark is text", "echo !v!", "!v!\n"),
    ("a variable is read when the command runs", "%D%set a=1& set a=2& echo !a!", "2\n"),
    ("a percent sign is read when the line is", "%D%set a=1\nset a=2& echo %a%", "1\n"),
    ("an undefined variable is empty", "%D%echo [!nothing!]", "[]\n"),
    ("a part of it", "%D%echo !v:~0,5!", "Hello\n"),
    ("a replacement in it", "%D%echo !v:World=You!", "Hello You\n"),
    ("an undefined variable's part leaves the part", "%D%echo !nothing:~0,2!", "~0,2\n"),
    ("a lone exclamation mark vanishes", "%D%echo hello!", "hello\n"),
    ("several signs count as one", "%D%echo !!v!", "Hello World\n"),
    ("a value's signs are text", "%D%echo !amp!", "a & b\n"),
    # Wine 10's cmd differs; jeb and dbenham, phases 2 and 5.
    ("two carets and a mark are a mark", "%D%echo hello^^!", "hello!\n"),
    ("in quotes one caret is enough", '%D%echo "hello^!"', '"hello!"\n'),
    ("carets stay where there is no mark", "%D%echo a^^b", "a^b\n"),
    ("a name is made of another variable", "%D%set n=v\necho !%n%!", "Hello World\n"),
    ("a loop's variable is part of a name", "%D%set a1=x\nfor %%i in (1) do echo !a%%i!", "x\n"),
    # Wine 10's cmd differs; jeb and dbenham: phase 4 goes before phase 5.
    ("a loop's variable is part of a replacement", "%D%for %%i in (World) do echo !v:%%i=You!", "Hello You\n"),
    ("a loop counts", "%D%set c=0\nfor %%i in (a b c) do set /a c+=1 & echo !c!", "1\n2\n3\n"),
    ("an exclamation mark of a loop's value is eaten", "%D%for %%i in (a^!b) do echo %%i", "ab\n"),
    ("endlocal ends it", "%D%endlocal\necho !v!", "!v!\n"),
    ("a condition reads it", "%D%if !n!==7 echo seven", "seven\n"),
    ("a redirection reads it", "%D%echo x> !n!.txt\ntype 7.txt", "x\n"),
)


def ids(rows: tuple[Row, ...]) -> list[str]:
    return [sentence for sentence, _, _ in rows]


@pytest.mark.parametrize(("sentence", "batch", "expected"), PERCENT, ids=ids(PERCENT))
def test_percent_signs(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected


@pytest.mark.parametrize(("sentence", "batch", "expected"), QUOTES, ids=ids(QUOTES))
def test_quotes_and_carets(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected


@pytest.mark.parametrize(("sentence", "batch", "expected"), DELAYED, ids=ids(DELAYED))
def test_delayed_expansion(sentence: str, batch: str, expected: str) -> None:
    assert said(batch.replace("%D%", "setlocal enabledelayedexpansion\n")) == expected


ARGUMENTS: tuple[tuple[str, str, str, str], ...] = (
    ("arguments are separated by blanks", "echo %1-%2-%3", "a b", "a-b-\n"),
    ("and by commas, semicolons and equal signs", "echo %1-%2-%3-%4", "a,b;c=d", "a-b-c-d\n"),
    ("quotes keep one together, and stay", "echo %1", '"a b" c', '"a b"\n'),
    ("a tilde removes quotes", "echo %~1", '"a b" c', "a b\n"),
    ("all arguments, as they stand", "echo %*", "a  b,c", "a  b,c\n"),
    ("the batch's own name", "echo %0", "", "night.bat\n"),
    ("the batch's folder", "echo %~dp0", "", "C:\\snapall\\\n"),
    ("the batch's full path", "echo %~f0", "", "C:\\snapall\\night.bat\n"),
    ("the batch's name and extension", "echo %~n0 %~x0 %~nx0", "", "night .bat night.bat\n"),
    ("a file's parts", "echo %~d1 %~p1 %~n1 %~x1", "d:\\a\\b.txt", "d: \\a\\ b .txt\n"),
    ("a file's full path is relative to the folder", "echo %~f1", "x.txt", "C:\\snapall\\x.txt\n"),
    ("a file's size", "echo [%~z1] [%~z2]", "list.txt none.txt", "[41] []\n"),
    ("an argument that is missing has no parts", "echo [%~dp1]", "", "[]\n"),
    # Wine 10's cmd, the next two.
    (
        "a path that ends in a backslash has no name",
        "echo [%~dp1] [%~nx1] %~f1",
        "c:\\a\\b\\",
        "[c:\\a\\b\\] [] c:\\a\\b\\\n",
    ),
    ("a drive's folder has no name", "echo [%~dp1] [%~nx1]", "c:\\", "[c:\\] []\n"),
    ("shift moves the arguments", "shift\necho %0 %1 %2", "a b c", "a b c\n"),
    ("shift /1 keeps the name", "shift /1\necho %0 %1 %2", "a b c", "night.bat b c\n"),
    ("shift does not change all arguments", "shift\necho %*", "a b c", "a b c\n"),
    ("a digit is one digit", "echo %10", "a", "a0\n"),
    ("percent signs with a tilde and no digit stop", "echo %~x", "a", "STOP 1: no argument follows %~\n"),
    (
        "attributes are unknown",
        "echo %~a1",
        "a",
        ("STOP 1: an argument asks for a file's attributes, date or short name (%~a, %~t, %~s)\n"),
    ),
)


@pytest.mark.parametrize(("sentence", "batch", "arguments", "expected"), ARGUMENTS, ids=[row[0] for row in ARGUMENTS])
def test_arguments(sentence: str, batch: str, arguments: str, expected: str) -> None:
    assert said(batch, arguments) == expected
