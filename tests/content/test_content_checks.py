"""What is wrong with a text is told before it is written, all of it at once."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.content.desk import Desk
from tests.sites import WORKFLOW_YAML
from workflow.config import load_config
from workflow.content import checks, fields, words
from workflow.content.place import locate
from workflow.validator.content import hugo_project, tree
from workflow.validator.content import rules as content_rules

DOCUMENT = Path(__file__).parents[2] / "docs" / "content.md"
CODES = re.compile(r"^content/[^:]+:(\d+): ([a-z-]+): (.*)$")


def told(desk: Desk, text: str, path: str = "posts/new.md") -> tuple[list[str], list[str]]:
    """(errors, warnings) of a text at a place, as `LINE CODE`."""
    target = locate(None, path, desk.config)
    judged = checks.judge(target, desk.config, text.encode())
    return (
        [f"{one.line} {one.code}" for one in judged.errors],
        [f"{one.line} {one.code}" for one in judged.warnings],
    )


def page(matter: str, body: str = "") -> str:
    return f"---\ntitle: A\n{matter}\n---\n{body}\n"


# -- Hugo's own fields ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "matter",
    [
        "draft: 'yes'", "draft: yes", "draft: 1", "draft: [true]", "headless: 'yes'",
        "isCJKLanguage: x", "weight: heavy", "weight: '10'", "weight: 1.5", "weight: true",
        "tags: foo", "tags: {a: b}", "tags: [[a]]", "categories: foo", "aliases: /x/",
        "keywords: a, b", "outputs: html", "build: never", "params: foo", "params: [a]",
        "sitemap: x", "sites: x", "cascade: x", "cascade: [x]", "resources: x", "resources: [x]",
        "menus: 3", "slug: [a]", "url: http://example.org/x/", "url: [a]", "layout: [a]",
        "description: {a: b}", "translationKey: [a]", "DESCRIPTION: [a]", "linkTitle: true",
    ],
)  # fmt: skip
def test_a_field_of_hugos_that_is_of_another_type_is_an_error(desk: Desk, matter: str) -> None:
    assert told(desk, page(matter))[0] == ["3 field-type"]


@pytest.mark.parametrize(
    "matter",
    [
        "draft: false", "headless: true", "weight: 10", "weight: -1", "tags: [a, 2026]", "tags:",
        "aliases: [/x/, ../y/]", "build: {render: always}", "params: {a: 1}", "cascade: {a: 1}",
        "cascade: [{params: {a: 1}}]", "resources: [{src: a.jpg}]", "menus: main",
        "menus: [main, foot]", "menus: {main: {weight: 1}}", "sitemap: {priority: 0.5}",
        "date: 2026-01-31", "date: '2026-01-31T10:00:00Z'", "lastmod: 2026-01-31 10:00:00",
        "url: /a/b/", "slug: a-b", "subtitle: S", "own: [a, {b: c}]", "author: me", "image: a.jpg",
    ],
)  # fmt: skip
def test_a_field_that_is_as_hugo_takes_it_is_fine(desk: Desk, matter: str) -> None:
    assert told(desk, page(matter)) == ([], [])


def test_types_are_looked_at_in_toml_and_json_too(desk: Desk) -> None:
    assert told(desk, "+++\ntitle = 'A'\ntags = 'x'\ndate = 2026-01-01\n+++\n")[0] == [
        "3 field-type"
    ]
    assert told(desk, '{\n"title": "A",\n"draft": "no"\n}\n')[0] == ["3 field-type"]


def test_a_number_in_the_place_of_a_text_is_a_warning(desk: Desk) -> None:
    assert told(desk, "---\ntitle: 2026\n---\n") == ([], ["2 field-type"])


def test_every_field_of_the_documentation_is_known() -> None:
    reserved = (
        "aliases, build, cascade, date, description, draft, expiryDate, headless, isCJKLanguage, "
        "keywords, lastmod, layout, linkTitle, markup, menus, outputs, params, publishDate, "
        "resources, sitemap, sites, slug, summary, title, translationKey, type, url, weight"
    )
    assert set(reserved.split(", ")) <= set(fields.FIELDS)


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("titel", "title"), ("descripton", "description"), ("tag", "tags"), ("dates", "date"),
        ("category", "categories"), ("expirydat", "expiryDate"), ("publish_date", "publishDate"),
        ("wieght", "weight"), ("alias", "aliases"),
    ],
)  # fmt: skip
def test_a_key_that_is_nearly_one_of_hugos_is_asked_about(desk: Desk, key: str, meant: str) -> None:
    target = locate(None, "posts/new.md", desk.config)
    judged = checks.judge(target, desk.config, page(f"{key}: x").encode())
    (warning,) = judged.warnings
    assert warning.message == f"{key} is no field of Hugo's; did you mean {meant}?"


def test_two_spellings_of_one_key_are_an_error(desk: Desk) -> None:
    assert told(desk, page("Title: B"))[0] == ["3 field-double"]
    assert told(desk, page("params: {hero: {a: 1, A: 2}}"))[0] == ["3 field-double"]
    assert told(desk, "+++\ntitle = 'A'\nTITLE = 'B'\n+++\n")[0] == ["3 field-double"]
    assert told(desk, "Text alone.\n")[0] == []


def test_a_key_that_the_site_uses_elsewhere_is_its_own(desk: Desk) -> None:
    assert told(desk, page("titles: x"))[1] == ["3 field-unknown"]
    desk.write({"content/posts/other.md": page("titles: y")})
    assert told(desk, page("titles: x"))[1] == []


def test_a_folder_that_is_nearly_one_of_the_site_is_asked_about_at_its_first_page(
    desk: Desk,
) -> None:
    desk.write({"content/offer/index.md": page("draft: false")})
    for path, warned in {
        "post/new.md": True,
        "post/summer/index.md": True,
        "posts/new.md": False,
        "post/_index.md": False,
        "post/index.md": False,  # a page of its own at the top
        "offers/new.md": False,  # beside a page, not a section
        "zebras/new.md": False,
        "new.md": False,
    }.items():
        assert ("1 section-new" in told(desk, page(""), path)[1]) is warned, path
    desk.write({"content/post/first.md": page("draft: false")})
    assert told(desk, page(""), "post/new.md")[1] == []


def test_what_is_refused_tells_errors_and_warnings_apart(desk: Desk) -> None:
    failure = desk.refuse(desk.create, front_matter={"titel": "A", "draft": "yes"})
    assert failure.error.code == "invalid_content"
    lines = failure.summary.split("\n")
    marked = [line for line in lines if line.startswith("- (warning) content/posts/new.md:")]
    assert marked == [f"- (warning) {one}" for one in failure.outputs["warnings"]] != []
    assert f"- {failure.outputs['errors'][0]}" in lines


def test_a_site_that_is_not_there_is_told_from_one_that_is_no_site(desk: Desk) -> None:
    (desk.site / "hugo.toml").unlink()
    assert "is no Hugo site" in desk.refuse(desk.create).error.message
    desk.site.rename(desk.site.parent / "moved")
    error = desk.refuse(desk.create).error
    assert error.code == "site_not_found"
    assert error.message == f"the site 'main' is not there: {desk.site} is no folder"


def test_dates_are_sane(desk: Desk) -> None:
    assert told(desk, page("date: 31.01.2026"))[0] == ["3 content-front-matter"]
    assert told(desk, page("date: [a]"))[0] == ["3 content-front-matter"]
    assert told(desk, page("date: 1899-01-01"))[1] == ["3 content-date"]
    matter = "publishDate: 2026-02-01\nexpiryDate: 2026-01-01"
    assert "4 content-date" in told(desk, page(matter))[1]


def test_a_page_that_will_not_be_built_is_told(desk: Desk) -> None:
    assert told(desk, page("draft: true"))[1] == ["3 not-built"]
    assert "not-built" in told(desk, page("publishDate: 2034-01-01"))[1][0]
    assert "not-built" in told(desk, page("expiryDate: 2020-01-01"))[1][0]


def test_front_matter_that_cannot_be_read_is_one_error(desk: Desk) -> None:
    assert told(desk, "---\ntitle: [\n---\n")[0] == ["3 content-front-matter"]
    assert told(desk, "---\na: 1\na: 2\n---\n")[0] == ["3 content-front-matter"]
    assert told(desk, '{"a": {"b": 1, "b": 2}}\n')[0] == ["1 content-front-matter"]


# -- what the owner asks for ---------------------------------------------------------------------

SCHEMA = """
content:
  sections:
    "*": {description: {required: true, max_length: 20}}
    posts:
      description: {required: false}
      params.hero.title: {type: string, required: true, min_length: 3}
      kind: {choices: [news, offer], required: true}
      code: {pattern: "[A-Z]{2}-\\\\d+"}
      tags: {type: list, min_length: 1, max_length: 2, choices: [a, b, c]}
      when: {type: date}
      count: {type: integer}
      price: {type: number}
      live: {type: boolean}
      more: {type: mapping}
    posts/2026: {kind: {choices: [news]}}
