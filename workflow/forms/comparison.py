"""What a form lacks of its definition: a plan of single changes, each with the call that makes it.

What the definition leaves open stays as it is. A field is found again by its name, else (forms
made in JotForm's builder have names like `input4`) by its label and type. Compared is plain text:
JotForm keeps some of it as HTML.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from workflow.forms import controls
from workflow.forms.controls import said
from workflow.forms.definition import Question
from workflow.forms.description import kind, masked
from workflow.forms.existing import Existing, Field
from workflow.forms.wanted import Wanted

_SHOWN = 60
_WORDS = {
    "text": "label",
    "required": "required",
    "options": "options",
    "hint": "placeholder",
    "hidden": "hidden",
    "defaultValue": "value",
    "order": "place",
}


SUBMIT = Question(type="submit", label="Submit")


@dataclass(frozen=True)
class Change:
    """One thing to do."""

    verb: Literal["add", "change", "delete"]
    subject: str
    """`the question email`, `the title`."""
    details: tuple[str, ...]
    """`label: 'Mail' → 'E-mail'`."""
    path: str
    """Below /form/{id}."""
    data: Mapping[str, Any] = field(default_factory=dict)
    asks: bool = True
    """Of a field: whether it may hold answers."""

    def told(self) -> str:
        more = f" ({'; '.join(self.details)})" if self.details else ""
        return f"{self.verb} {self.subject}{more}"


@dataclass(frozen=True)
class Difference:
    """Between a form and its definition."""

    changes: tuple[Change, ...]
    surplus: tuple[Field, ...]
    """Fields that the definition does not have."""
    mistyped: tuple[str, ...]
    """Fields of another type than defined, told: JotForm's API turns no field into another type."""
    notes: tuple[str, ...]

    @property
    def told(self) -> list[str]:
        return [change.told() for change in self.changes]


def compare(form: Existing, wanted: Wanted) -> Difference:
    """What to do so that the form is as wanted. Raises TaskFailed `jotform_answer`."""
    changes: list[Change] = []
    mistyped: list[str] = []
    notes: list[str] = []
    surplus: list[Field] = []
    if wanted.fields is not None:
        fields = _with_button(form, wanted.fields) if wanted.whole else wanted.fields
        found, surplus = _paired(form.fields, fields)
        orders = _orders(form.fields, fields, found, whole=wanted.whole)
        for question in fields:
            there = found.get(question.key)
            order = orders[question.key]
            if there is None:
                changes.append(_added(question, order))
            elif there.control not in controls.controls_of(question.type):
                mistyped.append(
                    f"{question.key} is of the type {kind(there) or '(none)'} in JotForm and of "
                    f"{question.type} in the definition"
                )
            else:
                changes += _changed(question, there, order)
                if there.name != question.key:
                    notes.append(f"{question.key} is called {there.name!r} in JotForm")
    if not wanted.whole:
        surplus = []
    return Difference(
        # The title first: under it a form that is brought halfway is found again.
        changes=(*_of_title(form, wanted), *changes, *_of_properties(form, wanted)),
        surplus=tuple(surplus),
        mistyped=tuple(mistyped),
        notes=tuple(notes),
    )


def _with_button(form: Existing, fields: tuple[Question, ...]) -> tuple[Question, ...]:
    """A form cannot be sent without a button: the one that it has stays, whatever it says."""
    if any(question.type == "submit" for question in fields):
        return fields
    has = next((one for one in form.fields if one.control == controls.CONTROLS["submit"]), None)
    if has is None:
        return (*fields, SUBMIT)
    return (*fields, SUBMIT.model_copy(update={"label": has.label, "name": has.name or None}))


def _paired(
    fields: Sequence[Field], wanted: Sequence[Question]
) -> tuple[dict[str, Field], list[Field]]:
    """The field of each question, by the question's name; and the fields that none has."""
    left = list(fields)
    found: dict[str, Field] = {}

    def take(question: Question, matching: Iterable[Field]) -> None:
        for one in matching:
            found[question.key] = one
            left.remove(one)
            return

    for question in wanted:
        take(question, [one for one in left if one.name == question.key])
    for question in wanted:
        if question.key not in found:
            folded = question.key.lower()
            take(question, [one for one in left if one.name.lower() == folded])
    for question in wanted:
        if question.key not in found and question.type != "hidden":
            # By its name alone is a hidden field prefilled: another name would be another field.
            take(question, [one for one in left if _is_alike(question, one)])
    return found, left


def _is_alike(question: Question, there: Field) -> bool:
    if there.control not in controls.controls_of(question.type):
        return False
    return question.type == "submit" or there.label == said({"text": question.label}, "text")


def _orders(
    fields: Sequence[Field],
    wanted: Sequence[Question],
    found: Mapping[str, Field],
    *,
    whole: bool,
) -> dict[str, int]:
    """The place of each question: kept where the order is right already, so that few are moved."""
    orders: dict[str, int] = {}
    if not whole:
        # One field of many: behind all the others, but before the button.
        last = max((one.order for one in fields if one.control != "control_button"), default=0)
        for question in wanted:
            there = found.get(question.key)
            last += there is None
            orders[question.key] = last if there is None else there.order
        return orders
    before = 0
    for question in wanted:
        there = found.get(question.key)
        before = there.order if there is not None and there.order > before else before + 1
        orders[question.key] = before
    return orders


