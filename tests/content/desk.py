"""A site at which content tasks are run one by one, as the runner would run them."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.sites import Workshop
from workflow.config import Config, load_config
from workflow.errors import TaskFailed
from workflow.handler import Context, Outcome
from workflow.handlers import content_create, content_edit
from workflow.hugo.program import find

SINGLE = (
    "title={{ .Title }}|date={{ .Date.Format `2006-01-02` }}|weight={{ .Weight }}"
    "|tags={{ delimit (.Params.tags | default slice) `,` }}|hero={{ .Params.hero.title }}"
    "|link={{ .RelPermalink }}|{{ .Content }}\n"
)
"""What Hugo made of a page, for a test to read."""


@dataclass
class Desk:
    """An exchange's folder with a site."""

    root: Path
    task_id: str = "2026-01-19-1430-content"
    recorded: dict[str, Any] = field(default_factory=dict)
    before_write: Callable[[], None] = lambda: None
    """Called each time that a handler asks whether it may go on."""

    @property
    def site(self) -> Path:
        return self.root / "site"

    @property
    def content(self) -> Path:
        return self.site / "content"

    @property
    def logs(self) -> Path:
        return self.root / "results" / f"{self.task_id}.logs"

    def context(self, module: Any, attempt: int, **params: Any) -> Context:
        def folder() -> Path:
            self.logs.mkdir(parents=True, exist_ok=True)
            return self.logs

        program = Workshop(self.root)
        program.logs.mkdir(exist_ok=True)
        return Context(
            task_id=self.task_id,
            task_type="content",
            params=module.Params.model_validate(params),
            config=load_config(self.root),
            attempt=attempt,
            make_folder=folder,
            run_program=program.run_program,
            record=self.recorded.update,
            check=lambda: self.before_write(),
        )

    def create(self, path: str = "posts/new.md", *, attempt: int = 1, **params: Any) -> Outcome:
        return content_create.run(self.context(content_create, attempt, path=path, **params))

    def edit(self, path: str = "posts/one.md", *, attempt: int = 1, **params: Any) -> Outcome:
        return content_edit.run(self.context(content_edit, attempt, path=path, **params))

    def refuse(self, work: Callable[..., Outcome], *words: Any, **params: Any) -> TaskFailed:
        """Runs what must fail, and must leave the content as it was."""
        before = self.snapshot()
        with pytest.raises(TaskFailed) as caught:
            work(*words, **params)
        assert self.snapshot() == before
        return caught.value

    def refuse_code(self, path: str) -> str:
        """Of what keeps a file from being created there."""
        return self.refuse(self.create, path).error.code

    @property
    def config(self) -> Config:
        return load_config(self.root)

    def snapshot(self) -> dict[str, Any]:
        """All that lies in the site but what Hugo built."""
        found: dict[str, Any] = {}
        for above, folders, names in os.walk(self.site):
            for name in [*folders, *names]:
                path = Path(above, name)
                if path.is_symlink():
                    found[str(path)] = os.readlink(path)
                elif path.is_file():
                    found[str(path)] = (path.read_bytes(), path.stat().st_mode)
                else:
                    found[str(path)] = None
        return found

    def write(self, files: Mapping[str, str | bytes]) -> Desk:
        for name, text in files.items():
            path = self.site / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        return self

    def read(self, name: str) -> str:
        return (self.site / name).read_bytes().decode()

    def digest(self, name: str) -> str:
        return hashlib.sha256((self.site / name).read_bytes()).hexdigest()

    def built(self, page: str) -> str:
        """What real Hugo makes of a page."""
        hugo = find(load_config(self.root)).path
        public = self.root / "built"
        subprocess.run(
            [hugo, "--quiet", f"--destination={public}", "--noBuildLock", "--buildDrafts"],
            cwd=self.site, check=True, capture_output=True,
        )  # fmt: skip
        return (public / page).read_text(encoding="utf-8")
