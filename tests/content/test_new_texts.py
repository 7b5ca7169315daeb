"""A text that is composed says to Hugo what it was meant to say."""

from __future__ import annotations

import html
import json
import math
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from workflow.content import changes
from workflow.content.changes import EditFailed, compose, read

TRICKY: list[Any] = [
    "NO", "yes", "on", "y", "01234", "1e3", "1E3", "-1e3", "1_000", "0_1", "0b11", "0o17", "0x1F",
    "08", "+5", "+-5", "._1", ".5", "5.", "1._0", "1.5e3", "-0", "00", ".inf", ".nan", "inf", "~",
    "null", "Null", "true", "TRUE", "", " ", " x", "x ", "  x\n y", "a: b", "a:b", "a #b", "#b",
    "- a", "-", "?", "? a", ":", ": a", "[a]", "{a}", "a, b", "&a", "*a", "!a", "|", ">", "@a",
    "`a`", "%a", "'", '"', "it's", 'say "x"', "\\", "\\n", "a\\b", "=", "<<", "---", "--- a",
    "...", "+++", "2026-01-01", "2026-01-01T10:00:00Z", "2026-01-01 10:00:00", "12:30",
    "190:20:30", "1.2.3", "18446744073709551616", "a\nb", "a\nb\n", "a\n\nb\n", "\na", "a\n\n",
    "\n", " a\nb", "a \nb", "a\n b\n", "a\n\tb", "\ta", "a\tb", "a\n---\nb", "a\n+++\nb",
    "#a\n#b", "'''", '"""', "a\"\"\"b\n'''", "é", "e\u0301", "漢字", "😀", "a\n😀\n", "\u2028",
    "a\u2028b\nc", "\x85", "\xa0", "\ufeff", "\x7f", "\x01", "a\r\nb", "\r", "{{< x >}}", "<b>",
    "x" * 5000, "word " * 500, "日本 " * 300,
    0, 1, -1, 668, 2**53, -(2**53), 1.0, 1.5, 1e22, 1e-7, 1e100, -2.5e-300, 0.1, True, False,
    [], {}, [[]], [[1, ["a"]], {"b": []}], {"a b": {"c.d": 1}}, [{"a": 1, "b": [2]}, {"c": {}}],
    {"no": 1, "1": 2, "é": 3, "a: b": 4, "- x": 5, "#": 6, "": 7, "\"q'": 8, "true": 9},
]  # fmt: skip
LIST = """\
{{ range .Site.RegularPages }}{{ range .Params.values }}{{ jsonify . | safeHTML }}
{{ end }}{{ end }}"""


