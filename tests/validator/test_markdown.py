"""The Markdown that a site is made from: what it leads to, and whether Hugo can read it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from workflow.hugo import program
from workflow.validator.content import front_matter, hugo_project, markdown, shortcodes
from workflow.validator.content import tree as content_tree
from workflow.validator.content.rules import RULES, content_findings
from workflow.validator.findings import Finding

CONFIG = 'baseURL = "https://example.org/"\ntitle = "Sample"\n'
SITE = {
    "hugo.toml": CONFIG,
    "content/_index.md": "---\ntitle: Home\n---\n",
    "content/about.md": "---\ntitle: About\n---\n# Who we are\n\n## Where {#place}\n",
    "content/blog/one.md": "---\ntitle: One\n---\n",
    "content/blog/two/index.md": "---\ntitle: Two\n---\n",
    "content/blog/two/pic.png": "",
    "content/blog/side.png": "",
    "static/img/logo.png": "",
    "static/files/a b.pdf": "",
    "assets/hero.jpg": "",
    "layouts/_shortcodes/box.html": "<div>{{ .Inner | markdownify }}</div>",
    "layouts/_shortcodes/code.html": "<pre>{{ .Inner }}</pre>",
    "layouts/_shortcodes/ns/Mark.html": "<b>{{ .Get 0 }}</b>",
}
HEAD = "---\ntitle: T\n---\n"
Check = Callable[..., list[Finding]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def run(
        files: Mapping[str, str | bytes], *, public: bool = False, base_url: str | None = None
    ) -> list[Finding]:
        for name, text in {**SITE, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return content_findings(
            tmp_path,
            content=tmp_path / "content",
            public=tmp_path / "public" if public else None,
            base_url=base_url,
        )

    return run


def codes(found: list[Finding]) -> list[str]:
    return [one.code for one in found]


# -- links ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("[a](/about/)", [], id="page"),
        pytest.param("[a](/about)", [], id="page without slash"),
        pytest.param("[a](/about/index.html)", [], id="page by its file"),
        pytest.param("[a](../one/)", [], id="beside, as the browser sees it"),
        pytest.param("[a](one/)", ["content-link-broken"], id="beside, as the folder has it"),
        pytest.param("[a](/blog/)", [], id="section"),
        pytest.param("[a](/blog/index.xml)", [], id="feed of a section"),
        pytest.param("[a](/tags/)", [], id="taxonomy"),
        pytest.param("[a](/sitemap.xml)", [], id="what Hugo makes"),
        pytest.param("[a](/gone/)", ["content-link-broken"], id="missing"),
        pytest.param("[a](/About/)", ["content-link-broken"], id="other case"),
        pytest.param("[a](/img/logo.png)", [], id="static file"),
        pytest.param("[a](</files/a b.pdf>)", [], id="blank in brackets"),
        pytest.param("[a](/files/a%20b.pdf)", [], id="blank encoded"),
        pytest.param("[a](/blog/two/pic.png)", [], id="resource of a bundle"),
        pytest.param("[a](/hero.jpg)", ["content-link-broken"], id="asset that nobody publishes"),
        pytest.param("[a](/about/ 'title')", [], id="with a title"),
        pytest.param("[a](/gone/ 'title')", ["content-link-broken"], id="missing with a title"),
        pytest.param("[a](/gone/?x=1#y)", ["content-link-broken"], id="query and fragment"),
        pytest.param("[a][r]\n\n[r]: /gone/", ["content-link-broken"], id="by reference"),
        pytest.param("[r]\n\n[r]: /about/", [], id="by reference, there"),
        pytest.param("[r]: /gone/", [], id="a definition that nobody uses"),
        pytest.param("<https://example.net/>", [], id="autolink elsewhere"),
        pytest.param('<a href="/gone/">x</a>', ["content-link-broken"], id="HTML"),
        pytest.param("<div>\n<a\nhref='/gone/'>x</a></div>", ["content-link-broken"], id="block"),
        pytest.param("<a href=/gone/&amp;x>x</a>", ["content-link-broken"], id="unquoted"),
        pytest.param("<!-- [a](/gone/) <a href='/gone/'> -->", [], id="comment"),
        pytest.param("a <!-- <a href='/gone/'> --> b", [], id="comment in a line"),
        pytest.param("`[a](/gone/)`", [], id="code in a line"),
        pytest.param("```\n[a](/gone/)\n```", [], id="fence"),
        pytest.param("    [a](/gone/)", [], id="indented code"),
        pytest.param("<script>x('<a href=\"/gone/\">')</script>", [], id="script"),
        pytest.param("\\[a](/gone/)", [], id="escaped"),
        pytest.param("> - [a](/gone/)", ["content-link-broken"], id="list in a quote"),
        pytest.param("| a |\n|---|\n| [a](/gone/) |", ["content-link-broken"], id="table"),
        pytest.param("# [a](/gone/)", ["content-link-broken"], id="heading"),
        pytest.param("[![x](/img/logo.png)](/gone/)", ["content-link-broken"], id="with a picture"),
        pytest.param("[a](mailto:a@example.org) [b](tel:1) [c](https://example.net/gone/)", [],
                     id="elsewhere"),
        pytest.param("[a]({{< param x >}}/gone/)", [], id="made by a shortcode"),
        pytest.param("[a](about.md)", ["content-link-broken"], id="source without a hook"),
        pytest.param("[a]()", [], id="empty"),
        pytest.param("[a](/gone/) [b](/gone/)", ["content-link-broken"] * 2, id="twice"),
    ],
)  # fmt: skip
def test_a_link_leads(check: Check, text: str, expected: list[str]) -> None:
    assert codes(check({"content/blog/page.md": HEAD + text + "\n"})) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a](/abuot/)", "/abuot/ is not there; is /about/ meant?"),
        ("[a](/About/)", "/About/ is not there; /about/ is, in other letters' case"),
        ("[a](../about.md)", "is a source, which visitors find at /about/"),
        ("![a](side.png)", "lies beside the file, but the page is a folder deeper"),
    ],
)
def test_what_was_meant_is_told(check: Check, text: str, said: str) -> None:
    (one,) = check({"content/blog/page.md": HEAD + text})
    assert said in one.message


HOOK = {"layouts/_markup/render-link.html": '<a href="{{ .Destination }}">{{ .Text }}</a>'}


@pytest.mark.parametrize(
    ("url", "is_found"),
    [
        ("one.md", True), ("./one.md", True), ("../about.md", True), ("/about.md", True),
        ("about", True), ("two/index.md", True), ("two", True), ("/blog/two", True),
        ("side.png", True), ("/hero.jpg", True), ("gone.md", False), ("../gone.md", False),
        ("one.md#nothing", False),
    ],
)  # fmt: skip
def test_a_render_hook_finds_sources_and_resources(check: Check, url: str, is_found: bool) -> None:
    found = check({"content/blog/page.md": f"{HEAD}[a]({url})", **HOOK})
    assert (found == []) == is_found


def test_what_a_hook_has_a_meaning_for_is_not_judged(check: Check) -> None:
    hook = {"layouts/_markup/render-link.html": '{{ if eq .Destination "g" }}…{{ end }}'}
    found = check({"content/blog/page.md": f"{HEAD}[a](g) [b](h)", **hook})
    assert [one.url for one in found] == ["h"]


@pytest.mark.parametrize(
    ("said", "is_found"),
    [("always", True), ("fallback", True), ("never", False), ("auto", False)],
)
def test_hugos_own_hooks_are_switched_on_in_the_configuration(
    check: Check, said: str, is_found: bool
) -> None:
    config = f'{CONFIG}[markup.goldmark.renderHooks.link]\nuseEmbedded = "{said}"\n'
    found = check({"content/blog/page.md": f"{HEAD}[a](one.md)", "hugo.toml": config})
    assert (found == []) == is_found


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org/sub/about/", []),
        ("https://example.org/sub/gone/", ["content-link-broken"]),
        ("/sub/about/", []),
        ("//example.org/sub/gone/", ["content-link-broken"]),
        ("https://example.org/gone/", []),
        ("/gone/", ["content-link-broken"]),
        ("https://example.org.example.net/gone/", []),
    ],
)
def test_own_addresses_in_full_are_links_within_the_site(
    check: Check, url: str, expected: list[str], is_told: bool
) -> None:
    base_url = "https://example.org/sub/"
    text = f"{HEAD}<{url}> [a]({url})" if "//" in url else f"{HEAD}[a]({url})"
    config = CONFIG if is_told else f'baseURL = "{base_url}"\n'
    found = check(
        {"content/blog/page.md": text, "hugo.toml": config},
        base_url=base_url if is_told else None,
    )
    assert sorted(set(codes(found))) == expected


def test_what_was_built_counts_as_well(check: Check) -> None:
    text = f"{HEAD}[a](/made/) [b](/made) [c](/app.js) [d](/made/#x) [e](/gone/)"
    found = check(
        {
            "content/blog/page.md": text,
            "public/made/index.html": "<p id=x>",
            "public/app.js": "",
        },
        public=True,
    )
    assert [one.url for one in found] == ["/gone/"]


@pytest.mark.parametrize(
    ("matter", "is_found"),
    [
        ("draft: true", False), ("draft: false", True), ("expiryDate: 2001-01-01", False),
        ("date: 2031-01-01", False), ("publishDate: 2031-01-01", False),
        ("date: 2031-01-01\npublishDate: 2021-01-01", True), ("date: 2021-01-01", True),
    ],
)  # fmt: skip
def test_what_hugo_leaves_out_is_no_target(check: Check, matter: str, is_found: bool) -> None:
    target = f"---\ntitle: X\n{matter}\n---\n"
    text = "[a](/target/) {{< relref target >}}"
    found = check({"content/target.md": target, "content/page.md": HEAD + text})
    expected = [] if is_found else ["content-ref-broken", "content-link-broken"]
    assert codes(found) == expected
    drafts = {"content/target.md": target, "content/page.md": target + text}
    assert check(drafts) == []


@pytest.mark.parametrize(
    ("matter", "url", "is_found"),
    [
        ("url: /over/there/", "/over/there/", True),
        ("url: /over/there.html", "/over/there.html", True),
        ("url: /over/there/", "/old-name/", False),
        ("slug: New Name", "/new-name/", True),
        ("slug: new", "/old-name/", False),
        ("aliases: [/before/]", "/before/", True),
        ("aliases: [before]", "/before/", True),
        ("tags: [A Word]", "/tags/a-word/", True),
        ("tags: [A Word]", "/tags/b/", False),
        ("build: {render: never}", "/old-name/", False),
        ("headless: true", "/old-name/", False),
    ],
)
def test_front_matter_moves_pages(check: Check, matter: str, url: str, is_found: bool) -> None:
    moved = f"---\ntitle: X\n{matter}\n---\n"
    found = check({"content/Old Name.md": moved, "content/page.md": f"{HEAD}[a]({url})"})
    assert (found == []) == is_found


def test_addresses_that_only_hugo_knows_are_not_judged_before_it_has_run(check: Check) -> None:
    config = CONFIG + '[permalinks]\nblog = "/:year/:slug/"\n'
    files = {"hugo.toml": config, "content/page.md": f"{HEAD}[a](/2024/one/)"}
    assert check(files) == []
    assert codes(check({**files, "public/index.html": ""}, public=True)) == ["content-link-broken"]


# -- pictures ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("![a](/img/logo.png)", [], id="static"),
        pytest.param("![a](/img/gone.png)", ["content-image-broken"], id="missing"),
        pytest.param("![a](pic.png)", [], id="of the bundle"),
        pytest.param("![a](./pic.png)", [], id="of the bundle, with a dot"),
        pytest.param("![a](../side.png)", [], id="of the section"),
        pytest.param("![a](gone.png)", ["content-image-broken"], id="not of the bundle"),
        pytest.param("![](pic.png)", ["content-alt-missing"], id="without a text"),
        pytest.param("![ ](pic.png)", ["content-alt-missing"], id="with blanks"),
        pytest.param("![`x`](pic.png)", [], id="with code"),
        pytest.param("![a](data:image/png;base64,AAAA)", [], id="data"),
        pytest.param('<img src="pic.png">', ["content-alt-missing"], id="HTML without alt"),
        pytest.param('<img src="pic.png" alt="">', [], id="HTML for decoration"),
        pytest.param('<img src="no.png" alt="x">', ["content-image-broken"], id="HTML missing"),
        pytest.param('<img alt=x src=pic.png srcset="pic.png 1x, no.png 2x">',
                     ["content-image-broken"], id="srcset"),
        pytest.param("<video src=no.mp4 poster=pic.png></video>", ["content-image-broken"],
                     id="video"),
        pytest.param('{{< figure src="pic.png" alt="x" >}}', [], id="figure"),
        pytest.param('{{< figure src="pic.png" caption="x" >}}', [], id="figure with a caption"),
        pytest.param('{{< figure src="/hero.jpg" alt="x" >}}', [], id="figure of an asset"),
        pytest.param('{{< figure src="pic.png" >}}', ["content-alt-missing"], id="figure, no text"),
        pytest.param('{{< figure src="no.png" alt="x" >}}', ["content-image-broken"],
                     id="figure missing"),
        pytest.param('{{< figure src="pic.png" alt="x" link="/gone/" >}}', ["content-link-broken"],
                     id="figure with a link"),
    ],
)  # fmt: skip
def test_a_picture_is_there_and_says_what_it_is(
    check: Check, text: str, expected: list[str]
) -> None:
    assert codes(check({"content/blog/two/index.md": HEAD + text})) == expected


# -- fragments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "is_there"),
    [
        ("#here", True), ("#here-1", True), ("#here-2", False), ("#Here", False), ("#top", True),
        ("#", True), ("#own", True), ("#left", True), ("#old", True), ("#para", True),
        ("#caf%C3%A9-x_y", True), ("#café-x_y", True), ("#here:~:text=x", True),
        ("/about/#who-we-are", True), ("/about/#place", True), ("/about/#where", False),
        ("/about/#gone", False), ("/tags/#anything", True), ("/img/logo.png#x", True),
        ("#main", True), ("#comments", False), ("#fn:1", True),
    ],
)  # fmt: skip
def test_a_fragment_names_something(check: Check, url: str, is_there: bool) -> None:
    text = (
        f"{HEAD}[a]({url})\n\n## Here\n\n## Here\n\n## Left {{#left .wide}}\n\n<p id=own></p>\n"
        "<a name='old'></a>\n\n## *Café*: `x_y`!\n\nText\n{#para}\n"
    )
    found = check({"content/page.md": text, "layouts/baseof.html": "<main id=main>"})
    assert codes(found) == ([] if is_there else ["content-fragment"])


def test_what_a_shortcode_of_the_site_makes_is_looked_for_in_what_was_built(check: Check) -> None:
    text = f"{HEAD}{{{{< ns/mark a >}}}} [a](#made) [b](#gone)"
    files = {"content/page.md": text, "public/page/index.html": '<b id="made">'}
    assert check(files) == []
    assert [one.url for one in check(files, public=True)] == ["#gone"]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("github", "One & *Two*  – 3.4_x", "one--two---34_x"),
        ("github", "Émile", "émile"),
        ("github-ascii", "Émile 日本", "emile-"),
        ("blackfriday", "One & Two_3", "one-two-3"),
    ],
)
def test_ids_of_headings_follow_the_configuration(
    kind: markdown.HeadingIds, text: str, expected: str
) -> None:
    assert markdown.read(f"## {text}\n", kind).anchors == {expected}
    assert not markdown.read(f"## {text}\n", "none").anchors


# -- ref and relref ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{< ref "/about.md" >}}', []), ('{{< ref "/about" >}}', []), ("{{< ref about >}}", []),
        ('{{% relref "about.md" %}}', []), ('{{< relref path="two" >}}', []),
        ('{{< relref "two/index.md" >}}', []), ('{{< relref "/blog" >}}', []),
        ('{{< relref "./one" >}}', []), ('{{< relref "#here" >}}', []),
        ('{{< relref "../about.md#place" >}}', []), ("{{< ref `one.md` >}}", []),
        ('{{< ref "/about.md#gone" >}}', ["content-fragment"]),
        ('{{< ref "gone.md" >}}', ["content-ref-broken"]),
        ('{{< ref "/one.md" >}}', ["content-ref-broken"]),  # not by its name, if from the root
        ('{{< ref "/gone/one.md" >}}', ["content-ref-broken"]),
        ("{{< ref >}}", ["content-ref-broken"]),
        ('[a]({{< ref "gone.md" >}})', ["content-ref-broken"]),
        ('{{</* ref "gone.md" */>}}', []),
        ('<!-- {{< ref "gone.md" >}} -->', ["content-ref-broken"]),
        ('<!-- {{< ref "about.md#gone" >}} -->', []),
        ('```\n{{< ref "gone.md" >}}\n```', ["content-ref-broken"]),
    ],
)  # fmt: skip
def test_a_ref_names_a_page(check: Check, text: str, expected: list[str]) -> None:
    assert codes(check({"content/blog/page.md": f"{HEAD}## Here\n\n{text}\n"})) == expected


# -- shortcodes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{{< box >}}x{{< /box >}}", [], id="closed"),
        pytest.param("{{< box />}} {{<box />}}", [], id="closed at once"),
        pytest.param("{{<box/>}}", ["content-shortcode-unknown"], id="slash in the name"),
        pytest.param("{{% box %}}x{{% /box %}}", [], id="with Markdown"),
        pytest.param("{{< Box >}}x{{< /Box >}}", [], id="in other case"),
        pytest.param("{{< ns/mark a >}}", [], id="in a folder"),
        pytest.param("{{< box >}}x", ["content-shortcode"], id="never closed"),
        pytest.param("{{< box >}}x{{< /Box >}}", ["content-shortcode"] * 2, id="closed otherwise"),
        pytest.param("x{{< /box >}}", ["content-shortcode"], id="closed, not opened"),
        pytest.param("{{< ns/mark a >}}x{{< /ns/mark >}}", ["content-shortcode"], id="no text"),
        pytest.param("{{< box >}}{{< code >}}{{< /box >}}", ["content-shortcode"], id="crossed"),
        pytest.param("{{< box >}}{{< ns/mark a >}}{{< /box >}}", [], id="one in another"),
        pytest.param("{{< box", ["content-shortcode"], id="not ended"),
        pytest.param('{{< ns/mark "a >}}', ["content-shortcode"], id="quote not closed"),
        pytest.param('{{< ns/mark ">}}" >}}', [], id="end in quotes"),
        pytest.param("{{< ns/mark `>}}` >}}", [], id="end in backticks"),
        pytest.param('{{< ns/mark "a \\" >}} b" >}}', [], id="quote in quotes"),
        pytest.param("{{< >}}", ["content-shortcode"], id="no name"),
        pytest.param("{{</* box */>}} {{%/* gone */%}}", [], id="only shown"),
        pytest.param("{{</* box >}}", ["content-shortcode"], id="only shown, not ended"),
        pytest.param("{{< gone >}}", ["content-shortcode-unknown"], id="unknown"),
        pytest.param(
            "{{< gone >}}x{{< /gone >}}", ["content-shortcode-unknown"], id="unknown pair"
        ),
        pytest.param("```\n{{< gone >}}\n```", ["content-shortcode-unknown"], id="unknown in code"),
        pytest.param("{{< youtube abc >}}", [], id="Hugo's own"),
        pytest.param("{{< x.inline >}}{{ .Page.Title }}{{< /x.inline >}}", [], id="inline"),
        pytest.param("{{ .Title }} {{", [], id="no shortcode"),
        pytest.param(
            "{{< box >}}[a](/gone/){{< /box >}}", ["content-link-broken"], id="Markdown in"
        ),
        pytest.param("{{< code >}}[a](/gone/){{< /code >}}", [], id="code in it"),
        pytest.param("{{< highlight go >}}[a](/gone/){{< /highlight >}}", [], id="highlight"),
        pytest.param("{{% code %}}[a](/gone/){{% /code %}}", ["content-link-broken"], id="percent"),
    ],
)
def test_a_shortcode_is_known_and_closed(check: Check, text: str, expected: list[str]) -> None:
    assert codes(check({"content/page.md": HEAD + text + "\n"})) == expected


@pytest.mark.parametrize("how", ["theme", "module", "submodule", "vendored", "is there"])
def test_shortcodes_of_themes_are_known_and_those_of_missing_ones_may_be(
    check: Check, tmp_path: Path, how: str
) -> None:
    files = {"content/page.md": HEAD + "{{< hint >}}{{< gone >}}", "hugo.toml": CONFIG}
    files["hugo.toml"] += (
        'theme = "book"\n' if how in ("theme", "submodule", "is there")
        else '[[module.imports]]\npath = "example.org/book"\n'
    )  # fmt: skip
    if how == "submodule":
        (tmp_path / "themes" / "book").mkdir(parents=True)
    if how == "is there":
        files["themes/book/layouts/shortcodes/hint.html"] = "x"
    if how == "vendored":
        files["_vendor/example.org/book/layouts/_shortcodes/hint.html"] = "x"
    expected = ["content-shortcode-unknown"] if how in ("vendored", "is there") else []
    assert codes(check(files)) == expected


# -- front matter --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("---\ntitle: A\n---\n", [], id="YAML"),
        pytest.param("\ufeff---\r\ntitle: A\r\n---\r\n", [], id="mark and Windows"),
        pytest.param("\n\n---\ntitle: A\n---\n", [], id="blank lines above"),
        pytest.param("---\ntitle: A\n----- x", [], id="more dashes below"),
        pytest.param("+++\ntitle = 'A'\ndate = 2024-01-01\n+++\n", [], id="TOML"),
        pytest.param('{"title": "A"}\n# x', [], id="JSON"),
        pytest.param("---\nTitle: A\n---\n", [], id="capital letters"),
        pytest.param("---\ntitle: [a\n---\n", ["content-front-matter"], id="broken YAML"),
        pytest.param("---\ntitle: a: b\n---\n", ["content-front-matter"], id="colon"),
        pytest.param("---\ntitle: A\ntitle: B\n---\n", ["content-front-matter"], id="twice"),
        pytest.param("---\n- a\n---\n", ["content-front-matter"], id="a list"),
        pytest.param("+++\ntitle = A\n+++\n", ["content-front-matter"], id="broken TOML"),
        pytest.param('{"title": }', ["content-front-matter"], id="broken JSON"),
        pytest.param("---\ntitle: A\n", ["content-front-matter"], id="not closed"),
        pytest.param("- a list\n- in Markdown\n", ["content-front-matter"], id="a list above all"),
        pytest.param("{{< box />}}", ["content-front-matter"], id="a shortcode above all"),
        pytest.param("", ["content-title-missing"], id="empty"),
        pytest.param("# Only text\n", ["content-title-missing"], id="none"),
        pytest.param("---\n---\n", ["content-title-missing"], id="empty matter"),
        pytest.param("---\ntitle: ' '\n---\n", ["content-title-missing"], id="blank title"),
        pytest.param("---\ntitle:\n---\n", ["content-title-missing"], id="no title"),
        pytest.param("---\ntitle: 404\n---\n", [], id="a number"),
        pytest.param("---\ntitle: A\ndraft: yes\n---\n", ["content-front-matter"], id="yes"),
        pytest.param("---\ntitle: A\ndraft: 'true'\n---\n", [], id="draft in quotes"),
        pytest.param("---\ntitle: A\ndate: 2024-1-5\n---\n", ["content-front-matter"], id="short"),
        pytest.param("---\ntitle: A\ndate: soon\n---\n", ["content-front-matter"], id="soon"),
        pytest.param("---\ntitle: A\ndate: 20240105\n---\n", ["content-date"], id="number"),
        pytest.param("---\ntitle: A\ndate: 0201-01-01\n---\n", ["content-date"], id="long ago"),
        pytest.param("---\ntitle: A\ndate: 2204-01-01\n---\n", ["content-date"], id="far away"),
        pytest.param("---\ntitle: A\ndate: 2024-02-30\n---\n", ["content-front-matter"], id="day"),
        pytest.param("---\ntitle: A\ndate: 2024-05-01T10:00:00+02:00\n---\n", [], id="with a zone"),
        pytest.param("---\ntitle: A\ndate: 2024-05-01 10:00:00 +0200\n---\n", [], id="with blanks"),
        pytest.param("---\ntitle: A\ndate: 02 Jan 2024\n---\n", [], id="in words"),
        pytest.param("---\ntitle: A\ndate:\n---\n", [], id="empty date"),
        pytest.param("---\ntitle: A\ndate: 2024-05-01\nexpiryDate: 2024-04-01\n---\n",
                     ["content-date"], id="expires before it begins"),
    ],
)  # fmt: skip
def test_front_matter_is_read_as_hugo_reads_it(
    check: Check, text: str, expected: list[str]
) -> None:
    assert codes(check({"content/page.md": text})) == expected


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("---\ntitle: A\ntags: [a\n---\n", 3, 7),
        ("\n---\ntitle: A\nx: 'a\n---\n", 4, 4),
        ("+++\ntitle = 'A'\nx = y\n+++\n", 3, 5),
        ('{\n "title": "A",\n "x": }', 3, 7),
        ("---\ntitle: A\n\ndraft: yes\n---\n", 4, 1),
        ("+++\ntitle = 'A'\n\ndraft = 'yes'\n+++\n", 4, 1),
        ('{"title": "A",\n "draft": "yes"}', 2, 1),
    ],
)
def test_an_error_is_told_with_its_place(check: Check, text: str, line: int, column: int) -> None:
    (one,) = check({"content/page.md": text})
    assert (one.page, one.line, one.column) == ("content/page.md", line, column)


@pytest.mark.parametrize("name", ["_index.md", "blog/two/notes.md", "sub/_index.md"])
def test_not_every_file_needs_a_title(check: Check, name: str) -> None:
    assert check({f"content/{name}": "text"}) == []


@pytest.mark.parametrize(
    ("cascade", "expected"),
    [
        ("{build: {render: never}}", []),
        ("[{target: {path: '/snippets/**'}, build: {render: never}}]", []),
        ("[{target: {path: '/other/**'}, build: {render: never}}]", ["content-title-missing"]),
        ("[{target: {kind: section}, title: x}]", ["content-title-missing"]),
        ("{title: x}", []),
    ],
)
def test_sections_hand_front_matter_down(check: Check, cascade: str, expected: list[str]) -> None:
    found = check(
        {
            "content/snippets/_index.md": f"---\ntitle: S\ncascade: {cascade}\n---\n",
            "content/snippets/deep/a.md": "text",
        }
    )
    assert codes(found) == expected


# -- places --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("---\ntitle: T\n---\nx\n\ny [a](/gone/) z\n", [(6, 7)]),
        ("---\r\ntitle: T\r\n---\r\nx [a](/gone/)\r\n", [(4, 7)]),
        ("---\ntitle: T\n--- [a](/gone/)\n", [(3, 9)]),
        ("---\ntitle: T\n---\n[a](/gone/) and\n[b](/gone/)\n", [(4, 5), (5, 5)]),
        ("---\ntitle: T\n---\n[a](/gone/x) [b](/gone/)\n", [(4, 5), (4, 18)]),
        ("---\ntitle: T\n---\n[a][x]\n\n[b][x]\n\n[x]: /gone/\n", [(8, 6)]),
        ("---\ntitle: T\n---\n<div>\n <a href='/gone/'>\n</div>\n", [(5, 11)]),
        ("---\ntitle: T\n---\n| a |\n|---|\n| b [c](/gone/) |\n", [(6, 9)]),
        ("---\ntitle: T\n---\n{{< ns/mark\n a >}} [a](/gone/)\n", [(5, 12)]),
        ("---\ntitle: T\n---\nx {{< gone >}}\n", [(4, 3)]),
        ("+++\ntitle = 'T'\n+++\n- a\n  - [a](/gone/)\n", [(5, 9)]),
        ("{\"title\": \"T\"} [a](/gone/)\n", [(1, 20)]),
    ],
)  # fmt: skip
def test_findings_have_their_place(check: Check, text: str, places: list[tuple[int, int]]) -> None:
    found = check({"content/page.md": text})
    assert [(one.line, one.column) for one in found] == places
    for one in found:
        assert one.source == f"content/page.md:{one.line}"
        assert "gone" in (one.excerpt or "")


def test_an_excerpt_is_short_and_shows_the_place(check: Check) -> None:
    long = "word " * 100
    (one,) = check({"content/page.md": f"{HEAD}{long}[a](/gone/) {long}"})
    assert one.excerpt is not None
    assert len(one.excerpt) <= 120
    assert "/gone/" in one.excerpt


# -- languages, mounts, odd files ----------------------------------------------------------------

LANGUAGES = (
    CONFIG
    + 'defaultContentLanguage = "en"\n[languages.en]\nweight = 1\n[languages.fr]\nweight = 2\n'
)


@pytest.mark.parametrize(
    ("url", "is_found"),
    [("/fr/salut/", True), ("/salut/", True), ("/fr/", True), ("/fr/gone/", False)],
)
def test_translations_have_folders_of_their_own(check: Check, url: str, is_found: bool) -> None:
    files = {
        "hugo.toml": LANGUAGES,
        "content/salut.en.md": HEAD,
        "content/salut.fr.md": HEAD,
        "content/page.md": f"{HEAD}[a]({url})",
    }
    assert (check(files) == []) == is_found


def test_folders_of_languages_are_read_once_each(check: Check) -> None:
    config = LANGUAGES + 'contentDir = "content/fr"\n'
    config = config.replace("[languages.fr]", 'contentDir = "content/en"\n[languages.fr]')
    files = {
        "hugo.toml": config,
        "content/en/hello.md": f"{HEAD}[a](/hello/) [b](/fr/salut/) [c](/gone/)",
        "content/fr/salut.md": f"{HEAD}[a](/fr/salut/) [b](/hello/)",
    }
    assert [one.url for one in check(files)] == ["/gone/"]


def test_a_mounted_folder_lies_where_it_is_mounted(check: Check) -> None:
    config = (
        CONFIG
        + '[[module.mounts]]\nsource = "content"\ntarget = "content"\n'
        + '[[module.mounts]]\nsource = "docs"\ntarget = "content/handbook"\n'
        + '[[module.mounts]]\nsource = "files"\ntarget = "static/down"\n'
    )
    files = {
        "hugo.toml": config,
        "docs/start.md": HEAD,
        "files/a.zip": "",
        "content/page.md": f"{HEAD}[a](/handbook/start/) [b](/down/a.zip) [c](/a.zip)",
    }
    assert [one.url for one in check(files)] == ["/a.zip"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hugo.yaml", "theme: [book]\n"), ("config.json", '{"theme": "book"}'),
        ("config/_default/hugo.toml", 'theme = "book"\n'), ("hugo.toml", "theme = [broken"),
    ],
)  # fmt: skip
def test_configurations_of_every_kind_are_read(
    check: Check, tmp_path: Path, name: str, text: str
) -> None:
    files = {
        name: text,
        "themes/book/layouts/shortcodes/hint.html": "x",
        "content/page.md": HEAD + "{{< hint >}}",
    }
    if name != "hugo.toml":
        (tmp_path / "hugo.toml").unlink(missing_ok=True)
        files["hugo.toml"] = ""
    is_read = "broken" not in text
    assert codes(check(files)) == ([] if is_read else ["content-shortcode-unknown"])


@pytest.mark.parametrize(
    "raw",
    [b"\xff\xfe\x00", b"---\ntitle: \xe9\n---\n[a](/gone\xff/)", b"\x00", b"---", b"+++", b"{",
     b"-",      b"{{<", b"[" * 5000, b"<a " * 3000, b"# " + b"*" * 3000, b"---\nx: &a [*a]\n---\n",
     b"{{< box >}}" * 500, b"<a href='" + b"x" * 10_000],
    ids=range(14),
)  # fmt: skip
def test_no_bytes_stop_it(check: Check, raw: bytes) -> None:
    started = time.monotonic()
    check({"content/page.md": raw})
    assert time.monotonic() - started < 3


def test_only_what_lies_in_the_content_is_told_of(check: Check) -> None:
    files = {
        "hugo.toml": CONFIG + 'theme = "book"\n',
        "themes/book/content/theirs.md": f"{HEAD}[a](/gone/)",
        "content/page.md": f"{HEAD}[a](/theirs/)",
        "content/.hidden/x.md": f"{HEAD}[a](/gone/)",
        "content/page.html": "<a href='/gone/'>",
    }
    assert codes(check(files)) == ["content-title-missing"]


def test_without_content_there_is_nothing_to_check(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        content_findings(tmp_path, content=tmp_path / "content")


def test_it_can_be_cancelled(check: Check, tmp_path: Path) -> None:
    class Cancelled(Exception):
        pass

    def cancel() -> None:
        raise Cancelled

    check({})
    with pytest.raises(Cancelled):
        content_findings(tmp_path, content=tmp_path / "content", check=cancel)


def test_each_code_has_one_rule() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert all(rule.code.startswith("content-") for rule in RULES)


# -- against Hugo itself -------------------------------------------------------------------------

HEADINGS = """\
# One & *two* `co-de` [li](x)  end.

