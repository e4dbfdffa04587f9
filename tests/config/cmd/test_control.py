"""Conditions, blocks, jumps and calls: documented behaviour of cmd, one row each."""

from __future__ import annotations

import pytest

from tests.config.cmd.paper import Row, said
from tests.config.cmd.test_expansion import ids

IF: tuple[Row, ...] = (
    ("equal texts", "if a==a echo yes", "yes\n"),
    ("case counts", "if a==A echo yes", ""),
    ("/i ignores case", "if /i a==A echo yes", "yes\n"),
    ("not turns it round", "if not a==b echo yes", "yes\n"),
    ("not and /i in either order", "if /i not a==B echo yes\nif not /i a==B echo too", "yes\ntoo\n"),
    ("quotes count", 'if "a"==a echo yes', ""),
    ("blanks around the signs do not matter", 'if "a" == "a" echo yes', "yes\n"),
    ("a blank in quotes", 'if "a b"=="a b" echo yes', "yes\n"),
    ("an empty variable in quotes", 'if "%nothing%"=="" echo empty', "empty\n"),
    (
        "an empty variable without quotes ends the batch",
        "if %nothing%==x echo yes\necho no",
        (
            "STOP 1: cmd reports a syntax error here and ends the batch: an if compares nothing; "
            "perhaps a variable in it is empty and has no quotes around it\n"
        ),
    ),
    ("else on the same line", "if a==b (echo yes) else echo no", "no\n"),
    ("else after a block of several lines", "if a==b (\necho yes\n) else (\necho no\n)", "no\n"),
    (
        "else without a blank after it",
        "if a==b (echo yes) else(echo no)",
        "STOP 1: cmd reports a syntax error here and ends the batch: something follows a closing parenthesis\n",
    ),
    ("else if", "if a==b (echo 1) else if a==a (echo 2) else (echo 3)", "2\n"),
    ("else without a block before is text", "if a==a echo yes else echo no", "yes else echo no\n"),
    ("the rest of the line is ruled by if", "if a==b echo 1 & echo 2\necho 3", "3\n"),
    ("equ compares numbers", "if 010 equ 8 echo octal", "octal\n"),
    ("equ compares texts", "if abc equ abc echo yes", "yes\n"),
    ("neq", "if 7 neq 8 echo yes", "yes\n"),
    ("lss", "if 7 lss 10 echo yes", "yes\n"),
    ("leq", "if 7 leq 7 echo yes", "yes\n"),
    ("gtr", "if 10 gtr 7 echo yes", "yes\n"),
    ("geq", "if -1 geq -2 echo yes", "yes\n"),
    ("hexadecimal numbers", "if 0x10 equ 16 echo yes", "yes\n"),
    ("words ignore case", "IF 7 LSS 10 ECHO yes", "yes\n"),
    ("numbers in quotes are texts", 'if "10" lss "7" echo text', "text\n"),
    ("letters are ordered without their case", "if a lss B echo yes", "yes\n"),
    (
        "texts with signs are not ordered",
        "if a-b lss ab echo yes",
        "STOP 1: an if orders texts with punctuation, which depends on the language of Windows\n",
    ),
    ("nothing is below any text", "for %%f in (none.txt) do if %%~zf lss 1048576 echo small", "small\n"),
    ("exist finds a file", "if exist list.txt echo yes", "yes\n"),
    ("exist finds a file in quotes", 'if exist "two words.txt" echo yes', "yes\n"),
    ("exist does not find another", "if not exist other.txt echo none", "none\n"),
    ("exist with a wildcard", "if exist *.csv echo yes", "yes\n"),
    ("exist finds the folder of a known file", "if exist C:\\snapall echo yes", "yes\n"),
    ("exist finds what the batch wrote", "echo x> new.txt\nif exist new.txt echo yes", "yes\n"),
    ("exist does not find what the batch deleted", "del list.txt\nif not exist list.txt echo gone", "gone\n"),
    (
        "a folder's nul exists if the folder does",
        "if exist \\snapall\\nul echo yes\nif exist \\x\\nul echo no",
        "yes\n",
    ),
    ("nul exists", "if exist nul echo yes", "yes\n"),
    ("defined", "if defined v echo yes", "yes\n"),
    ("not defined", "if not defined nothing echo yes", "yes\n"),
    ("errorlevel is that or more", "exit3\nif errorlevel 2 echo two\nif errorlevel 4 echo four", "two\n"),
    ("errorlevel 0 is always true for a program that ended well or not", "exit9\nif errorlevel 0 echo yes", "yes\n"),
    (
        "errorlevel is a decimal number",
        "if errorlevel 0x1 echo no",
        ("STOP 1: cmd reports a syntax error here and ends the batch: if errorlevel has no decimal number\n"),
    ),
    # Wine 10's cmd; cmd reads the equal signs as blanks there ("Command-line syntax": they separate words).
    (
        "errorlevel with equal signs is that or more, too",
        "exit3\nif errorlevel==2 echo two\nif errorlevel = 4 echo 4",
        "two\n",
    ),
    # ss64, "If": numbers have 32 bits, and larger ones are the largest.
    ("numbers of more than 32 bits are compared", "if 3000000000 gtr 500000000 echo yes", "yes\n"),
    ("two numbers of more than 32 bits are equal", "if 9999999999 equ 3000000000 echo yes", "yes\n"),
    ("nothing does not exist", 'if not exist "" echo none', "none\n"),
    ("the current folder and those above exist", "if exist C:\\ if exist C:\\snapall\\ echo yes", "yes\n"),
    ("errorlevel as a number", "exit3\nif %errorlevel% equ 3 echo three", "three\n"),
    ("cmdextversion", "if cmdextversion 1 echo yes", "STOP 1: an if asks for the version of cmd\n"),
    ("an if in an if", "if a==a if b==b echo yes", "yes\n"),
    ("a block with parentheses in quotes", 'if a==a (\necho "(x)"\n)', '"(x)"\n'),
    (
        "an unescaped parenthesis ends a block",
        "if a==a (\necho (x) y\n)\n",
        "STOP 2: cmd reports a syntax error here and ends the batch: something follows a closing parenthesis\n",
    ),
    ("an escaped parenthesis does not", "if a==a (\necho (x^) y\n)\n", "(x) y\n"),
    ("texts are ordered without their case by /i", "if /i a equ A if /i b gtr A echo yes", "yes\n"),
    ("a wildcard in a folder", "if exist c:\\s*\\x echo no", "STOP 1: if exist has a wildcard in a folder's name\n"),
    (
        "nothing to compare with",
        "if a==",
        "STOP 1: cmd reports a syntax error here and ends the batch: a word is missing after if\n",
    ),
    ("no command", "if a==a", "STOP 1: cmd reports a syntax error here and ends the batch: no command follows if\n"),
)

