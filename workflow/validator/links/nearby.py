"""What is there instead of a file that is not: the same name in other letters, with a slash more or
less, in another folder, or nearly the same name."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

_MOST_GUESSES = 50
"""Comparing names letter by letter is slow; a site with more broken links has another trouble."""
_MOST_COMPARED = 500
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_WEB_SLIP = re.compile(r"(?:^|/)(?:https?[;/]|www\.)", re.IGNORECASE)
_MARKDOWN = (".md", ".markdown")
_INDEX = "index.html"


class Nearby:
    """The files of a site, to be searched for what a reference may have meant."""

    def __init__(self, files: frozenset[str], root: str) -> None:
        """`root`: the path of the site, `/` or `/blog/`."""
        self._files = files
        self._root = root
        self._guesses = 0

    def address(self, path: str) -> str:
        """A file's address as people write it: without index.html."""
        return self._root + (path[: -len(_INDEX)] if _is_index(path) else path)

    def in_other_case(self, key: str) -> str | None:
        """The file that is there in other letters' case, which S3 tells apart (and a Mac not)."""
        return next(
            (file for one in _served(key) for file in self._by_lowered.get(one.lower(), ())), None
        )

    def instead(self, key: str, written: str) -> str:
        """What is there instead of `key`, as a clause; empty if nothing comes near.

        `written` is the path as it stands in the reference, still encoded.
        """
        return self._slip(key, written) or self._same_name(key) or self._guess(key)

    def alike(self, name: str, among: Sequence[str]) -> str | None:
        """The one that is written nearly as `name`; None too after so many questions."""
        if self._guesses == _MOST_GUESSES or len(among) > _MOST_COMPARED:
            return None
        self._guesses += 1
        from difflib import get_close_matches

        return next(iter(get_close_matches(name, among, n=1, cutoff=0.75)), None)

    def _slip(self, key: str, written: str) -> str:
        other_form = self._in_other_form(key)
        if other_form is not None:
            name = self.address(other_form)
            return f"{name} is, whose letters are made up otherwise (Unicode NFC or NFD)"
        if written in self._files:
            return "a file of that very name is, whose % must be written %25"
        bare = key.rstrip("/")
        if key.endswith("/"):
            for one in (bare, bare + ".html"):
                if one in self._files:
                    return f"{self._root}{one} is, a file, without the slash"
        elif key + ".html" in self._files:
            return f"{self._root}{key}.html is"
        stem = key.removesuffix(".html").removesuffix(".htm").removesuffix("/index")
        if stem != key and f"{stem}/{_INDEX}" in self._files:
            return f"{self._root}{stem}/ is"
        single = re.sub("//+", "/", key).lstrip("/")
        if single != key and any(one in self._files for one in _served(single)):
            return f"{self._root}{single} is, with one slash"
        if "+" in key and any(one in self._files for one in _served(key.replace("+", " "))):
            return "a + in a path is no blank, which is written %20"
        return _foreign(key)

    def _in_other_form(self, key: str) -> str | None:
        if key.isascii():
            return None
        composed = unicodedata.normalize("NFC", key)
        return next(
            (file for one in _served(composed) for file in self._by_composed.get(one, ())), None
        )

    def _same_name(self, key: str) -> str:
        bare = key.rstrip("/").removesuffix("/" + _INDEX)
        found = self._by_name.get(bare.rpartition("/")[2], ())
        return f"{self.address(found[0])} is" if len(found) == 1 else ""

    def _guess(self, key: str) -> str:
        bare = key.rstrip("/").removesuffix("/" + _INDEX)
        folder, _, name = bare.rpartition("/")
        near = self.alike(name, sorted(self._siblings.get(folder, ())))
        if near is None:
            return ""
        path = f"{folder}/{near}" if folder else near
        if path not in self._files:
            path += "/"
        return f"is {self._root}{path} meant?"

    @cached_property
    def _by_lowered(self) -> dict[str, list[str]]:
        return _grouped(self._files, str.lower)

    @cached_property
    def _by_composed(self) -> dict[str, list[str]]:
        return _grouped(
            (one for one in self._files if not one.isascii()),
            lambda one: unicodedata.normalize("NFC", one),
        )

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """Files by what people call them: the folder's name for an index.html."""
        return _grouped(
            self._files,
            lambda one: (one[: -len(_INDEX) - 1] if _is_index(one) else one).rpartition("/")[2],
        )

    @cached_property
    def _siblings(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for file in self._files:
            while file:
                file, _, name = file.rpartition("/")
                found[file].add(name)
        return found


def _grouped(files: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for one in sorted(files):
        found[key(one)].append(one)
    return found


def _served(key: str) -> tuple[str, ...]:
    """The files that an address may stand for, if a missing slash is forgiven."""
    if not key or key.endswith("/"):
        return (key + _INDEX,)
    return (key, f"{key}/{_INDEX}")


def _is_index(path: str) -> bool:
    return path == _INDEX or path.endswith("/" + _INDEX)


def _foreign(key: str) -> str:
    """What the reference was meant for, if not for a file of this site."""
    if _INVISIBLE.search(key):
        return "an invisible character stands in it"
    if _WEB_SLIP.search(key):
        return "is https:// meant?"
    name = key.rpartition("/")[2]
    if name.endswith(_MARKDOWN):
        return "it names a Markdown source"
    if "@" in name and "." in name.rpartition("@")[2]:
        return "is mailto: meant?"
    return ""
