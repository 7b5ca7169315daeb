"""JotForm for the demonstration and for tests: one account, in this process, on this machine.

It follows the documented API (https://api.jotform.com/docs): the envelope, the key as a header,
paging, filters, the day's limit, the ways in which forms, questions and properties are written.
What it does not do it answers with 404, as JotForm does for an address that it does not know.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from workflow.demo.serving import Answer, Request, Respond

DOCUMENTS = "https://api.jotform.com/docs"
PAGE, LARGEST_PAGE = 20, 1000
CALLS_A_DAY = 1000
_FIRST_FORM = 241000000000001
_FIRST_SUBMISSION = 5900000000000000001
_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "": lambda has, asked: has == asked,
    "ne": lambda has, asked: has != asked,
    "gt": lambda has, asked: (len(has), has) > (len(asked), asked),
    "lt": lambda has, asked: (len(has), has) < (len(asked), asked),
}
"""Filters, by what stands after the colon. Ids are numbers of many lengths, times all of one."""


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Account:
    """What JotForm holds for one user."""

    def __init__(
        self,
        key: str,
        *,
        time_zone: str = "America/New_York",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        web: str = "https://form.jotform.com",
    ) -> None:
        self.key = key
        self.time_zone = time_zone
        self.now = now
        self.web = web
        self.limit_left = CALLS_A_DAY
        self.read_only = False
        """Whether the key is one of those that may read alone."""
        self.forms: dict[str, dict[str, Any]] = {}
        """By id: what GET /form/{id} gives, with `questions`, `properties` and `webhooks`."""
        self.submissions: dict[str, list[dict[str, Any]]] = {}
        self._numbers = itertools.count(_FIRST_SUBMISSION)

    def add_form(
        self,
        title: str,
        questions: Iterable[Mapping[str, Any]] = (),
        *,
        form_id: str | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> str:
        """A new form; its questions are numbered from 1. Gives its id."""
        number = form_id or str(max([_FIRST_FORM, *(int(known) + 1 for known in self.forms)]))
        self.forms[number] = {
            "id": number,
            "username": "harbor",
            "title": title,
            "height": "539",
            "status": "ENABLED",
            "created_at": self._clock(),
            "updated_at": self._clock(),
            "last_submission": None,
            "new": "0",
            "count": "0",
            "type": "LEGACY",
            "favorite": "0",
            "archived": "0",
            "url": f"{self.web}/{number}",
            "questions": {},
            "properties": {"id": number, "title": title, "height": "539", **(properties or {})},
            "webhooks": [],
        }
        self.submissions[number] = []
        for question in questions:
            self.add_question(number, question)
        return number

    def add_question(self, form_id: str, question: Mapping[str, Any]) -> dict[str, Any]:
        held = self.forms[form_id]["questions"]
        qid = str(question.get("qid") or max([0, *map(int, held)]) + 1)
        text = str(question.get("text", ""))
        made = {
            "qid": qid,
            "type": "control_textbox",
            "text": text,
            "order": str(len(held) + 1),
            "name": re.sub(r"[^A-Za-z0-9]", "", text)[:20].lower() or f"input{qid}",
            **{key: str(value) for key, value in question.items()},
        }
        held[qid] = made
        return made

    def add_submission(
        self,
        form_id: str,
        answers: Mapping[str, Any],
        at: datetime | None = None,
        /,
        **more: Any,
    ) -> str:
        """What a visitor sent: answers by the number of the question, at a time in UTC. `more`
        stands in the place of what JotForm would say."""
        held = self.submissions[form_id]
        form = self.forms[form_id]
        made: dict[str, Any] = {
            "id": str(next(self._numbers)),
            "form_id": form_id,
            "ip": "203.0.113.7",
            "created_at": self._clock(at),
            "status": "ACTIVE",
            "new": "1",
            "flag": "0",
            "notes": "",
            "updated_at": None,
            "answers": {
                qid: {
                    **{key: asked[key] for key in ("name", "order", "text", "type")},
                    **({"answer": answers[qid]} if qid in answers else {}),
                }
                for qid, asked in form["questions"].items()
            },
            **more,
        }
        held.append(made)
        form["count"] = str(len(held))
        form["new"] = str(sum(entry["new"] == "1" for entry in held))
        form["last_submission"] = made["created_at"]
        return str(made["id"])

    def _clock(self, at: datetime | None = None) -> str:
        return f"{(at or self.now()).astimezone(ZoneInfo(self.time_zone)):%Y-%m-%d %H:%M:%S}"


def jotform(account: Account) -> Respond:
    """What answers the API's requests for the account."""

    def respond(request: Request) -> Answer:
        try:
            _admit(account, request)
            content, result_set = _answer(account, request)
        except _Refused as refused:
            return _enveloped(account, refused.status, str(refused), "", None)
        return _enveloped(account, 200, "success", content, result_set)

    return respond


