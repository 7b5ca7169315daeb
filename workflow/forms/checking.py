"""Asks JotForm about the forms that a site embeds, and says what would keep entries from arriving.

GET /user and /user/forms for the account (two calls, however many forms), then for each embedded
form its properties, and its questions where workflow.yaml wants something of them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from workflow.errors import Action, TaskFailed, nearest
from workflow.forms.client import JotForm
from workflow.forms.controls import SILENT_CONTROLS, is_hidden, said
from workflow.forms.embedded import Embed
from workflow.forms.existing import Field, read_fields, whole
from workflow.layout import CONFIG
from workflow.settings.forms import Form

Severity = Literal["error", "warning", "notice"]
_UNLIMITED = {"", "nolimit", "no limit", "0"}


class Kind(NamedTuple):
    """What may be found."""

    severity: Severity
    action: Action
    hint: str


KINDS: Mapping[str, Kind] = {
    "form-invalid": Kind("error", "fix", "embed the form by its id: the digits of its address"),
    "form-not-ours": Kind(
        "error", "fix", "embed a form of our account: `workflow submit form-list` lists them"
    ),
    "form-deleted": Kind("error", "escalate", "restore it from JotForm's trash, or embed another"),
    "form-disabled": Kind("error", "escalate", "enable it in JotForm"),
    "form-expired": Kind("error", "escalate", "set another end, or none, in the form's settings"),
    "form-full": Kind("error", "escalate", "raise or lift the limit in the form's settings"),
    "form-limit-unread": Kind("warning", "escalate", "look at the form's settings in JotForm"),
    "form-field-missing": Kind(
        "error", "fix", f"add it with form-update, or mend forms.*.fields in {CONFIG}"
    ),
    "form-tracking-missing": Kind("error", "fix", "add the field with form-update (tracking)"),
    "form-tracking-visible": Kind("error", "fix", "hide it with form-update (tracking)"),
    "form-tracking-unpassed": Kind(
        "error", "fix", "pass it in the form's address (?name=value), or fix its value in the form"
    ),
    "form-tracking-unseen": Kind(
        "warning", "fix", "embed the form by its address, so that what is passed can be seen"
    ),
    "form-unknown": Kind("warning", "fix", f"add it under forms: in {CONFIG}"),
    "form-unused": Kind("notice", "fix", f"embed it, or take it out of {CONFIG}"),
    "account-inactive": Kind("error", "escalate", "log in to JotForm and see what it wants"),
}


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a form, or with how it is embedded."""

    code: str
    form: str
    """Its name in workflow.yaml, else its id, or what stands in its place."""
    message: str
    embeds: tuple[Embed, ...] = ()
    """Where it matters; the first one's place is told."""
    hint: str | None = None
    """Instead of the kind's own."""
    source: str | None = None
    """The content file or template: `content/about.md:12`."""
    line: int | None = None
    column: int | None = None
    excerpt: str | None = None
    """In the first page, as built."""

    @property
    def severity(self) -> Severity:
        return KINDS[self.code].severity

    @property
    def action(self) -> Action:
        return KINDS[self.code].action


@dataclass(frozen=True)
class Checked:
    """One embedded form, as it was found."""

    id: str
    name: str | None
    title: str
    status: str
    embeds: tuple[Embed, ...]


class Report(NamedTuple):
    forms: list[Checked]
    findings: list[Finding]


def check_forms(
    embeds: Sequence[Embed],
    known: Mapping[str, Form],
    open_api: Callable[[], JotForm],
    now: datetime | None = None,
) -> Report:
    """All that is wrong, the worst first. Raises TaskFailed as `JotForm.open` and `get` do: without
    JotForm's answer nothing is said to be well."""
    names: dict[str, list[str]] = defaultdict(list)
    for name, form in known.items():
        names[form.id].append(name)
    by_form: dict[str, list[Embed]] = defaultdict(list)
    for one in embeds:
        by_form[one.form].append(one)
    findings: list[Finding] = []
    forms: list[Checked] = []
    wanted = {form: tuple(found) for form, found in by_form.items() if _is_id(form)}
    for number, found in by_form.items():
        if number not in wanted:
            message = f"{_shown(number)} names no form of JotForm"
            findings.append(Finding("form-invalid", _shown(number), message, tuple(found)))
    if wanted:
        with open_api() as api:
            forms, more = _asked(api, wanted, known, names, now or datetime.now(UTC))
        findings += more
    for name, form in known.items():
        if form.id not in wanted:
            message = f"no page embeds the form {name} ({form.id})"
            findings.append(Finding("form-unused", name, message))
    order = ("error", "warning", "notice")
    findings.sort(key=lambda one: order.index(one.severity))
    return Report(forms, findings)


def _is_id(form: str) -> bool:
    return re.fullmatch(r"[0-9]{6,20}", form) is not None


