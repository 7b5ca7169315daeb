"""An exchange whose workflow.yaml leads to JotForm on the loopback; its handlers by themselves."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.forms.jotform import KEY, Server
from workflow.config import Config, load_config
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Context, Outcome

QUESTIONS = (
    {"type": "control_head", "text": "Contact us", "name": "header"},
    {"type": "control_fullname", "text": "Name", "name": "name", "required": "Yes"},
    {"type": "control_email", "text": "E-mail", "name": "email", "required": "Yes"},
    {
        "type": "control_radio",
        "text": "Which car?",
        "name": "car",
        "options": "Van|Truck|ask office@example.com",
    },
    {"type": "control_textbox", "text": "campaign", "name": "campaign", "hidden": "Yes"},
    {"type": "control_button", "text": "Send", "name": "submit"},
)
PROPERTIES = {
    "activeRedirect": "thankurl",
    "thankurl": "https://www.example.com/thanks/?from=owner%40example.com",
    "emails": [
        {
            "type": "notification",
            "name": "To the office",
            "to": "office@example.com,owner.private@example.co.uk",
            "subject": "New entry for jane@example.com",
        },
        {"type": "autorespond", "name": "Thanks", "to": "{email}", "subject": "Thank you"},
    ],
}


def workflow_yaml(server: Server, form_id: str | None = None, **jotform: Any) -> str:
    forms = {"contact": {"id": form_id, "tracking": "campaign"}} if form_id else {}
    return json.dumps(
        {
            "version": 1,
            "sites": {"main": {"path": "site"}},
            "environments": {"dev": {"base_url": "http://localhost:1313/"}},
            "policies": {"retry": {"max_attempts": 3, "backoff_seconds": 0}},
            "forms": forms,
            "jotform": server.config(**jotform),
        }
    )


def contact(server: Server) -> str:
    """The form `contact` of the account."""
    return server.account.add_form("Contact", QUESTIONS, properties=PROPERTIES)


@dataclass
class Bench:
    """Runs a handler as the runner would."""

    root: Path
    server: Server
    task: str = "2026-01-19-1430-a-form-task"
    recorded: list[dict[str, Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    check: Callable[[], None] = lambda: None

    def configure(self, text: str) -> Bench:
        (self.root / "workflow.yaml").write_text(text)
        return self

    @property
    def config(self) -> Config:
        return load_config(self.root)

    def run(self, task_type: str, **params: Any) -> Outcome:
        handler = importlib.import_module(f"workflow.handlers.{task_type.replace('-', '_')}")
        logs = self.root / "logs"
        logs.mkdir(exist_ok=True)

        def run_program(*_: Any, **__: Any) -> Any:
            raise AssertionError("no program is run")

        outcome: Outcome = handler.run(
            Context(
                task_id=self.task,
                task_type=task_type,
                params=handler.Params.model_validate(params),
                config=self.config,
                attempt=1,
                make_folder=lambda: logs,
                run_program=run_program,
                say=self.said.append,
                record=lambda outputs: self.recorded.append(dict(outputs)),
                check=self.check,
            )
        )
        assert set(outcome.outputs) == set(handler.OUTPUTS)
        self.server.assert_key_only_in_the_header()
        assert KEY not in json.dumps([outcome.outputs, outcome.verdict, outcome.summary])
        return outcome

    def fail(self, task_type: str, **params: Any) -> TaskFailed:
        with pytest.raises(TaskFailed) as caught:
            self.run(task_type, **params)
        assert KEY not in str(caught.value.error)
        return caught.value

    def error(self, task_type: str, **params: Any) -> TaskError:
        return self.fail(task_type, **params).error
