"""Echo, redirections, pipes, files and the tools of Windows: documented behaviour, one row each."""

from __future__ import annotations

import pytest

from snapall.config.cmd import Written
from tests.config.cmd.paper import Row, ran, said
from tests.config.cmd.test_expansion import ids

ECHO: tuple[Row, ...] = (
    ("blanks are kept", "echo  a  b ", " a  b \n"),
    ("quotes are kept", 'echo "a"', '"a"\n'),
    ("a full stop makes an empty line", "echo.", "\n"),
    # Wine 10's cmd differs; ss64, "Echo": the safest form of an empty line.
    ("a parenthesis makes an empty line", "echo(", "\n"),
    ("a full stop before text", "echo.a b", "a b\n"),
    ("a full stop before an empty variable", "echo.%nothing%", "\n"),
    ("nothing but blanks tells whether echo is on", "echo %nothing%", "ECHO is on.\n"),
    ("echo off", "@echo off\necho", "ECHO is off.\n"),
    ("echo on", "echo off\necho on\necho", "ECHO is on.\n"),
    ("a dot before on is text", "echo.on", "on\n"),
    (
        "a word that begins with echo is a program",
        "echoes",
        "STOP 1: snapall does not know what this program answers\n",
    ),
    ("case does not matter", "ECHO a", "a\n"),
    ("help is unknown", "echo /?", "STOP 1: echo /? prints its help text\n"),
)

REDIRECTIONS: tuple[Row, ...] = (
    ("a file is written", "echo a> f\ntype f", "a\n"),
    ("a blank before the sign belongs to echo's text", "echo a > f\ntype f", "a \n"),
    ("a file is written anew", "echo a> f\necho b> f\ntype f", "b\n"),
    ("a file is appended to", "echo a> f\necho b>> f\ntype f", "a\nb\n"),
    ("a redirection before the command", "> f echo a\ntype f", "a\n"),
    ("a redirection amid the text", "echo a> f b\ntype f", "a b\n"),
    ("a number before the sign is a handle", "echo a 2> f\necho b", "a \nb\n"),
    ("a number within a word is none", "echo a2> f\ntype f", "a2\n"),
    ("a number after a blank is a handle and vanishes", "echo 1> f\ntype f", "ECHO is on.\n"),
    ("errors to a file", "grumble 2> f\necho -\ntype f", "out\n-\nerr\n"),
    ("both to a file", "grumble > f 2>&1\necho -\ntype f", "-\nout\nerr\n"),
    ("errors where output went before", "grumble 2>&1 > f\necho -\ntype f", "err\n-\nout\n"),
    ("output to the errors", "(grumble 1>&2) 2> f\necho -\ntype f", "-\nout\nerr\n"),
    ("to nul", "grumble > nul 2>&1\necho -", "-\n"),
    ("a block's output", "(\necho a\necho b\n) > f\ntype f", "a\nb\n"),
    ("a loop's output", "@echo off\n(for %%i in (a b) do echo %%i)> f\ntype f", "a\nb\n"),
    ("a subroutine's output", "@echo off\ncall :sub > f\ntype f\ngoto :eof\n:sub\necho in", "in\n"),
    ("a redirection within another", "(echo a & echo b> g)> f\ntype f g 2> nul", "a \nb\n"),
    ("an empty file", "type nul > f\nif exist f echo yes", "yes\n"),
    ("input from a file", 'find "alpha" < list.txt', "alpha 1\n"),
    (
        "input from a file that is missing",
        "twice < none\necho %errorlevel%",
        "The system cannot find the file specified.\n0\n",
    ),
    # The tests of Wine's cmd, which ran on Windows: a redirection that fails sets the errorlevel for || alone.
    (
        "input that is missing is a failure for ||",
        "2> nul twice < none || echo %errorlevel%\nif errorlevel 1 echo 1",
        "0\n1\n",
    ),
    ("quotes amid a file's name", 'echo a>"x"y\ntype xy', "a\n"),
    ("a file in quotes", 'echo a> "x y"\ntype "x y"', "a\n"),
    (
        "the same file twice",
        "(echo a>> f)>> f",
        ("STOP 1: a file is redirected to while a redirection around it has it open: cmd cannot open it twice\n"),
    ),
    (
        "a file whose name is empty",
        "setlocal enabledelayedexpansion\necho a> !nothing!",
        ("STOP 2: the file of a redirection is empty; perhaps a variable is not set\n"),
    ),
    (
        "no file",
        "echo a >",
        ("STOP 1: cmd reports a syntax error here and ends the batch: the file of a redirection is missing\n"),
    ),
    ("a printer", "echo a> lpt1", "STOP 1: output goes to a device\n"),
    (
        "no handle",
        "echo a >&",
        "STOP 1: cmd reports a syntax error here and ends the batch: a handle's number is missing after >&\n",
    ),
    ("a handle above 2", "echo a 3> f", "STOP 1: a redirection of a handle above 2\n"),
    ("output to input", "echo a >&0", "STOP 1: a redirection to a handle other than 1 and 2\n"),
    ("input by >", "echo a 0> f", "STOP 1: standard input is redirected by >\n"),
    ("input from the console", "set /p x=<con", "STOP 1: set /p waits for input\n"),
    ("output to the console", "(echo a> con)> f\ntype f", "a\n"),
    (
        "a subroutine's output with echo on",
        "call :sub > f\ngoto :eof\n:sub\necho in",
        "STOP 4: echo is on, and cmd writes the commands themselves to the redirected output\n",
    ),
    ("a subroutine's output with at signs", "call :sub > f\ntype f\ngoto :eof\n:sub\n@echo in", "in\n"),
    (
        "a loop's output with echo on",
        "(for %%i in (a b) do echo %%i)> f",
        "STOP 1: echo is on, and cmd writes the commands themselves to the redirected output\n",
    ),
    ("a loop's output with an at sign", "(for %%i in (a b) do @echo %%i)> f\ntype f", "a\nb\n"),
    (
        "another batch's output, which begins with echo on",
        "@echo off\necho echo a> b.bat\nfor /F %%i in ('b.bat') do echo %%i",
        "STOP 1: echo is on, and cmd writes the commands themselves to the redirected output\n",
    ),
)

