"""What a Markdown text leads to and what can be led to in it, as Hugo's renderer does it.

CommonMark with tables is read by markdown-it; raw HTML in it is looked through for elements that
lead somewhere. Code and comments are no content.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from workflow.validator.content.shortcodes import STAND_IN
from workflow.validator.pages import srcset

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

HeadingIds = Literal["github", "github-ascii", "blackfriday", "none"]
"""How Hugo makes an id of a heading (markup.goldmark.parser.autoHeadingIDType)."""

_ATTRIBUTES = re.compile(r"[ \t]*\{([^{}\n]*)\}[ \t]*$")
_IS_ATTRIBUTES = re.compile(r"\s*(?:[#.][^\s#.]+|[\w:-]+\s*=)")
_ID = re.compile(r"(?:^|\s)#([^\s{}.=]+)|(?:^|\s)id\s*=\s*[\"']?([^\s\"']+)")
_BLOCK_ATTRIBUTES = re.compile(r"^[ \t]*\{([^{}\n]*#[^{}\n]*)\}[ \t]*$", re.MULTILINE)
_MAY_LEAD = re.compile(r"[\[<]|://")
_BARE = re.compile(r"https?://[^\s<>\"]+")
_AFTER_BARE = "?!.,:*_~'\"();"
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_UNREAD = re.compile(
    r"(<(script|style|template|textarea)\b[^>]*>)(.*?)</\2", re.DOTALL | re.IGNORECASE
)
_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9-]*)((?:[^<>\"']++|\"[^\"]*\"|'[^']*')*+)>")
_ATTRIBUTE = re.compile(r"([^\s\"'<>/=]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=<>`]+)))?")
_LINKS = frozenset({("a", "href"), ("area", "href"), ("iframe", "src"), ("object", "data")})
_IMAGES = frozenset(
    {("img", "src"), ("source", "src"), ("video", "src"), ("audio", "src"), ("video", "poster"),
     ("track", "src"), ("embed", "src")}
)  # fmt: skip
_SETS = frozenset({("img", "srcset"), ("source", "srcset")})
_IN_ADDRESS = re.compile(r"[\w/\-.%?&=#~+@]")


class Reference(NamedTuple):
    """Something that the text leads to or shows."""

    kind: Literal["link", "image"]
    url: str
    """As written, entities and escapes decoded."""
    line: int
    """Both from 1, in the text that was read."""
    column: int
    has_alt: bool = True
    """Of a picture: whether it says something for whoever cannot see it."""


class Text(NamedTuple):
    """A text, read."""

    references: tuple[Reference, ...]
    anchors: frozenset[str]
    """What fragments can name: headings, ids."""
    has_made_anchors: bool
    """Whether a shortcode stands in a heading, whose id is not known then."""


def read(text: str, heading_ids: HeadingIds = "github") -> Text:
    """The references and anchors of a text, in which shortcodes have been replaced."""
    env: dict[str, Any] = {}
    tokens = _parser().parse(text, env)
    reader = _Reader(text, env.get("references", {}), heading_ids)
    for at, token in enumerate(tokens):
        if token.type == "html_block":
            first = token.map[0] if token.map else 0
            reader.html(token.content, first)
        elif token.type == "inline":
            reader.inline(token)
            if tokens[at - 1].type == "heading_open":
                reader.heading(token)
    return Text(tuple(reader.found), frozenset(reader.anchors), reader.has_made_anchors)


@lru_cache(1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    def only_what_leads(state: StateCore) -> None:
        """Reads lines that hold no link, no element and no heading not at all: most do not."""
        above = ""
        for token in state.tokens:
            is_worth_it = above == "heading_open" or _MAY_LEAD.search(token.content)
            if token.type == "inline" and is_worth_it:
                token.children = []
                state.md.inline.parse(token.content, state.md, state.env, token.children)
            above = token.type

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("text_join")
    parser.core.ruler.at("inline", only_what_leads)
    # Addresses are wanted as they are written, and all of them.
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    return parser


class _Reader:
    def __init__(
        self, text: str, definitions: dict[str, dict[str, Any]], heading_ids: HeadingIds
    ) -> None:
        self.found: list[Reference] = []
        self.anchors: set[str] = set()
        self.has_made_anchors = False
        self._lines = text.split("\n")
        self._heading_ids = heading_ids
        self._defined = {one["href"]: one["map"][0] for one in definitions.values()}
        self._places: dict[tuple[int, str], tuple[int, int]] = {}
        self._told: set[Reference] = set()

    def inline(self, token: Token) -> None:
        """What stands in a paragraph, a heading, a cell."""
        first, last = token.map or (0, 1)
        for child in token.children or ():
            if child.type == "link_open":
                self._add("link", str(child.attrs.get("href", "")), first, last)
            elif child.type == "image":
                alt = bool(child.content.strip())
                self._add("image", str(child.attrs.get("src", "")), first, last, has_alt=alt)
            elif child.type == "html_inline":
                for kind, url, has_alt, _ in self._elements(child.content):
                    self._add(kind, url, first, last, has_alt=has_alt)
            elif child.type == "text" and "://" in child.content:
                for bare in _BARE.findall(child.content):
                    self._add("link", bare.rstrip(_AFTER_BARE), first, last)
        if "{" in token.content:
            for attributes in _BLOCK_ATTRIBUTES.findall(token.content):
                self._take_id(attributes)
        if "\n:" in token.content:  # a term and its definition
            self._take_slug(token.content.partition("\n")[0])

    def html(self, content: str, first: int) -> None:
        """A block of raw HTML."""
        for kind, url, has_alt, at in self._elements(content):
            line = first + content.count("\n", 0, at)
            self._add(kind, url, line, len(self._lines), has_alt=has_alt)

    def heading(self, token: Token) -> None:
        """What a fragment names a heading by."""
        shown = "".join(
            " " if child.type == "softbreak" else child.content
            for child in token.children or ()
            if child.type in ("text", "code_inline", "softbreak", "image", "text_special")
        )
        attributes = _ATTRIBUTES.search(shown)
        if attributes is not None and _IS_ATTRIBUTES.match(attributes[1]):
            if self._take_id(attributes[1]):
                return
            shown = shown[: attributes.start()]
        if STAND_IN in shown:
            self.has_made_anchors = True
            shown = shown.replace(STAND_IN, "")
        if "--" in shown:  # a long dash to the typographer, which may be switched off
            self._take_slug(re.sub("-{2,3}", "\u2013", shown))
        self._take_slug(shown)

    def _take_slug(self, shown: str) -> None:
        """Each heading has an id of its own; what would be the same is numbered."""
        if self._heading_ids == "none":
            return
        plain = slug(shown, self._heading_ids) or "heading"
        name, number = plain, 0
        while name in self.anchors:
            number += 1
            name = f"{plain}-{number}"
        self.anchors.add(name)

    def _take_id(self, attributes: str) -> bool:
        found = _ID.search(attributes)
        if found is None:
            return False
        self.anchors.add(found[1] or found[2])
        return True

    def _elements(self, content: str) -> Iterator[tuple[Literal["link", "image"], str, bool, int]]:
        """(kind, address, has an alt, where) of each element that leads somewhere."""
        if "<!--" in content:
            content = _COMMENT.sub(_spaces, content)
        content = _UNREAD.sub(lambda one: one[1] + _blank(one[3]), content)
        for tag in _TAG.finditer(content):
            name = tag[1].lower()
            attributes = {
                one[1].lower(): html.unescape(one[2] or one[3] or one[4] or "")
                for one in _ATTRIBUTE.finditer(tag[2])
            }
            if "id" in attributes:
                self.anchors.add(attributes["id"])
            if name == "a" and "name" in attributes:
                self.anchors.add(attributes["name"])
            for attribute, value in attributes.items():
                at = tag.start()
                if (name, attribute) in _LINKS:
                    yield "link", value.strip(), True, at
                elif (name, attribute) in _IMAGES:
                    yield "image", value.strip(), name != "img" or "alt" in attributes, at
                elif (name, attribute) in _SETS:
                    yield from (("image", url, True, at) for url in srcset.parse(value).urls)

    def _add(
        self, kind: Literal["link", "image"], url: str, first: int, last: int, *,
        has_alt: bool = True,
    ) -> None:  # fmt: skip
        line, column = self._place(url, first, last)
        one = Reference(kind, url, line + 1, column + 1, has_alt)
        # A definition that several links use is one place.
        if one not in self._told:
            self._told.add(one)
            self.found.append(one)

    def _place(self, url: str, first: int, last: int) -> tuple[int, int]:
        """Where an address is written: in these lines, behind where it was found before; else where
        it is defined; else the beginning of the lines."""
        line, column = self._places.get((first, url), (first, 0))
        place = self._found(url, line, min(last, len(self._lines)), column)
        if place is not None:
            self._places[first, url] = (place[0], place[1] + len(url))
            return place
        defined = self._defined.get(url)
        if defined is None:
            return first, 0
        return self._found(url, defined, len(self._lines), 0) or (defined, 0)

    def _found(self, url: str, line: int, last: int, column: int) -> tuple[int, int] | None:
        while url and line < last:
            text = self._lines[line]
            at = text.find(url, column)
            if at < 0:
                line, column = line + 1, 0
                continue
            column = at + len(url)
            # Else it is a part of another address.
            if not (_IN_ADDRESS.match(text, column) or (at and _IN_ADDRESS.match(text, at - 1))):
                return line, at
        return None


def slug(shown: str, heading_ids: HeadingIds = "github") -> str:
    """The id of a heading. GitHub's way: blanks and dashes are dashes, letters and digits stay, in
    small letters, all else goes."""
    shown = shown.strip()
    if heading_ids == "blackfriday":
        return _blackfriday(shown)
    if heading_ids == "github-ascii":
        parted = unicodedata.normalize("NFD", shown)
        shown = "".join(sign for sign in parted if sign.isascii())
    return "".join(
        "-" if sign in " -" else sign.lower()
        for sign in shown
        if sign in " -_" or sign.isalpha() or sign.isdecimal()
    )


def _blackfriday(shown: str) -> str:
    words = "".join(
        sign.lower() if sign.isalpha() or sign.isdecimal() else " " for sign in shown
    ).split()
    return "-".join(words)


def _spaces(found: re.Match[str]) -> str:
    return _blank(found[0])


def _blank(text: str) -> str:
    return "".join("\n" if sign == "\n" else " " for sign in text)
