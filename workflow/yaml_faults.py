"""Why a text is not valid YAML, in words for whoever wrote it, and at the place to mend.

libyaml says where it could not go on and what it would have liked there. Where the slip was made is
often another place: a quote that is open since the line before, a space that is missing behind a
colon. What it says is read together with the lines around it; a fault that we have no words for is
told in its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

from workflow.errors import Problem

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_QUOTE_IT = "put the value into quotes"
_NO_TABS = "indent with spaces; YAML allows no tabs there"
_PAIR = re.compile(r"\s*(?:- +)*[^\s#:'\"\[{][^:]*:[ \t]+\S")
"""`key: value` from the line's beginning on."""
_CONFLICT = re.compile(r"^(?:<{7}|>{7}|\|{7})(?: .*)?$", re.MULTILINE)
_CLOSING = {"'": "'", '"': '"', "[": "]", "{": "}"}
_OPENINGS = {"quoted scalar": "quote", "flow mapping": "brace", "flow sequence": "bracket"}
"""What libyaml was in the midst of, and the sign that opens it."""


class _Fault:
    """What libyaml said, and the text that it said it of."""

    def __init__(self, error: yaml.MarkedYAMLError, text: str) -> None:
        self.text = text
        self.lines = text.splitlines() or [""]
        self.said = error.problem or error.context or "it cannot be read"
        self.context = error.context or ""
        self.mark: Any = error.problem_mark or error.context_mark
        self.since: Any = error.context_mark or self.mark

    def here(self) -> str:
        return self.line(self.mark.line)

    def line(self, number: int) -> str:
        return self.lines[number] if 0 <= number < len(self.lines) else ""

    def sign(self, mark: Any) -> str:
        return self.text[mark.index : mark.index + 1]

    def before(self) -> int:
        """The number, from 0, of the last line above with anything to read in it; -1 for none."""
        number: int = self.mark.line - 1
        while number >= 0 and not self.line(number).split("#")[0].strip():
            number -= 1
        return number

    def at(self, mark: Any, message: str, hint: str | None) -> Problem:
        return Problem(message, line=mark.line + 1, column=mark.column + 1, hint=hint)


def explain(error: yaml.MarkedYAMLError, text: str) -> Problem:
    """What is wrong with `text`, of which libyaml says `error`; lines and columns from 1."""
    conflict = _CONFLICT.search(text)
    if conflict is not None:
        line = text.count("\n", 0, conflict.start()) + 1
        message = "two versions stand here that git could not merge"
        hint = "keep one of them, and remove the lines of <<<<<<<, ======= and >>>>>>>"
        return Problem(message, line=line, column=1, hint=hint)
    fault = _Fault(error, text)
    if fault.mark is None:
        return Problem(fault.said)
    for words, reader in _READERS:
        if words in fault.said and (found := reader(fault)):
            return found
    return fault.at(fault.mark, fault.said, None)


def _open(fault: _Fault) -> Problem | None:
    """It went on into other lines, or to the end of the text: where it was opened says more."""
    opened = next((sign for words, sign in _OPENINGS.items() if words in fault.context), None)
    if opened is None:
        return None
    closing = _CLOSING.get(fault.sign(fault.since), "")
    if fault.mark.line > fault.since.line or fault.mark.index >= len(fault.text.rstrip()):
        message = f"the {opened} that is opened here is never closed"
        return fault.at(fault.since, message, f"close the {opened}: {closing}")
    message = f"a comma or the closing {closing} is missing here"
    return fault.at(fault.mark, message, f"write a comma between two values, or {_QUOTE_IT}")


def _start(fault: _Fault) -> Problem:
    sign = fault.sign(fault.mark)
    if sign == "\t":
        message = "a tab stands here, where YAML takes spaces alone"
        return fault.at(fault.mark, message, _NO_TABS)
    return fault.at(fault.mark, f"a value cannot begin with {sign}", _QUOTE_IT)


def _name(fault: _Fault) -> Problem:
    """Behind & or *, by which YAML names a value and takes it again."""
    sign = fault.sign(fault.since)
    return fault.at(
        fault.since, f"a value cannot begin with {sign}, but to name another", _QUOTE_IT
    )


def _colon(fault: _Fault) -> Problem:
    """A `: ` where none may stand: most often in a value, or the line above is the wrong one."""
    here, column = fault.here(), fault.mark.column
    if "\t" in here[:column]:
        return fault.at(fault.mark, "a tab stands here, where YAML takes spaces alone", _NO_TABS)
    if _PAIR.match(here[:column]):
        message = "': ' stands here within a value, where it means another key"
        curly = any(sign in here for sign in "\u201c\u201d\u2018\u2019")
        hint = "put the value into straight quotes" if curly else _QUOTE_IT
        return fault.at(fault.mark, message, hint)
    number = fault.before()
    above = fault.line(number)
    if number >= 0 and not re.search(r":(?:\s|$)", above):
        bare = len(above) - len(above.lstrip())
        message = "this line has no ': ' between a key and its value"
        hint = "write 'key: value', with a space behind the colon"
        return Problem(message, line=number + 1, column=bare + 1, hint=hint)
    if number >= 0 and _indent(here) > _indent(above):
        message = "this line is indented deeper than the one above, which has a value already"
        hint = "indent it like the key of that one"
        return Problem(message, line=fault.mark.line + 1, column=_indent(here) + 1, hint=hint)
    return fault.at(fault.mark, "': ' stands here where no key can be", _QUOTE_IT)