def _enveloped(
    account: Account, status: int, message: str, content: Any, result_set: Any
) -> Answer:
    said: dict[str, Any] = {"responseCode": status, "message": message, "content": content}
    if result_set is not None:
        said["resultSet"] = result_set
    said |= {"duration": "9.51ms", "limit-left": max(0, account.limit_left)}
    if status != 200:
        said["info"] = DOCUMENTS
    return Answer(status, json.dumps(said).encode(), {"Content-Type": "application/json"})


def _admit(account: Account, request: Request) -> None:
    may_do = request.method == "GET" or not account.read_only
    if request.headers.get("apikey") != account.key or not may_do:
        raise _unauthorized(request)
    account.limit_left -= 1
    if account.limit_left < 0:
        raise _Refused(429, "API-Limit exceeded")


def _answer(account: Account, request: Request) -> tuple[Any, dict[str, int] | None]:
    """What is asked for, and for a list which part of it."""
    match request.method, request.path.strip("/").split("/"):
        case "GET", ["user"]:
            return _user(account), None
        case "GET", ["user", "usage"]:
            total = sum(map(len, account.submissions.values()))
            used = {"submissions": str(total), "api": str(CALLS_A_DAY - account.limit_left)}
            return used, None
        case "GET", ["user", "forms"]:
            shown = [_shown(form) for form in account.forms.values()]
            return _page(shown, request.query)
        case "POST", ["user", "forms"] | ["form"]:
            return _shown(account.forms[_create(account, _form_body(request))]), None
        case "PUT", ["user", "forms"] | ["form"]:
            return _shown(account.forms[_create(account, _json_body(request))]), None
        case method, ["form", form_id, *rest]:
            form = account.forms.get(form_id)
            if form is None:
                raise _unauthorized(request)
            return _of_form(account, form, method, rest, request)
    raise _unknown(request)


def _unauthorized(request: Request) -> _Refused:
    """The same of a key that is wrong, of one that may not do this, and of a form that is not
    there or another account's: JotForm tells none of these from the others."""
    named = re.sub(r"^/form/[^/]*(?:/([^/]*).*)?$", _form_path, request.path)
    return _Refused(401, f"You're not authorized to use ({named}) ")


def _form_path(path: re.Match[str]) -> str:
    return f"/form-id-{path[1]}" if path[1] else "/form-id"


def _unknown(request: Request) -> _Refused:
    return _Refused(404, f"Requested URL ({request.path}) is not available! ")


def _of_form(
    account: Account, form: dict[str, Any], method: str, rest: list[str], request: Request
) -> tuple[Any, dict[str, int] | None]:
    questions, properties, webhooks = form["questions"], form["properties"], form["webhooks"]
    match method, rest:
        case "GET", []:
            return _shown(form), None
        case "DELETE", []:
            form["status"] = "DELETED"
            return _shown(form), None
        case "POST", ["clone"]:
            return _shown(_clone(account, form)), None
        case "GET", ["questions"]:
            return questions, None
        case "POST", ["questions"]:
            return account.add_question(form["id"], _form_body(request).get("question", {})), None
        case "PUT", ["questions"]:
            body = _json_body(request).get("questions", {})
            return [account.add_question(form["id"], asked) for asked in _several(body)], None
        case "GET", ["question", qid] if qid in questions:
            return questions[qid], None
        case "POST", ["question", qid] if qid in questions:
            questions[qid].update(_form_body(request).get("question", {}))
            return questions[qid], None
        case "DELETE", ["question", qid] if qid in questions:
            del questions[qid]
            return f"QuestionID #{qid} successfully deleted.", None
        case "GET", ["properties"]:
            return properties, None
        case (("POST" | "PUT"), ["properties"]):
            body = _form_body(request) if method == "POST" else _json_body(request)
            return _set_properties(account, form, body.get("properties", {})), None
        case "GET", ["properties", key]:
            return {key: properties.get(key, "")}, None
        case "GET", ["submissions"]:
            return _page(account.submissions[form["id"]], request.query)
        case "GET", ["webhooks"]:
            return _numbered(webhooks), None
        case "POST", ["webhooks"]:
            webhooks.append(_form_body(request).get("webhookURL", ""))
            return _numbered(webhooks), None
        case "DELETE", ["webhooks", number] if number.isdecimal() and int(number) < len(webhooks):
            del webhooks[int(number)]
            return _numbered(webhooks), None
    raise _unknown(request)


