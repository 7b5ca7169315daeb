"""Submissions as a table that Excel, Numbers and LibreOffice open: a row a submission, a column a
question.

A cell that a spreadsheet would run as a formula gets a quote before it, as OWASP advises
(https://owasp.org/www-community/attacks/CSV_Injection): whoever fills in a form is a stranger.
UTF-8 with a byte order mark, without which Excel takes it for another encoding.
"""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

_FORMULA = re.compile(r"[\s\x00-\x20\u200b-\u200f\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FIRST = ("submission", "sent (UTC)", "status")
LONGEST_CELL = 32_000
"""Characters: Excel cuts a cell off at 32,767. The JSON beside it has all."""


def table(
    submissions: Iterable[Mapping[str, Any]], sent: Callable[[Mapping[str, Any]], str]
) -> bytes:
    """The whole file. `sent` gives a submission's time."""
    rows = list(submissions)
    columns = _columns(rows)
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([*_FIRST, *(cell(title) for title in _titles(columns))])
    for row in rows:
        answers = _answers(row)
        first = [str(row.get("id", "")), sent(row), str(row.get("status") or "")]
        given = [plain(answers.get(qid)) for qid in columns]
        writer.writerow([cell(value) for value in (*first, *given)])
    return text.getvalue().encode("utf-8-sig", "replace")


def cell(text: str) -> str:
    """The text as a spreadsheet shows it: never a formula."""
    clean = _CONTROLS.sub("", text)[:LONGEST_CELL]
    return f"'{clean}" if _FORMULA.match(clean) else clean


def plain(answer: Mapping[str, Any] | None) -> str:
    """An answer as one text. JotForm gives a text, a list (several choices) or a mapping (a name,
    an address), and for some a `prettyFormat` beside it."""
    if answer is None:
        return ""
    value = answer.get("answer")
    if isinstance(value, Mapping) and isinstance(answer.get("prettyFormat"), str):
        return html.unescape(re.sub(r"<[^>]*>", " ", answer["prettyFormat"])).strip()
    return _joined(value)


def _joined(value: Any, depth: int = 0) -> str:
    if value is None or depth > 5:
        return ""
    if isinstance(value, Mapping):
        return " ".join(part for one in value.values() if (part := _joined(one, depth + 1)))
    if isinstance(value, (list, tuple)):
        return "; ".join(part for one in value if (part := _joined(one, depth + 1)))
    return str(value)


def _answers(row: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """By the question's number; a submission without answers has an empty list."""
    answers = row.get("answers")
    if not isinstance(answers, Mapping):
        return {}
    return {str(qid): one for qid, one in answers.items() if isinstance(one, Mapping)}


_SILENT = {
    "control_head", "control_text", "control_button", "control_divider", "control_image",
    "control_pagebreak", "control_collapse",
}  # fmt: skip
"""What asks nothing and so has no answers."""


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Every question that any of them answers to, in the form's order. The form may have changed
    between two submissions: a question that is gone keeps its column."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        found |= _answers(row)
    asked = {qid: one for qid, one in found.items() if one.get("type") not in _SILENT}
    return dict(sorted(asked.items(), key=lambda pair: (_order(pair[1]), _order_of(pair[0]))))


def _order(answer: Mapping[str, Any]) -> int:
    return _order_of(str(answer.get("order", "")))


def _order_of(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 10**9


def _titles(columns: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The questions' labels; two that are alike have their names beside them."""
    labels = {qid: _label(qid, one) for qid, one in columns.items()}
    alike = list(labels.values())
    return [
        f"{label} ({columns[qid].get('name') or qid})" if alike.count(label) > 1 else label
        for qid, label in labels.items()
    ]


def _label(qid: str, answer: Mapping[str, Any]) -> str:
    text = html.unescape(re.sub(r"<[^>]*>", " ", str(answer.get("text") or "")))
    return " ".join(text.split()) or str(answer.get("name") or qid)
