"""SARIF 2.1.0: valid where the standard says must, and useful to whoever shows it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from workflow.validator import sarif
from workflow.validator.findings import Finding, Rule

RULES = {
    "link-broken": Rule("link-broken", "error", "A link leads nowhere.", "Correct it."),
    "page-orphan": Rule("page-orphan", "notice", "Nothing links to a page.", "Link to it."),
}
BROKEN = Finding(
    "link-broken", "blog/höhe/index.html", "/gone/ is not there", "/gone/", "a", "href",
    line=3, column=7, excerpt='<a href="/gone/">', severity="error",
)  # fmt: skip
ORPHAN = Finding("page-orphan", "lost.html", "nothing links to it", severity="notice")

_POSITIVE = {"type": "integer", "minimum": 1}
_MESSAGE = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}},
}
_LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "message": _MESSAGE,
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation"],
            "additionalProperties": False,
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "required": ["uri"],
                    "properties": {"uri": {"type": "string", "pattern": "^[!-~]+$"}},
                },
                "region": {
                    "type": "object",
                    "required": ["startLine"],
                    "properties": {
                        "startLine": _POSITIVE,
                        "startColumn": _POSITIVE,
                        "snippet": _MESSAGE,
                    },
                },
            },
        },
    },
}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
SHAPE: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id", "shortDescription", "help"],
                                            "properties": {
                                                "shortDescription": _MESSAGE,
                                                "help": _MESSAGE,
                                                "defaultConfiguration": {
                                                    "properties": {"level": _LEVEL}
                                                },
                                            },
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["ruleId", "message", "locations", "partialFingerprints"],
                            "properties": {
                                "level": _LEVEL,
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "message": _MESSAGE,
                                "locations": {"type": "array", "minItems": 1, "items": _LOCATION},
                                "relatedLocations": {"type": "array", "items": _LOCATION},
                                "baselineState": {
                                    "enum": ["new", "unchanged", "updated", "absent"]
                                },
                                "partialFingerprints": {"additionalProperties": {"type": "string"}},
                            },
                        },
                    },
                },
            },
        },
    },
}
"""What the standard's own schema requires of the parts that are used here."""


def run_of(*new: Finding, known: tuple[Finding, ...] = (), **where: str) -> dict[str, Any]:
    document = json.loads(json.dumps(sarif.document(new, known, RULES, **where)))
    jsonschema.validate(document, SHAPE)
    run: dict[str, Any] = document["runs"][0]
    return run


def location(result: dict[str, Any], key: str = "locations") -> dict[str, Any]:
    found: dict[str, Any] = result[key][0]["physicalLocation"]
    return found


def test_rules_carry_help_and_results_point_to_them() -> None:
    run = run_of(BROKEN, known=(ORPHAN,))
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["link-broken", "page-orphan"]
    assert rules[0]["help"]["text"] == "Correct it."
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert [result["level"] for result in run["results"]] == ["error", "note"]
    assert [result["baselineState"] for result in run["results"]] == ["new", "unchanged"]


def test_a_finding_lies_where_it_is_in_the_built_page() -> None:
    (result,) = run_of(BROKEN, prefix="site/", public="public/")["results"]
    place = location(result)
    assert place["artifactLocation"]["uri"] == "site/public/blog/h%C3%B6he/index.html"
    assert place["region"] == {
        "startLine": 3,
        "startColumn": 7,
        "snippet": {"text": '<a href="/gone/">'},
    }


def test_the_source_comes_first_where_it_is_known() -> None:
    found = BROKEN._replace(source="content/blog/höhe.md:12")
    (result,) = run_of(found, prefix="site/", public="public/")["results"]
    assert location(result)["artifactLocation"]["uri"] == "site/content/blog/h%C3%B6he.md"
    assert location(result)["region"] == {"startLine": 12}
    assert location(result, "relatedLocations")["region"]["startLine"] == 3


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("content/a.md:12", ("content/a.md", 12)),
        ("content/a.md", ("content/a.md", None)),
        ("layouts/a.html:1, layouts/b.html:2", ("layouts/a.html", 1)),
        ("content/a:b.md", ("content/a:b.md", None)),
    ],
)
def test_a_place_is_path_and_line(source: str, place: tuple[str, int | None]) -> None:
    assert sarif.split_place(source) == place


def test_fingerprints_stay_while_lines_move_and_differ_between_findings() -> None:
    def marks(*found: Finding, base_url: str | None = None) -> list[str]:
        document = sarif.document(found, (), RULES, base_url=base_url)
        results = document["runs"][0]["results"]
        return [result["partialFingerprints"][sarif.FINGERPRINT] for result in results]

    moved = BROKEN._replace(line=99, message="told otherwise")
    assert marks(BROKEN) == marks(moved)
    alike = marks(BROKEN, moved, ORPHAN)
    assert len(set(alike)) == 3
    assert alike == marks(BROKEN, moved, ORPHAN)
    staging = BROKEN._replace(url="https://staging.example.org/gone/")
    assert marks(staging, base_url="https://staging.example.org/") == marks(BROKEN)


def test_a_clean_site_is_a_run_without_results() -> None:
    run = run_of()
    assert run["results"] == run["tool"]["driver"]["rules"] == []
