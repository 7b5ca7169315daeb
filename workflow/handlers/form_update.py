"""Brings a JotForm form in line with its definition, and changes nothing that is so already.

Never repeated by itself, though doing it again only does what is left: a call that JotForm is still
at could not be seen in time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from workflow import handler
from workflow.config import Config
from workflow.errors import TaskError, TaskFailed
from workflow.forms import alignment
from workflow.forms.client import JotForm
from workflow.forms.definition import Definition
from workflow.forms.definition_file import read_definition
from workflow.forms.existing import Existing, read_form
from workflow.forms.listing import FormName, form_id, names_of
from workflow.forms.wanted import wanted_of
from workflow.handler import Context, Outcome
from workflow.layout import CONFIG

__all__ = ["EXAMPLE", "OUTPUTS", "Params", "resources", "run"]

OUTPUTS: Mapping[str, str] = {
    "form_id": "string: the form's id",
    "title": "string: its title now",
    "url": "string: where JotForm shows it",
    "changes": "array: what differed from the definition",
    "done": "array: what was changed; all of changes",
    "left": "array: what still differs; empty",
    "kept": "array: fields that the definition does not have, and that stay",
    "notes": "array: what else was seen",
}
EXAMPLE: tuple[str, ...] = ("--set", "form=contact", "--set", "definition=contact")


class Params(handler.Params):
    form: FormName = Field(description="form, by its name in workflow.yaml or its id")
    definition: str | dict[str, Any] = Field(
        description="name of a file in forms/, or the definition itself; what it leaves out stays"
    )
    allow_delete: bool = Field(
        default=False,
        description="delete fields that the definition does not have; never such as hold answers",
    )
    environment: str | None = Field(
        default=None, description="whose site a thank-you page given as a path is on"
    )
    dry_run: bool = Field(default=False, description="tell what differs; change nothing")


def resources(params: Params, config: Config) -> Sequence[str]:
    """The form."""
    try:
        return (f"jotform:{form_id(params.form, config)}",)
    except TaskFailed:
        return ()  # `run` says what is wrong


def run(context: Context) -> Outcome:
    params: Params = context.params
    number = form_id(params.form, context.config)
    definition = read_definition(params.definition, context.config)
    wanted = wanted_of(definition, params.environment, context.config)
    with JotForm.open(context.config, context.check) as api:
        form = read_form(api, number)
        _require_ours(form, definition, context.config)
        planned = alignment.plan(form, wanted, allow_delete=params.allow_delete)
        outputs: dict[str, Any] = {
            "form_id": number,
            "title": form.title,
            "url": form.url,
            "changes": planned.told,
            "done": [],
            "left": planned.told,
            "kept": list(planned.surplus),
            "notes": list(planned.notes),
        }
        if params.dry_run:
            return _told(form, {**outputs, "dry_run": True}, "would change", rehearsal=True)
        if not planned.changes:
            return _told(form, outputs, "is as its definition says")
        context.say(f"form {number}: {len(planned.changes)} changes")

        def note(said: Mapping[str, Any]) -> None:
            context.record({**outputs, **said})

        try:
            outputs["done"] = alignment.carry_out(api, number, planned.changes, note)
            outputs["left"] = []
            form = alignment.verify(api, number, wanted, allow_delete=params.allow_delete)
        except TaskFailed as failure:
            said = {**outputs, **failure.outputs}
            raise TaskFailed(
                failure.error, outputs=said, status=failure.status
            ) from failure.__cause__
    return _told(form, {**outputs, "title": form.title}, "was changed")


def _require_ours(form: Existing, definition: Definition, config: Config) -> None:
    """A form that workflow.yaml does not name is changed only under its own title: a wrong digit in
    an id must not reach another form of the account. Raises TaskFailed `not_this_form`."""
    if form.status == "DELETED":
        raise TaskFailed(
            TaskError(
                "form_deleted",
                f"the form {form.id} ({form.title!r}) lies in JotForm's trash",
                "escalate",
                "forms",
                hint="restore it in JotForm, or make a new one with form-create",
            )
        )
    if form.id in names_of(config):
        return
    if definition.title is None or definition.title.casefold() != form.title.casefold():
        raise TaskFailed(
            TaskError(
                "not_this_form",
                f"{CONFIG} does not name the form {form.id}, and its title {form.title!r} is not "
                "that of the definition",
                "fix",
                "configuration",
                hint=f"is the id right? If so, add the form under forms: in {CONFIG} first",
            )
        )


def _told(
    form: Existing, outputs: dict[str, Any], what: str, *, rehearsal: bool = False
) -> Outcome:
    changes = outputs["changes"]
    many = f"{len(changes)} change{'s' if len(changes) != 1 else ''}"
    if rehearsal and not changes:
        what = "is as its definition says"
    counted = f": {many}" if changes else ""
    the = "Dry run: the" if rehearsal else "The"
    nothing = " Nothing was changed." if rehearsal or not changes else ""
    kept = [f"kept: {one}" for one in outputs["kept"]]
    return Outcome(
        outputs=outputs,
        verdict=f"{the} form {form.title!r} ({form.id}) {what}{counted}.{nothing}",
        summary="\n".join(f"- {one}" for one in (*changes, *kept, *outputs["notes"])),
        statistics={"Form": form.id, "Changes": len(changes), "Fields": len(form.fields)},
        next_steps=["Check it with the site: `workflow submit form-check`"],
        rehearsal=rehearsal,
    )
