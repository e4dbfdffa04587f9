"""`for` in its forms: documented behaviour of cmd, one row each."""

from __future__ import annotations

import pytest

from tests.config.cmd.paper import Row, said
from tests.config.cmd.test_expansion import ids

PLAIN: tuple[Row, ...] = (
    ("a list", "for %%i in (a b c) do echo %%i", "a\nb\nc\n"),
    ("commas, semicolons and equal signs separate", "for %%i in (a,b;c=d) do echo %%i", "a\nb\nc\nd\n"),
    ("quotes keep an item together, and stay", 'for %%i in ("a b" c) do echo %%i', '"a b"\nc\n'),
    ("a tilde removes quotes", 'for %%i in ("a b") do echo %%~i', "a b\n"),
    ("a list over several lines", "for %%i in (\na\nb c\n) do echo %%i", "a\nb\nc\n"),
    ("a block as body", "for %%i in (a b) do (\necho %%i\necho -\n)", "a\n-\nb\n-\n"),
    ("a loop in a loop", "for %%i in (1 2) do for %%j in (a b) do echo %%i%%j", "1a\n1b\n2a\n2b\n"),
    ("the case of a variable counts", "for %%i in (1) do for %%I in (2) do echo %%i%%I", "12\n"),
    ("the rest of the line belongs to the loop", "for %%i in (1 2) do echo %%i & echo -", "1 \n-\n2 \n-\n"),
    ("an empty list", "for %%i in () do echo %%i\necho end", "end\n"),
    ("a file's parts", "for %%i in (d:\\a\\b.txt) do echo %%~di %%~pi %%~ni %%~xi %%~nxi", "d: \\a\\ b .txt b.txt\n"),
    ("a file's full path", "for %%i in (x.txt) do echo %%~fi %%~dpi", "C:\\snapall\\x.txt C:\\snapall\\\n"),
    (
        "a modifier's letter may be the variable",
        "for %%f in (d:\\a\\b.txt) do echo %%~nxf %%~ff",
        "b.txt d:\\a\\b.txt\n",
    ),
    ("a file's size", "for %%i in (list.txt) do echo %%~zi", "41\n"),
    ("a wildcard", "for %%i in (*.txt) do echo %%i", "list.txt\ntwo words.txt\n"),
    ("a wildcard keeps the folder as written", "for %%i in (\\snapall\\l*.txt) do echo %%i", "\\snapall\\list.txt\n"),
    # ss64, "Wildcards", the next three.
    ("a question mark before a full stop may be missing", "for %%i in (list???.t?t) do echo %%i", "list.txt\n"),
    ("a question mark within a name is one character", "for %%i in (l?ist.txt n?mes.csv) do echo %%i", "names.csv\n"),
    (
        "a full stop before an asterisk may be missing",
        "echo x> list\nfor %%i in (list.*) do echo %%i",
        "list\nlist.txt\n",
    ),
    ("a wildcard that finds nothing", "for %%i in (*.xyz) do echo %%i", ""),
    ("a wildcard finds what the batch wrote", "echo x> a.new\nfor %%i in (*.new) do echo %%i", "a.new\n"),
    ("a value's signs are text", "for %%i in (a^&b) do echo %%i", "a&b\n"),
    ("after the loop the variable is text", "for %%i in (a) do echo %%i\necho %%i", "a\n%i\n"),
    ("counting up", "for /L %%i in (1,1,3) do echo %%i", "1\n2\n3\n"),
    ("counting down", "for /l %%i in (3,-1,1) do echo %%i", "3\n2\n1\n"),
    ("counting in steps", "for /L %%i in (0,5,12) do echo %%i", "0\n5\n10\n"),
    ("counting with blanks", "for /L %%i in (1 1 2) do echo %%i", "1\n2\n"),
    ("counting to less than the start", "for /L %%i in (2,1,1) do echo %%i\necho end", "end\n"),
    ("a list's variable is read before the loop", "set l=a b\nfor %%i in (%l%) do echo %%i", "a\nb\n"),
    (
        "files below a folder are not searched",
        "for /r %%i in (*) do echo %%i",
        "STOP 1: for /d and for /r search folders\n",
    ),
    (
        "folders are not searched",
        "for /d %%i in (*) do echo %%i",
        "STOP 1: for /d and for /r search folders\n",
    ),
    (
        "a sign in the list",
        "for %%i in (a & b) do echo %%i",
        ("STOP 1: cmd reports a syntax error here and ends the batch: & in the list of for needs a ^ before it\n"),
    ),
    (
        "a variable with one percent sign",
        "for %i in (a) do echo %i",
        ("STOP 1: cmd reports a syntax error here and ends the batch: for has no variable, such as %%i\n"),
    ),
    (
        "no do",
        "for %%i in (a) echo %%i",
        "STOP 1: cmd reports a syntax error here and ends the batch: for has no do, or no blank after it\n",
    ),
    (
        "a variable along a path",
        "for %%i in (a) do echo %%~$PATH:i",
        "STOP 1: a variable of for is searched for along a path (%~$PATH:i)\n",
    ),
    ("a percent sign and no variable", "for %%i in (a) do echo %%~x %%", "%~x %\n"),
    (
        "no in",
        "for %%i (a) do echo",
        "STOP 1: cmd reports a syntax error here and ends the batch: for has no in, or no blank after it\n",
    ),
    (
        "no list",
        "for %%i in a do echo",
        "STOP 1: cmd reports a syntax error here and ends the batch: ( is missing after in\n",
    ),
    ("a list without an end", "for %%i in (a", "STOP 1: a ( has no )\n"),
    (
        "counting to a word",
        "for /L %%i in (1,1,x) do echo",
        "STOP 1: for /L has something that is not a number\n",
    ),
)

