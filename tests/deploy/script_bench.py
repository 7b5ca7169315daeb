"""An exchange in which the owner's script publishes, and `script.run` as the handler calls it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from workflow.config import Config, Deploy, load_config
from workflow.deploy import script
from workflow.deploy.script import Command, ScriptRun
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Context
from workflow.process import Finished, ProgramNotFound
from workflow.process import run as run_process

TASK = "2026-01-19-1500-hugo-deploy-production"


@dataclass
class Bench:
    """An exchange whose production is published by a script that the test writes."""

    root: Path
    timeout: float = 60.0
    params: object = None
    recorded: list[dict[str, Any]] = field(default_factory=list)

    @property
    def script(self) -> Path:
        return self.root / "own" / "publish.py"

    @property
    def log(self) -> Path:
        return self.root / "logs" / "attempt-1.log"

    @property
    def printed(self) -> str:
        return self.log.read_text(errors="replace")

    def write(self, text: str, path: Path | None = None, mode: int = 0o644) -> Bench:
        path = path or self.script
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return self

    def shell(self, text: str, **options: Any) -> Bench:
        self.write(f"#!/bin/sh\n{text}\n", self.root / "own/publish.sh", 0o755)
        return self.configure(script="own/publish.sh", **options)

    def configure(
        self, script: str = "own/publish.py", profile: str | None = None, **options: Any
    ) -> Bench:
        deploy = {"strategy": "script", "script": script, "script_options": options}
        if profile is not None:
            deploy["profile"] = profile
        production = {"base_url": "https://www.example.org/", "deploy": deploy}
        (self.root / "workflow.yaml").write_text(
            json.dumps({"version": 1, "environments": {"production": production}})
        )
        return self

    @property
    def config(self) -> Config:
        if not (self.root / "workflow.yaml").exists():
            self.configure()
        config = load_config(self.root)
        assert not config.problems
        return config

    @property
    def deploy(self) -> Deploy:
        deploy = self.config.environment("production")[1].deploy
        assert deploy is not None
        return deploy

    @property
    def command(self) -> Command:
        return script.command(self.deploy, self.config)

    def run(self, agreed: Command | None = None) -> ScriptRun:
        context = Context(
            task_id=TASK,
            task_type="hugo-deploy-production",
            params=self.params,
            config=self.config,
            attempt=1,
            make_folder=self._make_folder,
            run_program=self._run_program,
            record=lambda outputs: self.recorded.append(dict(outputs)),
        )
        return script.run(
            context,
            self.deploy,
            command=agreed or self.command,
            environment="production",
            site_folder=self.root / "site",
            public=self.root / "site/public",
            base_url="https://www.example.org/",
        )

    def fail(self, agreed: Command | None = None) -> TaskFailed:
        with pytest.raises(TaskFailed) as caught:
            self.run(agreed)
        return caught.value

    def refuse(self) -> TaskError:
        """The configuration cannot be run."""
        with pytest.raises(TaskFailed) as caught:
            _ = self.command
        return caught.value.error

    def _make_folder(self) -> Path:
        self.log.parent.mkdir(exist_ok=True)
        return self.log.parent

    def _run_program(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Finished:
        try:
            finished = run_process(
                argv,
                cwd=cwd,
                env=env,
                stdin=stdin,
                log=self.log,
                timeout=self.timeout,
                grace=1.0,
            )
        except ProgramNotFound as error:
            raise TaskFailed(TaskError("program_not_found", str(error), "escalate")) from error
        if finished.ended == "timeout":
            raise TaskFailed(TaskError("timeout", "time is up", "escalate"), status="timeout")
        return finished
