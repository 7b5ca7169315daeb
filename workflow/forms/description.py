"""A form's parts as results tell them, without anybody's e-mail address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workflow.config import Form
from workflow.forms.controls import CONTROLS, is_hidden, said
from workflow.forms.existing import Field

_ADDRESS = re.compile(r"([^\s@<>,;:\"'()\[\]/?=&|]{1,64})(@|%40)([\w-]+(?:\.[\w-]+)+)")
_OURS = {control: kind for kind, control in reversed(tuple(CONTROLS.items()))}
"""Our word for a type of JotForm's; of two the first."""


def masked(text: str) -> str:
    """The text with `m***@example.com` in the place of addresses."""
    return _ADDRESS.sub(lambda found: f"{found[1][0]}***{found[2]}{found[3]}", text)


def kind(field: Field) -> str:
    """Our word for what a field is; JotForm's where we have none."""
    return _OURS.get(field.control, field.control)


def described(field: Field) -> dict[str, Any]:
    """A question: what it is called, what it asks and of which kind it is."""
    hidden = is_hidden(field.properties)
    options = [option.strip() for option in said(field.properties, "options").split("|")]
    return {
        "name": field.name,
        "label": masked(field.label),
        "type": "hidden" if hidden else kind(field),
        "required": said(field.properties, "required").lower() == "yes",
        "hidden": hidden,
        "options": [masked(option) for option in options if option],
    }


def tracking_field(fields: Iterable[Field], configured: Form | None) -> str | None:
    """The hidden field that tells campaigns apart: workflow.yaml's, if the form has it, else the
    only one there is."""
    hidden = [field.name for field in fields if is_hidden(field.properties)]
    if configured is not None and configured.tracking is not None:
        return configured.tracking if configured.tracking in hidden else None
    return hidden[0] if len(hidden) == 1 else None


def thank_you(properties: Mapping[str, Any]) -> dict[str, str]:
    """What a visitor sees afterwards, by the properties `activeRedirect`, `thankurl`, `thanktext`
    (https://api.jotform.com/docs/#form-id-properties)."""
    kind = said(properties, "activeRedirect")
    if kind == "thankurl":
        return {"kind": "page", "url": masked(said(properties, "thankurl"))}
    if kind == "thanktext":
        return {"kind": "text", "text": masked(said(properties, "thanktext"))}
    return {"kind": "default"}


def notifications(emails: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The e-mails that the form sends. `{email}` names a question: the visitor's own address."""
    return [
        {
            "type": said(email, "type"),
            "name": masked(said(email, "name")),
            "subject": masked(said(email, "subject")),
            "to": [masked(one) for one in re.split(r"[,;\s]+", said(email, "to")) if one],
        }
        for email in emails
    ]