## Émile `x_y` 1.2

## Here

## Here

Setext
===

## A {#own .wide}

## B {.wide}

## :smile: “Quotes” – dash -- x

## 日本語 text

## foo\\_bar <b>html</b> &amp; more

- a
  ## In a list

> ## In a quote
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    files = {
        **SITE,
        "hugo.toml": CONFIG + 'disableKinds = ["RSS", "sitemap", "404"]\n',
        "layouts/all.html": "<html>{{ .Content }}</html>",
        "content/heads.md": HEAD + HEADINGS,
        "content/Docs/Foo Bar_Baz's (1).md": HEAD,
        "content/docs/slug.md": "---\ntitle: T\nslug: Some Thing\n---\n",
        "content/docs/url.md": "---\ntitle: T\nurl: /over/there.html\naliases: [a, /o/l]\n---\n",
        "content/docs/Deep/Bundle/index.md": "---\ntitle: T\ntags: [A b, C]\n---\n![x](Pic.PNG)\n",
        "content/docs/Deep/Bundle/Pic.PNG": "",
        "content/docs/never.md": "---\ntitle: T\nbuild: {render: never}\n---\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    binary = program._packaged() or shutil.which("hugo")
    assert binary is not None
    environ = {**os.environ, "HOME": str(folder), "HUGO_CACHEDIR": str(folder / "cache")}
    subprocess.run([binary], cwd=folder, env=environ, check=True, capture_output=True)
    return folder


def test_ids_of_headings_are_those_that_hugo_makes(built: Path) -> None:
    page = (built / "public" / "heads" / "index.html").read_text(encoding="utf-8")
    ours = markdown.read(HEADINGS).anchors
    theirs = set(re.findall(r'<h\d[^>]* id="([^"]*)"', page))
    assert ours - theirs == {"smile-quotes--dash----x"}  # as it is without the typographer
    assert theirs <= ours


def test_addresses_are_those_that_hugo_gives(built: Path) -> None:
    tree = content_tree.read(built, hugo_project.read(built, built / "content"))
    public = built / "public"
    theirs = {path.relative_to(public).as_posix() for path in public.rglob("*") if path.is_file()}
    made_by_hugo_only_where_configured = {"sitemap.xml", "robots.txt", "404.html"}
    ours = {one for one in tree.files if not one.endswith("index.xml")}
    assert theirs <= ours
    missing = {one for one in ours - theirs if one.endswith(".html")}
    assert missing <= made_by_hugo_only_where_configured
    assert set(tree.pages) <= theirs


def test_text_is_as_long_with_its_shortcodes_replaced() -> None:
    text = "a {{< x\n y >}} b {{</* z */>}}\n{{< code >}}\nc\n{{< /code >}}"
    read = shortcodes.read(text, {"x": "", "code": ".Inner"}, are_all_known=True)
    assert len(read.text) == len(text)
    assert [at for at, sign in enumerate(read.text) if sign == "\n"] == [
        at for at, sign in enumerate(text) if sign == "\n"
    ]
    assert read.text.replace(shortcodes.STAND_IN, "").split() == ["a", "b"]


@pytest.mark.parametrize(
    "value", [True, None, "", [], {}, "2024", 10**30, float("nan"), "2024-01-01T99:00:00"]
)
def test_what_is_no_date_is_none(value: object) -> None:
    assert front_matter.moment(value) is None
