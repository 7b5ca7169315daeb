"""What goes wrong in a build, each provoked on a real site with real Hugo."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sites import (
    CONFIG,
    WORKFLOW_YAML,
    Workshop,
    isolate,
    workshop,
    write_many_pages,
)
from workflow import publicdir
from workflow.errors import TaskError
from workflow.hugo import program as hugo_program
from workflow.hugo import site as hugo_site
from workflow.hugo import stall as hugo_stall

FRONT = "---\ntitle: One\n---\n"
ONE = "content/posts/one.md"
SINGLE = "layouts/_default/single.html"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """A site that builds, with its exchange."""
    isolate(monkeypatch, tmp_path)
    return workshop(tmp_path)


GO_AWAY = "http://127.0.0.1:9/x"
ALLOW_ALL = CONFIG + "[security.http]\nurls = ['.*']\n"
FAULTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a shortcode that is not there": (
        {ONE: FRONT + 'Hi {{< buton "x" >}}\n'},
        {
            "code": "hugo_missing_shortcode",
            "message": "the shortcode 'buton' does not exist",
            "place": f"{ONE}:4:4",
            "excerpt": '     3 | ---\n>    4 | Hi {{< buton "x" >}}',
            "hint": "write layouts/shortcodes/buton.html, or correct the name "
            "(did you mean button?)",
        },
    ),
    "a shortcode of Hugo's own, misspelt": (
        {ONE: FRONT + "{{< figur src=x >}}\n"},
        {"code": "hugo_missing_shortcode", "hint": "(did you mean figure?)"},
    ),
    "a shortcode left open": (
        {ONE: FRONT + "{{< box >}}\n", "layouts/shortcodes/box.html": "{{ .Inner }}"},
        {"code": "hugo_shortcode_syntax", "place": f"{ONE}:4:1", "message": "must be closed"},
    ),
    "a shortcode's call cut off": (
        {ONE: FRONT + "{{< button x\n"},
        {"code": "hugo_shortcode_syntax", "place": f"{ONE}:5:1"},
    ),
    "a partial that is not there": (
        {SINGLE: '<p>\n{{ partial "heade.html" . }}'},
        {
            "code": "hugo_missing_partial",
            "message": "the partial 'heade.html' does not exist (seen on content/posts/",
            "place": f"{SINGLE}:2:3",
            "hint": "(did you mean header.html?)",
        },
    ),
    "a partial that is not there, called by a partial": (
        {
            SINGLE: '{{ partial "header.html" . }}',
            "layouts/partials/header.html": '\n {{ partial "nope.html" . }}',
        },
        {"code": "hugo_missing_partial", "place": "layouts/partials/header.html:2:4"},
    ),
    "a template that is not there": (
        {SINGLE: '{{ template "nope" . }}'},
        {"code": "hugo_missing_layout", "message": "'nope'", "place": f"{SINGLE}:1:12"},
    ),
    "no template for pages": (
        {SINGLE: None},
        {
            "code": "hugo_missing_layout",
            "message": "no template for pages of the kind 'page'",
            "hint": "layouts/_default/single.html",
        },
    ),
    "no template for the home page": (
        {"layouts/index.html": None, "layouts/_default/list.html": None},
        {"code": "hugo_missing_layout", "message": "'home'", "hint": "layouts/index.html"},
    ),
    "front matter that is no YAML": (
        {ONE: "---\ntitle: One\nlist: [1,\n---\n"},
        {"code": "hugo_bad_front_matter", "file": ONE, "line": 3},
    ),
    "a key twice in YAML": (
        {ONE: "---\ntitle: One\ntitle: Two\n---\n"},
        {"code": "hugo_bad_front_matter", "place": f"{ONE}:3:1", "message": "already defined"},
    ),
    "front matter that is no TOML": (
        {ONE: "+++\ntitle = One\n+++\n"},
        {"code": "hugo_bad_front_matter", "place": f"{ONE}:2:9", "message": "toml"},
    ),
    "front matter that is no JSON": (
        {ONE: '{\n"title": "One",\n}\n'},
        {"code": "hugo_bad_front_matter", "file": ONE},
    ),
    "front matter without an end": (
        {ONE: "---\ntitle: One\nHello\n"},
        {"code": "hugo_bad_front_matter", "message": "EOF looking for end YAML"},
    ),
    "front matter of a wrong type": (
        {ONE: "---\ntitle: One\ncascade: 3\n---\n"},
        {"code": "hugo_bad_front_matter", "file": ONE, "message": "unable to cast"},
    ),
    "a date that is none": (
        {ONE: "---\ntitle: One\ndate: soon\n---\n"},
        {"code": "hugo_bad_front_matter", "file": ONE, "line": 3, "hint": "2026-01-31"},
    ),
    "a reference to no page": (
        {ONE: FRONT + '[x]({{< ref "/posts/twoo" >}})\n'},
        {
            "code": "hugo_broken_ref",
            "message": "the reference '/posts/twoo' leads to no page",
            "place": f"{ONE}:4:5",
            "hint": "(did you mean /posts/two.md?)",
        },
    ),
    "a relative reference to no page": (
        {ONE: FRONT + '\n[x]({{< relref "nope.md" >}})\n'},
        {"code": "hugo_broken_ref", "place": f"{ONE}:5:5"},
    ),
    "a reference to several pages": (
        {"content/notes/one.md": FRONT, "content/x.md": FRONT + '{{< ref "one.md" >}}\n'},
        {"code": "hugo_broken_ref", "message": "several pages", "place": "content/x.md:4:1"},
    ),
    "a reference to no page, in a shortcode of the site": (
        {
            "layouts/shortcodes/go.html": "{{ ref .Page (.Get 0) }}",
            ONE: FRONT + "\n{{< go nowhere >}}\n",
        },
        {"code": "hugo_broken_ref", "place": f"{ONE}:5"},
    ),
    "a field that pages have not": (
        {SINGLE: "\n {{ .Titel.X }}"},
        {
            "code": "hugo_template_error",
            "message": "<.Titel.X>: can't evaluate field Titel",
            "place": f"{SINGLE}:2:10",
            "excerpt": "     1 |\n>    2 |  {{ .Titel.X }}",
        },
    ),
    "a field that pages have not, in a shortcode": (
        {"layouts/shortcodes/button.html": "{{ .Foo.Bar }}", ONE: FRONT + "{{< button >}}"},
        {"code": "hugo_template_error", "place": "layouts/shortcodes/button.html:1:7"},
    ),
    "a division by nothing": (
        {SINGLE: "{{ div 1 0 }}"},
        {"code": "hugo_template_error", "message": "can't divide the value by 0"},
    ),
    "a template left open": (
        {SINGLE: "<p>\n{{ if .Title }}\nx\n"},
        {
            "code": "hugo_template_syntax",
            "message": "unexpected EOF",
            "place": f"{SINGLE}:4:1",
            "excerpt": "     2 | {{ if .Title }}\n>    3 | x",
        },
    ),
    "a template left open that has a base": (
        {
            "layouts/_default/baseof.html": '<html>\n{{ block "main" . }}{{ end }}\n</html>\n',
            SINGLE: '{{ define "main" }}\n<p>\n{{ end\n',
        },
        {
            "code": "hugo_template_syntax",
            "message": "unclosed action started at single.html:3",
            "file": SINGLE,
            "line": 4,
        },
    ),
    "a function that is none": (
        {SINGLE: "{{ foo .Title }}"},
        {"code": "hugo_template_syntax", "message": 'function "foo" not defined'},
    ),
    "a template that reports an error itself": (
        {SINGLE: '{{ errorf "no picture on %s" .Title }}'},
        {"code": "hugo_site_error", "message": "no picture on "},
    ),
    "a TOML configuration with a fault": (
        {"hugo.toml": CONFIG + "title = T\n"},
        {"code": "hugo_bad_config", "place": "hugo.toml:4:9", "message": "toml"},
    ),
    "a YAML configuration with a fault": (
        {"hugo.toml": None, "hugo.yaml": "title: x\nparams: [a\n"},
        {"code": "hugo_bad_config", "file": "hugo.yaml", "line": 2},
    ),
    "an environment's configuration with a fault": (
        {
            "hugo.toml": None,
            "config/_default/hugo.toml": CONFIG,
            "config/staging/hugo.toml": "\ntitle = X",
        },
        {"code": "hugo_bad_config", "place": "config/staging/hugo.toml:2:9"},
    ),
    "a configuration with a value of a wrong type": (
        {"hugo.toml": CONFIG + "[pagination]\npagerSize = 'x'\n"},
        {"code": "hugo_bad_config", "file": "hugo.toml", "message": "cannot parse 'PagerSize'"},
    ),
    "an output format that is none": (
        {"hugo.toml": CONFIG + "[outputs]\nhome = ['nope']\n"},
        {"code": "hugo_bad_config", "message": 'unknown output format "nope"'},
    ),
    "a theme that is not there": (
        {"hugo.toml": CONFIG + "theme = 'ananka'\n", "themes/ananke/theme.toml": ""},
        {
            "code": "hugo_missing_module",
            "message": "'ananka'",
            "place": "hugo.toml:4",
            "hint": "(did you mean ananke?)",
        },
    ),
    "a module that is not there": (
        {"hugo.toml": CONFIG + "[[module.imports]]\npath = 'example.org/x/y'\n"},
        {"code": "hugo_missing_module", "message": "'example.org/x/y'"},
    ),
    "a version that the site asks for": (
        {"hugo.toml": CONFIG + "[module.hugoVersion]\nmin = '0.999.0'\n"},
        {"code": "hugo_wrong_version", "action": "escalate", "message": "Min 0.999.0"},
    ),
    "a data file with a fault": (
        {"data/x.toml": "\na = b", SINGLE: "{{ hugo.Data.x }}"},
        {"code": "hugo_bad_data", "place": "data/x.toml:2:5"},
    ),
    "a translation with a fault": (
        {"i18n/en.yaml": "a: [b"},
        {"code": "hugo_bad_data", "place": "i18n/en.yaml:1:4"},
    ),
    "a style sheet with a fault": (
        {
            SINGLE: '{{ (resources.Get "a.scss" | css.Sass).RelPermalink }}',
            "assets/a.scss": "a {\n b { c: d }",
        },
        {"code": "hugo_bad_asset", "file": "assets/a.scss", "line": 2},
    ),
    "a script with a fault": (
        {SINGLE: '{{ (resources.Get "a.js" | js.Build).Content }}', "assets/a.js": "let a = ;"},
        {"code": "hugo_bad_asset", "place": "assets/a.js:1:8", "message": 'Unexpected ";"'},
    ),
    "a tool that is not there": (
        {SINGLE: '{{ (resources.Get "a.scss" | css.Sass (dict "transpiler" "dartsass")).Content }}',
         "assets/a.scss": "a{}"},
        {"code": "hugo_missing_tool", "action": "escalate", "message": "Dart Sass"},
    ),
    "an address that the site's policy forbids": (
        {SINGLE: f'{{{{ (resources.GetRemote "{GO_AWAY}").Content }}}}'},
        {"code": "hugo_access_denied", "action": "escalate", "message": GO_AWAY},
    ),
    "an address that does not answer": (
        {SINGLE: f'{{{{ (resources.GetRemote "{GO_AWAY}").Content }}}}', "hugo.toml": ALLOW_ALL},
        {"code": "hugo_remote_failed", "action": "retry"},
    ),
    "git's data of a site without git": (
        {"hugo.toml": CONFIG + "enableGitInfo = true\n"},
        {"code": "hugo_git_info", "action": "escalate"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_with_its_place_and_a_way_out(fault: str, site: Workshop) -> None:
    site.write({"public/index.html": "the old site"})
    files, wanted = FAULTS[fault]
    failure = site.write(files).fail()
    error = failure.error
    told = {
        **error.as_dict(),
        "place": error.place(),
        "hint": error.hint or "",
        "excerpt": error.excerpt or "",
    }
    for key, text in {"action": "fix", **wanted}.items():
        if isinstance(text, str) and key in ("message", "hint", "excerpt"):
            assert text in told[key]
        else:
            assert told[key] == text
    assert error.hint
    assert failure.outputs["build_success"] is False
    assert failure.outputs["errors"][0] == error.as_dict()
    assert failure.outputs["hugo_version"]
    assert str(site.root) not in error.message
    assert os.listdir(site.public) == ["index.html"]
    assert (site.public / "index.html").read_text() == "the old site"
    assert site.left_overs() == []


def test_all_errors_of_a_run_are_told(site: Workshop) -> None:
    files = {f"content/posts/{n}.md": FRONT + f'{{{{< ref "no-{n}" >}}}}\n' for n in range(3)}
    errors = site.write(files).fail().outputs["errors"]
    assert sorted((e["file"], e["message"]) for e in errors) == [
        (f"content/posts/{n}.md", f"the reference 'no-{n}' leads to no page") for n in range(3)
    ]


def test_errors_beyond_the_tail_of_the_log_are_told_too(site: Workshop) -> None:
    text = '{{ range seq 2000 }}{{ warnf "warning number %d of a page" . }}{{ end }}'
    site.write({"layouts/index.html": '{{ errorf "the first" }}', SINGLE: text})
    failure = site.fail()
    assert (site.logs / "attempt-1.log").stat().st_size > 65_536
    assert "the first" in [error["message"] for error in failure.outputs["errors"]]
    assert len(failure.outputs["warnings"]) == 101
    assert failure.outputs["warnings"][-1] == "1900 more warnings are in the log"


def test_pages_without_a_template_may_be_accepted(site: Workshop) -> None:
    outputs = site.write({SINGLE: None}).build(allow_missing_layouts=True).outputs
    assert outputs["pages_generated"] == 2
    assert outputs["warnings"][0].startswith('found no layout file for "html" for kind "page"')


@pytest.mark.parametrize(
    "files",
    [{"layouts/_default/list.html": None}, {SINGLE: '{{ warnf "careful" }}'}],
    ids=["hugo's", "a template's"],
)
def test_the_first_warning_may_be_made_an_error(files: dict[str, Any], site: Workshop) -> None:
    site.write(files).build()
    error = site.fail(panic_on_warning=True).error
    assert (error.code, error.action) == ("hugo_warning", "fix")
    assert "goroutine" not in error.message


def test_secrets_near_a_fault_are_not_in_the_excerpt(site: Workshop) -> None:
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    failure = site.write({"hugo.toml": f"{CONFIG}# {key}\ntitle = T\n"}).fail()
    assert key not in json.dumps(failure.outputs)
    assert "[redacted]" in (failure.error.excerpt or "")


@pytest.mark.parametrize(
    ("yaml", "params", "code", "action"),
    [
        (WORKFLOW_YAML, {"environment": "stagin"}, "no_such_environment", "fix"),
        (WORKFLOW_YAML, {"site_path": "man"}, "no_such_site", "fix"),
        (WORKFLOW_YAML, {"site_path": "/etc"}, "no_such_site", "fix"),
        ("version: 1\n", {"environment": None}, "no_such_site", "escalate"),
        (
            WORKFLOW_YAML.replace("https://staging.example.org/", "nonsense"),
            {},
            "bad_config",
            "escalate",
        ),
    ],
)
def test_what_the_configuration_does_not_have(
    yaml: str, params: dict[str, Any], code: str, action: str, site: Workshop
) -> None:
    failure = site.configure(yaml).fail(**params)
    assert (failure.error.code, failure.error.action) == (code, action)
    assert failure.outputs["errors"] == [failure.error.as_dict()]
    if params.get("environment") == "stagin":
        assert "did you mean staging?" in (failure.error.hint or "")


@pytest.mark.parametrize("state", ["missing", "a file", "no site"])
def test_a_folder_that_is_no_site(state: str, site: Workshop) -> None:
    shutil.rmtree(site.site)
    if state == "a file":
        site.site.write_text("")
    elif state == "no site":
        (site.site / "content").mkdir(parents=True)
    error = site.fail().error
    assert (error.code, error.action) == ("site_not_found", "escalate")
    assert str(site.site) in error.message


@pytest.mark.parametrize(
    ("public", "reason"),
    [
        (".", "not inside the site"),
        ("../elsewhere", "not inside the site"),
        ("content", "holds the site's sources"),
        ("static/site", "holds the site's sources"),
        ("file", "it is a file"),
        ("tree", "git work tree"),
        ("up", "the site itself lies in it"),
    ],
)
def test_a_public_folder_that_a_build_must_not_replace(
    public: str, reason: str, site: Workshop
) -> None:
    (site.site / "file").write_text("x")
    (site.site / "tree").mkdir()
    (site.site / "tree" / ".git").write_text("gitdir: elsewhere")
    (site.site / "up").symlink_to("..")
    site.configure(WORKFLOW_YAML.replace("{path: site}", f"{{path: site, public: {public}}}"))
    before = publicdir.manifest(site.site)
    error = site.fail().error
    assert (error.code, error.action) == ("public_unusable", "escalate")
    assert reason in error.message
    assert publicdir.manifest(site.site) == before


def test_a_public_folder_deeper_in_the_site(site: Workshop) -> None:
    site.configure(WORKFLOW_YAML.replace("{path: site}", "{path: site, public: out/web}"))
    (site.site / "out").mkdir()
    assert site.build().outputs["public_dir"] == str(site.site / "out" / "web")
    assert (site.site / "out" / "web" / "index.html").exists()


def test_a_hugo_of_another_version_than_configured(site: Workshop) -> None:
    site.configure(WORKFLOW_YAML + "hugo: {version: '>=0.999'}\n")
    failure = site.fail()
    assert failure.error.code == "hugo_wrong_version"
    assert failure.outputs["build_success"] is False


def fake_hugo(site: Workshop, text: str) -> Workshop:
    """For what real Hugo does not do at will: die of a signal, say nothing."""
    path = site.root / "hugo"
    path.write_text(f'#!/bin/sh\n[ "$1" = version ] && echo "hugo v0.168.0" && exit\n{text}\n')
    path.chmod(0o755)
    return site.configure(WORKFLOW_YAML + "hugo: {path: hugo}\n")


def test_a_hugo_that_is_killed(site: Workshop) -> None:
    error = fake_hugo(site, "kill -KILL $$").fail().error
    assert (error.code, error.action) == ("hugo_killed", "retry")
    assert "SIGKILL" in error.message


@pytest.mark.parametrize(("text", "said"), [("exit 5", "said nothing"), ("echo hm; exit 5", "hm")])
def test_a_hugo_that_fails_without_a_reason(text: str, said: str, site: Workshop) -> None:
    error = fake_hugo(site, text).fail().error
    assert (error.code, error.action) == ("hugo_failed", "escalate")
    assert "ended with 5" in error.message and said in error.message


def test_memory_that_is_not_there(site: Workshop) -> None:
    real = hugo_program.find(site.config).path
    error = fake_hugo(site, f"ulimit -v 300000; exec '{real}' \"$@\"").fail().error
    assert (error.code, error.action) == ("out_of_memory", "escalate")


def test_a_module_that_cannot_be_downloaded_asks_for_go(
    site: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hugo_program, "PLACES", ())
    monkeypatch.setenv("PATH", str(site.root / "empty"))
    imports = "[[module.imports]]\npath = 'example.org/x/y'\n"
    site.write({"hugo.toml": CONFIG + imports, "go.mod": "module example.org/s\n\ngo 1.20\n"})
    error = site.fail().error
    assert (error.code, error.action) == ("hugo_missing_tool", "escalate")
    assert "go" in error.message


def test_a_build_that_takes_too_long_leaves_the_old_site(site: Workshop) -> None:
    site.build()
    before = publicdir.manifest(site.public)
    site.write({SINGLE: "{{ range seq 1000000 }}{{ range seq 1000000 }}{{ end }}{{ end }}"})
    site.timeout = 1.0
    failure = site.fail()
    assert (failure.status, failure.error.code) == ("timeout", "timeout")
    assert failure.outputs["build_success"] is False
    assert failure.outputs["duration_seconds"] >= 1.0
    assert publicdir.manifest(site.public) == before
    assert site.left_overs() == []


def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a Hugo that stands still be found after 1 s, not 20."""
    monkeypatch.setattr(hugo_stall, "STILL", 1.0)
    monkeypatch.setattr(hugo_stall, "PAUSE", 0.2)


