"""Small real Hugo sites for tests, and what it takes to build them without touching this home."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from workflow.config import Config, load_config
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Context, Outcome
from workflow.process import Finished
from workflow.process import run as run_process

CONFIG = """\
baseURL = "https://example.org/"
title = "Sample"
disableKinds = ["taxonomy", "term", "rss", "sitemap"]
"""
PAGE = "<html><body><h1>{{ .Title }}</h1>{{ .Content }}</body></html>\n"
LIST = "<html><body><h1>{{ .Title }}</h1>{{ range .Pages }}{{ .Title }} {{ end }}</body></html>\n"

SITE = {
    "hugo.toml": CONFIG,
    "layouts/index.html": LIST,
    "layouts/_default/single.html": PAGE,
    "layouts/_default/list.html": LIST,
    "layouts/partials/header.html": "<header>{{ .Title }}</header>\n",
    "layouts/shortcodes/button.html": "<a>{{ .Get 0 }}</a>\n",
    "content/_index.md": "---\ntitle: Welcome\n---\nHello.\n",
    "content/posts/one.md": "---\ntitle: One\n---\nThe first.\n",
    "content/posts/two.md": "+++\ntitle = 'Two'\n+++\nThe second.\n",
    "static/robots.txt": "User-agent: *\n",
}
"""Four pages (home, the section posts, two posts) and one static file."""


def write_site(folder: Path, files: Mapping[str, str | bytes | None] | None = None) -> Path:
    """Writes the sample site with some files changed, added, or (None) left out."""
    return change(folder, {**SITE, **(files or {})})


def change(folder: Path, files: Mapping[str, str | bytes | None]) -> Path:
    """Writes these files and removes those whose content is None."""
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def write_many_pages(folder: Path, count: int, text: str) -> None:
    """`count` posts whose body is `text`."""
    posts = folder / "content" / "posts"
    posts.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (posts / f"page-{number:05}.md").write_text(
            f"---\ntitle: Page {number}\n---\n{text}\n", encoding="utf-8"
        )


WORKFLOW_YAML = """\
version: 1
sites:
  main: {path: site}
environments:
  dev: {base_url: "http://localhost:1313/"}
  staging: {base_url: https://staging.example.org/}
  production: {base_url: https://www.example.org/, hugo_environment: live}
"""


@dataclass
class Workshop:
    """An exchange's folder with a site, in which the handler can be run by itself."""

    root: Path
    timeout: float = 60.0
    """Seconds for the program."""
    said: list[str] = field(default_factory=list)

    @property
    def site(self) -> Path:
        return self.root / "site"

    @property
    def public(self) -> Path:
        return self.site / "public"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def write(self, files: Mapping[str, str | bytes | None]) -> Workshop:
        """Changes these files of the site."""
        change(self.site, files)
        return self

    def configure(self, text: str) -> Workshop:
        (self.root / "workflow.yaml").write_text(text, encoding="utf-8")
        return self

    @property
    def config(self) -> Config:
        return load_config(self.root)

    def build(self, **params: Any) -> Outcome:
        """Runs the handler as the runner would. `environment` is staging if none is given."""
        from workflow.handlers import hugo_build

        self.logs.mkdir(exist_ok=True)
        (self.logs / "attempt-1.log").unlink(missing_ok=True)
        context = Context(
            task_id="2026-01-19-1430-hugo-build-staging",
            task_type="hugo-build",
            params=hugo_build.Params.model_validate({"environment": "staging", **params}),
            config=self.config,
            attempt=1,
            make_folder=lambda: self.logs,
            run_program=self.run_program,
            say=self.said.append,
        )
        return hugo_build.run(context)

    def fail(self, **params: Any) -> TaskFailed:
        """Runs the handler, which must fail."""
        with pytest.raises(TaskFailed) as caught:
            self.build(**params)
        return caught.value

    def run_program(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Finished:
        log = self.logs / "attempt-1.log"
        finished = run_process(
            argv, cwd=cwd, env=env, log=log, timeout=self.timeout, grace=1.0, stdin=stdin
        )
        if finished.ended == "timeout":
            error = TaskError("timeout", "hugo was still running", "escalate", "time")
            raise TaskFailed(error, status="timeout")
        return finished

    def left_overs(self) -> list[str]:
        """The hidden names beside public/."""
        return sorted(name for name in os.listdir(self.site) if name.startswith(".public"))


def isolate(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Keeps Hugo, and what Hugo starts, away from this home, its caches and the network."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HUGO_CACHEDIR", str(folder / "hugo-cache"))
    monkeypatch.setenv("GOPROXY", "off")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def workshop(folder: Path) -> Workshop:
    """An exchange with the sample site as `main`, and dev, staging and production."""
    return Workshop(folder).write(SITE).configure(WORKFLOW_YAML)