BLOCKS: tuple[Row, ...] = (
    ("commands are joined", "echo a& echo b", "a\nb\n"),
    ("&& after success", "exit0 && echo yes", "yes\n"),
    ("&& after failure", "exit1 && echo yes", ""),
    ("|| after success", "exit0 || echo no", ""),
    ("|| after failure", "exit1 || echo no", "no\n"),
    ("&& and || together", "exit1 && echo a || echo b", "b\n"),
    ("|| goes before &", "exit0 || echo a & echo b", "b\n"),
    ("a trailing & is allowed", "echo a &", "a \n"),
    ("an echo that succeeds after a program that failed", "exit1 & echo a && echo b", "a \nb\n"),
    ("a block of lines", "(\necho a\necho b\n)", "a\nb\n"),
    ("a block on a line", "(echo a & echo b)", "a \nb\n"),
    ("a variable in a block is read before it runs", "(\nset x=1\necho [%x%]\n)\necho %x%", "[]\n1\n"),
    ("a comment in a block", "(\nrem nothing )\necho a\n)", "a\n"),
    ("a label before a command in a block", "(\n:: comment\necho a\n)", "a\n"),
    (
        "a label at the end of a block",
        "(\necho a\n:: comment\n)",
        (
            "STOP 4: cmd reports a syntax error here and ends the batch: a block is empty, or ends with a label "
            "or a comment by ::\n"
        ),
    ),
    (
        "an empty block",
        "()",
        (
            "STOP 1: cmd reports a syntax error here and ends the batch: a block is empty, or ends with "
            "a label or a comment by ::\n"
        ),
    ),
    ("a block without an end", "(echo a\necho b", "STOP 2: a ( has no )\n"),
    (
        "nothing before a sign",
        "& echo a",
        ("STOP 1: cmd reports a syntax error here and ends the batch: nothing stands before &\n"),
    ),
    (
        "nothing after a sign",
        "echo a &&",
        ("STOP 1: cmd reports a syntax error here and ends the batch: nothing follows &&\n"),
    ),
    ("a comment ignores signs", "rem a & echo b\necho c", "c\n"),
    ("a comment without words ends at a sign", "rem & echo b", "b\n"),
    ("a label is a comment", ":: a & echo b\n:label echo c\necho d", "d\n"),
    ("the percent signs of a comment by :: are not", ":: %~x\necho a", "a\n"),
    (
        "a comment by :: that ends in a caret",
        ":: a ^\necho b",
        "STOP 1: a comment ends in ^, and cmd may read the next line as part of it\n",
    ),
    ("a comment's percent signs are read", "rem %~x", "STOP 1: no argument follows %~\n"),
    ("a trailing & in a block", "(echo a & )", "a \n"),
    (
        "a sign before a parenthesis",
        "(if a==a )",
        "STOP 1: cmd reports a syntax error here and ends the batch: no command follows if\n",
    ),
    (
        "a parenthesis after &&",
        "(echo a && )",
        "STOP 1: cmd reports a syntax error here and ends the batch: nothing follows &&\n",
    ),
    ("a redirection before a block", "> f (echo a)\ntype f", "a\n"),
    ("a redirection before if", "> f if a==a echo b", "STOP 1: a redirection precedes if, for or rem\n"),
    (
        "text after a block",
        "(echo a) b",
        "STOP 1: cmd reports a syntax error here and ends the batch: something follows a closing parenthesis\n",
    ),
    (
        "text after a block in a block",
        "((echo a) b)",
        "STOP 1: cmd reports a syntax error here and ends the batch: something follows a closing parenthesis\n",
    ),
    ("an opening parenthesis in an echo within a block is text", "(\necho a ( b\n)\necho c", "a ( b\nc\n"),
)