FILES: tuple[Row, ...] = (
    # Wine 10's cmd differs; for /?: the default eol is a semicolon.
    (
        "the first word of each line, blank lines and comments passed over",
        "for /F %%i in (list.txt) do echo %%i",
        "alpha\ngamma\n(delta\n",
    ),
    ("another comment's sign", 'for /F "eol=(" %%i in (list.txt) do echo %%i', "alpha\n;beta\ngamma\n"),
    # ReactOS's for.c: delimiters before the sign do not matter.
    ("a comment's sign after delimiters", 'for /F %%i in ("  ;x") do echo %%i', ""),
    ("two words", 'for /F "tokens=1,2" %%i in (list.txt) do echo %%i-%%j', "alpha-1\ngamma-3\n(delta-4\n"),
    ("the second word alone", 'for /F "tokens=2" %%i in (list.txt) do echo %%i', "1\n3\n4\n"),
    ("a range of words", 'for /F "tokens=1-3" %%a in ("x y z") do echo %%c%%b%%a', "zyx\n"),
    ("words and the rest", 'for /F "tokens=1,*" %%a in ("x y  z") do echo %%a[%%b]', "x[y  z]\n"),
    ("the whole line", 'for /F "tokens=*" %%a in ("  x y  z") do echo [%%a]', "[x y  z]\n"),
    ("the whole line with its blanks", 'for /F "delims=" %%a in ("  x y") do echo [%%a]', "[  x y]\n"),
    ("the words' order does not matter", 'for /F "tokens=3,1" %%a in ("x y z") do echo %%a%%b', "xz\n"),
    ("a word that is missing is empty", 'for /F "tokens=1,2" %%a in ("x") do echo [%%a][%%b]', "[x][]\n"),
    ("a line without the first word asked for", 'for /F "tokens=2" %%a in ("x") do echo no', ""),
    (
        "delimiters",
        'for /F "tokens=1,2 delims=," %%a in (names.csv) do echo %%b %%a',
        "name id\nweb server 108\ndb 110\n",
    ),
    ("several delimiters count as one", 'for /F "tokens=2 delims=,;" %%a in ("x,;,y") do echo %%a', "y\n"),
    ("a blank as the last delimiter", 'for /F "tokens=2 delims=, " %%a in ("x y") do echo %%a', "y\n"),
    ("lines are skipped", 'for /F "skip=1 delims=," %%a in (names.csv) do echo %%a', "108\n110\n"),
    ("a file in quotes", 'for /F "usebackq" %%a in ("two words.txt") do echo %%a', "found\n"),
    ("a text with usebackq", "for /F \"usebackq\" %%a in ('x y') do echo %%a", "x\n"),
    ("a command's output", "for /F \"tokens=1,2\" %%a in ('lines') do echo %%b %%a", "1 one\n2 two\n3 three\n"),
    ("a command's output with usebackq", 'for /F "usebackq tokens=2" %%a in (`lines`) do echo %%a', "1\n2\n3\n"),
    (
        "cmd's own command",
        'for /F "delims=" %%a in (\'type list.txt ^| find "a"\') do echo %%a',
        "alpha 1\n  gamma 3\n(delta 4\n",
    ),
    (
        "a date's parts",
        "for /F \"tokens=2-4 delims=/ \" %%a in ('date /t') do echo %%c%%a%%b",
        "20070322\n",
    ),
    (
        "a quoted program with a quoted argument at the end loses two quotes",
        'for /F %%a in (\'"prog" "x"\') do echo %%a',
        "STOP 1: snapall does not know what this program answers\n",
    ),
    ("arithmetic in a command", "for /F %%a in ('set /a 1+2') do echo %%a", "3\n"),
    ("a command's changes are its own", "for /F %%a in ('set x^=1') do echo %%a\necho [%x%]", "[]\n"),
    ("a variable's text", 'for /F "tokens=2" %%a in ("%v%") do echo %%a', "World\n"),
    (
        "several files",
        "for /F %%a in (list.txt names.csv) do echo %%a",
        "alpha\ngamma\n(delta\nid,name\n108,web\n110,db\n",
    ),
    (
        "a file that is missing",
        "for /F %%a in (none.txt) do echo %%a\necho %errorlevel%",
        "The system cannot find the file none.txt.\n1\n",
    ),
    ("a file that a program wrote", 'writer out.txt\nfor /F "tokens=3" %%a in (out.txt) do echo %%a', "c\n"),
    # Wine 10's cmd differs; for /?: the whole file is read first.
    (
        "a file is read before the loop",
        "for /F %%a in (list.txt) do echo %%a>> list.txt\ntype list.txt",
        "alpha 1\n;beta 2\n\n  gamma 3\n(delta 4\nalpha\ngamma\n(delta\n",
    ),
    ("options without quotes", 'for /F delims^=^ eol^= %%a in ("x ;y") do echo %%a', "x ;y\n"),
    ("no comment's sign at all", 'for /F "eol= tokens=1" %%a in (";x") do echo %%a', ";x\n"),
    (
        "an unknown option",
        'for /F "token=1" %%a in ("x") do echo %%a',
        (
            "STOP 1: cmd reports a syntax error here and "
            "ends the batch: an option of for /F is not one of eol, skip, delims, tokens and usebackq\n"
        ),
    ),
    ("a word named twice", 'for /F "tokens=1,1*" %%a in ("x") do echo %%a', "STOP 1: tokens= names a token twice\n"),
    ("lines are skipped by a hexadecimal number", 'for /F "skip=0x2 delims=," %%a in (names.csv) do echo %%a', "110\n"),
    ("too many words", 'for /F "tokens=1-40" %%a in ("x") do echo %%a', "STOP 1: tokens= counts beyond 31\n"),
    ("a loop over the words of a loop", 'for /F "tokens=*" %%a in ("x y") do for %%b in (%%a) do echo %%b', "x\ny\n"),
    ("goto leaves it", "for /F %%a in (list.txt) do goto end\n:end\necho done", "done\n"),
    (
        "two options of tokens",
        'for /F "tokens=1 tokens=2" %%a in ("x") do echo',
        "STOP 1: for /F has two tokens= options\n",
    ),
    (
        "no word",
        'for /F "tokens=0" %%a in ("x") do echo',
        "STOP 1: cmd reports a syntax error here and ends the batch: tokens= has no number from 1 to 31\n",
    ),
    (
        "no number",
        'for /F "tokens=," %%a in ("x") do echo',
        "STOP 1: cmd reports a syntax error here and ends the batch: tokens= names no token\n",
    ),
    (
        "lines are skipped by no number",
        'for /F "skip=09" %%a in ("x") do echo',
        "STOP 1: the value of skip= is not a plain number\n",
    ),
    ("no delimiters at all", 'for /F "tokens=1* delims=" %%a in ("x y") do echo [%%a][%%b]', "[x y][]\n"),
    (
        "a Ctrl-Z in a list",
        "copy list.txt+list.txt x > nul\nfor /F %%i in (x) do echo %%i",
        "STOP 2: for /F reads a file that contains a Ctrl-Z; copy a+b writes one at the end\n",
    ),
)


@pytest.mark.parametrize(("sentence", "batch", "expected"), PLAIN, ids=ids(PLAIN))
def test_lists_and_numbers(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected


@pytest.mark.parametrize(("sentence", "batch", "expected"), FILES, ids=ids(FILES))
def test_files_and_commands(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected
