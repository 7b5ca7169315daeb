"""Brings a form in line with what is wanted: plan, act step by step, look again.

Each step is noted before the next begins. A form that was brought halfway is brought the rest of
the way by doing the same again: what is there already is no difference any more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from workflow.errors import TaskError, TaskFailed
from workflow.forms.client import JotForm
from workflow.forms.comparison import Change, Difference, compare, deletion
from workflow.forms.controls import SILENT_CONTROLS
from workflow.forms.existing import Existing, Field, read_form
from workflow.forms.wanted import Wanted

Note = Callable[[Mapping[str, Any]], None]


class Plan(NamedTuple):
    """What is to be done, and what is left alone."""

    changes: tuple[Change, ...]
    surplus: tuple[str, ...]
    """Fields that the definition does not have, and that stay."""
    notes: tuple[str, ...]

    @property
    def told(self) -> list[str]:
        return [change.told() for change in self.changes]


def plan(form: Existing, wanted: Wanted, *, allow_delete: bool = False) -> Plan:
    """Raises TaskFailed `type_differs` or `holds_answers`: then nothing of it may be done."""
    difference = compare(form, wanted)
    _require_types(difference)
    surplus = difference.surplus
    if not allow_delete:
        return Plan(difference.changes, tuple(map(_named, surplus)), difference.notes)
    _require_no_answers(form, surplus)
    deletions = tuple(map(deletion, surplus))
    return Plan((*difference.changes, *deletions), (), difference.notes)


def carry_out(api: JotForm, form_id: str, changes: Sequence[Change], note: Note) -> list[str]:
    """Make the changes, one call each; what is done and what is still to do is noted after each.

    Raises TaskFailed as `JotForm.post` does, with these two as outputs.
    """
    done: list[str] = []
    left = [change.told() for change in changes]
    note({"done": list(done), "left": list(left)})
    for change in changes:
        path = f"/form/{form_id}{change.path}"
        try:
            if change.verb == "delete":
                _require_still_empty(api, form_id, change)
                api.delete(path)
            else:
                api.post(path, change.data)
        except TaskFailed as failure:
            so_far = {"done": done, "left": left, **failure.outputs}
            raise TaskFailed(
                failure.error, outputs=so_far, status=failure.status
            ) from failure.__cause__
        done.append(left.pop(0))
        note({"done": list(done), "left": list(left)})
    return done


def verify(api: JotForm, form_id: str, wanted: Wanted, *, allow_delete: bool = False) -> Existing:
    """Look again. Raises TaskFailed `not_taken` if JotForm took what it was told and shows
    something else."""
    form = read_form(api, form_id)
    missing = plan(form, wanted, allow_delete=allow_delete).told
    if missing:
        more = f"; and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise TaskFailed(
            TaskError(
                "not_taken",
                f"JotForm accepted every change and still lacks one: {missing[0]}{more}",
                "escalate",
                "forms",
                hint=f"look at the form in JotForm's builder ({form.url or form_id}), and make it "
                "there by hand what its API does not",
            ),
            outputs={"left": missing},
        )
    return form


def _require_types(difference: Difference) -> None:
    if difference.mistyped:
        more = "; ".join(difference.mistyped)
        raise TaskFailed(
            TaskError(
                "type_differs",
                f"{more}. No field is turned into another type: its answers would be lost",
                "fix",
                "content",
                hint="give the new field a name of its own in the definition, or the type it has",
            )
        )


def _require_no_answers(form: Existing, surplus: Sequence[Field]) -> None:
    asking = [one for one in surplus if one.control not in SILENT_CONTROLS]
    if asking and form.entries != 0:
        raise _holds_answers(form.id, ", ".join(map(_named, asking)), form.entries)


def _require_still_empty(api: JotForm, form_id: str, change: Change) -> None:
    """RACE: somebody may have sent the form since the plan was made."""
    if change.asks:
        entries = read_form(api, form_id).entries
        if entries != 0:
            raise _holds_answers(form_id, change.subject, entries)


def _holds_answers(form_id: str, what: str, entries: int | None) -> TaskFailed:
    many = "an unknown number of" if entries is None else f"{entries:,}"
    return TaskFailed(
        TaskError(
            "holds_answers",
            f"the form {form_id} has {many} entries: deleting {what} would delete the answers",
            "escalate",
            "forms",
            hint="leave allow_delete out and the fields stay; a person can export the entries "
            "and delete the fields in JotForm's builder",
        )
    )


def _named(field: Field) -> str:
    name = field.name or field.qid
    return f"{name} ({field.label})" if field.label and field.label != name else name
