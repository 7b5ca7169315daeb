"""The handler as it is installed, found as workflow finds it."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from workflow.config import load_config
from workflow.errors import TaskFailed
from workflow.handler import Context

(entry,) = entry_points(group="workflow.handlers", name="site-weigh")
weigh: Any = entry.load()


@pytest.fixture
def public(tmp_path: Path) -> Path:
    (tmp_path / "workflow.yaml").write_text("version: 1\nsites: {main: {path: site}}\n")
    public = tmp_path / "site/public"
    public.mkdir(parents=True)
    return public


def context(public: Path, **params: Any) -> Context:
    def run_no_program(*_: object, **__: object) -> Any:
        raise AssertionError("it starts no program")

    root = public.parent.parent
    return Context(
        task_id="2026-01-19-1430-site-weigh",
        task_type="site-weigh",
        params=weigh.Params.model_validate(params),
        config=load_config(root),
        attempt=1,
        make_folder=lambda: root,
        run_program=run_no_program,
    )


def test_the_heaviest_files_are_named_first(public: Path) -> None:
    (public / "img").mkdir()
    (public / "img/large.jpg").write_bytes(b"x" * 5000)
    (public / "index.html").write_bytes(b"x" * 100)
    (public / "a.css").write_bytes(b"x" * 10)
    outcome = weigh.run(context(public, heaviest=2))
    assert outcome.outputs == {
        "site": "main",
        "file_count": 3,
        "total_bytes": 5110,
        "heaviest": [
            {"path": "img/large.jpg", "bytes": 5000},
            {"path": "index.html", "bytes": 100},
        ],
    }
    assert set(outcome.outputs) == set(weigh.OUTPUTS)


def test_a_site_that_is_not_built_is_to_be_built_first(public: Path) -> None:
    with pytest.raises(TaskFailed) as caught:
        weigh.run(context(public))
    assert (caught.value.error.code, caught.value.error.action) == ("not_built", "fix")
