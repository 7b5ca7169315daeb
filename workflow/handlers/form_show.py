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
        statistics={"Questions": asked, "Notifications": len(outputs["notifications"])},
        next_steps=[f"See what came in: `workflow submit form-submissions --set form={named}`"],
    )
