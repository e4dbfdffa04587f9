"""What is kept of a long output: whole lines, in bounded memory, and each line that tells."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from snapall.site.output import CEILING, BoundedOutput

LINE = b"x" * 99 + b"\n"


def fed(*chunks: bytes) -> BoundedOutput:
    output = BoundedOutput((b"ssid:", b"login"))
    for chunk in chunks:
        output.feed(chunk)
    return output


def flood(size: int) -> list[bytes]:
    return [LINE * 500] * (size // (500 * len(LINE)))


@given(st.lists(st.binary(max_size=200)))
def test_a_short_output_is_kept_as_it_is(chunks: list[bytes]) -> None:
    assert fed(*chunks).text() == b"".join(chunks).decode("utf-8", "replace").replace("\r\n", "\n")


def test_an_output_without_end_is_kept_to_a_bound_with_its_first_and_its_last_line() -> None:
    text = fed(b"first\n", *flood(20 * CEILING), b"last\n").text()
    assert len(text) < 1.2 * CEILING
    assert text.startswith("first\n")
    assert text.endswith("last\n")
    assert " bytes left out]\n" in text


@given(at=st.integers(0, 60), size=st.integers(1, 5000), blanks=st.sampled_from([b"", b"  ", b"\t"]))
def test_a_line_that_tells_is_kept_once_wherever_it_stands_and_however_it_is_cut(
    at: int, size: int, blanks: bytes
) -> None:
    chunks = flood(3 * CEILING)
    said = b"".join([*chunks[:at], blanks + b"SsId:snapshot-7\r\n", *chunks[at:]])
    first, rest = said[: len(said) - size], said[len(said) - size :]
    assert fed(first, *(rest[n : n + 7] for n in range(0, len(rest), 7))).text().count("SsId:snapshot-7\n") == 1


def test_no_part_of_a_line_is_taken_for_a_line() -> None:
    """Whatever stands at the places of the cuts, half a log line never becomes an id, nor does half an id."""
    for cut in range(23):
        text = fed(b"." * cut + b"\n", *[b"[log] SsId:snapshot-71\n" * 5000] * 15).text()
        assert {line for line in text.split("\n") if "left out" not in line} <= {
            "." * cut,
            "[log] SsId:snapshot-71",
            "",
        }


def test_one_line_without_end_leaves_nothing_of_itself() -> None:
    text = fed(*[b"secret" * 20_000] * 40, b"\nSsId:snapshot-7\n").text()
    assert text == f"[{40 * 120_000 + 1} bytes left out]\nSsId:snapshot-7\n"


def test_chatter_that_tells_of_one_thing_hides_no_other() -> None:
    chatter = [b"".join(b"[%d] login\n" % n for n in range(start, start + 10_000)) for start in range(0, 10**6, 10_000)]
    text = fed(*chatter[:50], b"SsId:snapshot-7\n", *chatter[50:]).text()
    assert "\nSsId:snapshot-7\n" in text
    assert len(text) < 1.3 * CEILING