def _key(fault: _Fault) -> Problem:
    """The line does not go on with a key of the list of keys that it should belong to."""
    here, column = fault.here(), fault.mark.column
    if not here[:column].strip():
        known = sorted({_indent(line) for line in fault.lines[: fault.mark.line] if line.strip()})
        if column in known:
            message = "this line is none of 'key: value', as those above it are"
            is_item = re.match(r"-(\s|$)", here[column:])
            hint = "put a list below its key" if is_item else "write 'key: value'"
            return fault.at(fault.mark, message, hint)
        message = f"this line is indented by {column}, and no line above it is"
        by = " or ".join(map(str, known))
        return fault.at(fault.mark, message, f"indent it like those that it belongs to, by {by}")
    if (sign := fault.sign(fault.mark)) in ("]", "}"):
        return fault.at(fault.mark, f"there is one {sign} too many", f"remove it, or {_QUOTE_IT}")
    opened = _last_quoted(fault)
    if opened is not None and opened.start_mark.line < opened.end_mark.line:
        message = "the quote that is opened here is never closed on its line"
        return fault.at(opened.start_mark, message, f"close the quote: {opened.style}")
    if opened is not None and opened.style == "'":
        hint = "write '' for a ' within single quotes, or use double quotes"
    elif opened is not None:
        hint = 'write \\" for a " within double quotes, or put the whole value into single quotes'
    else:
        hint = "put the whole value into quotes"
    return fault.at(fault.mark, "the value ended before this, and more follows", hint)


def _last_quoted(fault: _Fault) -> Any:
    """The quoted value that ends right before the fault, as its token; None if there is none."""
    last = None
    try:
        for token in yaml.scan(fault.text, Loader=_LOADER):
            if token.start_mark.index >= fault.mark.index:
                break
            last = token
    except yaml.YAMLError:
        pass
    is_quoted = isinstance(last, yaml.ScalarToken) and last.style in ("'", '"')
    between = fault.text[last.end_mark.index : fault.mark.index] if is_quoted and last else "x"
    return last if not between.strip() else None


def _pair(fault: _Fault) -> Problem:
    start = fault.text[fault.since.index :]
    message = "this line has no ': ' between a key and its value"
    hint = "write 'key: value', with a space behind the colon"
    if start.startswith("-"):
        message = "a dash stands here without a space behind it"
        hint = "write '- value'"
    return fault.at(fault.since, message, hint)


def _dash(fault: _Fault) -> Problem:
    message = "this line stands within a list, and does not begin with '- '"
    return fault.at(fault.mark, message, "begin it with '- ', or indent it otherwise")


def _inner_dash(fault: _Fault) -> Problem:
    if fault.here()[: fault.mark.column].strip():
        message = "a list cannot begin on the line of its key"
        return fault.at(
            fault.mark, message, f"begin it on the next line; if it is none, {_QUOTE_IT}"
        )
    message = "a list cannot begin here"
    return fault.at(fault.mark, message, "indent its lines all alike")


def _escape(fault: _Fault) -> Problem:
    at = fault.text.rfind("\\", 0, fault.mark.index + 1)
    told = fault.text[at : at + 2] if at >= 0 else "\\"
    message = f"{told} means nothing within double quotes"
    return fault.at(fault.mark, message, "use single quotes, or write \\\\ for each \\")


def _block(fault: _Fault) -> Problem:
    sign = fault.sign(fault.since)
    message = f"text follows on the line of {sign}, which announces lines of text below it"
    return fault.at(fault.since, message, f"begin the text on the next line, or {_QUOTE_IT}")


def _alias(fault: _Fault) -> Problem:
    word = re.match(r"\S*", fault.text[fault.mark.index :])
    message = f"{word[0] if word else '*'} stands for a value that nothing here is called"
    return fault.at(fault.mark, message, f"if it is a text, {_QUOTE_IT}")


def _second(fault: _Fault) -> Problem:
    message = "a second document begins here, and only one can be read"
    return fault.at(fault.mark, message, "remove the line of --- (and what follows, if need be)")


_READERS: tuple[tuple[str, Callable[[_Fault], Problem | None]], ...] = (
    ("end of stream", _open),
    ("did not find expected ','", _open),
    ("document indicator", _open),
    ("cannot start any token", _start),
    ("a tab character", _start),
    ("alphabetic or numeric", _name),
    ("mapping values are not allowed", _colon),
    ("did not find expected key", _key),
    ("could not find expected ':'", _pair),
    ("expected '-' indicator", _dash),
    ("block sequence entries are not allowed", _inner_dash),
    ("unknown escape character", _escape),
    ("expected comment or line break", _block),
    ("undefined alias", _alias),
    ("another document", _second),
)
"""By what libyaml says; each gives None where it knows no better."""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