def canonical(value: Any) -> Any:
    """As Hugo's JSON shows it: keys in small letters; a whole number has no point."""
    if isinstance(value, dict):
        return {key.lower(): canonical(one) for key, one in value.items()}
    if isinstance(value, list):
        return [canonical(one) for one in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("kind", ["yaml", "toml", "json"])
def test_hugo_reads_the_values_that_were_meant(
    kind: changes.Kind, newline: str, tmp_path: Path
) -> None:
    texts = {"new": compose(kind, {"title": "T", "values": TRICKY}, "Body\n", newline)}
    edited = compose(kind, {"title": "T", "values": ["x"]}, "Body\n", newline)
    for value in TRICKY:
        edited = changes.append_to(edited, ("values",), value)
    texts["appended"] = changes.unset_key(edited, ("values", 0))
    for number, value in enumerate(TRICKY):
        edited = changes.set_key(edited, ("values", number), value)
    texts["set"] = changes.unset_key(edited, ("values", len(TRICKY)))
    for name, text in texts.items():
        site = tmp_path / name
        (site / "content").mkdir(parents=True)
        (site / "layouts").mkdir()
        (site / "content" / "a.md").write_bytes(text.encode())
        (site / "layouts" / "home.html").write_text(LIST)
        (site / "hugo.toml").write_text('disableKinds = ["taxonomy", "term", "rss", "sitemap"]')
        hugo = [str(Path(sys.executable).parent / "hugo"), "--logLevel", "error"]
        ran = subprocess.run(hugo, cwd=site, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        lines = (site / "public" / "index.html").read_text().split("\n")
        shown = [json.loads(html.unescape(line)) for line in lines if line]
        for meant, said in zip(TRICKY, shown, strict=True):
            assert canonical(said) == canonical(meant)
            assert isinstance(said, bool) == isinstance(meant, bool)


def test_a_new_text_is_written_as_a_person_would() -> None:
    values = {
        "title": "Summer: auto",
        "date": "2026-07-01",
        "draft": False,
        "tags": ["auto", "NO"],
        "params": {"hero": {"title": "Go", "text": "one\ntwo\n"}, "rows": [{"a": 1, "b": [2]}]},
        "empty": [],
    }
    assert (
        compose("yaml", values, "Hello.\n")
        == """\
---
title: 'Summer: auto'
date: 2026-07-01
draft: false
tags:
  - auto
  - 'NO'
params:
  hero:
    title: Go
    text: |
      one
      two
  rows:
    - a: 1
      b:
        - 2
empty: []
---
Hello.
"""
    )
    assert (
        compose("toml", values, "Hello.\n")
        == '''\
+++
title = "Summer: auto"
date = 2026-07-01
draft = false
tags = ["auto", "NO"]
empty = []

[params.hero]
title = "Go"
text = """
one
two
"""

[[params.rows]]
a = 1
b = [2]
+++
Hello.
'''
    )
    assert (
        compose("json", {"title": "é", "tags": [1]}, "Hello.\n")
        == """\
{
  "title": "é",
  "tags": [
    1
  ]
}
Hello.
"""
    )


def test_dates_are_dates_where_hugo_wants_them() -> None:
    moment = datetime(2026, 7, 1, 10, tzinfo=UTC)
    values = {
        "date": moment,
        "expiryDate": "2026-08-01",
        "when": date(2026, 7, 2),
        "x": "2026-01-01",
    }
    yaml = compose("yaml", values, "")
    assert "date: 2026-07-01T10:00:00Z\nexpiryDate: 2026-08-01\nwhen: 2026-07-02\n" in yaml
    toml = compose("toml", values, "")
    assert 'expiryDate = 2026-08-01\nwhen = 2026-07-02\nx = "2026-01-01"\n' in toml
    assert read(toml).data["expirydate"] == date(2026, 8, 1)


def test_line_ends_are_those_asked_for() -> None:
    text = compose("yaml", {"a": "x\ny\n", "b": [1]}, "Body\nmore\r\n", "\r\n")
    assert text == "---\r\na: |\r\n  x\r\n  y\r\nb:\r\n  - 1\r\n---\r\nBody\r\nmore\r\n"


def test_no_front_matter_is_nothing_but_the_body() -> None:
    assert compose("none", {}, "Body\n") == "Body\n"
    assert compose("yaml", {}, "Body\n") == "---\n---\nBody\n"
    assert compose("toml", {}, "Body\n") == "+++\n+++\nBody\n"
    assert compose("json", {}, "Body\n") == "{}\nBody\n"


@pytest.mark.parametrize(("kind", "values", "body"), [
    ("toml", {"a": None}, ""),
    ("toml", {"a": [None]}, ""),
    ("json", {"a": math.inf}, ""),
    ("yaml", {"a": 2**64}, ""),
    ("none", {"a": 1}, ""),
    ("none", {}, "---\na: 1\n---\n"),
    ("none", {}, "- a list"),
])  # fmt: skip
def test_what_would_be_read_otherwise_is_refused(
    kind: changes.Kind, values: dict[str, Any], body: str
) -> None:
    with pytest.raises(EditFailed) as caught:
        compose(kind, values, body)
    assert caught.value.code in ("value_impossible", "bad_front_matter")
