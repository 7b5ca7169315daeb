"""Where a finding is mended: content files, templates, configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sites import change, isolate
from workflow.hugo import listing
from workflow.validator.sources import Sources, hugo_site

SITE = {
    "hugo.toml": 'baseURL = "https://example.org/"\n[[menus.main]]\nurl = "/gone/"\n',
    "content/_index.md": "---\ntitle: Home\n---\n",
    "content/about.md": "---\ntitle: About\n---\nSee [the team](/about/team/).\n",
    "content/blog/_index.md": "---\ntitle: Blog\n---\n# Posts {#top}\n",
    "content/blog/one.md": "---\ntitle: One\n---\nA [link](../two%20b/).\n",
    "content/blog/two/index.md": "---\ntitle: Two\n---\n",
    "content/blog/moved.md": "---\ntitle: Moved\nurl: /elsewhere/\n---\n",
    "content/blog/drei.de.md": "---\ntitle: Drei\n---\n",
    "content/en/mounted.md": "---\ntitle: Mounted\n---\n",
    "content/Big Name.md": "---\ntitle: Big\n---\n",
    "layouts/partials/head.html": '<head>\n<title>{{ .Title }}</title>\n<meta name="viewport">\n',
    "layouts/partials/foot.html": '<footer>\n<a href="/imprint/">x</a>\n',
    "themes/t/layouts/partials/foot.html": '<a href="/imprint/">shadowed</a>\n',
    "themes/t/layouts/partials/logo.html": '\n\n<img src="{{ "img/logo.png" | relURL }}">\n',
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return change(tmp_path / "site", SITE)


PAGES = [
    pytest.param("index.html", "content/_index.md", id="home"),
    pytest.param("about/index.html", "content/about.md", id="a file"),
    pytest.param("about.html", "content/about.md", id="an ugly address"),
    pytest.param("blog/index.html", "content/blog/_index.md", id="a section"),
    pytest.param("blog/two/index.html", "content/blog/two/index.md", id="a bundle"),
    pytest.param("de/blog/drei/index.html", "content/blog/drei.de.md", id="a language's file"),
    pytest.param("mounted/index.html", "content/en/mounted.md", id="a language's folder"),
    pytest.param("big-name/index.html", "content/Big Name.md", id="blanks and capitals"),
    pytest.param("tags/index.html", None, id="a list without a file"),
    pytest.param("404.html", None, id="404"),
]


@pytest.mark.parametrize(("page", "path"), PAGES)
def test_a_page_is_traced_to_its_content_file(site: Path, page: str, path: str | None) -> None:
    assert Sources(site).content(page) == path


def test_hugo_is_asked_only_where_a_file_may_have_another_address(site: Path) -> None:
    asked: list[str] = []

    def ask() -> dict[str, str]:
        asked.append("once")
        return {"blog/strange/index.html": "content/blog/one.md"}

    sources = Sources(site, ask)
    for page in ("about/index.html", "404.html", "blog/page/2/index.html", "tags/x/index.html"):
        sources.content(page)
    assert asked == []
    assert sources.content("blog/strange/index.html") == "content/blog/one.md"
    assert sources.content("blog/moved/index.html") is None
    assert asked == ["once"]


LINES = [
    pytest.param("about", "link-broken", "/about/team/", "content/about.md:4", id="a link"),
    pytest.param("about", "link-broken", "/other/", "content/about.md", id="not in the file"),
    pytest.param("blog/one", "link-broken", "../two b/", "content/blog/one.md:4", id="encoded"),
    pytest.param("about", "id-double", "team", "content/about.md", id="an id is no word"),
    pytest.param("blog", "id-double", "top", "content/blog/_index.md:4", id="an id of a heading"),
    pytest.param("about", "link-broken", "See", "content/about.md", id="too short without quotes"),
]


@pytest.mark.parametrize(("page", "code", "url", "place"), LINES)
def test_the_line_is_that_of_the_reference(
    site: Path, page: str, code: str, url: str, place: str
) -> None:
    assert Sources(site).content_line(f"{page}/index.html", code, url) == place


TEMPLATES = [
    pytest.param("link-broken", "/imprint/", "layouts/partials/foot.html:2", id="a reference"),
    pytest.param("link-broken", "/gone/", "hugo.toml:3", id="a menu"),
    pytest.param(
        "image-broken", "/img/logo.png", "themes/t/layouts/partials/logo.html:3", id="relURL"
    ),
    pytest.param(
        "link-broken", "https://example.org/imprint/", "layouts/partials/foot.html:2", id="absolute"
    ),
    pytest.param("title-many", None, "layouts/partials/head.html:2", id="an element"),
    pytest.param("description-missing", None, "layouts/partials/head.html:1", id="what is missing"),
    pytest.param("link-broken", "/nowhere/written/", None, id="nothing"),
    pytest.param("page-orphan", None, None, id="a rule without an element"),
]


@pytest.mark.parametrize(("code", "url", "place"), TEMPLATES)
def test_a_template_is_named_with_its_line(
    site: Path, code: str, url: str | None, place: str | None
) -> None:
    assert Sources(site).template(code, url, "https://example.org/") == place


def test_what_stands_in_many_templates_names_none(site: Path) -> None:
    change(site, {f"layouts/partials/{n}.html": '<a href="/imprint/">' for n in range(5)})
    assert Sources(site).template("link-broken", "/imprint/") is None


def test_the_hugo_site_is_found_above_its_built_folder(site: Path, tmp_path: Path) -> None:
    assert hugo_site(site / "public") == site
    assert hugo_site(site / "out" / "public") == site
    assert hugo_site(tmp_path / "elsewhere" / "public") is None


def test_hugo_tells_the_content_file_of_a_moved_page(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch, tmp_path)
    hugo = listing.program()
    assert hugo is not None
    files = listing.content_files(hugo, site)
    assert files["elsewhere/index.html"] == "content/blog/moved.md"
    assert files["about/index.html"] == "content/about.md"


def test_what_hugo_told_is_kept_until_the_content_changes(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch, tmp_path)
    finds: list[str | None] = []

    def find() -> str | None:
        finds.append(listing.program())
        return finds[-1]

    kept = tmp_path / "cache" / "listing.json"
    first = listing.kept_content_files(find, site, kept)
    assert listing.kept_content_files(find, site, kept) == first != {}
    assert len(finds) == 1
    change(site, {"content/new.md": "---\ntitle: New\n---\n"})
    assert "new/index.html" in listing.kept_content_files(find, site, kept)
    assert len(finds) == 2


@pytest.mark.parametrize("script", ["exit 1", "exec sleep 60", "echo 'no such, columns'; echo x"])
def test_a_hugo_that_cannot_tell_tells_nothing(tmp_path: Path, script: str) -> None:
    program = tmp_path / "hugo"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    assert listing.content_files(str(program), tmp_path, seconds=0.5) == {}
    assert listing.content_files(str(tmp_path / "none"), tmp_path) == {}


LANGUAGES = {
    "hugo.toml": 'baseURL = "https://example.org/sub/"\ndefaultContentLanguage = "en"\n'
    '[languages.de]\ncontentDir = "content/de"\n[languages.en]\ncontentDir = "content/en"\n',
    "content/de/_index.md": "---\ntitle: Start\n---\n",
    "content/de/blog/one.md": "---\ntitle: Eins\n---\n",
    "content/de/only.md": "---\ntitle: Nur\n---\n",
    "content/en/_index.md": "---\ntitle: Home\n---\n",
    "content/en/blog/one.md": "---\ntitle: One\n---\n[a](#gone) [b](/sub/blog/)\n",
    "content/en/blog/two.md": "---\ntitle: Two\nslug: zwei\n---\n",
    "content/both.de.md": "---\ntitle: Beide\n---\n",
    "content/both.en.md": "---\ntitle: Both\n---\n",
    "layouts/baseof.html": '<head>\n<link rel="canonical" href="{{ .Permalink }}">\n',
    "layouts/nav.html": '<a href="/blog/">x</a>\n<a href="{{ "team/" | relURL }}">x</a>\n',
}


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("index.html", "content/en/_index.md"),
        ("de/index.html", "content/de/_index.md"),
        ("blog/one/index.html", "content/en/blog/one.md"),
        ("de/blog/one/index.html", "content/de/blog/one.md"),
        ("both/index.html", "content/both.en.md"),
        ("only/index.html", None),
        ("blog/zwei/index.html", "content/en/blog/two.md"),
    ],
)
def test_a_page_at_the_root_is_of_the_default_language(
    tmp_path: Path, page: str, path: str | None
) -> None:
    sources = Sources(
        change(tmp_path / "site", LANGUAGES),
        lambda: {"blog/zwei/index.html": "content/en/blog/two.md"},
    )
    assert sources.content(page) == path


def test_a_folder_that_is_no_language_has_no_page_of_the_root(tmp_path: Path) -> None:
    site = change(tmp_path / "site", {"hugo.toml": "", "content/faq/_index.md": "---\n---\n"})
    assert Sources(site).content("index.html") is None


@pytest.mark.parametrize(
    ("code", "url", "place"),
    [
        ("canonical-page", "https://example.org/sub/blog/", "layouts/baseof.html:2"),
        ("canonical-page", "https://example.org/sub/", "layouts/baseof.html:2"),
        ("link-outside", "/blog/", "layouts/nav.html:1"),
        ("link-broken", "/sub/team/", "layouts/nav.html:2"),
    ],
)
def test_an_address_is_sought_as_its_template_writes_it(
    tmp_path: Path, code: str, url: str, place: str
) -> None:
    sources = Sources(change(tmp_path / "site", LANGUAGES))
    assert sources.reference(code, url, "https://example.org/sub/") == place


def test_a_fragment_is_found_without_the_address_that_hugo_puts_before_it(tmp_path: Path) -> None:
    sources = Sources(change(tmp_path / "site", LANGUAGES))
    place = sources.content_line("blog/one/index.html", "link-fragment", "/sub/blog/one/#gone")
    assert place == "content/en/blog/one.md:4"
