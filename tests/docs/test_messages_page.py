"""Every message has a code, and every code is explained: the page and the command are what the source says."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections import defaultdict

import pytest

from snapall.views.explain import SHIPPED
from tests.commands.test_cli import ended
from tests.docs.messages import CAUSES, PAGE, code_of, explained, made, page, shipped, sources, uncoded

NOTES = tomllib.loads(CAUSES.read_text(encoding="utf-8"))


def test_the_page_is_made_from_the_source_as_it_is() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_shipped_explanations_are_made_from_the_source_as_it_is() -> None:
    assert json.loads(SHIPPED.read_text(encoding="utf-8")) == json.loads(shipped())


def test_every_message_has_a_code() -> None:
    assert list(uncoded()) == []


def test_a_code_stands_behind_its_text_alone() -> None:
    read = {one.code for _, tree in sources() for one in made(tree)}
    assert {code_of(one) for _, tree in sources() for one in ast.walk(tree)} - {""} == read


def test_no_code_is_used_for_two_messages() -> None:
    texts = defaultdict(set)
    for one in (one for _, tree in sources() for one in made(tree)):
        texts[one.code].add(one.text)
    shared = {code for code, found in texts.items() if len(found) > 1}
    assert all("text" in NOTES["messages"][code] for code in shared)  # one message in several wordings
    assert not texts.keys() & set(NOTES["retired"])


def test_every_code_has_a_cause_and_every_cause_a_code() -> None:
    assert {one.code for one in explained()} == NOTES["messages"].keys()
    assert all(one.text and one.cause and one.remedy and one.kind for one in explained())


def test_an_explanation_is_in_plain_words() -> None:
    for one in explained():
        said = one.text + one.cause + one.remedy
        assert "<?>" not in said, f"{one.code}: WORDS has no word for a value; give the text in {CAUSES.name}"
        assert re.search(r"<[^>]*_[^>]*>|as the message says", said) is None, one.code


def test_a_message_is_read_with_what_it_names_and_its_remedy() -> None:
    tree = ast.parse(
        "def f(job):\n"
        "    hint = 'look there'\n"
        "    raise Refused(f'job {job.name} has no {\", \".join(volumes)}', hint, 'SA-1999')\n"
    )
    assert [(one.text, one.kind, one.remedy) for one in made(tree)] == [
        ("job <name> has no <volumes>", "exit code 1", "look there")
    ]


@pytest.mark.parametrize("code", ["SA-1101", "sa-1101", "1101"])
def test_a_code_is_explained_with_message_cause_and_remedy(capsys: pytest.CaptureFixture[str], code: str) -> None:
    status, out, _ = ended(capsys, "explain", code)
    one = next(one for one in explained() if one.code == "SA-1101")
    assert status == 0
    assert out.startswith(f"SA-1101 {one.text}\n")
    assert one.cause in out
    assert one.remedy in out


def test_an_unknown_code_exits_2_and_says_where_the_codes_are(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = ended(capsys, "explain", "SA-9999")
    assert (status, out) == (2, "")
    assert "SA-7015" in err
    assert "snapall explain" in err


def test_without_a_code_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = ended(capsys, "explain")
    assert status == 0
    assert out.splitlines() == [f"{one.code} {one.text}" for one in explained()]


def test_an_explanation_comes_as_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ended(capsys, "explain", "1101", "--json")
    found = json.loads(out)
    assert found["schema"] == 1
    assert [one["code"] for one in found["messages"]] == ["SA-1101"]


def test_a_usage_error_on_stderr_begins_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = ended(capsys, "plan", "--config", "no/such/snapall.toml")
    assert err.startswith("snapall: SA-7002 ")
