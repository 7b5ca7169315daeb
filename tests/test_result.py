"""A result file can always be read, by programs and by people, whatever a tool gave us."""

from __future__ import annotations

import math
import re
import time
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.program import Program
from workflow import document, expectations, yaml12
from workflow.errors import TaskError
from workflow.result import LOG_TAIL_BYTES, Attempt, Result, read_result, render, utc, verdict_of
from workflow.schemas import schema

VALIDATOR = jsonschema.Draft202012Validator(schema("result"))
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
JOTFORM = "0123456789abcdef0123456789abcdef"

GOOD = Result(
    task_id="2026-01-19-1430-hugo-build-staging",
    task_type="hugo-build",
    status="success",
    verdict="Built 24 pages for staging in 12.3 s.",
    started_at="2026-01-19T14:30:33Z",
    completed_at="2026-01-19T14:30:45Z",
    duration_seconds=12.3456,
    worker_id="hugo-builder-laptop",
    environment="staging",
    outputs={"build_success": True, "file_count": 247, "errors": []},
    attempts=[Attempt(1, "2026-01-19T14:30:33Z", "success", 12.346, None, "hugo-builder-laptop")],
    summary="Nothing was left out.",
    statistics={"Pages": 24, "Total files": 12470, "Duration": "12.3 seconds", "Minified": True},
    next_steps=["Deploy it: `workflow publish --env staging`"],
    logs="Building sites …\nTotal in 12345 ms\n",
)
ERROR = TaskError(
    code="hugo_missing_template",
    category="template",
    message="there is no template for the page",
    action="fix",
    file="layouts/index.html",
    line=3,
    column=14,
    excerpt="{{ .Nope }}\n  ^",
    hint="create it",
)


def read(result: Result) -> tuple[dict[str, Any], str]:
    """What is in the file; that it is valid and says whose result it is holds of every one."""
    raw = render(result)
    found = document.parse(raw)
    VALIDATOR.validate(found.data)
    assert found.data["task_id"] == result.task_id
    assert found.data["status"] == result.status
    assert verdict_of(found.body)
    assert len(raw) <= yaml12.MAX_BYTES
    return found.data, found.body


# -- as people and programs read it ------------------------------------------------------------


def test_a_result_is_what_the_format_says() -> None:
    assert (
        render(GOOD).decode()
        == """\
---
task_id: 2026-01-19-1430-hugo-build-staging
task_type: hugo-build
status: success
environment: staging
started_at: 2026-01-19T14:30:33Z
completed_at: 2026-01-19T14:30:45Z
duration_seconds: 12.346
worker_id: hugo-builder-laptop
outputs:
  build_success: true
  file_count: 247
  errors: []
attempts:
- number: 1
  started_at: 2026-01-19T14:30:33Z
  status: success
  duration_seconds: 12.346
  worker_id: hugo-builder-laptop
logs: |
  Building sites …
  Total in 12345 ms
---

Built 24 pages for staging in 12.3 s.

Nothing was left out.

## Statistics

- Pages: 24
- Total files: 12,470
- Duration: 12.3 seconds
- Minified: yes

## Next Steps

- Deploy it: `workflow publish --env staging`
"""
    )


def test_a_failure_says_what_where_how_to_mend_it_and_who_acts() -> None:
    data, body = read(replace(GOOD, status="failed", verdict="The build failed: x.", error=ERROR))
    assert list(data["error"].items()) == [
        ("code", "hugo_missing_template"), ("category", "template"),
        ("message", "there is no template for the page"), ("file", "layouts/index.html"),
        ("line", 3), ("column", 14), ("excerpt", "{{ .Nope }}\n  ^"), ("hint", "create it"),
        ("action", "fix"),
    ]  # fmt: skip
    assert "`layouts/index.html:3:14`: there is no template for the page" in body
    assert "    {{ .Nope }}\n      ^\n" in body
    assert "How to mend it: create it" in body
    assert "Claude Code can mend this" in body and "(code `hugo_missing_template`)" in body


@pytest.mark.parametrize("message", ["x/index.html, line 3: draft", "public/x/index.html: draft"])
def test_a_place_that_the_message_begins_with_is_not_said_twice(message: str) -> None:
    error = replace(ERROR, message=message, file="public/x/index.html", line=3, column=None)
    _, body = read(replace(GOOD, status="failed", verdict="It failed.", error=error))
    assert f"\n{message}\n" in body
    assert "`public/x/index.html:3`" not in body
    other = replace(error, message="x/index.htm is a draft")
    assert other.place_beside() == other.place() == "public/x/index.html:3"


