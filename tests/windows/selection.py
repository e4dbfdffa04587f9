"""What `python -m tests.windows` runs: the demo, the tests that only Windows can decide, and the batch itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.windows.away import Away
from tests.windows.batchpart import beside_part, for_cmd, generated_part
from tests.windows.shards import Part, Shard, of_tests, shard_of
from tests.windows.wine import Windows

DEMO_LIMIT = 600  # seconds; alone it takes half a minute
KILLED = "kill and recover"
KILLS = " ".join(
    f"operate/test_guardian.py::test_{name}"
    for name in (
        "after_kill_9_while_quiescing_every_vm_is_released_and_the_log_explains_it",
        "after_kill_9_behind_the_capture_the_vms_are_free_and_the_backup_enters_the_chain",
        "after_a_whole_run_it_ends_silently",
    )
)
"""Runs that are ended by TerminateProcess, which is what `kill` is on Windows, and their guardians."""
NIGHT = "a night configured by the batch"
NIGHTS = "conformity/test_batch_run.py"
CHOSEN: tuple[str, ...] = (
    (
        "site/test_process.py site/test_jobobject.py site/test_hook_process.py site/test_programs.py"
        " site/test_eventlog.py site/test_output.py site/test_vcb.py site/test_bounded.py site/test_ssh.py"
        " site/test_dbdrivers.py"
    ),
    (
        "backup/test_acl.py backup/test_lock.py backup/test_journal.py backup/test_store.py backup/test_patience.py"
        " backup/test_lost_state.py backup/test_recover.py backup/test_engine.py backup/test_codec.py"
    ),
    (
        "config/test_config.py config/test_windows_files.py config/test_notify.py config/test_batch_file.py"
        " views/test_log.py views/test_metrics_file.py views/test_terminals.py commands"
    ),
    (
        "app/test_import.py app/test_signals.py end_to_end/test_interrupted.py operate/test_schedule.py"
        " operate/test_schedule_tasks.py operate/test_guardian_decisions.py operate/test_status.py"
    ),
    (
        "operate/test_damaged.py"
        " operate/test_doctor.py::test_a_file_that_goes_while_it_is_looked_at_is_a_broken_link"
        " operate/test_doctor.py::test_a_password_in_the_databases_url_makes_the_configuration_a_secret"
        " operate/test_doctor.py::test_a_run_warns_of_a_secret_that_others_may_read_once_for_all_jobs"
        " operate/test_doctor.py::test_the_room_that_is_left_for_journals_is_judged"
        " app/test_demo.py::test_where_others_may_replace_files_the_demo_names_a_way_to_another_place"
        " end_to_end/test_runs.py::test_the_plan_prints_exactly_the_changing_commands_that_run_then_sends"
        " end_to_end/test_runs.py::test_a_snapshot_that_comes_after_its_failure_is_removed_by_recover"
    ),
)
"""The tests that CI runs beside those, by their paths below tests/: of files, processes, rights, consoles, programs."""
WHOLE: tuple[str, ...] = (
    *("end_to_end", "restore", "operate", "backup", "site", "config", "views commands", "app", "conformity"),
    *("lab", "drill", "docs", "hostile explore years year"),
)
"""The first tier, without what talks to real peers."""


def parts_of(place: Away, work: Path, paths: Sequence[str], *, whole: bool) -> list[Part]:
    """The parts that need longest come first; `paths` select tests, and leave out the other parts."""
    if paths:
        return [of_tests(place, path) for path in paths]
    variables = for_cmd(work)
    return [
        beside_part(place, variables, whole=whole),
        generated_part(place, variables),
        *(of_tests(place, chosen) for chosen in (WHOLE if whole else CHOSEN)),
        of_tests(place, KILLS, KILLED),
        of_tests(place, NIGHTS, NIGHT),
        demo_part(place),
    ]


def demo_part(place: Away) -> Part:
    """`snapall demo`, judged by its exit code and by the lab's ledger, which it prints."""

    def part(machine: Windows, scratch: Path) -> Shard:
        scratch.mkdir()
        words = ("-m", "snapall", "demo", "--fast")
        ended = machine.run(*words, cwd=scratch, limit=DEMO_LIMIT, environ=place.environ)
        good = ended.code == 0 and "0 VMs are still quiesced" in ended.output
        return shard_of("demo", ended, 1) if good else shard_of("demo", ended, failed=("snapall demo --fast",))

    return part
