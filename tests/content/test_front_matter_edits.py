"""Values of front matter as people write it: what an edit changes, and what it leaves alone."""

from __future__ import annotations

import difflib
from datetime import UTC, date, datetime
from typing import Any

import pytest

from workflow.content import changes
from workflow.content.changes import EditFailed, append_to, parse_path, read, set_key, unset_key

YAML = """\
---
# Made by hand.
title: "Hello"   # shown everywhere
Date: 2026-01-01T10:00:00+01:00
tags:
  - a   # first
  # between
  - b
flow: [x, "y"]
empty:
text: |
  line one

  line two
folded: >-  # wide
  one
  two
params: # all of it
  hero:
    title: 'It''s'
    # sub: later
  list:
  - name: one
    url: /x
weight: 01234
# The end.
---
Body: title: "Hello"
"""

TOML = """\
+++
# Made by hand.
title = "Hello"   # shown everywhere
date = 2026-01-01T10:00:00Z
tags = [
  "a", # first
  "b" # second
]
flow = ['x', "y"]
a.b.c = 1
a.b.d = 2
inside = {x = 1, y = "2"}
text = \"\"\"
one
two\"\"\"

[params]
  hero = 'x'   # the hero

  [params.deep.er]
  k = 1

# The menu.
[[menu]]
name = "one"

[[menu]]
name = "two"
[menu.sub]
k = 1

[menus.main]
weight = 5
+++
Body
"""

JSON = """\
{
  "title": "Hello",
  "tags": ["a", "b"],
  "params": {
    "hero": {"a": 1},
    "none": {}
  },
  "long": [
    1,
    2
  ],
  "list": []
}

Body
"""
TEXTS = {"yaml": YAML, "toml": TOML, "json": JSON}


def difference(before: str, after: str) -> list[str]:
    """The lines that differ, `-` and `+` before them."""
    lines = difflib.ndiff(before.split("\n"), after.split("\n"))
    return [line[:1] + line[2:] for line in lines if line[0] in "-+"]