JUMPS: tuple[Row, ...] = (
    ("goto goes forward", "goto end\necho no\n:end\necho yes", "yes\n"),
    ("goto with a colon", "goto :end\necho no\n:end\necho yes", "yes\n"),
    ("goto with the colon joined", "goto:end\necho no\n:end\necho yes", "yes\n"),
    ("goto goes back", "if defined x goto end\nset x=1\n:top\ngoto back\n:end\necho no\n:back\necho yes", "yes\n"),
    ("labels ignore case", "goto END\necho no\n:end\necho yes", "yes\n"),
    (
        "a label may have an at sign before it and blanks after its colon",
        "goto end\necho no\n@ :  end>x\necho yes",
        "yes\n",
    ),
    (
        "a label with two colons is none",
        "goto end\n::end",
        ("STOP 1: the batch has no such label: cmd ends the batch at this goto\n"),
    ),
    ("a label may be indented", "goto end\necho no\n  :end\necho yes", "yes\n"),
    ("a label ends at a blank", "goto end\necho no\n:end of it\necho yes", "yes\n"),
    ("a label ends at a colon", "goto end\necho no\n:end:x\necho yes", "yes\n"),
    ("the next label of two is taken", "goto a\n:a\necho 1\ngoto a\n:a\necho 2", "1\n2\n"),
    ("the search begins again at the top", "set n=\ngoto b\n:a\necho a\ngoto :eof\n:b\ngoto a", "a\n"),
    ("goto :eof ends the batch", "echo a\ngoto :eof\necho b", "a\n"),
    ("goto leaves a block", "(\ngoto end\necho no\n)\n:end\necho yes", "yes\n"),
    ("goto leaves a loop", "for %%i in (1 2 3) do (\necho %%i\nif %%i==2 goto end\n)\n:end\necho yes", "1\n2\nyes\n"),
    ("a label named by a variable", "set where=end\ngoto %where%\necho no\n:end\necho yes", "yes\n"),
    (
        "goto a label that is missing",
        "goto nowhere\necho no",
        ("STOP 1: the batch has no such label: cmd ends the batch at this goto\n"),
    ),
    ("exit /b ends the batch", "exit /b\necho no", ""),
    ("exit ends cmd", "call :sub\necho no\n:sub\nexit", ""),
    ("goto without a label", "goto", "STOP 1: cmd reports a syntax error here and ends the batch: goto has no label\n"),
    (
        "goto in a cmd of its own",
        "cmd /c goto end\n:end",
        "STOP 1: goto is in a separate cmd, which has no labels\n",
    ),
    (
        "a call to a label in a cmd of its own",
        "cmd /c call :end\n:end",
        "STOP 1: call to a label is in a separate cmd\n",
    ),
    ("exit with a word", "exit /b x", "STOP 1: the code after exit is not a decimal number\n"),
)