PIPES: tuple[Row, ...] = (
    ("a line that has a text", 'type list.txt | find "gamma"', "  gamma 3\n"),
    ("the code is the last program's", 'echo a| find "b"\necho %errorlevel%', "1\n"),
    ("&& after a pipe", 'echo a| find "a" > nul && echo found', "found\n"),
    ("a program's input", "echo a| twice", "a\na\n"),
    ("three programs", 'type list.txt | find "a" | find /c "3"', "1\n"),
    ("a block is refused", '(echo a) | find "a"', "STOP 1: one side of a pipe is a block, if or for\n"),
    ("set is refused", "echo 1| set /p x=", "STOP 1: set is in a pipe, where it has no lasting effect\n"),
    (
        "a sign is refused",
        'echo a ^& b | find "a"',
        "STOP 1: one side of a pipe has a special character that cmd would read twice\n",
    ),
    ("echo y answers del", "echo x> f\necho y| del f\nif not exist f echo gone", "gone\n"),
)

FILES: tuple[Row, ...] = (
    ("type", "type list.txt", "alpha 1\n;beta 2\n\n  gamma 3\n(delta 4\n"),
    (
        "type of a file that is missing",
        "type none\necho %errorlevel%",
        "The system cannot find the file specified.\n1\n",
    ),
    # Wine 10's cmd differs; dbenham, "Which cmd.exe internal commands clear the ERRORLEVEL to 0 upon success".
    ("del of a file that is missing sets 0", "exit3\ndel none 2>nul\necho %errorlevel%", "0\n"),
    ("del with a wildcard", "echo x> a.tmp\necho x> b.tmp\ndel /q *.tmp\nif not exist *.tmp echo gone", "gone\n"),
    ("del of a wildcard that finds nothing", "del *.xyz", "Could Not Find C:\\snapall\\*.xyz\n"),
    # Microsoft, "del": all files of a folder are deleted after a question only.
    ("del of all files asks", "del *.*", "STOP 1: del asks whether it may delete all files\n"),
    ("del of all files with an answer", "echo y| del *\ndir /b *.txt", "File Not Found\n"),
    ("del /q of all files does not ask", "del /q *\ndir /b *.txt", "File Not Found\n"),
    ("del of a folder", "md d\ndel d", "STOP 2: a folder is named, which stands for all its files\n"),
    ("erase", "erase list.txt\nif not exist list.txt echo gone", "gone\n"),
    ("copy", "copy list.txt b > nul\ntype b", "alpha 1\n;beta 2\n\n  gamma 3\n(delta 4\n"),
    ("copy says how many", "copy /y list.txt b", "        1 file(s) copied.\n"),
    ("copy to a folder", "md d\ncopy list.txt d > nul\nif exist d\\list.txt echo yes", "yes\n"),
    ("copy of a file that is missing", "copy none b >nul 2>&1 || echo failed", "failed\n"),
    ("copy joins files", "echo a> x\necho b> y\ncopy x+y z > nul\ntype z", "a\nb\n"),
    # Microsoft, "copy": blanks may stand around the plus sign.
    ("copy joins files with blanks around the sign", "echo a> x\necho b> y\ncopy x + y z > nul\ntype z", "a\nb\n"),
    ("copy of a name with a plus sign", 'echo a> "x+y"\ncopy "x+y" z > nul\ntype z', "a\n"),
    ("copy joins files of a wildcard", "copy *.txt+x y", "STOP 1: copy joins files that a wildcard names\n"),
    ("copy of nul makes an empty file", "copy nul x > nul\nif exist x echo yes", "yes\n"),  # Wine 10's cmd
    (
        "copy from the console",
        "copy con x",
        "STOP 1: a device, such as con, is named where a file should be\n",
    ),
    ("copy to a printer", "copy list.txt lpt1", "STOP 1: a device, such as con, is named where a file should be\n"),
    ("move", "echo a> x\nmove x y > nul\nif not exist x type y", "a\n"),
    ("move over a file", "echo a> x\necho b> y\nmove /y x y > nul\ntype y", "a\n"),
    ("ren", "echo a> x\nren x y\ntype y", "a\n"),
    ("ren to a name that is taken", "echo a> x\necho b> y\nren x y 2> nul || echo taken", "taken\n"),
    ("ren has no folder in the new name", "ren list.txt d\\x 2>nul\necho %errorlevel%", "1\n"),
    ("a folder is made once", "md a\\b\nmd a\\b 2>nul || echo there", "there\n"),
    ("a folder that holds files is there", "md C:\\snapall 2> nul || echo there", "there\n"),
    ("a folder that was made exists", "md a\\b\nif exist a\\b echo yes\nif exist a echo too", "yes\ntoo\n"),
    ("a folder is removed", "md a\nrd a\nif not exist a echo gone", "gone\n"),
    ("cd", "cd \\tmp\necho %cd%\ncd sub\ncd", "C:\\tmp\nC:\\tmp\\sub\n"),
    ("cd upwards", "cd \\a\\b\ncd ..\ncd", "C:\\a\n"),
    ("cd with the folder joined", "cd\\tmp\ncd", "C:\\tmp\n"),
    ("cd with blanks", "cd \\Program Files\\x\ncd", "C:\\Program Files\\x\n"),
    ("cd with quotes amid the path", 'cd .\\"x y"\ncd', "C:\\snapall\\x y\n"),
    ("cd to another drive leaves this one", "cd d:\\x\ncd\nd:\ncd", "C:\\snapall\nD:\\x\n"),
    ("cd /d changes the drive", "cd /d d:\\x\ncd\nc:\ncd", "D:\\x\nC:\\snapall\n"),
    ("pushd and popd", "pushd d:\\x\ncd\npopd\ncd", "D:\\x\nC:\\snapall\n"),
    # The tests of Wine's cmd, which ran on Windows: popd and rd fail for ||, and leave the errorlevel alone.
    ("popd without pushd leaves the errorlevel", "exit3\npopd\necho %errorlevel%", "3\n"),
    ("popd without pushd is a failure", "exit3\npopd || echo %errorlevel%\necho %errorlevel%", "3\n1\n"),
    ("rd of a folder that holds something", "md a\\b\nrd a 2>nul || echo full\nif exist a echo yes", "full\nyes\n"),
    ("copy of a file onto itself", "copy list.txt > nul 2>&1 || echo failed", "failed\n"),
    ("pushd to a share", "pushd \\\\server\\share", "STOP 1: the batch changes to a network share\n"),
    (
        "a file is found in the folder",
        "cd \\\nif not exist list.txt echo no\ncd snapall\nif exist list.txt echo yes",
        "no\nyes\n",
    ),
    ("rd /s", "rd /s /q d", "STOP 1: rd removes a folder with its content\n"),
    (
        "commands without a name",
        "type\ndel\ncopy\nmove a\nmd",
        "The syntax of the command is incorrect.\n" * 5,
    ),
    ("type of several files that are missing", "type *.xyz nul", "The system cannot find the file specified.\n"),
    ("del /s", "del /s x", "STOP 1: snapall does not know a switch of this del\n"),
    ("copy with a switch", "copy /q a b", "STOP 1: snapall does not know a switch of this copy\n"),
    ("copy joins files that are missing", "copy x+y z || echo no", "The system cannot find the file specified.\nno\n"),
    ("copy to nul", "copy list.txt nul", "        1 file(s) copied.\n"),
    ("ren with a wildcard", "ren list.txt *.bak", "STOP 1: a new name has a wildcard\n"),
    ("several files to one name", "copy *.txt x", "STOP 1: several files are copied or moved to one name\n"),
    ("move says how many", "move list.txt x", "        1 file(s) moved.\n"),
    ("pushd alone", "pushd", "STOP 1: pushd alone shows folders\n"),
    ("pushd for ever", ":top\npushd x\ngoto top", "STOP 2: pushd is nested too deeply\n"),
    (
        "what copy joined is joined again without the Ctrl-Z",
        "echo a> x\ncopy x+x y > nul\ncopy y+x z > nul\ntype z",
        "a\na\na\n",
    ),
    ("copy /b joins the bytes", "echo a> x\ncopy /b x+x y > nul\nfor /F %%i in (y) do echo %%i", "a\na\n"),
    (
        "type of several files names them among the errors",
        "echo a> f\necho b> g\ntype f g 2> e\ntype e",
        "a\nb\n\nf\n\n\n\ng\n\n\n",
    ),
)

