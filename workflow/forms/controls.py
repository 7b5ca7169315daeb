"""Our words for a form's fields, in JotForm's: control types and their properties.

The properties are those of the documentation's own examples for POST /form and
POST /form/{id}/questions (https://api.jotform.com/docs/#post-forms): `type`, `text` (the label),
`order`, `name`, `required`, `hint` (the placeholder), `hidden`; options are one string with `|`
between them. A field is hidden by its property `hidden`, or because it is a `control_hidden`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from workflow.forms.definition import CHOSEN, SILENT, FieldType, Question

CONTROLS: Mapping[FieldType, str] = {
    "text": "control_textbox",
    "email": "control_email",
    "phone": "control_phone",
    "number": "control_number",
    "textarea": "control_textarea",
    "choice": "control_radio",
    "dropdown": "control_dropdown",
    "choices": "control_checkbox",
    "date": "control_datetime",
    "consent": "control_checkbox",
    "name": "control_fullname",
    "address": "control_address",
    "hidden": "control_textbox",
    "heading": "control_head",
    "paragraph": "control_text",
    "submit": "control_button",
}
AGREED = "I agree"
"""The one option of a consent that names none."""
SILENT_CONTROLS = frozenset(CONTROLS[kind] for kind in CONTROLS if kind in SILENT) | {
    "control_collapse",
    "control_divider",
    "control_image",
    "control_pagebreak",
}
"""What asks nothing, so that no answers are lost with it."""
_HIDDEN = {"control_textbox", "control_hidden"}


def controls_of(kind: FieldType) -> frozenset[str]:
    """The controls that a field of this type may be; the first that we make is CONTROLS'."""
    return frozenset(_HIDDEN) if kind == "hidden" else frozenset({CONTROLS[kind]})


def properties(question: Question) -> dict[str, str]:
    """What the definition says of a field, in JotForm's words; nothing of what it leaves open."""
    said = {"type": CONTROLS[question.type], "text": question.label, "name": question.key}
    if question.type not in SILENT:
        said["required"] = "Yes" if question.required else "No"
    if question.type in CHOSEN:
        said["options"] = "|".join(question.options)
    if question.type == "consent":
        said["options"] = (question.options or (AGREED,))[0]
    if question.placeholder is not None:
        said["hint"] = question.placeholder
    if question.type == "hidden":
        said["hidden"] = "Yes"
        if question.value is not None:
            said["defaultValue"] = question.value
    return said


def is_hidden(field: Mapping[str, Any]) -> bool:
    """Whether visitors do not see it."""
    return field.get("type") == "control_hidden" or said(field, "hidden").lower() == "yes"


def said(field: Mapping[str, Any], name: str) -> str:
    """A property as plain text: without tags, entities and signs that nobody sees (terminals obey
    some), blanks folded; "" if it is not there."""
    written = field.get(name)
    if written is None or isinstance(written, (dict, list)):
        return ""
    text = html.unescape(re.sub(r"<[^>]*>", " ", str(written)))
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