CALLS: tuple[Row, ...] = (
    ("a subroutine", "call :sub\necho back\ngoto :eof\n:sub\necho in", "in\nback\n"),
    ("a subroutine's name may be joined to call", "call:sub\ngoto:eof\n:sub\necho in\nexit/b 2", "in\n"),
    ("an empty call with a blank clears the errorlevel", "exit3\n(call )\necho %errorlevel%", "0\n"),
    ("an empty call without one sets 1", "(call)\necho %errorlevel%", "1\n"),
    ("a subroutine's arguments", 'call :sub a "b c"\ngoto :eof\n:sub\necho %1 %~2 %3', "a b c \n"),
    ("a subroutine's name", "call :sub\ngoto :eof\n:sub\necho %0 %~n0", ":sub night\n"),
    ("all arguments of a subroutine", "call :sub a b\ngoto :eof\n:sub\necho [%*]", "[a b]\n"),
    ("exit /b leaves a subroutine with a code", "call :sub\necho %errorlevel%\ngoto :eof\n:sub\nexit /b 4", "4\n"),
    ("a subroutine that ends leaves the errorlevel", "exit3\ncall :sub\necho %errorlevel%\ngoto :eof\n:sub\n", "3\n"),
    ("a call's code counts for &&", "call :sub && echo no\ngoto :eof\n:sub\nexit /b 4", ""),
    # Wine 10's cmd differs; dbenham, "Which cmd.exe internal commands clear the ERRORLEVEL to 0 upon success".
    ("a subroutine that is missing sets 1", "call :none 2>nul\necho %errorlevel%", "1\n"),
    (
        "a subroutine that is missing is reported",
        "call :none",
        "The system cannot find the batch label specified - none\n",
    ),
    ("setlocal in a subroutine ends with it", "call :sub\necho [%x%]\ngoto :eof\n:sub\nsetlocal\nset x=1", "[]\n"),
    ("a value is carried out of setlocal", "setlocal\nset x=1\nendlocal & set y=%x%\necho [%x%] %y%", "[] 1\n"),
    ("setlocal keeps the folder", "setlocal\ncd \\tmp\nendlocal\necho %cd%", "C:\\snapall\n"),
    ("call expands once more", "set name=v\ncall echo %%%name%%%", "Hello World\n"),
    ("call sets a variable by its name", "set name=v\ncall set x=%%%name%%%\necho %x%", "Hello World\n"),
    ("call doubles carets in quotes", 'call echo "a^b"', '"a^^b"\n'),
    ("call of a command clears the errorlevel", "exit3\ncall echo a\necho %errorlevel%", "a\n0\n"),
    ("call of a program that is missing sets 1", "call exit9009\necho %errorlevel%", "1\n"),
    ("call of a program", "call prog a b", "[a][b]\n"),
    ("call of another batch", "call other.bat x\necho %errorlevel%", "other other.bat x other\n7\n"),
    ("call of another batch without its extension", "call other x", "other other x other\n"),
    ("a batch without call does not come back", "other.bat x\necho no", "other other.bat x other\n"),
    ("a batch sets variables for its caller", "call setter.cmd\necho %fromsetter%", "yes\n"),
    ("a batch that cannot be read", "call missing.bat", "STOP 1: the batch runs another batch, which cannot be read\n"),
    ("a batch that the batch wrote", "echo @echo made> made.bat\ncall made.bat", "made\n"),
    ("a subroutine's variables of for are its own", "for %%i in (1) do call :sub\ngoto :eof\n:sub\necho %%i", "%i\n"),
    (
        "a subroutine of itself is stopped",
        ":sub\ncall :sub",
        ("STOP 2: blocks and calls are nested too deeply; a subroutine may call itself\n"),
    ),
    (
        "a command with a sign",
        "set x=^^^&\ncall echo a%%x%%b",
        ("STOP 2: call has a command with a special character of cmd (& | < >)\n"),
    ),
    ("cmd /c runs a command", "cmd /c echo a", "a\n"),
    ("cmd /c in quotes", 'cmd /c "echo a & echo b"', "a \nb\n"),
    ("cmd /c keeps its variables to itself", "cmd /c set x=1\necho [%x%]", "[]\n"),
    ("cmd /c passes its code on", "cmd /c exit 5\necho %errorlevel%", "5\n"),
    # Wine 10's cmd, the next two.
    ("cmd /c begins with errorlevel 0", "exit3\ncmd /c echo a\necho %errorlevel%", "a\n0\n"),
    ("cmd /c keeps an undefined variable's name", 'cmd /c "echo %%nothing%% 5%% %%%%"', "%nothing% 5% %%\n"),
    (
        "a batch without call is the last command of its statement",
        "if a==a other.bat x\necho no",
        "other other.bat x other\n",
    ),
    (
        "a batch without call before another command",
        "other.bat x & echo no",
        (
            "other other.bat x other\n"
            "STOP 1: a batch runs another one without call, and something follows in the same statement\n"
        ),
    ),
    ("cmd /c runs a batch", "cmd /c other.bat y\necho %errorlevel%", "other other.bat y other\n7\n"),
    (
        "cmd /k waits",
        "cmd /k echo a",
        ("STOP 1: a separate cmd is started with switches other than /c, /s, /q, /d and /v\n"),
    ),
    ("start is unknown", "start notepad", "STOP 1: what start does depends on the machine\n"),
    ("setlocal with an unknown word", "setlocal x || echo no", "no\n"),
    (
        "setlocal without extensions",
        "setlocal disableextensions",
        "STOP 1: setlocal disableextensions makes cmd behave as in Windows NT 3.5\n",
    ),
    ("setlocal in a cmd of its own does nothing", "cmd /c setlocal enabledelayedexpansion\necho !v!", "!v!\n"),
    ("endlocal without setlocal", "set x=1\nendlocal\necho %x%", "1\n"),
    ("call :eof comes back at once", "exit3\ncall :eof\necho %errorlevel%", "3\n"),
    ("cmd /s /c removes the outer quotes", 'cmd /s /c "echo "a b""', '"a b"\n'),
    ("cmd /c keeps the quotes of a program", 'cmd /q /d /c "c:\\my tools\\prog.exe"', "\n"),
    ("cmd /v:on /c reads exclamation marks", 'cmd /v:on /c "set x=1& echo !x!"', "1\n"),
    ("cmd /v:off /c does not", "cmd /v:off /c echo !v!", "!v!\n"),
)


@pytest.mark.parametrize(("sentence", "batch", "expected"), IF, ids=ids(IF))
def test_conditions(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected


@pytest.mark.parametrize(("sentence", "batch", "expected"), BLOCKS, ids=ids(BLOCKS))
def test_blocks_and_joints(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected


@pytest.mark.parametrize(("sentence", "batch", "expected"), JUMPS, ids=ids(JUMPS))
def test_jumps(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected


@pytest.mark.parametrize(("sentence", "batch", "expected"), CALLS, ids=ids(CALLS))
def test_calls(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected
