"""Every command in the texts runs as it is written, in an exchange whose sites can be published."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.program import Program
from workflow.claude import texts
from workflow.config import Config, load_config
from workflow.demo.place import Stage, set_stage

JOBS = ("build", "publish", "production", "content")


@dataclass(frozen=True)
class Live(Program):
    """An exchange whose staging and production lead to buckets on this machine."""

    stage: Stage

    @property
    def environ(self) -> dict[str, str]:
        aws = {k: v for k, v in self.stage.environ.items() if k.startswith("AWS_")}
        return {**super().environ, **aws}

    @property
    def config(self) -> Config:
        return load_config(self.root)

    def says(self, prompt: str) -> None:
        """The person sends a message to Claude Code."""
        told = {"hook_event_name": "UserPromptSubmit", "cwd": str(self.root), "prompt": prompt}
        subprocess.run(
            [sys.executable, "-m", "workflow.hook", "prompt"],
            input=json.dumps(told).encode(),
            env=self.environ,
            check=True,
            capture_output=True,
        )


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with set_stage(tmp_path / "exchange") as stage:
        config = stage.root / "workflow.yaml"
        config.write_text(config.read_text().replace("waive:", "# waive:"))
        yield Live(stage.root, stage)


def commands(text: str) -> list[list[str]]:
    text = re.sub(r"```yaml\n.*?```", "", text, flags=re.DOTALL)
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert all(line.startswith("workflow ") for line in lines), "one simple command each"
    return [shlex.split(line)[1:] for line in lines]


@pytest.mark.parametrize("job", JOBS)
def test_the_guides_four_jobs_run_as_they_are_written(live: Live, job: str) -> None:
    text = texts.examples(live.config)[job]
    assert text in texts.guide(live.config) + "\n"
    if job == "content":
        page = next((live.stage.site / "content").rglob("*.md"))
        page.write_text(page.read_text() + "\nOne more line.\n")
    task_id = digest = ""
    for words in commands(text):
        meant = {"ID": task_id, "DIGEST": digest}
        ran = live(*(meant.get(word, word) for word in words))
        waits = words[0] == "publish" and "staging production".count(words[2])
        assert ran.code == (4 if waits else 0), f"{words}: {ran.out}{ran.err}"
        if words[0] in ("submit", "publish"):
            task_id = ran.out.split()[0]
        if words[0] == "plan":
            digest = re.findall(r"^plan ([0-9a-f]{8})", ran.out, re.MULTILINE)[0]
            if job == "production":
                live.says(live.config.environments["production"].phrase)
    if job in ("publish", "production"):
        assert live.result(task_id)["status"] == "success"


def test_the_guides_first_commands_and_its_task_file_run(live: Live) -> None:
    guide = texts.guide(live.config)
    head = guide.split("## What can be asked for")[0]
    for words in commands(head):
        ran = live(*words)
        assert ran.code == 0, f"{words}: {ran.out}{ran.err}"
    (example,) = re.findall(r"```yaml\n(.*?)```", head, re.DOTALL)
    (name,) = re.findall(r"tasks/pending/(\S+?)\.md", head)
    live.write(f"{name}.md", example)
    live("sweep")
    assert live.result(name)["status"] == "success"


def test_no_text_names_a_command_or_an_option_that_is_not_there(live: Live) -> None:
    everything = "\n".join(
        [
            texts.guide(live.config),
            texts.skill(),
            texts.section(),
            texts.site_section(live.config),
            (Path(__file__).parents[2] / "docs/claude-code.md").read_text(),
        ]
    )
    found = set(re.findall(r"`workflow ([a-z][^`]*)`", everything))
    found |= {shlex.join(words) for words in commands(texts.guide(live.config))}
    helps: dict[str, str] = {}
    for line in found:
        verb, *rest = shlex.split(line)
        for name in verb.split("|"):
            if name not in helps:
                ran = live(name, "--help")
                assert ran.code == 0, line
                helps[name] = ran.out
            assert [o for o in rest if o.startswith("--") and o not in helps[name]] == [], line


def test_an_exchange_without_approvals_has_the_jobs_that_it_can_do(tmp_path: Path) -> None:
    (tmp_path / "workflow.yaml").write_text(
        "version: 1\nenvironments:\n  dev: {base_url: 'http://localhost/'}\n"
    )
    config = load_config(tmp_path)
    assert list(texts.examples(config)) == ["build", "content"]
    assert "`dev`: http://localhost/; a deploy asks for nobody" in texts.guide(config)