TOOLS: tuple[Row, ...] = (
    ("find in a file names it", 'find "alpha" list.txt', "\n---------- LIST.TXT\nalpha 1\n"),
    ("find /c counts", 'find /c "a" list.txt', "\n---------- LIST.TXT: 4\n"),
    ("find /v takes the others", 'find /v "a" < list.txt', "\n"),
    ("find /i ignores case", 'find /i "ALPHA" < list.txt', "alpha 1\n"),
    ("find /n numbers", 'find /n "gamma" < list.txt', "[4]  gamma 3\n"),
    ("find ends with 1 where nothing is found", 'find "x" < list.txt\necho %errorlevel%', "1\n"),
    ("find with a quote", 'echo a^"b| find "a""b"', 'a"b\n'),
    ("findstr takes any of the words", 'findstr "alpha delta" list.txt', "alpha 1\n(delta 4\n"),
    ("findstr /c takes the text", 'findstr /c:"alpha 1" list.txt', "alpha 1\n"),
    ("findstr /b at the beginning", "findstr /b alpha list.txt", "alpha 1\n"),
    ("findstr /e at the end", "findstr /e 3 list.txt", "  gamma 3\n"),
    ("findstr /i /v", "findstr /i /v A list.txt", "\n"),
    ("findstr /x the whole line", 'findstr /x /c:"alpha 1" list.txt', "alpha 1\n"),
    ("findstr /n numbers", "findstr /n gamma list.txt", "4:  gamma 3\n"),
    ("findstr with ^ and digits", 'findstr /r "^[0-9]" names.csv', "108,web server\n110,db\n"),
    ("findstr in several files", "findstr alpha list.txt names.csv", "list.txt:alpha 1\n"),
    (
        "findstr with a pattern that is unknown",
        'findstr "a*" list.txt',
        ("STOP 1: findstr has a pattern that snapall does not know\n"),
    ),
    ("find waits at the console", 'find "a"', "STOP 1: find waits for input\n"),
    ("pause waits", "pause", "STOP 1: pause waits for a key\n"),
    ("what shows nothing", "title x\ncls\ncolor 0a\nverify on\nprompt $g\nbreak\necho a", "a\n"),
    ("date /t", "date /t", "Thu 03/22/2007 \n"),
    ("chcp says and changes", "chcp\nchcp 1252 > nul\nchcp", "Active code page: 437\nActive code page: 1252\n"),
    ("chcp to a page that is unknown", "chcp 99999", "STOP 1: chcp selects a code page that snapall does not know\n"),
    ("time /t", "time /t", "03:00 AM\n"),
    ("dir /b", "dir /b *.txt", "list.txt\ntwo words.txt\n"),
    (
        "dir /b of a folder shows its files",
        "dir /b C:\\snapall",
        "list.txt\nnames.csv\ntwo words.txt\n",
    ),  # Wine 10's cmd
    ("dir /b beside folders", "md d\ndir /b", "STOP 2: dir /b shows the folders that the batch made, too\n"),
    ("dir /b without folders", "md d\necho x> d\\f\ndir /b /a-d d", "f\n"),
    ("dir /b of nothing", "dir /b *.xyz\necho %errorlevel%", "File Not Found\n1\n"),
    ("dir alone is unknown", "dir", "STOP 1: what dir shows depends on the machine\n"),
    # dbenham, "What are the undocumented features and limitations of the Windows FINDSTR command?", the next three.
    (
        "findstr with a range of letters",
        'findstr "[c-g]a" x',
        "STOP 1: findstr has a pattern that snapall does not know\n",
    ),
    ("findstr /c takes signs as they are", 'echo axb| findstr /c:"a.b"\necho a.*| findstr /c:"a.*"', "a.*\n"),
    ("findstr /r /c reads a pattern", 'echo axb| findstr /r /c:"a.b"', "axb\n"),
    (
        "findstr with a backslash in a text",
        'findstr /c:"a\\b" list.txt',
        "STOP 1: findstr has a pattern that snapall does not know\n",
    ),
    ("findstr with anything but a set of signs", 'findstr "^[^0-9]" names.csv', "id,name\n"),
    ("findstr with a repeated sign at the start", 'findstr /r /c:"^[ ]*gamma" list.txt', "  gamma 3\n"),
    ("findstr with an escaped full stop", 'echo a.b| findstr "a\\.b"', "a.b\n"),
    ("find in two files", 'find "two" list.txt "two words.txt"', "\n---------- LIST.TXT\n\n---------- TWO WORDS.TXT\n"),
    (
        "find without a text",
        "find alpha list.txt",
        "STOP 1: find has no quoted text, or a switch that snapall does not know\n",
    ),
    ("find that cannot be read", 'find "a" /', "STOP 1: snapall cannot read this find\n"),
    ("find of nothing", 'find "" < list.txt || echo no', "no\n"),
    ("find in a file that is missing", 'find "a" none', "STOP 1: find reads a file that snapall does not know\n"),
    ("findstr without a text", "findstr", "STOP 1: findstr has no text, or a switch that snapall does not know\n"),
    ("findstr /l takes signs as they are", 'echo a.*| findstr /l ".*"', "a.*\n"),
    ("findstr with any sign", 'findstr "al.ha" list.txt', "alpha 1\n"),
    (
        "findstr with a sign that is repeated",
        'findstr "al*pha" list.txt',
        "STOP 1: findstr has a pattern that snapall does not know\n",
    ),
    ("date waits", "date", "STOP 1: date waits for input\n"),
)

