"""docs/messages.md is what the source says."""

from __future__ import annotations

from tests.docs.literals import SOURCE
from tests.docs.messages import FILE, SECTIONS, messages, page

MODULES = [
    file
    for _, places in SECTIONS
    for place in places
    for file in (sorted((SOURCE / place).rglob("*.py")) or [SOURCE / place])
]


def test_the_page_is_made_from_the_source_as_it_is() -> None:
    assert FILE.read_text(encoding="utf-8") == page()


def test_a_message_that_the_page_leaves_out_is_one_that_is_only_passed_on() -> None:
    made = [one for module in MODULES for one in messages(module.read_text(encoding="utf-8"))]
    assert {one.code for one in made if not one.text} == {
        "error.message",
        "silent.why",  # of a filer that was not heard, which its client worded
        "state.broken",  # of a journal, which it worded itself
        "case.journal.broken",
        "loss.text",  # of a VM that nothing more can be done for: report.py words it
        "text",  # of a function that is given it
        "'; '.join(faults)",  # of the names of datastores, which are looked up elsewhere
        "warning",  # of a plan: these are listed where they are found
    }


def test_a_message_is_listed_with_its_placeholders_and_its_remedy() -> None:
    told = list(
        messages(
            "def f(job):\n"
            "    hint = 'look there'\n"
            "    raise Refused(f'job {job.name} has no {\", \".join(things)}', hint)\n"
            "def g(text):\n"
            "    tell(Failed(text, 'x'))\n"
        )
    )
    assert [(one.text, one.kind, one.remedy) for one in told if one.text] == [
        ("job NAME has no THINGS", "error 1", "look there")
    ]


def test_a_text_that_a_function_of_the_module_answers_is_found_with_all_its_remedies() -> None:
    told = list(
        messages(
            "def f(vm):\n"
            "    raise Refused(label(vm), remedy(vm))\n"
            "def g(vm):\n"
            "    raise Refused(f'{vm.name}: {label(vm)}')\n"
            "def label(vm):\n"
            "    return f'{vm.label} is not there'\n"
            "def remedy(vm):\n"
            "    if vm.old:\n"
            "        return 'look there'\n"
            "    return 'look here'\n"
        )
    )
    assert {(one.text, one.remedy) for one in told} == {
        ("LABEL is not there", "look here / look there"),
        ("NAME: LABEL is not there", ""),
    }