def test_a_hugo_that_stands_still_is_started_again(
    site: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Real Hugo does so by chance only, after an error.
    soon(monkeypatch)
    os.mkfifo(site.root / "never")
    real = hugo_program.find(site.config).path
    once = f"[ -e '{site.root}/once' ] || {{ : >'{site.root}/once'; read x <'{site.root}/never'; }}"
    fake_hugo(site, f"{once}\nexec '{real}' \"$@\"")
    site.write({SINGLE: "{{ .Titel }}"})
    assert site.fail().error.code == "hugo_template_error"
    assert "Hugo stood still; it is started again" in site.said


def test_errors_are_told_though_hugo_may_stand_still_after_them(
    site: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon(monkeypatch)
    write_many_pages(site.site, 100, "text")
    site.write({SINGLE: "{{ .Titel }}"})
    codes = {site.fail().error.code for _ in range(6)}
    assert codes == {"hugo_template_error"}


def test_a_hugo_that_waits_for_a_child_does_not_stand_still(
    site: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon(monkeypatch)
    assert fake_hugo(site, "sleep 2.5; exit 5").fail().error.code == "hugo_failed"
    assert site.said == ["building main for staging"]


def test_a_hugo_that_waits_for_an_answer_does_not_stand_still(
    site: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon(monkeypatch)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(10_000)
                time.sleep(2.5)
                connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x.txt"
        remote = f'{{{{ (resources.GetRemote "{url}").Content }}}}'
        site.write({"hugo.toml": ALLOW_ALL, "layouts/index.html": remote}).build()
        thread.join(10)
    assert (site.public / "index.html").read_text() == "hello"
    assert site.said == ["building main for staging"]


def test_another_hugo_in_the_same_site_is_waited_for(
    site: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.build()
    lock = os.open(site.site / ".hugo_build.lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    monkeypatch.setattr(hugo_site, "LOCK_WAIT", 0.3)
    error = site.fail().error
    assert (error.code, error.action) == ("hugo_locked", "retry")
    monkeypatch.setattr(hugo_site, "LOCK_WAIT", 10.0)
    threading.Timer(0.3, os.close, [lock]).start()
    assert site.build().outputs["build_success"] is True


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root may mount a small disk")


@pytest.fixture
def small_disk(site: Workshop) -> Iterator[Path]:
    """public/ as a link to a folder on a disk of 1 MB."""
    disk = site.root / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)])
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        (disk / "www").mkdir()
        site.public.symlink_to(disk / "www")
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@needs_root
@pytest.mark.parametrize("what", ["static files", "pages"])
def test_a_full_disk_leaves_the_old_site(
    what: str, small_disk: Path, site: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon(monkeypatch)
    site.build()
    before = publicdir.manifest(site.public)
    assert len(before.files) == 5
    if what == "static files":
        site.write({"static/large.bin": os.urandom(2_000_000)})
    else:
        write_many_pages(site.site, 200, "x" * 10_000)
    error = site.fail().error
    assert (error.code, error.action) == ("disk_full", "escalate")
    assert publicdir.manifest(site.public) == before
    assert os.listdir(small_disk) == ["www"]


@needs_root
def test_a_full_disk_of_the_results_leaves_the_old_site(site: Workshop, small_disk: Path) -> None:
    site.public.unlink()
    site.build()
    before = publicdir.manifest(site.public)
    site.write({ONE: FRONT + "changed"})
    site.logs.rename(site.root / "gone")
    site.logs.symlink_to(small_disk)
    (small_disk / "filler").write_bytes(b"")
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    error = site.fail().error
    assert error.code == "disk_full"
    assert publicdir.manifest(site.public) == before


@pytest.mark.parametrize("place", ["static/.git", "themes/plain/static/.git"])
def test_a_git_folder_that_hugo_would_publish_fails_the_build_and_no_later_one(
    site: Workshop, place: str
) -> None:
    if place.startswith("themes"):
        toml = site.site / "hugo.toml"
        toml.write_text(f'theme = "plain"\n{toml.read_text()}')
    git = site.site / place
    git.mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main")
    error = site.fail().error
    assert (error.code, error.action) == ("public_unusable", "escalate")
    assert f"Hugo has built {place} into the site" in error.message
    assert not (site.public / ".git").exists()
    shutil.move(git, site.root / "away")
    site.build()


def test_a_git_folder_that_an_earlier_build_published_is_put_down_to_it(site: Workshop) -> None:
    (site.site / "static/.git").mkdir(parents=True)
    (site.public / ".git").mkdir(parents=True)
    error = site.fail().error
    assert "static/.git was built into it" in error.message
    assert f"remove {site.public}/.git" in str(error.hint)


@needs_root
def test_a_disk_mounted_at_public_cannot_be_swapped(site: Workshop) -> None:
    site.public.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(site.public)], check=True)
    try:
        error = site.fail().error
    finally:
        subprocess.run(["umount", "-l", str(site.public)], check=True)
    assert (error.code, error.action) == ("public_unusable", "escalate")


def test_files_that_this_user_may_not_read(site: Workshop) -> None:
    if os.getuid() == 0:
        # Root may read everything, so Hugo runs without that right of root's.
        if not shutil.which("setpriv"):
            pytest.skip("only setpriv takes this right from root")
        real = hugo_program.find(site.config).path
        without = "--bounding-set=-dac_override,-dac_read_search"
        fake_hugo(site, f"exec setpriv {without} '{real}' \"$@\"")
    (site.site / ONE).chmod(0)
    error = site.fail().error
    assert (error.code, error.action) == ("permission_denied", "escalate")
    assert error.file == ONE


FAILING_BUILD = """\
import json, sys
from pathlib import Path
from tests.sites import Workshop
error = Workshop(Path(sys.argv[1])).fail().error
print(json.dumps(error.as_dict()))
"""


def test_a_folder_in_which_nothing_may_be_written(site: Workshop) -> None:
    without: list[str] = []
    if os.getuid() == 0:
        # Root may write everywhere, so the whole build runs without that right of root's.
        if not shutil.which("setpriv"):
            pytest.skip("only setpriv takes this right from root")
        without = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    site.site.chmod(0o555)
    ran = subprocess.run(
        [*without, sys.executable, "-c", FAILING_BUILD, str(site.root)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
    )
    site.site.chmod(0o755)
    error = json.loads(ran.stdout)
    assert (error["code"], error["action"]) == ("permission_denied", "escalate")
    assert str(site.site) in error["message"]


def test_an_error_is_a_value_that_says_what_to_do(site: Workshop) -> None:
    error = site.write({ONE: FRONT + "{{< nope >}}"}).fail().error
    assert isinstance(error, TaskError)
    assert list(error.as_dict()) == [
        "code", "category", "message", "file", "line", "column", "excerpt", "hint", "action",
    ]  # fmt: skip
