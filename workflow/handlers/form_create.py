"""Makes a JotForm form: from a definition, or by cloning another one.

Never made twice by itself: nobody but JotForm knows whether a call that got no answer was done.
What is certain is noted after every step, so that a result of an attempt that was cut off names the
form that exists and what it still lacks; form-update brings it the rest of the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from workflow import handler
from workflow.config import Config
from workflow.errors import TaskError, TaskFailed
from workflow.forms import alignment, controls
from workflow.forms.client import JotForm
from workflow.forms.comparison import SUBMIT, notification_email, thank_you_properties
from workflow.forms.definition import Definition
from workflow.forms.definition_file import read_definition
from workflow.forms.embedding import name_for
from workflow.forms.existing import read_form, said_id
from workflow.forms.handover import handover
from workflow.forms.listing import FormName, every_form, form_id, has_status
from workflow.forms.wanted import Wanted, wanted_of
from workflow.handler import Context, Outcome

__all__ = ["EXAMPLE", "OUTPUTS", "Params", "resources", "run"]

OUTPUTS: Mapping[str, str] = {
    "form_id": "string: the new form's id",
    "title": "string: the new form's title",
    "url": "string: where JotForm shows it",
    "made_by": "string: definition or clone",
    "done": "array: what was changed after it was made",
    "left": "array: what it still lacks; empty",
    "kept": "array: fields that the definition does not have",
    "embed": "object: script (the tag for a page) and shortcode (null if the site has none)",
    "tracking": "object: name of the hidden field, and value or prefill; null without one",
    "workflow_yaml": "string: the lines to add to workflow.yaml",
}
EXAMPLE: tuple[str, ...] = ("--env", "production", "--set", "definition=summer-promo")


class Params(handler.Params):
    definition: str | dict[str, Any] = Field(
        description="name of a file in forms/ (summer-promo: forms/summer-promo.yaml), or the "
        "definition itself"
    )
    clone_of: FormName | None = Field(
        default=None, description="form to clone, by its name in workflow.yaml or its id"
    )
    allow_double: bool = Field(
        default=False, description="make it even if the account has a form of that title"
    )
    environment: str | None = Field(
        default=None, description="whose site a thank-you page given as a path is on"
    )
    site_path: str | None = Field(
        default=None, description="site that will embed it; default: the first one"
    )
    dry_run: bool = Field(default=False, description="tell what would be made; make nothing")


def resources(params: Params, config: Config) -> Sequence[str]:
    """The account's list of forms: two tasks at once could both find a title free."""
    return ("jotform:forms",)


def run(context: Context) -> Outcome:
    params: Params = context.params
    definition = read_definition(params.definition, context.config)
    title = _require_enough(definition, params)
    wanted = wanted_of(definition, params.environment, context.config)
    cloned = None if params.clone_of is None else form_id(params.clone_of, context.config)
    with JotForm.open(context.config, context.check) as api:
        before = _known(api)
        _require_new(before, title, params)
        if params.dry_run:
            return _rehearsed(wanted, title, params)
        context.say(f"making the form {title!r}")
        made = _make(context, api, wanted, title, cloned, before)
        outputs: dict[str, Any] = {"form_id": made, "title": title}

        def note(said: Mapping[str, Any]) -> None:
            context.record({**outputs, **said})

        try:
            # JotForm may make less of a form than it was told; a clone lacks what is new in it.
            planned = alignment.plan(read_form(api, made), wanted)
            done = alignment.carry_out(api, made, planned.changes, note)
            form = alignment.verify(api, made, wanted)
        except TaskFailed as failure:
            raise _halfway(failure, outputs, params) from failure.__cause__
    name = params.definition if isinstance(params.definition, str) else name_for(title)
    how = f"a clone of {cloned}" if cloned is not None else "its definition"
    handed = handover(form, definition, name, params.site_path, context.config)
    return Outcome(
        outputs={
            **outputs,
            "url": form.url,
            "made_by": "definition" if cloned is None else "clone",
            "done": done,
            "left": [],
            "kept": list(planned.surplus),
            **handed,
        },
        verdict=f"The form {title!r} ({made}) was made from {how}.",
        summary=_to_go_on(handed, [*done, *planned.notes]),
        statistics={"Form": made, "Fields": len(form.fields), "Address": form.url},
        next_steps=[
            "Once a page embeds it and the site is built: `workflow submit form-check`",
        ],
    )


def _to_go_on(handed: Mapping[str, Any], done: Sequence[str]) -> str:
    """What to do with it, for people."""
    embed = handed["embed"]
    lines = "\n".join(f"    {line}" for line in handed["workflow_yaml"].splitlines())
    told = [
        *(f"- {one}" for one in done),
        "" if done else None,
        "It is open to visitors at once. Embed it with",
        "",
        f"    {embed['shortcode'] or embed['script']}",
        "",
        "and let workflow.yaml know it:",
        "",
        lines,
    ]
    return "\n".join(line for line in told if line is not None)


def _require_enough(definition: Definition, params: Params) -> str:
    """The title. Raises TaskFailed `bad_definition`: a form by itself needs more than a part."""
    missing = [] if definition.title else ["title"]
    if not definition.questions and params.clone_of is None:
        missing.append("questions")
    if missing or definition.title is None:
        raise TaskFailed(
            TaskError(
                "bad_definition",
                f"a new form needs more than its definition says: {' and '.join(missing)}",
                "fix",
                "content",
                hint="add it; with clone_of, questions may be left out",
            )
        )
    return definition.title