SET: list[tuple[str, str, Any, str]] = [
    ("yaml", "title", 'new "x"', '-title: "Hello"{C}⏎+title: "new \\"x\\""{C}'),
    ("yaml", "title", 7, '-title: "Hello"{C}⏎+title: 7{C}'),
    ("yaml", "date", "2026-02-02", "-Date: 2026-01-01T10:00:00+01:00⏎+Date: 2026-02-02"),
    ("yaml", "date", date(2026, 2, 2), "-Date: 2026-01-01T10:00:00+01:00⏎+Date: 2026-02-02"),
    ("yaml", "tags[1]", "NO", "-  - b⏎+  - 'NO'"),
    ("yaml", "tags", ["a", "b", "c"], "+  - c"),
    ("yaml", "tags", ["a"], "-  - b"),
    ("yaml", "tags", "one", "-tags:⏎-  - a   # first⏎-  # between⏎-  - b⏎+tags: one"),
    ("yaml", "flow[1]", "a, b", '-flow: [x, "y"]⏎+flow: [x, "a, b"]'),
    ("yaml", "flow[0]", "a, b", "-flow: [x, \"y\"]⏎+flow: ['a, b', \"y\"]"),
    ("yaml", "flow", ["q", "r"], '-flow: [x, "y"]⏎+flow: [q, r]'),
    ("yaml", "empty", "full", "-empty:⏎+empty: full"),
    ("yaml", "empty", {"a": 1}, "+  a: 1"),
    ("yaml", "text", "one\ntwo\n", "-  line one⏎+  one⏎-⏎-  line two⏎+  two"),
    ("yaml", "folded", "one", "-  two"),
    ("yaml", "params.hero.title", "it's", "-    title: 'It''s'⏎+    title: 'it''s'"),
    ("yaml", "params.hero.sub", 1, "+    sub: 1"),
    ("yaml", "params.new.deep", [1], "+  new:⏎+    deep:⏎+      - 1"),
    ("yaml", "params.list[0].url", "a\nb", "-    url: /x⏎+    url: |-⏎+      a⏎+      b"),
    ("yaml", "params.list[0].new", None, "+    new: null"),
    ("yaml", "new", "# no", "+new: '# no'"),
    ("yaml", 'params."a.b"', "x", "+  a.b: x"),
    ("yaml", "é: x", "x", "+'é: x': x"),
    ("toml", "title", 'new "x"', '-title = "Hello"{C}⏎+title = "new \\"x\\""{C}'),
    ("toml", "date", "2026-02-02", "-date = 2026-01-01T10:00:00Z⏎+date = 2026-02-02"),
    ("toml", "expiryDate", "2026-02-02T10:00:00Z", "+expiryDate = 2026-02-02T10:00:00Z"),
    ("toml", "params.when", "2026-02-02", '+  when = "2026-02-02"'),
    ("toml", "flow[0]", "z", "-flow = ['x', \"y\"]⏎+flow = ['z', \"y\"]"),
    ("toml", "flow[0]", "it's", "-flow = ['x', \"y\"]⏎+flow = [\"it's\", \"y\"]"),
    ("toml", "a.b.c", "x", '-a.b.c = 1⏎+a.b.c = "x"'),
    ("toml", "a.b.e", "x", '+a.b.e = "x"'),
    ("toml", "inside.z", 3, '-inside = {x = 1, y = "2"}⏎+inside = {x = 1, y = "2", z = 3}'),
    ("toml", "text", "one\nzwei", '-two"""⏎+zwei"""'),
    ("toml", "params.hero", "y", "-  hero = 'x'   # the hero⏎+  hero = 'y'   # the hero"),
    ("toml", "params.new.x", 1, "+  new.x = 1"),
    ("toml", "params.deep.er.z", 1, "+  z = 1"),
    ("toml", "menu[0].url", "/x", '+url = "/x"'),
    ("toml", "menu[1].sub.k", 2, "-k = 1⏎+k = 2"),
    ("toml", "menus.main.weight", 6, "-weight = 5⏎+weight = 6"),
    ("toml", "new", {"a": {"b": [1]}}, "+new = { a = { b = [1] } }"),
    ("toml", "params", {"hero": "y", "deep": {"er": {"k": 1}}},
     "-  hero = 'x'   # the hero⏎+  hero = 'y'   # the hero"),
    ("json", "title", 'a "b" é', '-  "title": "Hello",⏎+  "title": "a \\"b\\" é",'),
    ("json", "params.hero.b", [1],
     '-    "hero": {"a": 1},⏎+    "hero": {"a": 1, "b": [⏎+      1⏎+    ]},'),
    ("json", "params.none.x", 1, '-    "none": {}⏎+    "none": {⏎+      "x": 1⏎+    }'),
    ("json", "params.new.x", 1,
     '-    "none": {}⏎+    "none": {},⏎+    "new": {⏎+      "x": 1⏎+    }'),
    ("json", "new", None, '-  "list": []⏎+  "list": [],⏎+  "new": null'),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "path", "value", "expected"), SET)
def test_only_the_lines_of_what_is_set_differ(
    kind: str, path: str, value: Any, expected: str
) -> None:
    changed = set_key(TEXTS[kind], parse_path(path), value)
    lines = expected.replace("{C}", "   # shown everywhere").split("⏎")
    assert sorted(difference(TEXTS[kind], changed)) == sorted(lines)


UNSET = [
    ("yaml", "title", '-title: "Hello"   # shown everywhere'),
    ("yaml", "tags[0]", "-  - a   # first"),
    ("yaml", "flow[0]", '-flow: [x, "y"]⏎+flow: ["y"]'),
    ("yaml", "flow[1]", '-flow: [x, "y"]⏎+flow: [x]'),
    ("yaml", "text", "-text: |⏎-  line one⏎-⏎-  line two"),
    ("yaml", "params.hero", "-  hero:⏎-    title: 'It''s'⏎-    # sub: later"),
    ("yaml", "params.hero.title", "-  hero:⏎-    title: 'It''s'⏎+  hero: {}"),
    ("yaml", "params.list[0].name", "-  - name: one⏎-    url: /x⏎+  - url: /x"),
    ("toml", "tags[0]", '-  "a", # first'),
    ("toml", "a.b", "-a.b.c = 1⏎-a.b.d = 2"),
    ("toml", "inside.x", '-inside = {x = 1, y = "2"}⏎+inside = {y = "2"}'),
    ("toml", "inside.y", '-inside = {x = 1, y = "2"}⏎+inside = {x = 1}'),
    ("toml", "menu[1]", '-[[menu]]⏎-name = "two"⏎-[menu.sub]⏎-k = 1⏎-'),
    ("toml", "params.deep", "-⏎-  [params.deep.er]⏎-  k = 1"),
    ("toml", "menus", "-[menus.main]⏎-weight = 5"),
    ("json", "title", '-  "title": "Hello",'),
    ("json", "list", '-  ],⏎-  "list": []⏎+  ]'),
    ("json", "long[1]", "-    1,⏎-    2⏎+    1"),
    ("json", "tags[0]", '-  "tags": ["a", "b"],⏎+  "tags": ["b"],'),
    ("json", "params.hero.a", '-    "hero": {"a": 1},⏎+    "hero": {},'),
]


