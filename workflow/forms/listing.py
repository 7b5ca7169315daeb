"""Which form is meant, and which forms the account has.

A task names a form as workflow.yaml does under `forms:`, or by its id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from workflow.config import Config
from workflow.errors import TaskError, TaskFailed, nearest
from workflow.forms.client import JotForm
from workflow.forms.description import masked
from workflow.layout import CONFIG

FormName = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", coerce_numbers_to_str=True, max_length=40)
]
"""The parameter of a task that names a form."""
Status = Literal["enabled", "disabled", "deleted"]
_ID = re.compile(r"[0-9]{6,20}")


def form_id(named: str, config: Config) -> str:
    """The id of the form that a task means. Raises TaskFailed `no_such_form`, or `bad_config` if
    its entry is there and cannot be used."""
    known = config.forms.get(named)
    if known is not None:
        return known.id
    broken = config.broken.get(f"forms.{named}", config.broken.get("forms"))
    if broken is not None:
        raise TaskFailed(
            TaskError(
                "bad_config",
                broken.sentence(CONFIG),
                "escalate",
                "configuration",
                hint=f"mend {CONFIG}; `workflow doctor` lists all that is wrong in it",
            )
        )
    if _ID.fullmatch(named):
        return named
    near = nearest(named, list(config.forms))
    meant = f" (did you mean {' or '.join(near)}?)" if near else ""
    names = ", ".join(config.forms) or "none"
    raise TaskFailed(
        TaskError(
            "no_such_form",
            f"{CONFIG} names no form {named!r}{meant}; it names: {names}",
            "fix",
            "configuration",
            hint=("use one of those names or a form's id" if config.forms else "give a form's id")
            + ", which `workflow submit form-list` tells",
        )
    )


def names_of(config: Config) -> dict[str, list[str]]:
    """Form id -> its names in workflow.yaml."""
    names: dict[str, list[str]] = {}
    for name, form in config.forms.items():
        names.setdefault(form.id, []).append(name)
    return names


def every_form(api: JotForm) -> Iterator[Mapping[str, Any]]:
    """Every form of the account, the deleted too, as JotForm tells of it:
    https://api.jotform.com/docs/#user-forms"""
    return api.pages("/user/forms", most=None)


def has_status(form: Mapping[str, Any], status: Status | None) -> bool:
    """Whether it has that status; for None, whether it is there at all."""
    has = str(form.get("status", "")).lower()
    return has == status or (status is None and has != "deleted")


def told(form: Mapping[str, Any], config: Config) -> dict[str, Any]:
    """One form as a result tells of it; numbers as numbers, times as JotForm writes them."""
    number = str(form.get("id", ""))
    names = names_of(config).get(number, [])
    return {
        "id": number,
        "title": masked(str(form.get("title") or "")),
        "status": str(form.get("status") or "").lower(),
        "submissions": count(form.get("count")),
        "new": count(form.get("new")),
        "last_submission": form.get("last_submission") or None,
        "url": str(form.get("url") or ""),
        "known_as": names[0] if names else None,
    }


def count(written: Any) -> int:
    """Numbers arrive as strings; one that is missing is 0."""
    text = str(written)
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else 0