def _known(api: JotForm) -> dict[str, str]:
    """The title of each form of the account, by its id."""
    there = (form for form in every_form(api) if has_status(form, None))
    return {said_id(form): controls.said(form, "title") for form in there}


def _require_new(known: Mapping[str, str], title: str, params: Params) -> None:
    alike = [number for number, has in known.items() if has.casefold() == title.casefold()]
    if alike and not params.allow_double:
        raise TaskFailed(
            TaskError(
                "form_exists",
                f"the account has a form {title!r} already: {', '.join(alike[:3])}",
                "fix",
                "forms",
                hint="bring that one in line: "
                f"`workflow submit form-update --set form={alike[0]} …`; or give the new one "
                "another title; or, if there really are to be two, set allow_double: true",
            ),
            outputs={"existing": alike[:20]},
        )


def _make(
    context: Context,
    api: JotForm,
    wanted: Wanted,
    title: str,
    cloned: str | None,
    before: Mapping[str, str],
) -> str:
    """Let JotForm make the form; its id."""
    left = ["a look at whether it is as defined"]
    if cloned is not None:
        left = ["its title", "what the definition changes"]
    begun = {"form_id": None, "title": title, "step": "asked JotForm to make it", "left": left}
    context.record(begun)
    look = f"look for a form {title!r} at https://www.jotform.com/myforms"
    if cloned is not None:
        look = f"look for a new clone of {cloned} at https://www.jotform.com/myforms"
    try:
        if cloned is None:
            answer = api.post("/form", _body(wanted, title), look=look)
        else:
            answer = api.post(f"/form/{cloned}/clone", {}, look=look)
    except TaskFailed as failure:
        if failure.error.code != "unknown_outcome":
            raise
        raise _perhaps_made(api, failure, before) from failure.__cause__
    made = _id_of(answer.content, before, look)
    context.record({"form_id": made, "title": title, "step": "made", "left": left})
    return made


def _id_of(content: Any, before: Mapping[str, str], look: str) -> str:
    """Of the form that was made. Raises TaskFailed `unknown_outcome`: one was, and which it is
    cannot be told."""
    number = controls.said(content, "id") if isinstance(content, Mapping) else ""
    if not number.isdigit() or number in before:
        raise TaskFailed(
            TaskError(
                "unknown_outcome",
                "JotForm says that the form was made, and not which one it is",
                "escalate",
                "forms",
                hint=f"{look}; submit the task again only if there is none",
            )
        )
    return number


def _body(wanted: Wanted, title: str) -> dict[str, Any]:
    """As https://api.jotform.com/docs/#post-forms shows it."""
    fields = wanted.fields or ()
    if all(question.type != "submit" for question in fields):
        fields = (*fields, SUBMIT)
    body: dict[str, Any] = {
        "questions": {
            str(number): {**controls.properties(question), "order": str(number)}
            for number, question in enumerate(fields, 1)
        },
        "properties": {"title": title, **thank_you_properties(wanted)},
    }
    if wanted.recipients:
        body["emails"] = {"0": notification_email(wanted, title)}
    return body


def _perhaps_made(api: JotForm, failure: TaskFailed, before: Mapping[str, str]) -> TaskFailed:
    """The failure, with the forms that have come meanwhile, if JotForm tells of them now."""
    try:
        new = {number: title for number, title in _known(api).items() if number not in before}
    except TaskFailed:
        return failure
    return TaskFailed(failure.error, outputs={**failure.outputs, "new_forms": new})


def _halfway(failure: TaskFailed, outputs: Mapping[str, Any], params: Params) -> TaskFailed:
    """A form exists, and is not what it should be: say so first."""
    made = outputs["form_id"]
    error = failure.error
    named = params.definition if isinstance(params.definition, str) else "…"
    again = (
        "bring it the rest of the way with "
        f"`workflow submit form-update --set form={made} --set definition={named}`, "
        "do not make it again"
    )
    return TaskFailed(
        TaskError(
            error.code,
            f"the form {made} was made, but is not finished: {error.message}",
            "escalate" if error.action == "retry" else error.action,
            error.category,
            hint=f"{error.hint}; then {again}" if error.hint else again,
        ),
        outputs={**outputs, **failure.outputs},
        status=failure.status,
    )


def _rehearsed(wanted: Wanted, title: str, params: Params) -> Outcome:
    fields = [f"{question.type} {question.key}" for question in wanted.fields or ()]
    how = f"by cloning {params.clone_of}" if params.clone_of is not None else "from its definition"
    more = [f"notification to {', '.join(wanted.recipient_names)}"] if wanted.recipients else []
    if thanks := wanted.thank_you_url or wanted.thank_you_text:
        more.append(f"afterwards: {thanks}")
    return Outcome(
        outputs={"title": title, "left": [*fields, *more], "dry_run": True},
        verdict=f"Dry run: the form {title!r} would be made {how}. Nothing was made.",
        summary="\n".join(f"- {one}" for one in (*fields, *more)),
        rehearsal=True,
    )
