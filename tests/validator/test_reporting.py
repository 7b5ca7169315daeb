"""What a check tells: by cause, worst first, within thirty lines; to programs in full."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from workflow.validator import reporting
from workflow.validator.baseline import Mark
from workflow.validator.causes import Cause, causes, placed_in
from workflow.validator.findings import Finding, Rule, Severity
from workflow.validator.grading import FailOn
from workflow.validator.validation import Report

SEVERITIES: dict[str, Severity] = {
    "link-broken": "error",
    "image-broken": "error",
    "title-long": "warning",
    "page-orphan": "notice",
}
RULES = {
    code: Rule(code, severity, f"{code} in short.", f"Mend {code}.")
    for code, severity in SEVERITIES.items()
}
BLOG = [f"blog/{n}/index.html" for n in range(10)]
DOCS = [f"docs/{n}/index.html" for n in range(30)]
PAGES = ["index.html", *BLOG, *DOCS]


def broken(page: str, url: str = "/gone/", message: str | None = None) -> Finding:
    told = message or f"{url} is not there"
    return Finding("link-broken", page, told, url, "a", "href", severity="error")


def of(code: str, page: str, message: str) -> Finding:
    return Finding(code, page, message, severity=SEVERITIES[code])


def report(
    findings: Sequence[Finding],
    *,
    known: Sequence[Finding] = (),
    fail_on: FailOn = "error",
    has_baseline: bool = False,
    grouped: list[Cause] | None = None,
) -> Report:
    return Report(
        pages=len(PAGES),
        files=100,
        base_url="https://example.org/",
        environment="staging",
        new=list(findings),
        known=list(known),
        fixed=[Mark("link-broken", "x.html", "/y/")] if has_baseline else [],
        ignored=2 if has_baseline else 0,
        causes=causes(findings, PAGES, RULES) if grouped is None else grouped,
        fail_on=fail_on,
        has_baseline=has_baseline,
        notes=["a note"],
    )


def only(findings: Sequence[Finding]) -> Cause:
    (cause,) = causes(findings, PAGES, RULES)
    return cause


def test_what_stands_on_nearly_every_page_is_one_templates() -> None:
    cause = only([broken(page) for page in PAGES[:30]])
    assert (cause.is_template, cause.pages, cause.whole, cause.section) == (True, 30, 41, "")


def test_a_sections_template_is_told_by_its_section() -> None:
    cause = only([broken(page) for page in BLOG[:6]])
    assert (cause.pages, cause.whole, cause.section) == (6, 10, "blog")


@pytest.mark.parametrize("pages", [BLOG[:4], BLOG[:5], DOCS[:17]])
def test_too_few_pages_are_no_templates_and_yet_one_cause(pages: list[str]) -> None:
    cause = only([broken(page) for page in pages])
    assert not cause.is_template
    assert cause.pages == len(pages)


def test_a_relative_reference_in_a_template_is_one_cause_though_it_means_other_files() -> None:
    found = [broken(page, "team/", f"{page}/team/ is not there") for page in PAGES]
    cause = only(found)
    assert cause.is_template
    assert "one of 41" in cause.message


def test_one_target_is_one_cause_however_it_is_written() -> None:
    found = [broken(page, f"{'../' * n}gone/", "/gone/ is not there") for n, page in
             enumerate(PAGES)]  # fmt: skip
    assert only(found).is_template
    assert only(found).message == "/gone/ is not there"


def test_single_mistakes_are_told_one_by_one_until_they_are_many() -> None:
    few = [broken(page, f"/{n}/") for n, page in enumerate(DOCS[:6])]
    assert len(causes(few, PAGES, RULES)) == 6
    many = [broken(page, f"/{n}/") for n, page in enumerate(DOCS[:15])]
    found = causes(many, PAGES, RULES)
    assert len(found) == 7
    assert sorted(len(cause.findings) for cause in found) == [1] * 6 + [9]
    assert sum(len(cause.findings) for cause in found) == 15


def test_the_worst_comes_first_and_of_those_the_templates() -> None:
    found = causes(
        [
            of("page-orphan", "blog/1/index.html", "nothing links to it"),
            *(of("title-long", page, f"{page} is long") for page in BLOG[:3]),
            broken("index.html", "/one/"),
            *(broken(page) for page in PAGES),
        ],
        PAGES,
        RULES,
    )
    told = [(cause.code, cause.is_template) for cause in found]
    assert told[:2] == [("link-broken", True), ("link-broken", False)]
    assert [code for code, _ in told[2:]] == ["title-long"] * 3 + ["page-orphan"]


def test_no_finding_is_lost_on_the_way() -> None:
    found = [broken(page, f"/{n % 7}/") for n, page in enumerate(PAGES)]
    found += [of("title-long", page, f"{len(page)} characters") for page in PAGES]
    grouped = causes(found, PAGES, RULES)
    assert sum(len(cause.findings) for cause in grouped) == len(found)


def test_a_line_names_rule_pages_place_reason_and_what_to_do() -> None:
    cause = placed_in(only([broken(page) for page in PAGES]), "layouts/nav.html:12")
    assert reporting.line(cause, len(PAGES)) == (
        "error link-broken on 41 of 41 pages in layouts/nav.html:12: /gone/ is not there. "
        "Mend link-broken."
    )
    assert all(one.source == "layouts/nav.html:12" for one in cause.findings)
    single = reporting.line(only([broken("index.html")]), len(PAGES))
    assert single.startswith("error link-broken on index.html: /gone/ is not there.")


def test_a_message_of_several_lines_stays_on_one() -> None:
    cause = only([of("title-long", "index.html", "a\nb " + "x" * 500)])
    line = reporting.line(cause, 1)
    assert "\n" not in line
    assert len(line) < 450


@pytest.mark.parametrize("markdown", [False, True])
def test_the_first_screen_has_thirty_lines_at_most_whatever_there_is(markdown: bool) -> None:
    rules = {f"rule-{n:02}": Rule(f"rule-{n:02}", "error", "s", "h") for n in range(60)}
    found = [
        Finding(code, page, f"{code} {page}", severity="error")
        for code in rules
        for page in DOCS[:10]
    ]
    told = reporting.lines(report(found, grouped=causes(found, PAGES, rules)), markdown=markdown)
    assert len(told) <= reporting.MOST_LINES
    assert any("more cause" in line for line in told)
    assert any("more rule" in line for line in told)


def test_the_table_counts_findings_and_pages_by_rule() -> None:
    found = [broken("index.html", "/a/"), broken("index.html", "/b/"),
             of("title-long", "blog/0/index.html", "m")]  # fmt: skip
    told = reporting.lines(report(found))
    rows = [row.split() for row in told[told.index("") + 1 :]]
    assert rows == [
        ["RULE", "SEVERITY", "FINDINGS", "PAGES"],
        ["link-broken", "error", "2", "1"],
        ["title-long", "warning", "1", "1"],
    ]


def test_a_result_has_a_list_and_a_table_of_markdown() -> None:
    told = reporting.lines(report([broken("index.html")]), markdown=True)
    assert told[0].startswith("- error link-broken on index.html")
    assert told[2:] == [
        "| rule | severity | findings | pages |",
        "| --- | --- | ---: | ---: |",
        "| link-broken | error | 1 | 1 |",
    ]


def test_a_clean_site_is_one_sentence() -> None:
    told = report([])
    assert reporting.lines(told) == []
    assert reporting.headline(told) == "Nothing to mend on 41 pages (100 files)"


def test_the_headline_counts_by_severity() -> None:
    found = [broken("index.html"), *(of("title-long", page, page) for page in BLOG)]
    assert reporting.headline(report(found)).startswith("1 error and 10 warnings on 41 pages")


def test_new_mended_and_ignored_are_told_where_there_is_a_baseline() -> None:
    told = report([broken("index.html")], known=[broken("x.html")], has_baseline=True)
    assert reporting.details(told) == (
        "1 new since the baseline; 1 of the baseline mended; 2 ignored with a reason"
    )
    assert reporting.headline(told).startswith("2 errors")


GATES: list[tuple[FailOn, list[str]]] = [
    ("error", ["link-broken"]),
    ("warning", ["link-broken", "title-long"]),
    ("notice", ["link-broken", "title-long", "page-orphan"]),
    ("never", []),
]


@pytest.mark.parametrize(("fail_on", "codes"), GATES)
def test_the_gate_lets_through_what_is_less_bad(fail_on: FailOn, codes: list[str]) -> None:
    found = [broken("index.html"), of("title-long", "a", "m"), of("page-orphan", "a", "m")]
    told = report(found, fail_on=fail_on)
    assert [cause.code for cause in told.failing] == codes
    assert reporting.as_data(told)["passed"] is not bool(codes)


def test_in_full_every_finding_is_there_as_json() -> None:
    found = [broken(page) for page in PAGES]
    known = [of("title-long", "index.html", "m")]
    data: dict[str, Any] = json.loads(json.dumps(reporting.in_full(report(found, known=known))))
    assert len(data["findings"]) == 42
    assert data["findings"][0]["new"] is True
    assert data["findings"][-1]["new"] is False
    assert data["by_rule"] == {"link-broken": 41, "title-long": 1}
    assert (data["error_count"], data["warning_count"], data["notice_count"]) == (41, 1, 0)
    assert data["causes"][0]["template"] is True
    assert data["findings"][0]["url"] == "/gone/"
    assert "line" not in data["findings"][0], "what is not known is left out"


def test_github_gets_one_annotation_a_cause_with_file_and_line() -> None:
    template = placed_in(only([broken(page) for page in PAGES]), "layouts/nav, top.html:12")
    single = only([Finding("title-long", "a/index.html", "100% too\nlong", line=3, column=7,
                           severity="warning")])  # fmt: skip
    told = list(reporting.github(report([], grouped=[template, single]), "site/", "public/"))
    assert told == [
        "::error file=site/layouts/nav%2C top.html,line=12,title=link-broken::/gone/ is not there. "
        "(41 pages) Mend link-broken.",
        "::warning file=site/public/a/index.html,line=3,col=7,title=title-long::"
        "100%25 too long. Mend title-long.",
    ]