@pytest.mark.parametrize(("kind", "path", "expected"), UNSET)
def test_only_the_lines_of_what_is_taken_away_are_missing(
    kind: str, path: str, expected: str
) -> None:
    changed = unset_key(TEXTS[kind], parse_path(path))
    lines = expected.replace("{C}", "   # shown everywhere").split("⏎")
    assert sorted(difference(TEXTS[kind], changed)) == sorted(lines)


APPEND: list[tuple[str, str, Any, str]] = [
    ("yaml", "tags", "c: d", "+  - 'c: d'"),
    ("yaml", "flow", "z", '-flow: [x, "y"]⏎+flow: [x, "y", z]'),
    ("yaml", "empty", "z", "+  - z"),
    ("yaml", "new", "z", "+new:⏎+  - z"),
    ("yaml", "params.list", {"name": "two", "t": [1]}, "+  - name: two⏎+    t:⏎+      - 1"),
    ("toml", "tags", "c", '-  "b" # second⏎+  "b", # second⏎+  "c"'),
    ("toml", "flow", "z", '-flow = [\'x\', "y"]⏎+flow = [\'x\', "y", "z"]'),
    ("toml", "menu", {"name": "three"}, '+[[menu]]⏎+name = "three"⏎+'),
    ("json", "tags", 1, '-  "tags": ["a", "b"],⏎+  "tags": ["a", "b", 1],'),
    ("json", "long", 3, "-    2⏎+    2,⏎+    3"),
    ("json", "list", 1, '-  "list": []⏎+  "list": [1]'),
]


@pytest.mark.parametrize(("kind", "path", "value", "expected"), APPEND)
def test_only_the_line_of_what_is_appended_is_new(
    kind: str, path: str, value: Any, expected: str
) -> None:
    changed = append_to(TEXTS[kind], parse_path(path), value)
    lines = expected.replace("{C}", "   # shown everywhere").split("⏎")
    assert sorted(difference(TEXTS[kind], changed)) == sorted(lines)


@pytest.mark.parametrize("kind", TEXTS)
def test_what_is_equal_already_is_not_touched(kind: str) -> None:
    text = TEXTS[kind]
    for key, value in read(text).data.items():
        assert set_key(text, (key,), value) == text
        assert set_key(text, (key.upper(),), value) == text, "Hugo takes keys in small letters"


@pytest.mark.parametrize("text", [
    "\ufeff---\r\ntitle: x\r\ntags:\r\n- a\r\n---\r\nBody\r\n",
    "\ufeff+++\r\ntitle = 'x'\r\ntags = [\r\n  'a',\r\n]\r\n+++\r\nBody\r\n",
    '\ufeff{\r\n  "title": "x",\r\n  "tags": [\r\n    "a"\r\n  ]\r\n}\r\nBody\r\n',
])  # fmt: skip
def test_line_ends_and_the_byte_order_mark_stay(text: str) -> None:
    changed = append_to(text, ("tags",), "b")
    changed = set_key(changed, ("title",), "one\ntwo")
    changed = set_key(changed, ("new", "deep"), {"a": [1, "x\ny"]})
    changed = unset_key(changed, ("tags", 0))
    assert changed.startswith("\ufeff")
    assert changed.count("\n") == changed.count("\r\n")
    assert changed.endswith("Body\r\n")
    data = read(changed).data
    assert data == {"title": "one\ntwo", "tags": ["b"], "new": {"deep": {"a": [1, "x\ny"]}}}


CLOSINGS = ["---", "---\n", "---   \nBody", "----\nBody", "--- Body", "---Body\n", "---\n\n\nBody"]


@pytest.mark.parametrize("closing", CLOSINGS)
def test_any_line_that_begins_with_three_dashes_ends_front_matter(closing: str) -> None:
    assert set_key(f"---\na: 1\n{closing}", ("b",), 2) == f"---\na: 1\nb: 2\n{closing}"
    assert set_key(f"---\na: 1\n{closing}", ("a",), 2) == f"---\na: 2\n{closing}"


