"""Makes a copy of a form, with a title of its own.

    is the title free? → note that it begins → clone → note the new id → give it its title → look

Never repeated by itself: a clone that is asked for twice is made twice
(https://api.jotform.com/docs/#post-form-id-clone). What is cut off says in its result how to find
whether the clone was made; asked for again, the task refuses a title that a form has already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from workflow import handler
from workflow.config import Config
from workflow.errors import TaskError, TaskFailed
from workflow.forms import listing
from workflow.forms.client import JotForm
from workflow.forms.embedding import embedding, has_shortcode, name_for
from workflow.handler import Context, Outcome

__all__ = ["EXAMPLE", "OUTPUTS", "Params", "resources", "run"]

OUTPUTS: Mapping[str, str] = {
    "form_id": "string: the new form's id",
    "title": "string: its title",
    "url": "string: its own page",
    "source_id": "string: the form that it is a copy of",
    "embed": "object: script (the tag for a page) and shortcode (null if the site has none)",
    "workflow_yaml": "string: the lines to add to workflow.yaml",
}
EXAMPLE: tuple[str, ...] = ("--set", "form=contact", "--set", "title=Summer auto promo")


def _plain(title: str) -> str:
    if not title.isprintable() or "<" in title or ">" in title:
        raise ValueError("must be plain text: JotForm shows it as HTML")
    if title != title.strip():
        raise ValueError("must not begin or end with a blank")
    return title


class Params(handler.Params):
    form: listing.FormName = Field(
        description="form to copy, by its name in workflow.yaml or its id"
    )
    title: Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_plain)] = Field(
        description="of the new form; no form of the account may have it yet"
    )


def resources(params: Params, config: Config) -> Sequence[str]:
    """The account: whether a title is free is seen before it is taken."""
    return ("jotform:forms",)


def run(context: Context) -> Outcome:
    params: Params = context.params
    source = listing.form_id(params.form, context.config)
    with JotForm.open(context.config, context.check) as api:
        named = _source_title(api, source)
        _require_free(api, params.title)
        outputs: dict[str, Any] = {"source_id": source, "title": params.title, "form_id": "unknown"}
        look = (
            f"look whether the account has a form called {f'Clone of {named}'!r} or "
            f"{params.title!r} that is new: `workflow submit form-list`"
        )
        context.record({**outputs, "next_step": look})
        context.say(f"cloning {source}")
        made = _cloned(api, source, look)
        outputs |= _known(made, params.title, context.config)
        look = f"look at the form {outputs['form_id']}, which is the clone; it may lack its title"
        context.record({**outputs, "next_step": look})
        try:
            _entitle(api, outputs["form_id"], params.title)
        except TaskFailed as failure:
            raise _made_but(failure, outputs) from failure
    return Outcome(
        outputs=outputs,
        verdict=f"The form {params.title!r} ({outputs['form_id']}) was made, a copy of {source}.",
        summary="It asks what the form asks that it was copied from, tells the same people of new "
        "entries, and is open to visitors at once. Embed it with\n\n"
        f"    {outputs['embed']['shortcode'] or outputs['embed']['script']}\n\n"
        "and let workflow.yaml know it:\n\n"
        + "\n".join(f"    {line}" for line in outputs["workflow_yaml"].splitlines()),
        statistics={"Form": outputs["form_id"], "Copied from": source},
        next_steps=[
            f"See what it asks: `workflow submit form-show --set form={outputs['form_id']}`"
        ],
    )


def _source_title(api: JotForm, source: str) -> str:
    about = api.get(f"/form/{source}").content
    about = about if isinstance(about, Mapping) else {}
    if not listing.has_status(about, None):
        raise TaskFailed(
            TaskError(
                "no_such_form",
                f"the form {source} was deleted",
                "fix",
                "forms",
                hint="copy another one; `workflow submit form-list` lists them",
            )
        )
    return str(about.get("title") or "")


def _require_free(api: JotForm, title: str) -> None:
    for form in listing.every_form(api):
        has = str(form.get("title") or "")
        if has.casefold() == title.casefold() and listing.has_status(form, None):
            raise TaskFailed(
                TaskError(
                    "title_taken",
                    f"the account has a form called {title!r} already: {form.get('id')}",
                    "fix",
                    "forms",
                    hint="if that is the clone you want, use it; else choose another title",
                ),
                outputs={"existing_form_id": str(form.get("id"))},
            )


def _cloned(api: JotForm, source: str, look: str) -> Mapping[str, Any]:
    made = api.post(f"/form/{source}/clone", {}, look=look).content
    number = str(made.get("id", "")) if isinstance(made, Mapping) else ""
    if not number.isdigit() or number == source:
        raise TaskFailed(
            TaskError(
                "unknown_outcome",
                "JotForm says that the clone was made, and not which form it is",
                "escalate",
                "forms",
                hint=f"{look}; submit the task again only if there is none",
            )
        )
    assert isinstance(made, Mapping)
    return made


def _known(made: Mapping[str, Any], title: str, config: Config) -> dict[str, Any]:
    number, url = str(made["id"]), str(made.get("url") or "")
    name, count = name_for(title), 2
    while name in config.forms:
        name, count = f"{name_for(title)[:36]}-{count}", count + 1
    lines = embedding(number, url, name)
    shortcode = lines["shortcode"] if has_shortcode(None, config) else None
    return {
        "form_id": number,
        "url": url,
        "embed": {"script": lines["script"], "shortcode": shortcode},
        "workflow_yaml": lines["workflow_yaml"],
    }


def _entitle(api: JotForm, form_id: str, title: str) -> None:
    look = f"look at the title of the form {form_id}"
    api.post(f"/form/{form_id}/properties", {"properties": {"title": title}}, look=look)
    about = api.get(f"/form/{form_id}").content
    has = about.get("title") if isinstance(about, Mapping) else None
    if has != title:
        raise TaskFailed(
            TaskError("title_not_taken", f"JotForm calls it {has!r} still", "escalate", "forms")
        )


def _made_but(failure: TaskFailed, outputs: Mapping[str, Any]) -> TaskFailed:
    """The clone is there: whatever went wrong then, the task must not be tried again by itself."""
    number, title = outputs["form_id"], outputs["title"]
    error = replace(
        failure.error,
        action="escalate",
        message=f"the clone {number} was made, but not given its title: {failure.error.message}",
        hint=f"call the form {number} {title!r} in JotForm's builder, or delete it and submit the "
        "task again",
    )
    return TaskFailed(error, outputs=outputs, status=failure.status)
