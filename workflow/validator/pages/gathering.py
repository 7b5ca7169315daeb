"""What is gathered from a page while its tree is walked, and how an address is read."""

from __future__ import annotations

from functools import lru_cache

from workflow.validator.facts import Ref

Attributes = dict[str, str | None]
"""By name in small letters; an attribute without a value has None."""

_AROUND = "".join(map(chr, range(33)))
_LINE_ENDS = str.maketrans("", "", "\t\n\r")

# Pages of one site share most of their references: each is made once.
ref = lru_cache(maxsize=1 << 14)(Ref)


class Head:
    """What the page is, whatever is ignored in it."""

    __slots__ = (
        "bases",
        "canonical_in_body",
        "canonicals",
        "descriptions",
        "first",
        "h1",
        "headings",
        "refresh",
        "robots",
        "targets",
        "titles",
    )

    def __init__(self) -> None:
        self.bases: list[str] = []
        self.canonical_in_body = False
        self.canonicals: list[str] = []
        self.descriptions: list[str] = []
        self.first: dict[str, str] = {}
        """lang, charset and viewport, of which the first counts."""
        self.h1: list[str] = []
        self.headings: list[str] = []
        self.refresh: tuple[float, str] | None = None
        self.robots: list[tuple[str, str]] = []
        self.targets: list[str] = []
        """What a fragment may name besides ids."""
        self.titles: list[str] = []


class Found:
    """Where the page leads, and what may be wrong with it. Fields are those of `facts.Page`."""

    __slots__ = (
        "alternates",
        "bad_refresh",
        "bad_srcset",
        "empty",
        "forms",
        "head",
        "ids",
        "jsonld_errors",
        "leftovers",
        "nameless_links",
        "no_alt",
        "refs",
        "social",
    )

    def __init__(self, head: Head, ids: frozenset[str]) -> None:
        self.head = head
        self.ids = ids
        self.alternates: list[tuple[str, str]] = []
        self.bad_refresh: list[str] = []
        self.bad_srcset: list[str] = []
        self.empty: list[tuple[str, str]] = []
        self.forms: list[tuple[str, str]] = []
        self.jsonld_errors: list[str] = []
        self.leftovers: list[str] = []
        self.nameless_links: list[str] = []
        self.no_alt: list[str] = []
        self.refs: list[Ref] = []
        self.social: list[tuple[str, str]] = []

    def add(self, kind: str, element: str, attribute: str, value: str | None) -> str:
        """Take an address as browsers read it; one that is blank is noted as such."""
        url = address(value or "")
        if url:
            self.refs.append(ref(kind, url, element, attribute))
        else:
            self.empty.append((element, attribute))
        return url


@lru_cache(maxsize=1 << 14)
def address(value: str) -> str:
    """Without the blanks around it, and without tabs and line ends in it (URL standard)."""
    return value.strip(_AROUND).translate(_LINE_ENDS)


@lru_cache(maxsize=1 << 14)
def link_to(href: str) -> Ref | None:
    """Where an `a` leads; None if that is blank."""
    url = address(href)
    return ref("link", url, "a", "href") if url else None


def forget() -> None:
    """Give back what is kept of the references of one site."""
    for kept in (ref, address, link_to):
        kept.cache_clear()


def has_label(found: Found, attributes: Attributes) -> bool:
    """Whether a name is given for those who hear the page."""
    if (attributes.get("aria-label") or "").strip() or (attributes.get("title") or "").strip():
        return True
    labelled_by = (attributes.get("aria-labelledby") or "").split()
    return bool(labelled_by) and not found.ids.isdisjoint(labelled_by)