def _asked(
    api: JotForm,
    wanted: Mapping[str, tuple[Embed, ...]],
    known: Mapping[str, Form],
    names: Mapping[str, Sequence[str]],
    now: datetime,
) -> tuple[list[Checked], list[Finding]]:
    user = api.get("/user").content
    user = user if isinstance(user, Mapping) else {}
    listed = {said(one, "id"): one for one in api.pages("/user/forms")}
    findings = [*_of_account(user)]
    forms = []
    for number, found in wanted.items():
        called = names.get(number, ())
        name = called[0] if called else None
        shown = name or number
        about: Mapping[str, Any] | None = listed.get(number)
        if about is None:
            # Not in the list; but some accounts have forms that are shared with them.
            about = _shared(api, number)
        title = "" if about is None else said(about, "title")
        status = "missing" if about is None else said(about, "status").lower()
        forms.append(Checked(number, name, title, status, found))
        if about is None:
            message = f"our JotForm account has no form {number}: it is another's, or gone"
            findings.append(Finding("form-not-ours", shown, message, found))
            continue
        if name is None:
            message = f"{CONFIG} does not name the form {number} ({title})"
            findings.append(Finding("form-unknown", shown, message, found))
        if status in ("deleted", "disabled"):
            where = "lies in JotForm's trash" if status == "deleted" else "is disabled in JotForm"
            message = f"the form {shown} ({title}) {where}: visitors cannot send it"
            findings.append(Finding(f"form-{status}", shown, message, found))
        if status == "deleted":
            continue
        limits = _limits(api, number, about, str(user.get("time_zone", "")), now)
        findings += (
            Finding(code, shown, f"the form {shown} {text}", found) for code, text in limits
        )
        asking = [one for one in called if known[one].fields or known[one].tracking]
        fields = read_fields(api, number) if asking else ()
        for one in asking:
            findings += _of_fields(one, known[one], fields, found)
    return forms, findings


def _of_account(user: Mapping[str, Any]) -> Iterator[Finding]:
    status = said(user, "status").upper()
    if status not in ("", "ACTIVE"):
        message = f"the JotForm account is {status.lower()}: its forms may not take entries"
        yield Finding("account-inactive", "account", message)


def _shared(api: JotForm, number: str) -> Mapping[str, Any] | None:
    try:
        about = api.get(f"/form/{number}").content
    except TaskFailed as failure:
        if failure.error.code in ("no_such_form", "jotform_not_found"):
            return None
        raise
    return about if isinstance(about, Mapping) and said(about, "id") == number else None


def _limits(
    api: JotForm, number: str, about: Mapping[str, Any], time_zone: str, now: datetime
) -> Iterator[tuple[str, str]]:
    """(code, what is wrong) of what ends a form by itself: a day, or a number of entries."""
    properties = api.get(f"/form/{number}/properties").content
    if not isinstance(properties, Mapping):
        properties = {}
    ends = said(properties, "expireDate")
    if ends.lower() not in _UNLIMITED:
        until = _time(ends, time_zone)
        if until is None:
            yield "form-limit-unread", f"ends at {_shown(ends)}, which cannot be read"
        elif until <= now:
            yield "form-expired", f"ended at {_shown(ends)}: it takes no entries any more"
    most = said(properties, "limitSubmission")
    if most.lower() not in _UNLIMITED:
        limit, entries = whole(most), whole(about.get("count"))
        if limit is None or entries is None:
            yield "form-limit-unread", f"takes {_shown(most)} entries, which cannot be compared"
        elif entries >= limit:
            yield "form-full", f"has {entries:,} entries of the {limit:,} that it takes"


def _time(written: str, time_zone: str) -> datetime | None:
    """In the account's own time zone, as JotForm writes times."""
    try:
        read = datetime.fromisoformat(written)
        zone = ZoneInfo(time_zone or "America/New_York")
    except (ValueError, ZoneInfoNotFoundError):
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=zone)


def _of_fields(
    name: str, form: Form, fields: Sequence[Field], found: tuple[Embed, ...]
) -> Iterator[Finding]:
    asking = [
        one
        for one in fields
        if one.control not in SILENT_CONTROLS and not is_hidden(one.properties)
    ]
    asked = {word.casefold() for one in asking for word in (one.name, one.label)}
    for wanted in form.fields:
        if wanted.casefold() not in asked:
            near = nearest(wanted, [one.name for one in asking])
            hint = f"did you mean {' or '.join(near)}? {KINDS['form-field-missing'].hint}"
            message = f"the form {name} does not ask for {wanted}"
            yield Finding("form-field-missing", name, message, found, hint if near else None)
    if form.tracking is not None:
        yield from _of_tracking(name, form.tracking, fields, found)


def _of_tracking(
    name: str, tracking: str, fields: Sequence[Field], found: tuple[Embed, ...]
) -> Iterator[Finding]:
    field = next((one for one in fields if one.name == tracking), None)
    if field is None:
        message = f"the form {name} has no field {tracking} by which campaigns are told"
        near = nearest(tracking, [one.name for one in fields if one.name])
        hint = f"did you mean {' or '.join(near)}? {KINDS['form-tracking-missing'].hint}"
        yield Finding("form-tracking-missing", name, message, found, hint if near else None)
        return
    if not is_hidden(field.properties):
        message = f"visitors see the field {tracking} of the form {name}, and may change it"
        yield Finding("form-tracking-visible", name, message, found)
    if said(field.properties, "defaultValue"):
        return
    without = tuple(one for one in found if one.passes(tracking) is False)
    if without:
        message = f"{_pages(without)} passes no {tracking} to the form {name}"
        yield Finding("form-tracking-unpassed", name, message, without)
    unseen = tuple(one for one in found if one.passes(tracking) is None)
    if unseen:
        message = f"whether {_pages(unseen)} passes {tracking} to the form {name} cannot be seen"
        yield Finding("form-tracking-unseen", name, message, unseen)


def _pages(found: Sequence[Embed]) -> str:
    pages = list(dict.fromkeys(one.page for one in found))
    more = f" (and {len(pages) - 1} more)" if len(pages) > 1 else ""
    return f"{pages[0]}{more}"


def placed(
    findings: Iterable[Finding], place: Callable[[Finding], Mapping[str, Any]]
) -> list[Finding]:
    """The findings with what `place` says of the first page of each."""
    return [replace(one, **place(one)) if one.embeds else one for one in findings]


def _shown(text: str) -> str:
    clean = "".join(sign if sign.isprintable() else "�" for sign in text)
    return repr(clean if len(clean) <= 80 else f"{clean[:79]}…")