def test_the_first_sentence_of_the_body_is_the_verdict() -> None:
    _, body = read(GOOD)
    assert verdict_of(body) == body.strip().splitlines()[0] == GOOD.verdict
    _, body = read(replace(GOOD, verdict="It failed:\n  exit\tstatus 1\r\n"))
    assert verdict_of(body) == "It failed: exit status 1"


def test_checks_stand_in_a_table_that_stays_a_table() -> None:
    expected = expectations.parse(
        [{"file_count": "integer (>100)"}, {"odd": "one of a|b,\n c"}, "missing", {"n": "string"}]
    )
    outputs = {"file_count": 247, "odd": "x | y\nz", "n": "\udcff"}
    verification = expectations.verify("success", outputs, expected, "proceed_to_deploy")
    data, body = read(replace(GOOD, outputs=outputs, verification=verification))
    assert data["verification"]["verdict"] == "failed_expectations"
    assert [c["passed"] for c in data["verification"]["checks"]] == [True, False, False, True]
    rows = [line for line in body.splitlines() if line.startswith("| ")]
    assert rows[2] == "| file_count | integer (>100) | 247 | yes |"
    assert len(rows) == 6
    assert all(row.replace("\\|", "").count("|") == 5 for row in rows)


def test_a_result_is_read_back_with_its_body(tmp_path: Path) -> None:
    path = tmp_path / "x.result.md"
    path.write_bytes(render(GOOD))
    found = read_result(str(path))
    assert found["outputs"] == GOOD.outputs
    assert verdict_of(found["body"]) == GOOD.verdict


def test_times_are_utc_to_the_second() -> None:
    from datetime import UTC, datetime, timedelta, timezone

    assert utc(datetime(2026, 1, 19, 14, 30, 45, 999, UTC)) == "2026-01-19T14:30:45Z"
    east = timezone(timedelta(hours=9))
    assert utc(datetime(2026, 1, 19, 3, tzinfo=east)) == "2026-01-18T18:00:00Z"


def test_a_reader_of_yaml_1_1_reads_the_same() -> None:
    found = yaml.safe_load(
        render(replace(GOOD, outputs={"a": "no", "b": "1_0"})).split(b"---\n")[1]
    )
    assert found["outputs"] == {"a": "no", "b": "1_0"}
    assert found["logs"] == GOOD.logs


# -- logs --------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.binary(max_size=300))
@example(
    b"\x1b[31mred\x1b[0m \x00 \xff\xfe \xed\xa0\x80 \xc2\x85 \xe2\x80\xa8 \xef\xbb\xbf\r\n\t x \n"
)
@example(b"---\n---\nstatus: failed\n")
@example("Done 🎉 \ufffe\U0010ffff".encode())
def test_logs_of_any_bytes_give_a_file_that_can_be_read(raw: bytes) -> None:
    for errors in ("backslashreplace", "surrogateescape", "replace"):
        logs = raw.decode("utf-8", errors)
        data, body = read(replace(GOOD, logs=logs))
        assert verdict_of(body) == GOOD.verdict
        assert isinstance(data["logs"], str)
        letters = [c for c in data["logs"] if c in "�\t\n" or c.isprintable() or c > "\x9f"]
        assert len(letters) == len(data["logs"]), "a control character was left"


def test_colours_are_left_out_and_progress_bars_are_lines() -> None:
    logs = "\x1b[1;31mERROR\x1b[0m x\r\n10%\r20%\r\n\x1b]0;title\x07done\x1b[K\n"
    data, _ = read(replace(GOOD, logs=logs))
    assert data["logs"] == "ERROR x\n10%\n20%\ndone\n"


def test_a_log_is_readable_text_with_emoji_and_trailing_blanks() -> None:
    raw = render(replace(GOOD, logs="one 🎉  \n\ttwo\n\n\n")).decode()
    assert "logs: |\n  one 🎉\n          two\n---\n" in raw


