"""What JotForm answers, and what its refusals mean.

Every answer is an envelope `{"responseCode", "message", "content", "limit-left", "resultSet"}`
(https://api.jotform.com/docs). Its `responseCode` counts beside HTTP's own: an error may come with
HTTP 200. What is no envelope (a gateway's page, half a document) says nothing of what was done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from workflow.errors import TaskError
from workflow.layout import CONFIG

LONGEST_MESSAGE = 200
"""Characters of what JotForm says that are told on."""
_PASSING = (408, 425)
"""Of the client's faults those that are the network's."""
QUOTA_PAGE = "https://www.jotform.com/help/406-daily-api-call-limits/"


@dataclass(frozen=True)
class ResultSet:
    """Which part of a list an answer is."""

    offset: int
    limit: int
    count: int


class Answer(NamedTuple):
    """What JotForm gave."""

    content: Any
    limit_left: int | None
    """Calls that the account may still make today."""
    result_set: ResultSet | None


class Refusal(Exception):
    """An answer that is not what was asked for."""

    def __init__(
        self,
        error: TaskError,
        *,
        passing: bool = False,
        nothing_done: bool = False,
        wait: float | None = None,
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.passing = passing
        """Whether the same question may well be answered in a moment."""
        self.nothing_done = nothing_done
        """Whether it is certain that JotForm did not do what was asked."""
        self.wait = wait
        """Seconds that JotForm wants us to wait."""


def read_answer(status: int, headers: Mapping[str, str], body: bytes, asked: str) -> Answer:
    """The answer in `body`. `asked` names the question (`GET /user/forms`) in messages.

    Raises Refusal for everything but a success.
    """
    if 300 <= status < 400:
        raise _elsewhere(asked)
    envelope = _envelope(body)
    if envelope is None:
        raise _unreadable(status, headers, body, asked)
    left = _whole_number(envelope.get("limit-left"))
    code = _whole_number(envelope.get("responseCode"))
    if code is None:
        code = status
    # The worse of the two counts: a gateway may pass an error on as 200, and the other way round.
    worst = code if 200 <= status < 300 else status
    if 200 <= worst < 300:
        return Answer(envelope["content"], left, _result_set(envelope.get("resultSet")))
    raise _refusal(worst, headers, _plain(envelope.get("message")), left, asked)


def _envelope(body: bytes) -> dict[str, Any] | None:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, dict) or not {"content", "message"} & read.keys():
        return None
    read.setdefault("content", None)
    return read


def _whole_number(written: Any) -> int | None:
    """Numbers arrive as numbers or as strings of digits."""
    text = str(written)
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else None


def _result_set(written: Any) -> ResultSet | None:
    if not isinstance(written, dict):
        return None
    numbers = [_whole_number(written.get(name)) for name in ("offset", "limit", "count")]
    return ResultSet(*(number or 0 for number in numbers))


def _plain(message: Any) -> str:
    """What JotForm says, as far as it may stand in a sentence on a terminal."""
    text = re.sub(r"<[^>]{0,200}>", " ", message if isinstance(message, str) else "")
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 1]}…"


def _which_form(asked: str) -> str:
    """JotForm says of a form that is not there what it says of one of another account."""
    found = re.search(r" /form/([0-9]+)", asked)
    if found is None:
        return ""
    return f"is {found[1]} the form's id? `workflow submit form-list` lists the account's. Else "


def _refusal(
    code: int, headers: Mapping[str, str], message: str, left: int | None, asked: str
) -> Refusal:
    said = f": {message.rstrip('.')}" if message else ""
    limited = re.search(r"limit", message, re.IGNORECASE) is not None
    if code == 429 or (code == 503 and (limited or left == 0)):
        return _limited(headers, said, left, daily=limited or left == 0, asked=asked)
    if 300 <= code < 400:
        return _elsewhere(asked)
    if code in (401, 403):
        return Refusal(
            TaskError(
                "jotform_key_refused",
                f"JotForm does not let this key do {asked}{said}",
                "escalate",
                "authorization",
                hint=_which_form(asked)
                + "the key may be wrong, revoked, for reading only, or of an account that does "
                f"not own the form; jotform.region in {CONFIG} may name the wrong host. Keys are "
                "made at https://www.jotform.com/myaccount/api",
            ),
            nothing_done=True,
        )
    if code == 404:
        return Refusal(
            TaskError(
                "jotform_not_found",
                f"JotForm knows nothing for {asked}{said}",
                "fix",
                "forms",
                hint="is the form's id right, and was it not deleted? "
                "`workflow submit form-list` lists all that the account has",
            ),
            nothing_done=True,
        )
    if 400 <= code < 500 and code not in _PASSING:
        return Refusal(
            TaskError("jotform_refused", f"JotForm refuses {asked} ({code}){said}", "fix", "forms"),
            nothing_done=True,
        )
    return Refusal(
        TaskError(
            "jotform_unreachable",
            f"JotForm could not do {asked} ({code}){said}",
            "retry",
            "network",
            hint="see https://status.jotform.com, then submit the task again",
        ),
        passing=True,
    )


def _limited(
    headers: Mapping[str, str], said: str, left: int | None, *, daily: bool, asked: str
) -> Refusal:
    wait = retry_after(headers)
    if daily and wait is None:
        return Refusal(
            TaskError(
                "jotform_quota",
                f"the JotForm account has used up its calls of today, at {asked}{said}",
                "escalate",
                "limits",
                hint="they are counted anew from midnight, Eastern time; a bigger plan has more: "
                + QUOTA_PAGE,
            ),
            nothing_done=True,
        )
    until = "" if wait is None else f"; it asks to wait {wait:.0f} s"
    return Refusal(
        TaskError(
            "jotform_limit",
            f"JotForm wants fewer calls, at {asked}{said}{until}",
            "retry",
            "limits",
            hint="submit the task again later, or let fewer programs use the account's API",
        ),
        passing=True,
        nothing_done=True,
        wait=wait,
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until when the server asks us to wait; None if it does not say."""
    said = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,7}", said):
        return float(said)
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _elsewhere(asked: str) -> Refusal:
    return Refusal(
        TaskError(
            "jotform_elsewhere",
            f"JotForm sends {asked} to another address; the key was not sent there",
            "escalate",
            "configuration",
            hint="an account in the EU or under HIPAA has its own host: set jotform.region to eu "
            f"or hipaa in {CONFIG}, or jotform.api_url for JotForm Enterprise",
        ),
        nothing_done=True,
    )


def _unreadable(status: int, headers: Mapping[str, str], body: bytes, asked: str) -> Refusal:
    kind = _plain(headers.get("content-type", "")).split(";")[0]
    what = "a web page" if body.lstrip()[:1] == b"<" or kind == "text/html" else "something else"
    if status == 429:
        return _limited(headers, "", None, daily=False, asked=asked)
    return Refusal(
        TaskError(
            "jotform_answer",
            f"JotForm's answer to {asked} cannot be read: HTTP {status} with {what} in place of "
            f"its JSON ({len(body):,} bytes)",
            "retry",
            "network",
            hint=f"see https://status.jotform.com; if it stays so, is jotform.api_url in {CONFIG} "
            "that of the API?",
        ),
        passing=True,
    )
