"""A form as JotForm has it: asked for with three questions, read with care.

GET /form/{id}, /form/{id}/questions and /form/{id}/properties (https://api.jotform.com/docs).
Numbers arrive as strings, an empty mapping as an empty list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow.errors import TaskError, TaskFailed
from workflow.forms.client import JotForm
from workflow.forms.controls import said


@dataclass(frozen=True)
class Field:
    """A question, heading or button of the form."""

    qid: str
    order: int
    properties: Mapping[str, Any]

    @property
    def name(self) -> str:
        return said(self.properties, "name")

    @property
    def label(self) -> str:
        return said(self.properties, "text")

    @property
    def control(self) -> str:
        return said(self.properties, "type")


@dataclass(frozen=True)
class Existing:
    """The form."""

    id: str
    title: str
    status: str
    """ENABLED, DISABLED or DELETED."""
    url: str
    owner: str
    entries: int | None
    """How often it was sent; None if JotForm does not say."""
    fields: tuple[Field, ...]
    """In the order in which visitors see them."""
    properties: Mapping[str, Any]

    @property
    def emails(self) -> list[dict[str, Any]]:
        """The e-mails that it sends. Raises TaskFailed `jotform_answer` if they cannot be read:
        whoever writes some of them writes all, and what was not understood would be lost."""
        written = self.properties.get("emails")
        if isinstance(written, str) and written:
            try:
                written = json.loads(written)
            except ValueError:
                written = [None]
        entries = list(written.values()) if isinstance(written, Mapping) else written or []
        if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
            raise unexpected(f"the e-mails of the form {self.id}")
        return entries


def read_form(api: JotForm, form_id: str) -> Existing:
    """The form of that id. Raises TaskFailed as `JotForm.get` does, and `jotform_answer`."""
    about = _mapping(api.get(f"/form/{form_id}").content, f"the form {form_id}")
    return Existing(
        id=form_id,
        title=said(about, "title"),
        status=said(about, "status").upper(),
        url=said(about, "url"),
        owner=said(about, "username"),
        entries=whole(about.get("count")),
        fields=read_fields(api, form_id),
        properties=_mapping(
            api.get(f"/form/{form_id}/properties").content, f"the properties of the form {form_id}"
        ),
    )


def read_fields(api: JotForm, form_id: str) -> tuple[Field, ...]:
    """The form's questions, in their order."""
    what = f"the questions of the form {form_id}"
    fields = []
    for key, properties in _mapping(api.get(f"/form/{form_id}/questions").content, what).items():
        if not isinstance(properties, Mapping):
            raise unexpected(what)
        qid = said(properties, "qid") or key
        order = whole(properties.get("order"))
        if not qid.isdigit():
            raise unexpected(what)
        fields.append(Field(qid, int(qid) if order is None else order, properties))
    return tuple(sorted(fields, key=lambda field: (field.order, int(field.qid))))


def _mapping(content: Any, what: str) -> Mapping[str, Any]:
    if isinstance(content, Mapping):
        return content
    if not content:
        return {}
    if isinstance(content, list) and all(isinstance(one, Mapping) for one in content):
        return {str(number): one for number, one in enumerate(content, 1)}
    raise unexpected(what)


def said_id(form: Any) -> str:
    """The id in what JotForm tells of a form. Raises TaskFailed `jotform_answer`."""
    number = said(form, "id") if isinstance(form, Mapping) else ""
    if not re.fullmatch(r"[0-9]{6,20}", number):
        raise unexpected("a form's id")
    return number


def whole(written: Any) -> int | None:
    """A number, however it is written."""
    text = str(written)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def unexpected(what: str) -> TaskFailed:
    return TaskFailed(
        TaskError(
            "jotform_answer",
            f"JotForm's answer for {what} is not what its documentation says",
            "escalate",
            "forms",
            hint="look at the form in JotForm's own builder; nothing of it was changed",
        )
    )