def test_ten_megabytes_of_log_leave_their_end_in_whole_lines() -> None:
    logs = "".join(f"line {number} of the build\n" for number in range(400_000))
    started = time.monotonic()
    data, _ = read(replace(GOOD, logs=logs))
    assert time.monotonic() - started < 60
    lines = data["logs"].splitlines()
    assert lines[0] == "[what came before is in the .logs folder]"
    assert lines[1:] == [f"line {n} of the build" for n in range(400_000 - len(lines) + 1, 400_000)]
    assert LOG_TAIL_BYTES * 0.9 < len(data["logs"]) <= LOG_TAIL_BYTES + 50


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
def test_of_one_endless_line_the_end_is_kept(letter: str) -> None:
    data, _ = read(replace(GOOD, logs=letter * 1_000_000 + "END"))
    first, last = data["logs"].splitlines()
    assert first.startswith("[what came before")
    assert last.endswith(letter * 1000 + "END")
    assert len(last.encode()) <= LOG_TAIL_BYTES


def test_a_short_log_is_whole_and_none_is_empty() -> None:
    assert read(GOOD)[0]["logs"] == GOOD.logs
    assert read(replace(GOOD, logs=""))[0]["logs"] == ""
    assert read(replace(GOOD, logs="\n\n"))[0]["logs"] in ("", "\n")


# -- outputs -----------------------------------------------------------------------------------

outputs = st.dictionaries(
    st.text(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text(), inner, max_size=4)
            | st.tuples(inner, inner)
        ),
        max_leaves=10,
    ),
    max_size=5,
)


@settings(deadline=None)
@given(outputs, st.text(), st.text(), st.text())
@example({"a": "\ud800", "b": math.nan, "c": math.inf, "": None}, "\udfff", "\0", "---\n")
def test_outputs_and_texts_of_any_kind_give_a_file_that_can_be_read(
    given_outputs: dict[str, Any], text: str, verdict: str, hint: str
) -> None:
    expected = expectations.parse([{name: "integer (>5)"} for name in given_outputs])
    result = replace(
        GOOD,
        status="failed",
        outputs=given_outputs,
        verdict=f"It failed: {verdict}",
        summary=text,
        statistics={text: text, "n": 5},
        next_steps=[text],
        warnings=[text],
        error=replace(ERROR, message=text, excerpt=text, hint=hint, file=hint),
        verification=expectations.verify("failed", given_outputs, expected, "proceed"),
        logs=text,
    )
    data, body = read(result)
    assert verdict_of(body).startswith("It failed:")
    assert len(data["outputs"]) <= len(given_outputs)


def test_ordinary_outputs_come_back_as_they_were() -> None:
    given_outputs = {
        "no": "no", "date": "2026-01-19", "deep": {"list": [1, 2.5, None, {"a": "b"}]},
        "n": math.inf, "text": "two\nlines\n", "emoji": "🎉", "empty": {}, "path": "C:\\Users",
    }  # fmt: skip
    assert read(replace(GOOD, outputs=given_outputs))[0]["outputs"] == given_outputs


def test_outputs_of_other_types_become_plain_ones() -> None:
    class Colour(StrEnum):
        RED = "red"

    given_outputs = {"path": Path("a/b"), "pair": (1, 2), "set": {3}, "colour": Colour.RED, 5: b"x"}
    data, _ = read(replace(GOOD, outputs=given_outputs))  # type: ignore[arg-type]
    assert data["outputs"] == {
        "path": "a/b",
        "pair": [1, 2],
        "set": [3],
        "colour": "red",
        "5": "b'x'",
    }


def test_outputs_without_end_are_cut() -> None:
    endless: list[Any] = ["start"]
    endless.append(endless)
    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"d": deep}
    verification = expectations.verify(
        "success", {"endless": endless, "deep": deep}, expectations.parse(["endless", "deep"]), "go"
    )
    data, _ = read(
        replace(GOOD, outputs={"endless": endless, "deep": deep}, verification=verification)
    )
    assert data["outputs"]["endless"][0] == data["outputs"]["endless"][1][0] == "start"
    assert "[nested too deeply]" in str(data["outputs"]["deep"])


LONG_KEYS = {"k" * 900 + str(number): number for number in range(2_000)}


