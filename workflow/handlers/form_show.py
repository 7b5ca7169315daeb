"""Shows what a form asks and does: questions, tracking, thank-you page, notifications. Changes
nothing.

E-mail addresses, in whatever text they stand, come out masked: results are kept and committed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from workflow import handler
from workflow.config import Config
from workflow.figures import counted
from workflow.forms import listing
from workflow.forms.client import JotForm
from workflow.forms.controls import SILENT_CONTROLS
from workflow.forms.description import described, masked, notifications, thank_you, tracking_field
from workflow.forms.existing import read_form
from workflow.handler import Context, Outcome

__all__ = ["EXAMPLE", "OUTPUTS", "Params", "resources", "run"]

OUTPUTS: Mapping[str, str] = {
    "form_id": "string: the form's id",
    "title": "string: its title",
    "status": "string: enabled, disabled or deleted",
    "url": "string: its own page",
    "known_as": "string: its name in workflow.yaml; null if it has none",
    "questions": "array: name, label, type, required, hidden, options of each, in their order",
    "tracking_field": "string: hidden field by which a campaign is told; null if there is none",
    "thank_you": "object: kind (page, text or default), and its url or text",
    "notifications": "array: type, name, subject and masked recipients of each e-mail it sends",
}
_MOST_TOLD = 100
_LONGEST = 80
"""Signs of a label, or of all options of a question, in its line."""
EXAMPLE: tuple[str, ...] = ("--set", "form=contact")


class Params(handler.Params):
    form: listing.FormName = Field(description="its name in workflow.yaml, or its id")


def resources(params: Params, config: Config) -> Sequence[str]:
    return ()


def run(context: Context) -> Outcome:
    named: str = context.params.form
    wanted = listing.form_id(named, context.config)
    with JotForm.open(context.config, context.check) as api:
        form = read_form(api, wanted)
    names = listing.names_of(context.config).get(wanted, [])
    known_as = names[0] if names else None
    outputs: dict[str, Any] = {
        "form_id": wanted,
        "title": masked(form.title),
        "status": form.status.lower(),
        "url": form.url,
        "known_as": known_as,
        "questions": [described(field) for field in form.fields],
        "tracking_field": tracking_field(form.fields, context.config.forms.get(known_as or "")),
        "thank_you": thank_you(form.properties),
        "notifications": notifications(form.emails),
    }
    asked = sum(field.control not in SILENT_CONTROLS for field in form.fields)
    return Outcome(
        outputs=outputs,
        verdict=f"The form {outputs['title']!r} ({wanted}) is {outputs['status']} and asks "
        f"{counted(asked, 'question')}.",
        summary=_listed(outputs),
        statistics={"Questions": asked, "Notifications": len(outputs["notifications"])},
        next_steps=[f"See what came in: `workflow submit form-submissions --set form={named}`"],
    )


def _listed(outputs: Mapping[str, Any]) -> str:
    """A line for each thing that a person wants to know of a form; the outputs have it whole."""
    lines = [_line(question) for question in outputs["questions"][:_MOST_TOLD]]
    left = len(outputs["questions"]) - len(lines)
    lines += [f"and {left} more, which the outputs have"] if left else []
    thanks = outputs["thank_you"]
    lines.append(f"afterwards: {thanks.get('url') or _short(thanks.get('text', '')) or 'default'}")
    lines += [f"{one['type']} to {', '.join(one['to'])}" for one in outputs["notifications"]]
    return "\n".join(f"- {line}" for line in lines)


def _line(question: Mapping[str, Any]) -> str:
    said = f"{question['type']} {question['name']}: {_short(question['label'])}"
    required = " (required)" if question["required"] else ""
    options = f" [{_short(', '.join(question['options']))}]" if question["options"] else ""
    return f"{said}{required}{options}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
