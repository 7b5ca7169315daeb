"""What workflow.yaml asks of the front matter of each section (`content.sections`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workflow import expectations
from workflow.content.changes import parse_path, value_at
from workflow.content.fields import Fault, kind
from workflow.settings.content import EVERYWHERE, Content, FieldRule, whole
from workflow.validator.content.front_matter import moment
from workflow.validator.content.sources import sanitized

_WANTED = {
    "string": "a text", "integer": "a whole number", "number": "a number",
    "boolean": "true or false", "date": "a date", "list": "a list", "mapping": "a mapping",
}  # fmt: skip
_SHOWN = 8


def rules_for(folder: str, content: Content) -> Mapping[str, FieldRule]:
    """The rules, by key, for a page in this folder of the content. Those of a folder count for all
    below it; of two for one key, the one that is nearer to the page counts."""
    found: dict[str, FieldRule] = dict(content.sections.get(EVERYWHERE, {}))
    own = {sanitized(name).lower(): rules for name, rules in content.sections.items()}
    names = folder.split("/") if folder else []
    for count in range(1, len(names) + 1):
        found |= own.get("/".join(names[:count]), {})
    return found


def schema_faults(
    own: Mapping[str, Any], whole: Mapping[str, Any], rules: Mapping[str, FieldRule], section: str
) -> Iterator[Fault]:
    """Where a page's front matter is other than the rules want it.

    `own`: what stands in the file; `whole`: with what is handed down to it, which counts for what
    is required.
    """
    for name, rule in rules.items():
        path = parse_path(name)
        key = str(path[0]).lower()
        value = value_at(own, path)
        if value in (None, "", [], {}):
            if rule.required and value_at(whole, path) in (None, "", [], {}):
                said = f"{name} is missing, which {section} has to have"
                yield Fault("field-required", key, said, _hint(name, rule))
            continue
        yield from _of_value(name, key, value, rule)


def _hint(name: str, rule: FieldRule) -> str:
    if rule.choices:
        return f"set {name} to one of {_listed(rule.choices)}"
    return f"set {name} to {_WANTED[rule.type]}" if rule.type else f"set {name}"


def _of_value(name: str, key: str, value: Any, rule: FieldRule) -> Iterator[Fault]:
    if rule.type is not None and not _is_of(rule.type, value):
        said = f"{name} is {kind(value)}, and has to be {_WANTED[rule.type]}"
        yield Fault("field-type", key, said, _hint(name, rule))
        return
    entries = value if isinstance(value, list) else [value]
    for one in entries:
        if rule.choices and _text(one) not in rule.choices:
            said = f"{name} is {kind(one)}, which is not among {_listed(rule.choices)}"
            yield Fault("field-choice", key, said, _hint(name, rule))
        elif rule.pattern is not None and not _matches(rule.pattern, _text(one)):
            said = f"{name} is {kind(one)}, which is not of the form /{rule.pattern}/"
            yield Fault("field-pattern", key, said, f"write {name} in that form")
    yield from _of_length(name, key, value, rule)


def _of_length(name: str, key: str, value: Any, rule: FieldRule) -> Iterator[Fault]:
    if not isinstance(value, (str, list, dict)):
        return
    what = "signs" if isinstance(value, str) else "entries"
    least, most, has = rule.min_length, rule.max_length, len(value)
    if least is not None and has < least:
        said = f"{name} has {has} {what}, and has to have {least} at least"
        yield Fault("field-length", key, said, "make it longer")
    if most is not None and has > most:
        said = f"{name} has {has} {what}, and may have {most} at most"
        yield Fault("field-length", key, said, "make it shorter")


def _is_of(wanted: str, value: Any) -> bool:
    match wanted:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "list":
            return isinstance(value, list)
        case "mapping":
            return isinstance(value, dict)
        case _:
            return not isinstance(value, (bool, int, float)) and moment(value) is not None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _matches(pattern: str, text: str) -> bool:
    """By the package regex and within a second: an owner's pattern may be slow on a text that a
    task brings, which then counts as not matching."""
    (expectation,) = expectations.parse({"value": whole(pattern)})
    return expectation.test(text)


def _listed(choices: tuple[str, ...]) -> str:
    more = f" and {len(choices) - _SHOWN} more" if len(choices) > _SHOWN else ""
    return ", ".join(choices[:_SHOWN]) + more