def _user(account: Account) -> dict[str, Any]:
    return {
        "username": "harbor",
        "name": "Harbor",
        "email": "owner@example.com",
        "time_zone": account.time_zone,
        "account_type": "https://api.jotform.com/system/plan/FREE",
        "status": "ACTIVE",
        "created_at": "2013-06-24 18:43:21",
        "is_verified": "1",
    }


def _shown(form: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in form.items() if k not in ("questions", "properties", "webhooks")}


def _create(account: Account, body: Mapping[str, Any]) -> str:
    properties = dict(body.get("properties", {}))
    if "emails" in body:
        properties["emails"] = _several(body["emails"])
    questions = [
        {**asked, "qid": number}
        for number, asked in enumerate(_several(body.get("questions", {})), 1)
    ]
    title = str(properties.pop("title", "Untitled Form"))
    return account.add_form(title, questions, properties=properties)


def _clone(account: Account, form: dict[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in form["properties"].items() if k not in ("id", "title")}
    made = account.add_form(f"Clone of {form['title']}", properties=copy.deepcopy(kept))
    account.forms[made]["questions"] = copy.deepcopy(form["questions"])
    return account.forms[made]


def _set_properties(
    account: Account, form: dict[str, Any], said: Mapping[str, Any]
) -> dict[str, Any]:
    changed = {key: _several(value) if key == "emails" else value for key, value in said.items()}
    form["properties"].update(changed)
    for key in ("title", "height", "status"):
        if key in changed:
            form[key] = changed[key]
    form["updated_at"] = account._clock()
    return changed


def _several(body: Any) -> list[Any]:
    """A list, or the mapping with numbers as keys that form fields make of one."""
    return list(body.values()) if isinstance(body, Mapping) else list(body)


def _numbered(entries: list[Any]) -> dict[str, Any]:
    return {str(number): entry for number, entry in enumerate(entries)}


def _page(
    entries: Iterable[Mapping[str, Any]], query: Mapping[str, str]
) -> tuple[list[Mapping[str, Any]], dict[str, int]]:
    """The part of a list that was asked for, the newest first unless another order is."""
    kept = [entry for entry in entries if _matches(entry, query.get("filter", "{}"))]
    by, downwards = query.get("orderby", "created_at"), query.get("direction", "DESC") != "ASC"
    kept.sort(key=lambda entry: (_sortable(entry.get(by)), _sortable(entry["id"])))
    if downwards:
        kept.reverse()
    limit = min(_number(query, "limit", PAGE) or PAGE, LARGEST_PAGE)
    offset = _number(query, "offset", 0)
    page = kept[offset : offset + limit]
    return page, {"offset": offset, "limit": limit, "count": len(page)}


def _sortable(value: Any) -> tuple[int, str]:
    text = str(value or "")
    return len(text), text


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    written = query.get(name, "")
    return int(written) if written.isdecimal() else default


def _matches(entry: Mapping[str, Any], written: str) -> bool:
    try:
        asked = json.loads(written)
    except ValueError:
        raise _Refused(400, "Filter is not valid JSON") from None
    for name, value in asked.items():
        key, _, compared = name.partition(":")
        if compared not in _COMPARE or key not in entry:
            raise _Refused(400, f"{name} cannot be filtered by")
        if not _COMPARE[compared](str(entry[key] or ""), str(value)):
            return False
    return True


def _json_body(request: Request) -> dict[str, Any]:
    try:
        read = json.loads(request.body)
    except ValueError:
        raise _Refused(400, "The body is not valid JSON") from None
    return read if isinstance(read, dict) else {}


def _form_body(request: Request) -> dict[str, Any]:
    """`questions[1][type]=control_head` as mappings within mappings."""
    body: dict[str, Any] = {}
    for name, value in parse_qsl(request.body.decode(), keep_blank_values=True):
        first, *steps = re.findall(r"[^\[\]]+", name)
        where = body
        for step in steps:
            where = where.setdefault(first, {})
            first = step
        where[first] = value
    return body