LEVELS: tuple[Row, ...] = (
    *(
        (f"{one} leaves the errorlevel", f"exit3\n{one} >nul\necho %errorlevel%", "3\n")
        for one in (
            "echo a",
            "rem a",
            "set x=1",
            "title a",
            "cls",
            "if a==a echo b",
            "for %%i in (a) do echo %%i",
            "shift",
            "(echo a)",
            "rd none",
        )
    ),
    *(
        (f"{one} clears the errorlevel", f"exit3\n{one} >nul\necho %errorlevel%", "0\n")
        for one in (
            "cd \\",
            "copy list.txt b",
            "md x",
            "type list.txt",
            "setlocal",
            "verify on",
            "color 07",
            "pushd \\",
        )
    ),
    ("a program sets it", "exit3\nexit0\necho %errorlevel%", "0\n"),
    ("a negative code", "cmd /c exit -1\necho %errorlevel%\nif errorlevel 0 echo no", "-1\n"),
    # Wine 10's cmd differs; ss64, "Exit": without a code the errorlevel stays.
    ("exit /b without a code keeps it", "call :s\necho %errorlevel%\ngoto :eof\n:s\nexit3\nexit /b", "3\n"),
    ("what is not found as a label in a chain", "call :none 2>nul || echo failed", "failed\n"),
)


