"""`set`, `set /a` and `set /p`: documented behaviour of cmd, one row each."""

from __future__ import annotations

import pytest

from tests.config.cmd.paper import Row, said
from tests.config.cmd.test_expansion import ids

SET: tuple[Row, ...] = (
    ("a blank after the value belongs to it", "set x=1 \necho [%x%]", "[1 ]\n"),
    ("a blank before the equal sign belongs to the name", "set x =1\necho [%x%][%x %]", "[][1]\n"),
    ("quotes around both keep the blanks out", 'set "x=1" \necho [%x%]', "[1]\n"),
    ("quotes around the value belong to it", 'set x="1"\necho [%x%]', '["1"]\n'),
    ("what follows the last quote is dropped", 'set "x=1" 2\necho [%x%]', "[1]\n"),
    ("a quote within", 'set "x=a"b"\necho [%x%]', '[a"b]\n'),
    ("an equal sign in the value", "set x=a=b\necho %x%", "a=b\n"),
    ("a sign in quotes", 'set "x=a&b"\necho "%x%"', '"a&b"\n'),
    ("an empty value deletes", "set v=\nif not defined v echo gone", "gone\n"),
    ("deleting nothing is no failure", "set nothing=|| echo no\necho %errorlevel%", "0\n"),
    ("setting leaves the errorlevel in a .bat", "exit3\nset x=1\necho %errorlevel%", "3\n"),
    ("variables by their first letters", "set xb=2\nset xa=1\nset x", "xa=1\nxb=2\n"),
    ("no such variables", "set zzz\necho %errorlevel%", "Environment variable zzz not defined\n1\n"),
    (
        "a blank after the first letters counts",
        "set xa=1\nset x || echo none",
        "Environment variable x  not defined\nnone\n",
    ),
    (
        "set without a name or with nothing before the sign",
        'set "=x"\nset /p =x<nul\necho %errorlevel%',
        "The syntax of the command is incorrect.\nThe syntax of the command is incorrect.\n1\n",
    ),
    ("path shows itself", "path\npath ;\npath", "PATH=C:\\WINDOWS\nPATH=(null)\n"),
    ("cmd's own variable", "echo %random%", "16807\n"),
    ("cmd's command line is unknown", "echo %cmdcmdline%", "STOP 1: snapall does not know the variable cmdcmdline\n"),
    ("a name keeps its first case", "set X=1\nset x=2\nset x", "X=2\n"),
    ("path is a variable", "path c:\\x\necho %path%", "c:\\x\n"),
)

