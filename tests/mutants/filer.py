"""Mutants of what is made of a filer's answers, by file."""

from __future__ import annotations

from tests.mutants.planting import Mutant

FILER = ("tests/site/test_answers.py", "tests/site/test_filer.py", "tests/site/test_volumes.py")

FILERS = (
    Mutant(
        "an answer that was lost is a refusal",
        "site/filer.py",
        "            return Unknown(_with_hint(error), error.output)\n",
        "            return Refusal(_with_hint(error))\n",
        FILER,
    ),
    Mutant(
        "an error that the filer reports is a refusal",
        "site/filer.py",
        '                return Unknown(f"{why} ({REMEDIES[meaning]})", output, failed=True)\n',
        '                return Refusal(f"{why} ({REMEDIES[meaning]})", output)\n',
        FILER,
    ),
    Mutant(
        "half an answer counts as none",
        "site/filer.py",
        "            return Unknown(_with_hint(error), error.output)\n",
        "            return Unknown(_with_hint(error))\n",
        FILER,
    ),
    Mutant(
        "'no such snapshot' is success for a rename too",
        "site/filer.py",
        '            case Meaning.ABSENT if verb == "delete":\n',
        "            case Meaning.ABSENT:\n",
        FILER,
    ),
    Mutant("a version of two lines is taken", "site/filer.py", "if len(lines) != 1:", "if not lines:", FILER),
    Mutant(
        "Data ONTAP 8 in Cluster-Mode is taken for 7-Mode",
        "site/version.py",
        'or (major == 8 and "7-mode" not in modes)',
        'or (major == 8 and "7-mode" in modes)',
        FILER,
    ),
    Mutant(
        "a carriage return goes into the filer's command",
        "site/filer.py",
        r'for char in "\0\r\n")',
        r'for char in "\0\n")',
        FILER,
    ),
    Mutant(
        "a name with a blank goes into the filer's command",
        "site/filer.py",
        "        if FILER_NAME.fullmatch(name) is None:\n",
        "        if FILER_NAME.match(name) is None:\n",
        FILER,
    ),
    Mutant(
        "one line of success hides all others",
        "site/answers.py",
        "            spoken = all(",
        "            spoken = not lines or any(",
        FILER,
    ),
    Mutant(
        "an error after 'creating snapshot...' on the same line is success",
        "site/answers.py",
        "_SUCCESS[verb].fullmatch(line)",
        "_SUCCESS[verb].match(line)",
        FILER,
    ),
    Mutant(
        "a list with the volume twice is taken",
        "site/answers.py",
        "    if len(found) != 1 or found",
        "    if not found or found",
        FILER,
    ),
    Mutant(
        "a list that ends after its heading is an empty volume",
        "site/answers.py",
        "found[0].empty == bool(found[0].rows)",
        "(found[0].empty and found[0].rows)",
        FILER,
    ),
    Mutant(
        "what the filer says on stderr about a list is ignored",
        "site/answers.py",
        "[*rest, *plain_lines(stdout)]",
        "[*plain_lines(stdout)]",
        FILER,
    ),
    Mutant(
        "the two shares of the whole volume are swapped",
        "site/answers.py",
        "int(row[3]), int(row[4]))",
        "int(row[4]), int(row[3]))",
        FILER,
    ),
    Mutant(
        "sizes without a unit are bytes",
        "site/volumeanswers.py",
        '_BYTES = {"": 1 << 10,',
        '_BYTES = {"": 1,',
        (*FILER, "tests/operate/test_doctor.py"),
    ),
    Mutant(
        "the hourly snapshots of the filer's schedule are not counted",
        "site/volumeanswers.py",
        "for at in (1, 2, 3))",
        "for at in (1, 2))",
        (*FILER, "tests/operate/test_doctor.py"),
    ),
    Mutant(
        "a mirror's destination is writable",
        "site/volumeanswers.py",
        'frozenset({"read-only", "snapmirrored=on"})',
        'frozenset({"read-only"})',
        (*FILER, "tests/operate/test_doctor.py"),
    ),
)
