"""Real Hugo builds real sites, through the handler, as a task would."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from pydantic import ValidationError

from tests.sites import (
    CONFIG,
    PAGE,
    SITE,
    Workshop,
    isolate,
    workshop,
    write_many_pages,
)
from workflow import publicdir
from workflow.handlers import hugo_build
from workflow.handlers.hugo_build import Params
from workflow.hugo import program as hugo_program

FRONT = "---\ntitle: One\n---\n"
ONE = "content/posts/one.md"
SINGLE = "layouts/_default/single.html"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """A site that builds, with its exchange."""
    isolate(monkeypatch, tmp_path)
    return workshop(tmp_path)


# What a good build tells


def test_a_build_fills_public_and_tells_what_it_did(site: Workshop) -> None:
    outcome = site.build()
    outputs = outcome.outputs
    digest = publicdir.manifest(site.public).digest
    seconds = outputs.pop("duration_seconds")
    assert isinstance(seconds, float) and 0 < seconds < 60
    assert outputs == {
        "build_success": True,
        "site": "main",
        "environment": "staging",
        "base_url": "https://staging.example.org/",
        "errors": [],
        "warnings": [],
        "hugo_version": hugo_program.find(site.config).version,
        "hugo_extended": True,
        "file_count": 5,
        "total_bytes": sum(f.stat().st_size for f in site.public.rglob("*") if f.is_file()),
        "pages_generated": 4,
        "paginator_pages": 0,
        "non_page_files": 0,
        "static_files": 1,
        "processed_images": 0,
        "aliases": 0,
        "cleaned": 0,
        "public_dir": str(site.public),
        "manifest_digest": digest,
    }
    size = outputs["total_bytes"]
    assert outcome.verdict == (
        f"Built main for staging: 4 pages, 5 files, {size} bytes in {seconds:.1f} s."
    )
    assert outcome.statistics["Pages"] == 4 and outcome.statistics["Assets"] == 1
    assert site.left_overs() == []
    assert site.said == ["building main for staging"]


def test_the_manifest_proves_what_was_built_for_which_environment(site: Workshop) -> None:
    outputs = site.build(environment="production").outputs
    data = json.loads((site.logs / "manifest.json").read_text())
    assert {key: data[key] for key in ("site", "environment", "base_url", "digest")} == {
        "site": "main",
        "environment": "production",
        "base_url": "https://www.example.org/",
        "digest": outputs["manifest_digest"],
    }
    assert data["hugo_version"] == outputs["hugo_version"]
    assert data["files"] == publicdir.manifest(site.public).as_dict()["files"]
    assert [file["path"] for file in data["files"]] == sorted(
        str(path.relative_to(site.public)) for path in site.public.rglob("*") if path.is_file()
    )


def test_the_same_sources_give_the_same_digest_and_another_address_another(site: Workshop) -> None:
    site.write({"layouts/index.html": "{{ .Permalink }}"})
    first, second = site.build().outputs, site.build().outputs
    assert first["manifest_digest"] == second["manifest_digest"]
    other = site.build(environment="production").outputs
    assert other["manifest_digest"] != first["manifest_digest"]


def test_the_first_environment_and_the_first_site_are_the_defaults(site: Workshop) -> None:
    outputs = site.build(environment=None).outputs
    assert (outputs["environment"], outputs["base_url"]) == ("dev", "http://localhost:1313/")


def test_hugo_is_told_its_own_name_of_the_environment(site: Workshop) -> None:
    site.write({"layouts/index.html": "{{ hugo.Environment }} {{ .Site.BaseURL }}"})
    site.build(environment="production")
    assert (site.public / "index.html").read_text() == "live https://www.example.org/"
    site.build()
    assert (site.public / "index.html").read_text() == "staging https://staging.example.org/"


def test_html_is_minified_unless_not_wanted(site: Workshop) -> None:
    site.write({"layouts/index.html": "<p>\n\n   <b>x</b>\n</p>\n"})
    site.build()
    assert (site.public / "index.html").read_text() == "<p><b>x</b></p>"
    site.build(minify=False)
    assert "\n\n" in (site.public / "index.html").read_text()


def test_columns_of_languages_are_summed(site: Workshop) -> None:
    languages = '[languages.en]\nweight = 1\n[languages.de]\nweight = 2\ntitle = "Muster"\n'
    site.write({"hugo.toml": CONFIG + languages, "content/posts/one.de.md": FRONT})
    # en: home, posts, one, two; de: home, posts, one
    assert site.build().outputs["pages_generated"] == 7


def test_aliases_paginators_images_and_bundled_files_are_counted(site: Workshop) -> None:
    site.write(
        {
            "layouts/_default/list.html": "{{ (.Paginate .Pages 1).PageNumber }}",
            ONE: "---\ntitle: One\naliases: [/uno/]\n---\n",
            "content/posts/three/index.md": FRONT,
            "content/posts/three/notes.txt": "x",
            SINGLE: '{{ with .Resources.Get "dot.png" }}{{ (.Resize "2x2").Width }}{{ end }}',
            "content/posts/three/dot.png": bytes.fromhex(
                "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
                "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
            ),
        }
    )
    outputs = site.build().outputs
    assert outputs["paginator_pages"] == 2
    assert outputs["aliases"] >= 1
    assert outputs["non_page_files"] >= 1
    assert outputs["processed_images"] == 1


def test_the_task_may_name_the_site_by_its_path(site: Workshop) -> None:
    assert site.build(site_path=str(site.site)).outputs["site"] == "main"
    resources = hugo_build.resources(Params(site_path=str(site.site)), site.config)
    assert resources == (os.path.realpath(site.site),)
    assert hugo_build.resources(Params(), site.config) == resources
    assert hugo_build.resources(Params(site_path="other"), site.config) == ()


# What it warns of


def test_a_site_without_pages_is_a_success_with_a_warning(site: Workshop) -> None:
    site.write(dict.fromkeys((name for name in SITE if name.startswith("layouts/")), None))
    outcome = site.build(allow_missing_layouts=True)
    assert outcome.outputs["warnings"][0] == "the site has no pages: Hugo generated none"
    assert "0 pages, 1 file" in outcome.verdict
    assert outcome.verdict.endswith(" s, with 4 warnings.")


@pytest.mark.parametrize("url", ["http://localhost:1313/", "http://127.0.0.1/", "http://[::1]/x"])
def test_this_machine_as_the_address_is_for_dev_only(url: str, site: Workshop) -> None:
    warnings = site.build(base_url=url).outputs["warnings"]
    assert any("is this machine, but the build is for staging" in text for text in warnings)
    warnings = site.build(environment="dev", base_url=url).outputs["warnings"]
    assert not any("is this machine" in text for text in warnings)


def test_another_address_than_the_environments_is_used_and_told(site: Workshop) -> None:
    site.write({"layouts/index.html": "{{ .Permalink }}"})
    outputs = site.build(base_url="https://preview.example.org/").outputs
    assert (site.public / "index.html").read_text() == "https://preview.example.org/"
    assert outputs["warnings"] == [
        "the base URL https://preview.example.org/ is not that of staging in workflow.yaml "
        "(https://staging.example.org/)"
    ]
    assert site.build(base_url="https://staging.example.org").outputs["warnings"] == []


def test_drafts_are_built_on_demand_and_told_outside_dev(site: Workshop) -> None:
    site.write({"content/posts/three.md": "---\ntitle: Three\ndraft: true\n---\n"})
    assert site.build().outputs["pages_generated"] == 4
    outputs = site.build(build_drafts=True).outputs
    assert outputs["pages_generated"] == 5
    assert outputs["warnings"] == ["drafts are included in a build for staging"]
    assert site.build(environment="dev", build_drafts=True).outputs["warnings"] == []


def test_future_and_expired_pages_are_built_on_demand(site: Workshop) -> None:
    site.write(
        {
            "content/posts/later.md": "---\ntitle: L\ndate: 2999-01-01\n---\n",
            "content/posts/gone.md": "---\ntitle: G\nexpiryDate: 2001-01-01\n---\n",
        }
    )
    counts = [
        site.build(**params).outputs["pages_generated"]
        for params in ({}, {"build_future": True}, {"build_expired": True})
    ]
    assert counts == [4, 5, 5]


def test_two_pages_at_one_address_are_told(site: Workshop) -> None:
    site.write({ONE: "---\ntitle: One\nurl: /posts/two/\n---\n"})
    warnings = ["Duplicate target paths: /posts/two/index.html (2)"]
    assert site.build().outputs["warnings"] == warnings


def test_deprecations_and_warnings_of_templates_are_told_once(site: Workshop) -> None:
    site.write({SINGLE: '{{ .Site.Data }}{{ warnf "check this" }}'})
    warnings = site.build().outputs["warnings"]
    assert any(text.startswith("deprecated: .Site.Data was") for text in warnings)
    assert warnings.count("check this") == 1


def test_lists_without_a_template_are_told_and_built_around(site: Workshop) -> None:
    site.write({"layouts/_default/list.html": None})
    outputs = site.build().outputs
    assert outputs["pages_generated"] == 3
    assert outputs["warnings"][0].startswith('found no layout file for "html" for kind "section"')


# What a task may ask


@pytest.mark.parametrize(
    "param",
    ["destination", "config", "theme", "cache_dir", "source", "trace", "content_dir", "hugo"],
)
def test_no_parameter_names_a_path_a_program_or_a_configuration(param: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Params.model_validate({param: "/etc"})


@pytest.mark.parametrize(
    "url", ["ftp://x", "example.org", "http://", "https://x y", "https://x\0", "-c=x"]
)
def test_a_base_url_is_an_address(url: str) -> None:
    with pytest.raises(ValidationError):
        Params.model_validate({"base_url": url})


def test_an_address_that_hugo_cannot_read_is_told_as_such(site: Workshop) -> None:
    error = site.fail(base_url="https://example.org:port/").error
    assert (error.code, error.action, error.file) == ("hugo_bad_base_url", "fix", None)


def test_every_switch_is_one_that_this_hugo_knows(site: Workshop) -> None:
    switches = {
        name: True
        for name, field in Params.model_fields.items()
        if field.annotation is bool and name not in ("panic_on_warning", "enable_git_info")
    }
    outputs = site.build(**switches, log_level="info").outputs
    assert outputs["build_success"] is True
    assert "INFO" in (site.logs / "attempt-1.log").read_text()


def test_every_parameter_says_what_it_is_for() -> None:
    assert [n for n, field in Params.model_fields.items() if not field.description] == []


def test_our_environment_does_not_change_the_site(
    site: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.write({"layouts/index.html": '{{ .Site.Title }}{{ getenv "HUGO_COLOR" }}'})
    monkeypatch.setenv("HUGO_TITLE", "Hijacked")
    monkeypatch.setenv("HUGO_COLOR", "red")
    site.build()
    assert (site.public / "index.html").read_text() == "Sample"


# public/ at every instant


def test_what_hugo_no_longer_writes_goes_with_the_next_build(site: Workshop) -> None:
    site.build()
    (site.public / "stray.txt").write_text("left by hand")
    site.write({ONE: None}).build()
    assert not (site.public / "posts" / "one").exists()
    assert not (site.public / "stray.txt").exists()


def test_without_clean_other_files_stay_and_the_old_site_is_untouched_by_a_failure(
    site: Workshop,
) -> None:
    site.build()
    (site.public / "stray.txt").write_text("left by hand")
    before = publicdir.manifest(site.public)
    site.write({"static/robots.txt": "changed\n", ONE: FRONT + "{{< nope >}}"}).fail(clean=False)
    assert publicdir.manifest(site.public) == before
    site.write({ONE: FRONT + "Changed."}).build(clean=False)
    assert (site.public / "stray.txt").read_text() == "left by hand"
    assert (site.public / "robots.txt").read_text() == "changed\n"
    assert "Changed." in (site.public / "posts" / "one" / "index.html").read_text()


def test_a_linked_public_folder_stays_a_link(site: Workshop, tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    site.public.symlink_to(tmp_path / "www")
    site.build()
    assert site.public.is_symlink()
    assert (tmp_path / "www" / "index.html").exists()
    assert [name for name in os.listdir(tmp_path) if name.startswith(".www")] == []


class Reader(threading.Thread):
    """Reads the whole of public/ again and again, through one descriptor of the folder a time, and
    notes which versions it saw in it. What vanishes meanwhile was an old site being removed."""

    def __init__(self, public: Path) -> None:
        super().__init__()
        self.public = public
        self.seen: list[set[str]] = []
        self.absent = 0
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                root = os.open(self.public, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                self.absent += 1
                continue
            try:
                with contextlib.suppress(FileNotFoundError):
                    self.seen.append(self._versions(root))
            finally:
                os.close(root)

    def _versions(self, root: int) -> set[str]:
        found = set()
        for name in ("index.html", "posts/index.html", "posts/one/index.html", "robots.txt"):
            descriptor = os.open(name, os.O_RDONLY, dir_fd=root)
            with open(descriptor) as file:
                found.add(file.read().strip())
        return found


def test_a_reader_during_twenty_builds_never_sees_a_mixture(site: Workshop) -> None:
    def write(version: int) -> None:
        page = f"version-{version}"
        names = ("layouts/index.html", "layouts/_default/list.html", SINGLE, "static/robots.txt")
        site.write(dict.fromkeys(names, page))

    write(0)
    site.build()
    reader = Reader(site.public)
    reader.start()
    try:
        for version in range(1, 21):
            write(version)
            site.build()
    finally:
        reader.stop.set()
        reader.join()
    assert [versions for versions in reader.seen if len(versions) != 1] == []
    assert reader.absent == 0
    assert len(set.union(*reader.seen)) > 5  # it did see them change
    assert len(reader.seen) > 100


BUILDER = """\
import sys
from pathlib import Path
from tests.sites import Workshop
print("started", flush=True)
Workshop(Path(sys.argv[1])).build()
"""


@pytest.mark.parametrize("delay", [0.0, 0.2])
def test_a_build_killed_in_the_midst_leaves_the_old_site_and_the_next_one_cleans_up(
    delay: float, site: Workshop
) -> None:
    site.build()
    before = publicdir.manifest(site.public)
    write_many_pages(site.site, 300, "word " * 400)
    site.write({SINGLE: PAGE + "{{ range seq 100000 }}{{ end }}"})
    builder = subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(site.root)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
    )
    assert builder.stdout is not None
    until = time.monotonic() + 30
    while not site.left_overs():
        assert builder.poll() is None and time.monotonic() < until
        time.sleep(0.005)
    time.sleep(delay)
    assert builder.poll() is None, "too late: it had ended"
    # The builder alone, as the system would: its Hugo goes on for a while.
    children = psutil.Process(builder.pid).children(recursive=True)
    builder.kill()
    builder.wait()
    builder.stdout.close()
    assert publicdir.manifest(site.public) == before
    assert len(site.left_overs()) == 1
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.send_signal(signal.SIGKILL)
    psutil.wait_procs(children, timeout=10)
    assert publicdir.manifest(site.public) == before
    site.write({SINGLE: PAGE})
    assert site.build().outputs["pages_generated"] == 304
    assert site.left_overs() == []
