"""Hugo's own fields of front matter, and what has to be in them.

What Hugo cannot use it takes for nothing, mostly without a word: a weight that is a word is 0, a
list of tags that is a text makes no tag. So what is of another kind is told before it is written.
The fields: https://gohugo.io/content-management/front-matter/.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, time
from typing import Any, NamedTuple

FIELDS = (
    "aliases", "build", "cascade", "categories", "date", "description", "draft", "expiryDate",
    "headless", "isCJKLanguage", "keywords", "lastmod", "layout", "linkTitle", "markup", "menus",
    "outputs", "params", "publishDate", "resources", "sitemap", "sites", "slug", "summary", "tags",
    "title", "translationKey", "type", "url", "weight",
)  # fmt: skip
"""As Hugo's documentation spells them; it reads them in any case of letters."""
OTHER_NAMES = ("menu", "modified", "pubdate", "published", "unpublishdate", "_build")
"""Older names that Hugo still reads."""

_TEXTS = (
    "description", "layout", "linktitle", "markup", "slug", "summary", "title", "translationkey",
    "type", "url",
)  # fmt: skip
_FLAGS = ("draft", "headless", "iscjklanguage")
_LISTS = ("aliases", "categories", "keywords", "outputs", "tags")
_MAPPINGS = ("build", "_build", "params", "sitemap", "sites")
_NAMES = {name.lower(): name for name in (*FIELDS, *OTHER_NAMES)}
_PLURALS = {"category": "categories", "alias": "aliases"}
_NEAR = 0.8
"""How alike two names are (difflib) that are taken for one: `subtitle` is not `title`."""


class Fault(NamedTuple):
    """Something wrong with the value of a key."""

    code: str
    key: str
    """In small letters, at the top of the front matter."""
    message: str
    hint: str
    is_error: bool = True


def kind(value: Any) -> str:
    """What a value is, as people call it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {_short(value)!r}"
    if isinstance(value, (date, datetime, time)):
        return f"the date {value}"
    return "a list" if isinstance(value, list) else "a mapping"


def type_faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    """Fields of Hugo's whose values it would not use as they are meant. Keys in small letters."""
    for key, value in data.items():
        if value is not None:
            yield from _of_value(key, value)


def _of_value(key: str, value: Any) -> Iterator[Fault]:
    name = _NAMES.get(key, key)

    def fault(wanted: str, hint: str, *, is_error: bool = True) -> Fault:
        message = f"{name} is {kind(value)}, and has to be {wanted}"
        return Fault("field-type", key, message, hint, is_error)

    if key in _TEXTS:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield fault("a text", f'put it in quotes: {name}: "{value}"', is_error=False)
        elif not isinstance(value, str):
            yield fault("a text", "write one text")
        elif key == "url" and "://" in value:
            hint = "write the path alone, such as /offers/summer/"
            yield Fault("field-type", key, f"url is {_short(value)}, with a host", hint)
        elif key == "slug" and "/" in value:
            hint = "a slug is the last part of an address; write url for a whole one"
            yield Fault("field-type", key, f"slug has a slash: {_short(value)}", hint, False)
    elif key in _FLAGS and not isinstance(value, bool):
        yield fault("true or false", "write true or false, without quotes")
    elif key == "weight" and (isinstance(value, bool) or not isinstance(value, int)):
        yield fault("a whole number", "write a number without quotes, such as 10")
    elif key in _LISTS:
        if not isinstance(value, list):
            yield fault("a list", f"write it as a list: {name}: [one, two]")
        elif not all(isinstance(one, str) or _is_number(one) for one in value):
            other = next(one for one in value if not (isinstance(one, str) or _is_number(one)))
            said = f"{name} holds {kind(other)}, and has to hold texts"
            yield Fault("field-type", key, said, "write one text an entry")
    elif key in _MAPPINGS and not isinstance(value, dict):
        yield fault("a mapping", f"write its keys below it, as {name}.KEY")
    elif key == "cascade" and not _is_mappings(value):
        yield fault("a mapping, or a list of mappings", "write its keys below it")
    elif key == "resources" and not (isinstance(value, list) and _is_mappings(value)):
        yield fault("a list of mappings", "write each with its src: [{src: a.jpg, title: A}]")
    elif key in ("menu", "menus") and not isinstance(value, (str, list, dict)):
        yield fault("a menu's name, a list of names or a mapping", f"write {name}: main")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_mappings(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and all(isinstance(one, dict) for one in value)
    )


def double_faults(data: Mapping[str, Any], above: str = "") -> Iterator[Fault]:
    """Keys that are one to Hugo, which reads them in small letters. `data`: as written."""
    seen: dict[str, str] = {}
    for key, value in data.items():
        other = seen.setdefault(key.lower(), key)
        if other != key:
            said = f"{above}{other} and {above}{key} are one key to Hugo; which counts is chance"
            top = above.partition(".")[0] or key
            yield Fault("field-double", top.lower(), said, "leave one of them")
        if isinstance(value, dict):
            yield from double_faults(value, f"{above}{key}.")


def unknown_faults(data: Mapping[str, Any], known: Collection[str]) -> Iterator[Fault]:
    """Keys that were likely meant to be a field of Hugo's. `known`: keys, in small letters, that
    this site uses elsewhere or asks for, and so means as they are."""
    for key in data:
        if key in _NAMES or key in known:
            continue
        near = difflib.get_close_matches(key, list(_NAMES), n=1, cutoff=_NEAR)
        meant = _PLURALS.get(key) or (_NAMES[near[0]] if near else None)
        if meant is not None:
            said = f"{key} is no field of Hugo's; did you mean {meant}?"
            hint = f"write {meant}, or put what is the site's own below params"
            yield Fault("field-unknown", key, said, hint, is_error=False)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
