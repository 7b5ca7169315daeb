"""An office with a site, forms and a JotForm account, in which the tasks are run as people do."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.forms.jotform import KEY, Server
from tests.program import CONFIG, Program
from tests.sites import change
from workflow.config import load_config
from workflow.errors import TaskFailed
from workflow.handler import Context, Outcome

SUMMER = """\
title: Summer promo 2026
questions:
  - {type: heading, label: Our summer offer}
  - {type: text, name: fullName, label: Your name, required: true, placeholder: Jo Doe}
  - {type: email, name: email, label: E-mail, required: true}
  - {type: choice, name: vehicle, label: 'Which vehicle?', options: [Car, Van & truck, 2]}
  - {type: choices, name: extras, label: Extras, options: [Glass, Roadside]}
  - {type: consent, name: terms, label: Terms, options: [You may call me], required: true}
  - {type: submit, label: Send}
tracking: {name: campaign, value: summer-2026}
thank_you: {url: /thanks/}
notification: {to: office, subject: A summer entry}
"""
MAIL = "office@example.com"
PAGE = "<html><body><h1>{{ .Title }}</h1>{{ .Content }}</body></html>"


class Office:
    """An exchange whose workflow.yaml knows the account's server."""

    def __init__(self, program: Program, server: Server) -> None:
        self.program = program
        self.server = server
        self.account = server.account
        self.forms: dict[str, dict[str, Any]] = {}
        self.noted: list[dict[str, Any]] = []
        self.write("summer-promo", SUMMER)
        self.configure()

    def configure(self, **jotform: Any) -> None:
        config = yaml.safe_load(CONFIG)
        config["jotform"] = self.server.config(recipients={"office": MAIL}, **jotform)
        config["forms"] = self.forms
        (self.program.root / "workflow.yaml").write_text(yaml.safe_dump(config))

    def knows(self, name: str, form_id: str, **more: Any) -> None:
        """Let workflow.yaml name a form."""
        self.forms[name] = {"id": form_id, **more}
        self.configure()

    def write(self, name: str, text: str) -> Path:
        folder = self.program.root / "forms"
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.yaml"
        path.write_text(text)
        return path

    def run(self, kind: str, *words: str, key: str = KEY, **params: Any) -> dict[str, Any]:
        """Submit a task, sweep, and give its result."""
        sets = [f"{name}={json.dumps(value)}" for name, value in params.items()]
        options = [word for one in sets for word in ("--set", one)]
        task_id = self.program.submit(kind, *words, *options)
        swept = self.program("sweep", JOTFORM_API_KEY=key)
        assert swept.code == 0, swept.err
        return self.program.result(task_id)

    def create(self, **params: Any) -> dict[str, Any]:
        return self.run("form-create", "--env", "production", **params)

    def update(self, form: str, **params: Any) -> dict[str, Any]:
        return self.run("form-update", "--env", "production", form=form, **params)

    def call(self, kind: str, **params: Any) -> Outcome:
        """Run the handler as the runner would, in this process."""
        handler = importlib.import_module(f"workflow.handlers.{kind.replace('-', '_')}")
        context = Context(
            task_id=f"2026-01-19-1430-{kind}",
            task_type=kind,
            params=handler.Params.model_validate({"environment": "production", **params}),
            config=load_config(self.program.root),
            attempt=1,
            make_folder=lambda: self.logs,
            run_program=None,  # type: ignore[arg-type]  # none of them runs one
            record=self._note,
        )
        outcome: Outcome = handler.run(context)
        assert outcome.outputs.keys() == handler.OUTPUTS.keys() or outcome.rehearsal
        return outcome

    def fail(self, kind: str, **params: Any) -> TaskFailed:
        """Run the handler, which must fail."""
        with pytest.raises(TaskFailed) as caught:
            self.call(kind, **params)
        return caught.value

    @property
    def logs(self) -> Path:
        folder = self.program.root.parent / "logs"
        folder.mkdir(exist_ok=True)
        return folder

    def _note(self, outputs: Mapping[str, Any]) -> None:
        self.noted.append(dict(outputs))

    def questions(self, form_id: str) -> dict[str, dict[str, Any]]:
        """The account's own view of a form's questions, by name."""
        return {q["name"]: q for q in self.account.forms[form_id]["questions"].values()}

    def public(self, **pages: str) -> None:
        """A built site of these pages, made by hand."""
        folder = self.program.root / "site" / "public"
        for name, body in {"index": "<h1>Home</h1>", **pages}.items():
            path = folder / f"{name}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"<!doctype html><html><body>\n{body}\n</body></html>\n")

    def site(self, **pages: str) -> None:
        """Build a site of these pages; underscores stand for slashes."""
        change(
            self.program.root / "site",
            {
                "layouts/_default/single.html": PAGE,
                "layouts/shortcodes/jotform.html": '<script src="https://form.jotform.com/jsform/'
                '{{ .Get 0 }}{{ with .Get 1 }}?{{ . | safeURL }}{{ end }}"></script>',
                **{
                    f"content/{name.replace('_', '/')}.md": f"---\ntitle: {name}\n---\n\n{text}\n"
                    for name, text in pages.items()
                },
            },
        )
        task_id = self.program.submit("hugo-build", "--env", "staging")
        self.program("sweep")
        assert self.program.result(task_id)["status"] == "success"