def _added(question: Question, order: int) -> Change:
    properties = {**controls.properties(question), "order": str(order)}
    return Change(
        "add",
        _noun(question),
        (f"{question.type}: {_short(question.label)}",),
        "/questions",
        {"question": properties},
    )


def _noun(question: Question) -> str:
    words = {"hidden": "the hidden field", "submit": "the button", "heading": "the heading"}
    return f"{words.get(question.type, 'the question')} {question.key}"


def _changed(question: Question, there: Field, order: int) -> list[Change]:
    wanted = controls.properties(question)
    different = {
        name: value
        for name, value in wanted.items()
        if name in _WORDS and not _is_same(name, value, there.properties)
    }
    if "hidden" in different and controls.is_hidden(there.properties):
        del different["hidden"]  # a control_hidden
    if there.order != order:
        different["order"] = str(order)
    if not different:
        return []
    return [
        Change(
            "change",
            _noun(question),
            tuple(
                f"{_WORDS[name]}: {_short(said(there.properties, name))} → {_short(value)}"
                for name, value in different.items()
            ),
            f"/question/{there.qid}",
            {"question": different},
        )
    ]


def _is_same(name: str, value: str, properties: Mapping[str, Any]) -> bool:
    there = said(properties, name)
    if name == "options":
        return [one.strip() for one in there.split("|")] == value.split("|")
    if name in ("required", "hidden"):
        return (there.lower() == "yes") == (value == "Yes")
    return there == said({name: value}, name)


def deletion(there: Field) -> Change:
    """Of a field that the definition does not have."""
    label = (f"{there.control.removeprefix('control_')}: {_short(there.label)}",)
    what = f"the field {there.name or there.qid}"
    asks = there.control not in controls.SILENT_CONTROLS
    return Change("delete", what, label, f"/question/{there.qid}", asks=asks)


def _of_title(form: Existing, wanted: Wanted) -> list[Change]:
    title = said(form.properties, "title") or form.title
    if wanted.title is None or title == wanted.title:
        return []
    detail = f"{_short(title)} → {_short(wanted.title)}"
    return [_set("the title", detail, {"title": wanted.title})]


def _of_properties(form: Existing, wanted: Wanted) -> list[Change]:
    changes = []
    properties = form.properties
    thanks = thank_you_properties(wanted)
    if thanks and any(said(properties, name) != said(thanks, name) for name in thanks):
        kind = "thankurl" if "thankurl" in thanks else "thanktext"
        detail = f"{_short(said(properties, kind))} → {_short(said(thanks, kind))}"
        changes.append(_set("what a visitor sees afterwards", detail, thanks))
    if wanted.recipients:
        changes += _notified(form, wanted)
    return changes


def thank_you_properties(wanted: Wanted) -> dict[str, str]:
    """As https://api.jotform.com/docs/#post-form-id-properties shows them."""
    if wanted.thank_you_url is not None:
        return {"activeRedirect": "thankurl", "thankurl": wanted.thank_you_url}
    if wanted.thank_you_text is not None:
        text = html.escape(wanted.thank_you_text, quote=False)
        return {"activeRedirect": "thanktext", "thanktext": text}
    return {}


def notification_email(wanted: Wanted, title: str) -> dict[str, str]:
    """As https://api.jotform.com/docs/#post-forms shows it."""
    return {
        "type": "notification",
        "name": "notification",
        "from": "default",
        "to": ",".join(wanted.recipients),
        "subject": wanted.subject or f"New entry: {title}",
        "html": "false",
    }


def _notified(form: Existing, wanted: Wanted) -> list[Change]:
    """The first notification is the one that the definition means; other e-mails stay."""
    emails = form.emails
    at = next((n for n, one in enumerate(emails) if one.get("type") == "notification"), None)
    names = ", ".join(wanted.recipient_names)
    if at is None:
        new = notification_email(wanted, wanted.title or form.title)
        return [_emails("add", f"to {names}", [*emails, new])]
    now = emails[at]
    addresses = {one.lower() for one in re.split(r"[\s,;]+", said(now, "to")) if one}
    details = []
    if addresses != {one.lower() for one in wanted.recipients}:
        details.append(f"{len(addresses)} address(es) → {names}")
    if wanted.subject is not None and said(now, "subject") != wanted.subject:
        details.append(f"subject: {_short(said(now, 'subject'))} → {_short(wanted.subject)}")
    if not details:
        return []
    changed = {**now, "to": ",".join(wanted.recipients)}
    if wanted.subject is not None:
        changed["subject"] = wanted.subject
    return [_emails("change", "; ".join(details), [*emails[:at], changed, *emails[at + 1 :]])]


def _emails(
    verb: Literal["add", "change"], detail: str, emails: Sequence[Mapping[str, Any]]
) -> Change:
    """All of them at once: those that are not sent along are gone afterwards."""
    numbered = {
        str(number): {name: value for name, value in one.items() if value is not None}
        for number, one in enumerate(emails)
    }
    return Change(
        verb,
        "the notification by e-mail",
        (detail,),
        "/properties",
        {"properties": {"emails": numbered}},
    )


def _set(subject: str, detail: str, properties: Mapping[str, str]) -> Change:
    return Change("change", subject, (detail,), "/properties", {"properties": dict(properties)})


def _short(text: str) -> str:
    shown = "".join(sign if sign.isprintable() else "�" for sign in masked(text))
    return repr(shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…")
