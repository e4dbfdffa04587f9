"""Mutants of operate/ by file: the guardian, and what is read back of runs."""

from __future__ import annotations

from tests.mutants.planting import Mutant

WATCH = ("tests/operate/test_watch.py",)
STATUS = ("tests/operate/test_status.py",)
COURSE = ("tests/operate/test_course.py", "tests/operate/test_statistics.py")

OPERATE = (
    Mutant(
        "the guardian counts the seconds that the machine slept",
        "operate/guardian.py",
        "min(now - last, LONGEST_TICK)",
        "now - last",
        WATCH,
    ),
    Mutant(
        "the guardian ends a run that does not hold the lock",
        "operate/guardian.py",
        "if is_stuck(facts) and holder_of(self._memory.state, self.job.name).pid == self._run.pid:",
        "if is_stuck(facts):",
        WATCH,
    ),
    Mutant(
        "the guardian ends a run that releases",
        "operate/guardian.py",
        "bool(owed(facts).vms) and not any(",
        "bool(owed(facts).vms) or not any(",
        WATCH,
    ),
    Mutant(
        "the guardian grants no time for the filer's answer",
        "operate/guardian.py",
        "began.job.max_quiesced + began.pace.filer_timeout",
        "began.job.max_quiesced",
        WATCH,
    ),
    Mutant(
        "the guardian of a run that is over goes on",
        "operate/guardian.py",
        "        if is_closed(self.journal):\n            return True\n",
        "",
        (*WATCH, "tests/operate/test_guardian.py"),
    ),
    Mutant(
        "the guardian judges a run again and again",
        "operate/guardian.py",
        "            self._judged = True\n",
        "",
        WATCH,
    ),
    Mutant(
        "a backup of just the grade that is asked for is not good",
        "operate/status.py",
        "run.backup.grade >= run.job.publish",
        "run.backup.grade > run.job.publish",
        STATUS,
    ),
    Mutant(
        "a run at work is an alarm",
        "operate/status.py",
        "[one for one in known.open if one is not going]",
        "list(known.open)",
        STATUS,
    ),
    Mutant(
        "a run that died counts as at work",
        "operate/status.py",
        "    return bool(at_work) and newest.ended is None",
        "    return newest.ended is None",
        STATUS,
    ),
    Mutant(
        "an old backup is critical at its maximum age",
        "operate/status.py",
        "age > ALARM * job.max_age",
        "age > job.max_age",
        STATUS,
    ),
    Mutant(
        "a backup dated in the future is young",
        "operate/status.py",
        "    if age < -_AHEAD:",
        "    if age > _AHEAD * 1e9:",
        STATUS,
    ),
    Mutant(
        "VMs left quiesced are a warning only",
        "operate/status.py",
        'Finding(Level.CRITICAL, f"{text}; run `snapall recover`")',
        'Finding(Level.WARNING, f"{text}; run `snapall recover`")',
        STATUS,
    ),
    Mutant(
        "a line names one VM more than there is room for",
        "operate/status.py",
        'f" and {len(labels) - _FEW} more"',
        'f" and {len(labels)} more"',
        STATUS,
    ),
    Mutant(
        "a snapshot of next year's clock is a year old",
        "operate/ages.py",
        "range(now.year + 1, now.year - 9, -1)",
        "range(now.year, now.year - 9, -1)",
        COURSE,
    ),
    Mutant(
        "a filer in a zone ahead of us made its snapshot a year ago",
        "operate/ages.py",
        "if made <= now + timedelta(days=1):",
        "if made <= now:",
        COURSE,
    ),
    Mutant(
        "the trend holds the older half against all",
        "operate/statistics.py",
        "median(self.known[-half:])",
        "median(self.known)",
        COURSE,
    ),
    Mutant(
        "a trend is told from two values",
        "operate/statistics.py",
        "len(self.known) < _ENOUGH",
        "len(self.known) < 2",
        COURSE,
    ),
    Mutant(
        "the quickest VMs come first",
        "operate/statistics.py",
        "key=lambda one: (-one.usual,",
        "key=lambda one: (one.usual,",
        COURSE,
    ),
    Mutant(
        "calls at a time are reckoned one after the other",
        "operate/statistics.py",
        "max(1, min(parallel, len(seconds)))",
        "1",
        COURSE,
    ),
    Mutant(
        "a removal by recover counts among the run's seconds",
        "operate/course.py",
        "if call.done and not call.late), None)",
        "if call.done), None)",
        COURSE,
    ),
    Mutant(
        "a kept backup is in the chain",
        "operate/course.py",
        "and not self.backup.temporary and self.kind is Kind.NIGHT",
        "and not self.backup.temporary",
        (*COURSE, *STATUS),
    ),
    Mutant(
        "the window ends with recover's removal",
        "operate/course.py",
        "for call in one.releases if not call.late)",
        "for call in one.releases)",
        COURSE,
    ),
    Mutant(
        "one night more is read than was asked for",
        "operate/history.py",
        "if last is not None and len(found) == last:",
        "if last is not None and len(found) > last:",
        (*COURSE, *STATUS),
    ),
    Mutant(
        "a journal that cannot be read hides the older ones",
        "operate/history.py",
        "            yield error.message\n            continue\n",
        "            yield error.message\n            return\n",
        (*COURSE, *STATUS),
    ),
)
