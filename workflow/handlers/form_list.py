"""Lists the forms of the JotForm account, and which of them workflow.yaml names.

Changes nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

from pydantic import Field

from workflow import handler
from workflow.config import Config
from workflow.durable import replace
from workflow.figures import counted
from workflow.forms import listing
from workflow.forms.client import JotForm
from workflow.handler import Context, Outcome

__all__ = ["EXAMPLE", "OUTPUTS", "Params", "resources", "run"]

FILE = "forms.json"
_MOST_TOLD = 100
"""Forms in the result; the file beside the log has all."""

OUTPUTS: Mapping[str, str] = {
    "forms": "array: id, title, status, submissions, new, last_submission, url, known_as of each",
    "form_count": "integer: forms that were found",
    "known_count": "integer: those of them that workflow.yaml names",
    "missing": "array: names of workflow.yaml whose form the account does not have",
    "list_file": "string: file beside the log that lists all of them",
}
EXAMPLE: tuple[str, ...] = ("--set", "status=enabled")


class Params(handler.Params):
    status: listing.Status | None = Field(
        default=None, description="only those that are so; default: all but the deleted"
    )


def resources(params: Params, config: Config) -> Sequence[str]:
    return ()


def run(context: Context) -> Outcome:
    params: Params = context.params
    with JotForm.open(context.config, context.check) as api:
        everything = list(listing.every_form(api))
    found = [
        listing.told(form, context.config)
        for form in everything
        if listing.has_status(form, params.status)
    ]
    there = {str(form.get("id")) for form in everything if listing.has_status(form, None)}
    missing = [name for name, form in context.config.forms.items() if form.id not in there]
    path = context.folder / FILE
    replace(
        os.fspath(path),
        json.dumps(found, indent=1, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n",
    )
    known = sum(form["known_as"] is not None for form in found)
    which = f"{params.status} " if params.status else ""
    lacks = f"; it lacks {', '.join(missing)}" if missing else ""
    return Outcome(
        outputs={
            "forms": found[:_MOST_TOLD],
            "form_count": len(found),
            "known_count": known,
            "missing": missing,
            "list_file": FILE,
        },
        verdict=f"The JotForm account has {counted(len(found), f'{which}form')}, of which "
        f"workflow.yaml names {known}{lacks}.",
        summary="\n".join(_line(form) for form in found[:_MOST_TOLD]),
        statistics={"Forms": len(found), "Named in workflow.yaml": known},
        next_steps=[_next(missing)],
    )


def _line(form: Mapping[str, object]) -> str:
    known = f", known as {form['known_as']}" if form["known_as"] else ""
    return f"- {form['id']} {form['title']} ({form['status']}{known})"


def _next(missing: Sequence[str]) -> str:
    if missing:
        return f"Correct or remove under `forms:` in workflow.yaml: {', '.join(missing)}"
    return "See what one asks: `workflow submit form-show --set form=ID`"
