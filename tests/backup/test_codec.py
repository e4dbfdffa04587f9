"""A fact as one JSON line, and back: forgiving towards other versions of snapall, towards nothing else."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.codec import from_line, to_line
from snapall.backup.facts import Answered, Fact, Found, Warned
from snapall.backup.model import Policies, VmPolicy
from snapall.backup.record import Record
from snapall.backup.steps import Done
from tests.backup.samples import AT, BEGAN, FACTS
from tests.backup.simulated import JOB


def test_the_samples_are_of_every_kind() -> None:
    assert {type(fact) for fact in FACTS} == set(Fact.__args__)


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_survives_its_line(fact: Fact) -> None:
    line = to_line(Record(AT, fact))
    assert "\n" not in line
    assert from_line(line) == Record(AT, fact)


@given(st.text(), st.text())
def test_any_name_survives_its_line(name: str, output: str) -> None:
    fact = Answered(3, Done(output, name), 1.0)
    assert from_line(to_line(Record(AT, fact))) == Record(AT, fact)


def test_a_kind_or_field_of_a_newer_snapall_is_passed_over() -> None:
    assert from_line('{"at": "2030-01-01T00:00:00+00:00", "is": "Teleported", "vm": 1}') is None
    line = json.loads(to_line(Record(AT, Found(611, "snapshot-7"))))
    assert from_line(json.dumps(line | {"colour": "blue"})) == Record(AT, Found(611, "snapshot-7"))


def test_a_field_that_an_older_snapall_did_not_write_takes_its_default() -> None:
    line = json.loads(to_line(Record(AT, Warned("text"))))
    del line["hint"]
    assert from_line(json.dumps(line)) == Record(AT, Warned("text"))


NO_FACTS = [
    "[]",
    "{}",
    "nonsense",
    '{"at": 5, "is": "Found"}',
    '{"at": "x", "is": "Found"}',
    '{"at": "2030-01-01T00:00:00+00:00", "is": "Found", "vm": 1}',
    '{"at": "2030-01-01T00:00:00+00:00", "is": ["Found"], "vm": 1, "ssid": "snapshot-7"}',
]


@pytest.mark.parametrize("line", NO_FACTS)
def test_what_is_no_fact_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_line(line)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("is"), inner),
    )
)
def test_no_json_at_all_raises_anything_but_value_error(value: object) -> None:
    body = value if isinstance(value, dict) else {"vm": value}
    with suppress(ValueError):
        from_line(json.dumps({"at": "2030-01-01T00:00:00+00:00", "is": "Found", **body}))


def test_policies_survive_their_line() -> None:
    job = replace(JOB, policies=Policies((("test-*", VmPolicy.SKIP), ("sql01", VmPolicy.MUST))))
    began = replace(BEGAN, job=job)
    assert from_line(to_line(Record(AT, began))) == Record(AT, began)
