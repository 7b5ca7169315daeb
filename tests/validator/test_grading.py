"""How much a finding counts, what is let pass, and what is known already."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from workflow.errors import WorkflowError
from workflow.validator import baseline
from workflow.validator.baseline import Mark
from workflow.validator.findings import Finding, Rule
from workflow.validator.grading import Grade, Ignore, counts, fails, graded, require_known

RULES = {
    "link-broken": Rule("link-broken", "error", "A link leads nowhere.", "Correct it."),
    "title-long": Rule("title-long", "notice", "A title is too long.", "Shorten it."),
    "external-broken": Rule("external-broken", "error", "Gone elsewhere.", "Link elsewhere."),
}
BROKEN = Finding("link-broken", "blog/one/index.html", "/old/ is not there", "/old/", "a", "href")
LONG = Finding("title-long", "about/index.html", "70 characters")


def test_a_finding_counts_as_its_rule_says() -> None:
    kept = graded([BROKEN, LONG], RULES).findings
    assert [one.severity for one in kept] == ["error", "notice"]


@pytest.mark.parametrize("grade", ["notice", "warning", "error"])
def test_the_configuration_grades_before_rule_and_finding(grade: Grade) -> None:
    own = Finding("link-broken", "x.html", "m", severity="notice")
    kept = graded([BROKEN, own], RULES, {"link-broken": grade}).findings
    assert {one.severity for one in kept} == {grade}


def test_a_finding_may_be_worse_than_its_rule() -> None:
    own = Finding("title-long", "x.html", "m", severity="error")
    assert graded([own], RULES).findings[0].severity == "error"


def test_a_rule_that_is_off_finds_nothing() -> None:
    found = graded([BROKEN, LONG], RULES, {"link-broken": "off"})
    assert [one.code for one in found.findings] == ["title-long"]
    assert found.ignored == 0


IGNORED = [
    pytest.param(Ignore("r", rule="link-broken"), True, id="by its rule"),
    pytest.param(Ignore("r", rule="title-long"), False, id="another rule"),
    pytest.param(Ignore("r", page="blog/**"), True, id="below a folder"),
    pytest.param(Ignore("r", page="blog/"), True, id="a folder with a slash"),
    pytest.param(Ignore("r", page="blog/*"), False, id="directly in a folder"),
    pytest.param(Ignore("r", page="index.html"), True, id="a file's name anywhere"),
    pytest.param(Ignore("r", page="/index.html"), False, id="the home page alone"),
    pytest.param(Ignore("r", url="/old/"), True, id="the reference as written"),
    pytest.param(Ignore("r", url="/old/**"), True, id="a pattern for the reference"),
    pytest.param(Ignore("r", url="/other/**"), False, id="another reference"),
    pytest.param(Ignore("r", "link-broken", "blog/**", "/old/"), True, id="all three match"),
    pytest.param(Ignore("r", "link-broken", "about/**", "/old/"), False, id="one of three fails"),
]


@pytest.mark.parametrize(("ignore", "is_ignored"), IGNORED)
def test_a_finding_is_let_pass_where_all_that_is_given_matches(
    ignore: Ignore, is_ignored: bool
) -> None:
    found = graded([BROKEN], RULES, ignores=[ignore])
    assert (found.ignored, len(found.findings)) == ((1, 0) if is_ignored else (0, 1))
    assert found.unused == ([] if is_ignored else [ignore])


def test_an_address_elsewhere_is_matched_as_a_whole() -> None:
    one = Finding("external-broken", "x.html", "404", url="https://example.com/a/b")
    assert Ignore("r", url="https://example.com/**").means(one)
    assert not Ignore("r", url="https://example.org/**").means(one)


def test_a_finding_without_reference_is_not_ignored_by_one() -> None:
    assert not Ignore("r", url="**").means(LONG)


def test_what_ignores_nothing_is_told_unless_its_rule_did_not_run() -> None:
    ignores = [Ignore("r", rule=code) for code in RULES]
    found = graded(
        [], RULES, {"title-long": "off"}, ignores, not_run=frozenset({"external-broken"})
    )
    assert [one.rule for one in found.unused] == ["link-broken"]
    assert found.unused[0].told() == "rule link-broken"


def test_the_gate_takes_what_is_as_bad_or_worse() -> None:
    kept = graded([BROKEN, LONG], RULES, {"title-long": "warning"}).findings
    assert [one.code for one in fails(kept, "error")] == ["link-broken"]
    assert len(fails(kept, "warning")) == len(fails(kept, "notice")) == 2
    assert fails(kept, "never") == []
    assert counts(kept) == {"error": 1, "warning": 1, "notice": 0}


def test_a_rule_that_is_none_is_refused_with_what_was_meant() -> None:
    with pytest.raises(WorkflowError) as caught:
        require_known(["link-brokn"], RULES, "--rule")
    assert caught.value.code == "unknown_rule"
    assert caught.value.did_you_mean[0] == "link-broken"
    require_known(["link-broken"], RULES, "--rule")


def test_a_baseline_knows_its_findings_again_whatever_line_they_moved_to(tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    baseline.write(path, [BROKEN, LONG])
    moved = Finding("link-broken", BROKEN.page, "told otherwise", "/old/", line=99)
    fresh = Finding("link-broken", "new/index.html", "m", "/old/")
    known = baseline.read(path)
    assert known is not None
    found = baseline.compare([moved, fresh], known)
    assert (found.new, found.known) == ([fresh], [moved])
    assert found.fixed == [Mark("title-long", "about/index.html", "")]


def test_of_findings_alike_only_as_many_are_known_as_were(tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    baseline.write(path, [LONG, LONG])
    found = baseline.compare([LONG, LONG, LONG], baseline.read(path) or Counter())
    assert (len(found.known), len(found.new)) == (2, 1)


def test_one_baseline_serves_every_environment(tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    staging = Finding("link-broken", "x.html", "m", "https://staging.example.org/old/")
    live = Finding("link-broken", "x.html", "m", "https://www.example.org/old/")
    baseline.write(path, [staging], "https://staging.example.org/")
    known = baseline.read(path) or Counter()
    assert baseline.compare([live], known, "https://www.example.org").new == []
    assert baseline.compare([live], known, "https://www.example.or").new == [live]


def test_the_file_is_sorted_and_the_same_each_time(tmp_path: Path) -> None:
    one, two = tmp_path / "a" / "one.json", tmp_path / "two.json"
    baseline.write(one, [BROKEN, LONG, BROKEN])
    baseline.write(two, [LONG, BROKEN, BROKEN])
    assert one.read_text() == two.read_text()
    assert [found["code"] for found in json.loads(one.read_text())["findings"]] == [
        "link-broken",
        "title-long",
    ]
    assert one.read_text().count("\n") == 7, "a finding has a line of its own"
    baseline.write(one, [])
    assert json.loads(one.read_text()) == {"format": 1, "findings": []}


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2, "findings": []}', '{"format": 1}'])
def test_a_damaged_baseline_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "known.json"
    path.write_text(text)
    with pytest.raises(WorkflowError) as caught:
        baseline.read(path)
    assert caught.value.code == "bad_baseline"


def test_no_baseline_is_none(tmp_path: Path) -> None:
    assert baseline.read(tmp_path / "none.json") is None