@pytest.mark.parametrize(("text", "expected"), [
    ("", "---\na: 1\n---\n"),
    ("Body", "---\na: 1\n---\nBody"),
    ("\ufeffBody\r\n", "\ufeff---\r\na: 1\r\n---\r\nBody\r\n"),
    ("---\n---\nBody", "---\na: 1\n---\nBody"),
    ("---\n# only this\n---\nBody", "---\n# only this\na: 1\n---\nBody"),
    ("---\n{}\n---\nBody", "---\n{a: 1}\n---\nBody"),
    ("+++\n+++\nBody", "+++\na = 1\n+++\nBody"),
    ("+++\n# only this\n+++\nBody", "+++\n# only this\na = 1\n+++\nBody"),
    ("+++\n[b]\nc = 1\n+++\n", "+++\na = 1\n\n[b]\nc = 1\n+++\n"),
    ("{}\nBody", '{"a": 1}\nBody'),
    ("\n\n---\nb: 2\n---\n", "\n\n---\nb: 2\na: 1\n---\n"),
])  # fmt: skip
def test_a_first_key_finds_its_place(text: str, expected: str) -> None:
    assert set_key(text, ("a",), 1) == expected


def test_a_list_in_a_list_keeps_its_indentation() -> None:
    text = "---\nrows:\n-   - a\n-   b: c\n-\n---\n"
    changed = set_key(text, ("rows", 1), ["x", "y"])
    assert changed == text.replace("-   b: c", "-   - x\n    - y")
    changed = set_key(text, ("rows", 0), {"x": 1, "y": 2})
    assert changed == text.replace("-   - a", "-   x: 1\n    y: 2")
    changed = set_key(text, ("rows", 2), {"x": 1, "y": 2})
    assert changed == text.replace("-\n---", "- x: 1\n  y: 2\n---")


def test_letters_stay_as_they_are_composed() -> None:
    text = "---\ncafe\u0301: a\ncafé: b\nlong: " + "漢" * 5000 + "\n---\n"
    changed = set_key(text, ("café",), "é")
    assert changed == text.replace("café: b", "café: é")
    assert set_key(text, ("cafe\u0301",), "😀") == text.replace("cafe\u0301: a", "cafe\u0301: 😀")


def test_old_line_breaks_are_signs_like_any_other() -> None:
    text = "---\na: one\u2028two\nb: x\x85y\nc: 1\n---\nBody"
    assert set_key(text, ("c",), 2) == text.replace("c: 1", "c: 2")
    assert read(set_key(text, ("c",), "p\u2029q")).data["c"] == "p\u2029q"


SHARED = """\
---
base: &base
  x: 1
  y: &why 2
use:
  <<: *base
  z: *why
list: [*why, 3]
rows:
  # first
  - *base
  - q: *why
own: &unused 5
---
"""


def test_aliases_are_replaced_and_merged_keys_are_covered() -> None:
    assert read(SHARED).data["use"] == {"x": 1, "y": 2, "z": 2}
    for path, value, old, new in [
        ("use.z", 9, "z: *why", "z: 9"),
        ("list[0]", 9, "[*why, 3]", "[9, 3]"),
        ("rows[0]", 9, "- *base", "- 9"),
        ("rows[1].q", 9, "q: *why", "q: 9"),
        ("own", 6, "&unused 5", "6"),
        ("use.x", 9, "  z: *why\n", "  z: *why\n  x: 9\n"),
        ("list[1]", 4, "3]", "4]"),
    ]:
        changed = set_key(SHARED, parse_path(path), value)
        assert changed == SHARED.replace(old, new, 1)


@pytest.mark.parametrize(("path", "code"), [
    ("base.x", "edit_unproved"),  # all that share it would change
    ("base.y", "edit_unproved"),
    ("base", "edit_unproved"),
    ("rows[0].x", "value_shared"),
])  # fmt: skip
def test_a_value_that_others_share_is_not_changed_for_them(path: str, code: str) -> None:
    with pytest.raises(EditFailed) as caught:
        set_key(SHARED, parse_path(path), 9)
    assert caught.value.code == code
    assert "&" in caught.value.hint


def test_what_comes_from_another_mapping_is_changed_there() -> None:
    with pytest.raises(EditFailed) as caught:
        unset_key(SHARED, parse_path("use.x"))
    assert caught.value.code == "key_missing"
    assert "<<" in caught.value.hint