@pytest.mark.parametrize(
    "huge",
    [["x" * 1_000] * 2_000, [0] * 60_000, "é" * 1_000_000, LONG_KEYS],
    ids=["texts", "numbers", "text", "mapping"],
)
def test_outputs_too_large_for_the_front_matter_are_said_to_be(huge: Any) -> None:
    verification = expectations.verify(
        "success", {"huge": huge}, expectations.parse([{"huge": "array"}, "missing"]), "go"
    )
    data, body = read(replace(GOOD, outputs={"huge": huge, "n": 1}, verification=verification))
    assert data["outputs"] == {}
    assert any("do not fit" in warning for warning in data["warnings"])
    assert data["verification"]["verdict"] == verification.verdict
    assert data["logs"] == GOOD.logs
    assert verdict_of(body) == GOOD.verdict
    assert '```json\n{"huge": ' in body


def test_texts_of_absurd_size_are_cut_and_the_result_stays() -> None:
    long = "word " * 100_000
    error = replace(ERROR, message=long, excerpt=long, hint=long)
    data, body = read(
        replace(
            GOOD, status="failed", verdict=long, summary=long, error=error, warnings=[long] * 25
        )
    )
    assert data["error"]["code"] == "hugo_missing_template"
    assert data["error"]["action"] == "fix"
    assert data["error"]["message"].startswith("word word")
    assert verdict_of(body).startswith("word word")


# -- secrets -----------------------------------------------------------------------------------


def test_secrets_are_redacted_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOTFORM_API_KEY", "by-value-only-9f3c")
    said = (
        f"id {KEY_ID}, aws_secret_access_key = {SECRET}, apiKey={JOTFORM}, by-value-only-9f3c, "
        f"Authorization: Bearer abc.def.ghi"
    )
    given_outputs: dict[str, Any] = {
        "text": said, "list": [said], "tuple": (said,), "set": {said}, "deep": {"a": [{"b": said}]},
        said: "a key", "path": Path(KEY_ID) / "x", "bytes": KEY_ID.encode(),
    }  # fmt: skip
    verification = expectations.verify(
        "failed", given_outputs, expectations.parse([{"text": f"== {said}"}, said]), "go"
    )
    result = replace(
        GOOD,
        status="failed",
        verdict=f"It failed with {said}.",
        summary=said,
        outputs=given_outputs,
        statistics={"said": said},
        warnings=[said],
        next_steps=[said],
        error=replace(ERROR, message=said, excerpt=said, hint=said, file=KEY_ID),
        verification=verification,
        logs=f"{said}\n\x1b[31maws_secret_access_key\x1b[0m = \x1b[32m{SECRET}\x1b[0m\n",
    )
    raw = render(result).decode()
    for secret in (SECRET, KEY_ID, JOTFORM, "by-value-only-9f3c", "abc.def.ghi"):
        assert secret not in raw
        assert secret[:20] not in raw
    assert raw.count("[redacted]") > 20


@pytest.mark.parametrize(
    ("name", "value"),
    [("aws_secret_access_key", SECRET), ("SecretAccessKey", SECRET), ("apiKey", JOTFORM),
     ("Authorization", "Bearer abc.def.ghi"), ("session_token", "x" * 40)],
)  # fmt: skip
def test_a_value_whose_name_says_that_it_is_secret_is_redacted(name: str, value: str) -> None:
    data, body = read(
        replace(GOOD, outputs={name: value, "deep": [{name: value}]}, statistics={name: value})
    )
    assert data["outputs"] == {name: "[redacted]", "deep": [{name: "[redacted]"}]}
    assert value not in body


def test_what_only_sounds_like_a_secret_stays() -> None:
    given_outputs = {
        "api_key_present": True,
        "form": "the API key field",
        "author": "Authorised by M.",
    }
    assert read(replace(GOOD, outputs=given_outputs))[0]["outputs"] == given_outputs


@pytest.mark.parametrize("damage", ["verification: [x]", "error: no", "outputs: 7"])
def test_what_is_no_mapping_where_one_belongs_does_not_keep_a_result_from_being_shown(
    program: Program, damage: str
) -> None:
    task_id = program.submit("noop")
    program("sweep")
    path = Path(program.exchange.result(task_id) or "")
    key = damage.partition(":")[0]
    text = re.sub(rf"^{key}:.*\n((?:[ -].*\n)*)", "", path.read_text(), flags=re.MULTILINE)
    path.write_text(text.replace("---\n", f"---\n{damage}\n", 1))
    for words in (["show", task_id], ["list"], ["status"], ["verify", task_id]):
        assert program(*words).code != 1, words