"""
GOOD = "params: {hero: {title: Long}}\nkind: news\n"


@pytest.fixture
def strict(desk: Desk) -> Desk:
    (desk.root / "workflow.yaml").write_text(WORKFLOW_YAML + SCHEMA)
    assert load_config(desk.root).problems == ()
    return desk


@pytest.mark.parametrize(
    "matter",
    [
        "", "code: AB-12\ntags: [a, b]\nwhen: 2026-01-01\ncount: 3\nprice: 1.5\nlive: true",
        "more: {a: 1}\nprice: 2\nwhen: '2026-01-01T10:00:00Z'", "tags: [c]", "KIND: news",
    ],
)  # fmt: skip
def test_what_the_owner_asks_for_passes(strict: Desk, matter: str) -> None:
    good = GOOD.replace("kind: news\n", "") if "KIND" in matter else GOOD
    assert told(strict, page(good + matter))[0] == []


@pytest.mark.parametrize(
    ("matter", "code"),
    [
        ("code: AB-12x", "field-pattern"), ("code: xAB-12", "field-pattern"),
        ("code: 'AB-12\n\n'", "field-pattern"), ("tags: a", "field-type"),
        ("tags: [a, b, c]", "field-length"), ("tags: [d]", "field-choice"),
        ("when: soon", "field-type"), ("when: 2026", "field-type"), ("count: 1.5", "field-type"),
        ("count: true", "field-type"), ("price: '1'", "field-type"), ("live: 'yes'", "field-type"),
        ("more: [a]", "field-type"), ("description: [a]", "field-type"),
    ],
)  # fmt: skip
def test_what_is_other_than_the_owner_asks_for_is_an_error(
    strict: Desk, matter: str, code: str
) -> None:
    (error,) = told(strict, page(GOOD + matter))[0]
    assert error == f"5 {code}"


def test_what_is_missing_is_an_error(strict: Desk) -> None:
    assert told(strict, page("x: 1"))[0] == ["1 field-required", "1 field-required"]
    assert told(strict, page("params: {hero: {title: ''}}\nkind:"))[0] == [
        "3 field-required", "4 field-required",
    ]  # fmt: skip
    errors = told(strict, page("params: {hero: {title: Lo}}\nkind: other"))[0]
    assert errors == ["3 field-length", "4 field-choice"]


def test_the_rules_of_the_nearest_folder_count(strict: Desk) -> None:
    assert told(strict, page("x: 1"), "about.md")[0] == ["1 field-required"]
    assert told(strict, page("description: x" + "x" * 20), "about.md")[0] == ["3 field-length"]
    offer = page("params: {hero: {title: Long}}\nkind: offer")
    assert told(strict, offer, "posts/a.md")[0] == []
    assert told(strict, offer, "posts/2026/a.md")[0] == ["4 field-choice"]
    assert told(strict, offer, "posts/2026/index.md")[0] == []  # a page of posts
    assert told(strict, offer, "posts/2026/a/index.md")[0] == ["4 field-choice"]
    assert told(strict, "---\ntitle: L\n---\n", "posts/2026/_index.md")[0] == []  # a list


def test_what_a_section_hands_down_counts_as_there(strict: Desk) -> None:
    handed = "cascade: {kind: news, params: {hero: {title: Long}}}"
    strict.write({"content/posts/_index.md": f"---\n{handed}\n---\n"})
    assert told(strict, page("x: 1"))[0] == []


def test_a_pattern_that_takes_for_ever_is_given_up(desk: Desk) -> None:
    (desk.root / "workflow.yaml").write_text(
        WORKFLOW_YAML + 'content: {sections: {posts: {code: {pattern: "(a|aa|a)+"}}}}\n'
    )
    began = time.monotonic()
    assert told(desk, page("code: " + "a" * 5000 + "!"))[0] == ["3 field-pattern"]
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ('{posts: {a: {pattern: "(("}}}', "is not a pattern"),
        ("{posts: {a: {min_length: 3, max_length: 2}}}", "min_length is more"),
        ("{posts: {a: {type: integer, max_length: 2}}}", "has no length"),
        ("{posts/: {a: {type: string}}}", "without slashes"),
        ("{posts: {a: {type: text}}}", "string"),
        ("{posts: {a..b: {type: string}}}", "no path"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_told_and_let_nothing_pass(
    desk: Desk, sections: str, said: str
) -> None:
    (desk.root / "workflow.yaml").write_text(f"{WORKFLOW_YAML}content: {{sections: {sections}}}\n")
    failure = desk.refuse(desk.create)
    assert (failure.error.code, failure.error.action) == ("bad_config", "escalate")
    assert said in failure.error.message


# -- text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("{{< nope >}}", ["content-shortcode-unknown"]),
        ("{{< highlight go >}} x", ["content-shortcode"]),
        ("{{< button x", ["content-shortcode"]),
        ("[gone](/gone/)", ["content-link-broken"]),
        ("![a](gone.jpg)", ["content-image-broken"]),
        ('{{< relref "/gone" >}}', ["content-ref-broken"]),
        ("a\x07b", ["control-character"]),
        ("a\x1b[31mb", ["control-character"]),
        ("[one](/posts/one/) {{< relref \"/posts/one\" >}} {{< button x >}}", []),
        ("[me](/posts/new/) [there](#here)\n\n## Here", []),
        ("[else](https://example.com/x) [robots](/robots.txt)", []),
    ],
)  # fmt: skip
def test_a_text_is_held_against_the_site(desk: Desk, body: str, codes: list[str]) -> None:
    assert [one.partition(" ")[2] for one in told(desk, page("weight: 1", body))[0]] == codes


def test_every_error_says_how_it_is_mended(desk: Desk) -> None:
    text = page("tags: x", "{{< nope >}} [a](/gone/) {{< button x")
    judged = checks.judge(locate(None, "a.md", desk.config), desk.config, text.encode())
    assert len(judged.errors) == 4
    assert all(one.hint and one.line for one in judged.errors)


def test_a_link_to_what_is_beside_a_page_of_its_own_folder(desk: Desk) -> None:
    desk.write({"content/posts/trip/door.jpg": b"x"})
    text = page("weight: 1", "![A door](door.jpg)")
    assert told(desk, text, "posts/trip/index.md") == ([], [])
    assert told(desk, text, "posts/other/index.md")[0] == ["5 content-image-broken"]


def test_code_that_is_never_closed_is_a_warning(desk: Desk) -> None:
    assert told(desk, page("weight: 1", "Text\n\n```sh\nx"))[1] == ["7 code-open"]


def test_how_the_owner_grades_the_validators_rules_counts(desk: Desk) -> None:
    (desk.root / "workflow.yaml").write_text(
        WORKFLOW_YAML
        + "validate: {rules: {content-link-broken: warning, content-image-broken: off}}\n"
    )
    assert told(desk, page("weight: 1", "[a](/gone/) ![b](/gone.jpg)")) == (
        [], ["5 content-link-broken"],
    )  # fmt: skip


def test_what_was_wrong_before_does_not_keep_an_edit_from_being_made(desk: Desk) -> None:
    desk.write({"content/posts/one.md": page("tags: x\ndraft: 'yes'", "[a](/gone/)")})
    outcome = desk.edit(set={"tags": ["x"]})
    assert [CODES.fullmatch(one)[2] for one in outcome.outputs["warnings"]] == [  # type: ignore[index]
        "field-type", "content-link-broken",
    ]  # fmt: skip
    assert all(one.endswith("(as before)") for one in outcome.outputs["warnings"])
    desk.task_id = "another"
    failure = desk.refuse(desk.edit, append_text="[b](/gone/) and [c](/lost/)")
    assert failure.error.code == "invalid_content"
    assert len(failure.outputs["errors"]) == 2


# -- addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("matter", "path"),
    [
        ("slug: one", "posts/new.md"), ("url: /posts/one/", "about.md"),
        ("x: 1", "posts/one/index.md"), ("aliases: [/posts/one/]", "about.md"),
        ("url: /moved/", "a.md"), ("x: 1", "moved.md"), ("x: 1", "posts/My one.md"),
    ],
)  # fmt: skip
def test_no_two_pages_get_one_address(desk: Desk, matter: str, path: str) -> None:
    desk.write({
        "content/posts/my-one.md": page("x: 1"), "content/posts/one.md": page("aliases: [/moved/]"),
    })  # fmt: skip
    errors = told(desk, page(matter), path)[0]
    assert [one.partition(" ")[2] for one in errors] == ["address-taken"]


def test_an_address_of_another_language_or_section_is_another(desk: Desk) -> None:
    desk.write({"hugo.toml": "[languages.en]\n[languages.de]\n"})
    assert told(desk, page("slug: one"), "posts/uno.de.md")[0] == []
    assert told(desk, page("slug: one"), "news/one.md")[0] == []
    assert told(desk, page("slug: one"), "posts/uno.en.md")[0] == ["3 address-taken"]


def test_an_address_of_a_page_that_is_not_built_is_a_warning(desk: Desk) -> None:
    desk.write({"content/posts/one.md": page("draft: true")})
    assert told(desk, page("slug: one")) == ([], ["3 address-taken"])


def test_with_permalinks_only_hugo_can_tell(desk: Desk) -> None:
    desk.write({"hugo.toml": "[permalinks]\nposts = '/:year/:slug/'\n"})
    assert told(desk, page("slug: one")) == ([], ["3 address-taken"])
    assert desk.create(front_matter={"title": "N"}).outputs["url"] is None
    given: dict[str, Any] = {"title": "N", "url": "/here/"}
    assert desk.create("posts/b.md", front_matter=given).outputs["url"] == "/here/"


# -- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0), ("One two.", 2), ("One -- two", 2), ("don't stop-gap", 2), ("日本語 です", 5),
        ("한국어 and 漢字", 6), ("`code` word", 1), ("```\ncode here\n```\nword", 1),
        ("    indented code\n\nword", 1), ("[two words](https://example.com/a)", 2),
        ("![alt text](a.jpg)", 2), ("<b>bold</b> <!-- no --> x", 2), ("# Head\nline", 2),
        ("a\nb  \nc", 3), ("**a**b", 1), ("| a | b |\n|---|---|\n| c d | e |", 5),
        ("<div>\nhtml block\n</div>", 0), ("&amp; x", 1),
    ],
)  # fmt: skip
def test_words_are_what_readers_read(text: str, count: int) -> None:
    assert words.count(text) == count


def test_shortcodes_and_front_matter_are_no_words(desk: Desk) -> None:
    told_ = desk.create(front_matter={"title": "Not counted"}, body='One {{< button "x y" >}} two.')
    assert told_.outputs["word_count"] == 2


# -- the seam in the validator -------------------------------------------------------------------


def test_content_is_read_with_what_is_not_written_yet_in_its_place(desk: Desk) -> None:
    project = hugo_project.read(desk.site, desk.content)
    new = str(desk.content / "far/off/index.md")
    beside = str(desk.content / "far/off/part.md")
    there = str(desk.content / "posts/one.md")
    inside = str(desk.content / "bundle/deep/er/x.md")
    desk.write({"content/bundle/index.md": page("x: 1")})
    read = tree.read(
        desk.site, project,
        unwritten={new: b"A", beside: b"B", there: b"C", inside: b"D", "/elsewhere/x.md": b"E"},
    )  # fmt: skip
    found = {one.path: one for one in read.sources}
    assert found["content/far/off/index.md"].key == "far/off/index.html"
    assert found["content/far/off/part.md"].is_resource
    assert found["content/posts/one.md"].text == "C"
    assert found["content/bundle/deep/er/x.md"].is_resource
    assert not any("elsewhere" in path for path in found)


def test_a_link_that_leads_nowhere_or_a_pipe_does_not_stop_the_reading(desk: Desk) -> None:
    (desk.content / "posts/lost.md").symlink_to("nowhere.md")
    os.mkfifo(desk.content / "posts/pipe.md")
    assert content_rules.content_findings(desk.site, content=desk.content) == []


def test_every_code_is_in_the_documentation() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    package = Path(checks.__file__).parent
    sources = [*package.glob("*.py"), *package.parent.glob("handlers/content_*.py")]
    ours = {"place", "file", "revision", "refusals", "checks", "archetype", "fields", "schema"}
    said = "".join(
        path.read_text() for path in sources if path.stem in ours or "content_" in path.stem
    )
    codes = set(
        re.findall(r'(?:refused|TaskError|Fault|_finding)\(\s*(?:source, )?"([a-z_-]+)"', said)
    )
    codes |= set(re.findall(r'code, hint = "([a-z_]+)"', said))
    assert len(codes) > 25
    assert {code for code in codes if f"`{code}`" not in text} == {"content-front-matter"}


def test_one_entry_is_counted_as_one(desk: Desk) -> None:
    desk.write({"content/posts/few.md": page("tags: [a]")})
    failure = desk.refuse(desk.edit, "posts/few.md", set={"tags[4]": "b"})
    assert failure.error.message == "set tags[4]: tags has 1 entry, so there is no tags[4]"