REFUSED: list[tuple[str, str, str, Any, str]] = [
    ("set_key", YAML, "tags[5]", 1, "index_missing"),
    ("set_key", YAML, "title[0]", 1, "not_a_list"),
    ("set_key", YAML, "nothing[0]", 1, "not_a_list"),
    ("set_key", YAML, "title.x", 1, "not_a_mapping"),
    ("set_key", YAML, "tags.x", 1, "not_a_mapping"),
    ("append_to", YAML, "title", 1, "not_a_list"),
    ("append_to", YAML, "params", 1, "not_a_list"),
    ("set_key", "---\nTitle: a\ntitle: b\n---\n", "TITLE", 1, "key_double"),
    ("set_key", YAML, "title", 2**64, "value_impossible"),
    ("set_key", TOML, "title", None, "value_impossible"),
    ("set_key", TOML, "title", 2**63, "value_impossible"),
    ("set_key", TOML, "menu[0]", 1, "edit_unproved"),
    ("append_to", TOML, "menu", 1, "value_impossible"),
    ("set_key", JSON, "title", float("nan"), "value_impossible"),
    ("set_key", "---\na: 1\na: 2\n---\n", "b", 1, "bad_front_matter"),
    ("set_key", '{"a": 1, "a": 2}', "b", 1, "bad_front_matter"),
    ("set_key", "+++\na = 1\na = 2\n+++\n", "b", 1, "bad_front_matter"),
    ("set_key", "----\na: 1\n---\n", "b", 1, "bad_front_matter"),
    ("set_key", "---\na: 1\n", "b", 1, "bad_front_matter"),
    ("set_key", "---\n\ta: 1\n---\n", "b", 1, "bad_front_matter"),
    ("set_key", "---\n- a\n---\n", "b", 1, "bad_front_matter"),
    ("set_key", "- a list\n", "b", 1, "bad_front_matter"),
    ("set_key", "---\n~\n---\n", "b", 1, "edit_unproved"),
]


@pytest.mark.parametrize(("edit", "text", "path", "value", "code"), REFUSED)
def test_what_cannot_be_done_is_refused(
    edit: str, text: str, path: str, value: Any, code: str
) -> None:
    with pytest.raises(EditFailed) as caught:
        getattr(changes, edit)(text, parse_path(path), value)
    assert caught.value.code == code
    assert caught.value.message
    assert caught.value.hint


def test_an_error_of_front_matter_has_its_place() -> None:
    with pytest.raises(EditFailed) as caught:
        read("---\ntitle: x\nb: 'y\n---\n")
    assert (caught.value.line, caught.value.column) == (3, 4)


@pytest.mark.parametrize(("path", "near"), [("titel", "title"), ("params.heros", "hero")])
def test_a_key_that_is_missing_is_guessed(path: str, near: str) -> None:
    with pytest.raises(EditFailed) as caught:
        unset_key(YAML, parse_path(path))
    assert caught.value.code == "key_missing"
    assert f"did you mean {near}?" in caught.value.hint


def test_dates_are_given_as_they_are_kept() -> None:
    moment = datetime(2026, 2, 3, 4, 5, tzinfo=UTC)
    assert "\nnew: 2026-02-03T04:05:00Z\n" in set_key(YAML, ("new",), moment)
    assert "\nnew = 2026-02-03T04:05:00Z\n" in set_key(TOML, ("new",), moment)
    assert '\n  "new": "2026-02-03T04:05:00Z"\n' in set_key(JSON, ("new",), moment)


@pytest.mark.parametrize(("written", "path"), [
    ("title", ("title",)),
    ("params.hero.title", ("params", "hero", "title")),
    ("tags[0]", ("tags", 0)),
    ("a[1][2].b", ("a", 1, 2, "b")),
    ('params."a.b".c', ("params", "a.b", "c")),
    ("params['it''s']", ("params", "it's")),
    ('a["x\\"y"]', ("a", 'x"y')),
    ("with blank.ü", ("with blank", "ü")),
    ("<<", ("<<",)),
])  # fmt: skip
def test_a_path_names_keys_and_places(written: str, path: changes.Path) -> None:
    assert parse_path(written) == path


@pytest.mark.parametrize(
    "written", ["", ".", "a.", ".a", "a..b", "[0]", "a[x]", "a[-1]", "a.[0]", "a[0]b", "a b ", "a[",
                '"a', "a\nb", "x" * 1001]
)  # fmt: skip
def test_what_is_no_path_is_refused(written: str) -> None:
    with pytest.raises(EditFailed) as caught:
        parse_path(written)
    assert caught.value.code == "bad_path"