SUMS: tuple[Row, ...] = (
    ("a sum", "set /a x=1+2\necho %x%", "3\n"),
    ("nothing is said in a batch", "set /a 1+2", ""),
    ("multiplication goes first", "set /a x=1+2*3\necho %x%", "7\n"),
    ("parentheses", 'set /a "x=(1+2)*3"\necho %x%', "9\n"),
    ("division cuts toward zero", "set /a x=-7/2\necho %x%", "-3\n"),
    ("the remainder has the sign of the first", "set /a x=-7%%2\necho %x%", "-1\n"),
    ("variables need no signs", "set /a x=n*2\necho %x%", "14\n"),
    ("an undefined variable is 0", "set /a x=nothing+1\necho %x%", "1\n"),
    ("hexadecimal", "set /a x=0x1F\necho %x%", "31\n"),
    ("octal", "set /a x=017\necho %x%", "15\n"),
    # Wine 10's cmd differs; ss64, "Set": the errorlevels of set /a.
    (
        "08 is no number",
        "set /a x=08\necho %errorlevel%",
        (
            "Invalid number.  Numeric constants are either decimal (17),\n"
            "hexadecimal (0x11), or octal (021).\n1073750991\n"
        ),
    ),
    ("assignments in a row", "set /a x=1,y=x+1\necho %x%%y%", "12\n"),
    ("an assignment is a value", "set /a x=y=5\necho %x%%y%", "55\n"),
    ("adding", "set /a n+=3\necho %n%", "10\n"),
    ("subtracting", "set /a n-=3\necho %n%", "4\n"),
    ("multiplying and dividing", "set /a n*=4,n/=2\necho %n%", "14\n"),
    ("shifts", 'set /a "x=1<<4,y=-8>>1"\necho %x% %y%', "16 -4\n"),
    ("bits", 'set /a "x=12&10,y=12|3,z=5^1"\necho %x% %y% %z%', "8 15 4\n"),
    ("not and complement", 'set /a "x=!0,y=!5,z=~5"\necho %x% %y% %z%', "1 0 -6\n"),
    ("32 bits", "set /a x=2147483647+1\necho %x%", "-2147483648\n"),
    (
        "numbers that are too large",
        "set /a x=2147483648\necho %errorlevel%",
        "Invalid number.  Numbers are limited to 32-bits of precision.\n1073750992\n",
    ),
    ("division by zero", "set /a x=1/0\necho %errorlevel% [%x%]", "Divide by zero error.\n1073750993 []\n"),
    ("a missing operand", "set /a x=1+\necho %errorlevel%", "Missing operand.\n1073750989\n"),
    ("a missing operator", "set /a x=1 2\necho %errorlevel%", "Missing operator.\n1073750990\n"),
    ("an open parenthesis", "set /a x=(1+2\necho %errorlevel%", "Unbalanced parenthesis.\n1073750988\n"),
    ("failure counts for ||", "set /a x=1/0 2>nul || echo failed", "failed\n"),
    (
        "a number of many digits",
        "set /a x=11111111111111111111111111111111111111111111111111 2>nul\necho %errorlevel%",
        "1073750992\n",
    ),
    ("a sign that is none", "set /a x=7$3 2>nul\necho %errorlevel%", "1073750990\n"),
    (
        "too many parentheses",
        f"set /a x={'(' * 40}1{')' * 40} 2>nul\necho %errorlevel%",
        "1073750990\n",
    ),
    (
        "a variable with a number of too many digits",
        "set x=99999999999\nset /a y=x 2>nul\necho %errorlevel%",
        "1073750992\n",
    ),
    ("a variable that is no number", "set x=08\nset /a y=x+v+1\necho %y%", "1\n"),
    ("a closing parenthesis alone", "set /a x=1) 2>nul\necho %errorlevel%", "1073750988\n"),
    ("commas in parentheses", 'set /a "x=(y=2,y+1)"\necho %x%', "3\n"),  # Wine 10's cmd
    ("blanks do not matter", "set /a x = 1 + 2\necho %x%", "3\n"),
    ("the switch may be joined", "set/a x=1\necho %x%", "1\n"),
)

ASKED: tuple[Row, ...] = (
    ("the first line of a file", "set /p x=<list.txt\necho %x%", "alpha 1\n"),
    # Wine 10's cmd differs; ss64, "Set": set /p reads one line.
    ("the lines of a file in a block", "(\nset /p x=\nset /p y=\n)<list.txt\necho %x%-%y%", "alpha 1-;beta 2\n"),
    ("the prompt is said", "set /p x=name? <list.txt\necho %x%", "name? alpha 1\n"),
    ("text without a line's end", 'set /p x="no end" <nul\necho .', "no end.\n"),
    ("nothing read leaves the variable", "set /p v=<nul\necho %v% %errorlevel%", "Hello World 1\n"),
    ("nobody types at night", "set /p x=name? ", "STOP 1: set /p waits for input\n"),
)


@pytest.mark.parametrize(("sentence", "batch", "expected"), SET, ids=ids(SET))
def test_variables(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected


@pytest.mark.parametrize(("sentence", "batch", "expected"), SUMS, ids=ids(SUMS))
def test_arithmetic(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected


@pytest.mark.parametrize(("sentence", "batch", "expected"), ASKED, ids=ids(ASKED))
def test_questions(sentence: str, batch: str, expected: str) -> None:
    assert said(batch) == expected
