"""Mutants of a run's memory: the journal, the state folder, its rights and its locks."""

from __future__ import annotations

from tests.mutants.planting import Mutant

JOURNAL, READER = ("tests/backup/test_journal.py",), ("tests/backup/test_reader.py",)
STORE, LOCK = ("tests/backup/test_store.py",), ("tests/backup/test_lock.py",)
PRIVATE, LOST = ("tests/backup/test_private.py",), ("tests/backup/test_lost_state.py",)
INTERPLAY, SUMMARY = ("tests/backup/test_interplay.py",), ("tests/backup/test_summary.py",)
DAMAGED = ("tests/operate/test_damaged.py",)

DURABLE = (
    # The journal
    Mutant(
        "lines that were lost in the middle of a journal go unnoticed",
        "backup/readback.py",
        "    if any(number_of(one.what) and not is_intent(one.what)",
        "    if False and any(number_of(one.what) and not is_intent(one.what)",
        JOURNAL,
    ),
    Mutant(
        "an answer is synced before the next intent",
        "backup/journal.py",
        "        durable = bool(self._unwritten) or not all(map(may_wait, facts))\n",
        "        durable = True\n",
        JOURNAL,
    ),
    Mutant(
        "a write that failed is left in the file",
        "backup/journal.py",
        "            file.truncate(self._size)\n        file.seek(self._size)\n",
        "            pass\n        file.seek(0, os.SEEK_END)\n",
        JOURNAL,
    ),
    Mutant(
        "records that a full disk kept back are never written",
        "backup/journal.py",
        "            self._unwritten += _lines(records)\n",
        "            pass\n",
        JOURNAL,
    ),
    Mutant(
        "an intent is written to a file that has lost its name",
        "backup/journal.py",
        "                self._require_place()\n            self._put(",
        "                self._require_open()\n            self._put(",
        (*JOURNAL, *LOST),
    ),
    Mutant(
        "a journal that lost its name is not reported",
        "backup/journal.py",
        "            if durable and not self._closed:\n",
        "            if durable and self._closed:\n",
        (*JOURNAL, *LOST),
    ),
    Mutant(
        "a late answer is written into a journal that has been left",
        "backup/journal.py",
        '        self._closed = f"the run of the journal {self.path} has ended"\n',
        "",
        (*JOURNAL, *INTERPLAY),
    ),
    Mutant(
        "a journal that ends in half a line is closed",
        "backup/journal.py",
        '    return not _closes(line) if begin or line.endswith(b"\\n") else False\n',
        '    return not _closes(line) if line.endswith(b"\\n") else False\n',
        STORE,
    ),
    Mutant(
        "a run gives no sign of life by its journal",
        "backup/engine.py",
        "            for case in self._living:\n                case.journal.beat()\n",
        "            for case in ():\n                case.journal.beat()\n",
        ("tests/backup/test_heartbeat.py",),
    ),
    Mutant(
        "with the journal lost new work begins",
        "backup/decide.py",
        "        draft.actions = [one for one in draft.actions if needs_no_intent(one)]\n",
        "        pass\n",
        ("tests/backup/test_decide.py",),
    ),
    Mutant(
        "commands are sent without a durable intent",
        "backup/engine.py",
        "            may = [one for one in running if needs_no_intent(one.action)]\n",
        "            may = running\n",
        LOST,
    ),
    Mutant(
        "with the journal lost no VM is released",
        "backup/actions.py",
        "    return not isinstance(action, Send) or isinstance(action.step, Release)\n",
        "    return not isinstance(action, Send)\n",
        ("tests/backup/test_decide.py",),
    ),
    Mutant(
        "a line that was torn off again is still read",
        "backup/reader.py",
        "        if not lines.startswith(self._read):",
        "        if not lines:",
        READER,
    ),
    # The state folder
    Mutant(
        "a journal with outstanding work is pruned",
        "backup/store.py",
        "for path in old if not is_open(path) and (newest is None or path != newest[0])]",
        "for path in old if newest is None or path != newest[0]]",
        STORE,
    ),
    Mutant(
        "a running run of another job is a warning",
        "backup/store.py",
        "if job != but and not at_work(self.state, job, self.processes)]",
        "if job != but]",
        INTERPLAY,
    ),
    Mutant(
        "one unreadable journal hides the owner of the backups",
        "backup/store.py",
        "                summary = read_summary(path)\n            except JournalError:\n                continue\n",
        "                summary = read_summary(path)\n            except JournalError:\n                break\n",
        STORE,
    ),
    Mutant(
        "a summary counts the seconds of later owners",
        "backup/summary.py",
        "    create, removals = one.create, queries.own_removals(state, one)\n",
        "    create, removals = one.create, one.removals\n",
        SUMMARY,
    ),
    Mutant(
        "a report sums up the state before it",
        "backup/settling.py",
        "        summary = summarize(apply(case.state, Record(case.context.clock.utc(), report)))\n",
        "        summary = summarize(case.state)\n",
        SUMMARY,
    ),
    Mutant(
        "the remedy for a damaged journal repeats the failing command",
        "backup/readback.py",
        '        put_aside(path),\n        "SA-1507",\n',
        '        "run `snapall recover`",\n        "SA-1507",\n',
        DAMAGED,
    ),
    Mutant(
        "a journal that was put aside is still read",
        "backup/readback.py",
        'ASIDE = ".aside"\n',
        'ASIDE = ".jsonl"\n',
        DAMAGED,
    ),
    # Rights
    Mutant(
        "state that others could have written is trusted",
        "backup/private.py",
        "    if about.st_mode & stat.S_IWOTH or trust.is_shared(path, about):\n        raise",
        "    if about.st_mode & stat.S_IWOTH and trust.is_shared(path, about):\n        raise",
        PRIVATE,
    ),
    Mutant(
        "a lock that any user can open is left as it is",
        "backup/private.py",
        "            os.fchmod(descriptor, 0o600)\n    except BaseException:\n",
        "            pass\n    except BaseException:\n",
        PRIVATE,
    ),
    # Locks
    Mutant(
        "a lock counts although its file was replaced",
        "backup/lock.py",
        "            if lock.in_place:\n                if is_alive",
        "            if lock.held:\n                if is_alive",
        LOCK,
    ),
    Mutant(
        "a lock whose holder is dead is waited for like any other",
        "backup/lock.py",
        "        if is_dead(holder, self.processes):\n",
        "        if False:\n",
        LOCK,
    ),
    Mutant(
        "a lock whose holder is dead is an alarm at once",
        "backup/lock.py",
        "GRACE = 10.0\n",
        "GRACE = 0.0\n",
        LOCK,
    ),
    Mutant(
        "a lock whose holder is dead counts as a running run",
        "backup/lock.py",
        "        case Use.FREE | Use.ABANDONED:\n            return False\n        case Use.HELD:\n",
        "        case Use.FREE:\n            return False\n        case Use.HELD | Use.ABANDONED:\n",
        LOCK,
    ),
    Mutant(
        "a waiting process yields to no run",
        "backup/case.py",
        "if not self.yielded and not self.finished and self.wanted():",
        "if not self.yielded and self.finished and self.wanted():",
        ("tests/backup/test_recover.py",),
    ),
    Mutant(
        "a process that yielded takes the lock before the run",
        "backup/lock.py",
        "None if yielding and wanted(state, job) else _taken(state, job, processes)",
        "_taken(state, job, processes)",
        LOCK,
    ),
    Mutant(
        "deleting the lock of a living run allows a second run",
        "backup/lock.py",
        "if is_alive(holder_of(state, job), processes):",
        "if is_dead(holder_of(state, job), processes):",
        LOCK,
    ),
    Mutant(
        "a run is refused beside a recover that ends by itself",
        "backup/lock.py",
        "holder.role in {RUN, UNKNOWN}",
        'holder.role in {RUN, "recover", UNKNOWN}',
        LOCK,
    ),
    Mutant(
        "the note of another holder is removed",
        "backup/lock.py",
        "        if lock.in_place:  # else",
        "        if True:  # else",
        LOCK,
    ),
)