@pytest.mark.parametrize(("sentence", "batch", "expected"), ECHO, ids=ids(ECHO))
def test_echo(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected


@pytest.mark.parametrize(("sentence", "batch", "expected"), REDIRECTIONS, ids=ids(REDIRECTIONS))
def test_redirections(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected


@pytest.mark.parametrize(("sentence", "batch", "expected"), PIPES, ids=ids(PIPES))
def test_pipes(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected


@pytest.mark.parametrize(("sentence", "batch", "expected"), FILES, ids=ids(FILES))
def test_files_and_folders(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected


@pytest.mark.parametrize(("sentence", "batch", "expected"), TOOLS, ids=ids(TOOLS))
def test_tools(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected


@pytest.mark.parametrize(("sentence", "batch", "expected"), LEVELS, ids=ids(LEVELS))
def test_errorlevels(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected


def test_what_is_written_is_told_in_order() -> None:
    found = ran("echo a> f\necho b>> f\nprog c >> f\n")
    written = [event for event in found.events if isinstance(event, Written)]
    assert [(one.path, one.text, one.append, one.where.line, one.by) for one in written] == [
        ("f", "a\n", False, 1, "echo"),
        ("f", "b\n", True, 2, "echo"),
        ("f", "[c]\n", True, 3, "prog"),
    ]
    assert found.files == {"C:\\snapall\\f": "a\nb\n[c]\n"}


def test_a_file_that_is_emptied_is_told() -> None:
    assert [event.text for event in ran("exit0 > f").events if isinstance(event, Written)] == [""]


def test_set_clears_the_errorlevel_in_a_cmd() -> None:
    assert "0\n" in "".join(
        getattr(event, "text", "") for event in ran("exit3\nset x=1\necho %errorlevel%", name="a.cmd").events
    )
