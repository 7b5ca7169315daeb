"""Which forms a built site embeds, where, and what its pages pass to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from workflow.validator.facts import Page
from workflow.validator.pages.jotform import embedded


class Embed(NamedTuple):
    """One page's way to one form."""

    page: str
    kind: str
    """script, iframe, link or other."""
    form: str
    """The form's id, or the address that should have named one."""
    url: str | None
    """None: a script of the page gives the frame its address."""
    element: str
    attribute: str

    @property
    def mark(self) -> str:
        """What stands in the page, by which its place is found."""
        return self.url if self.url is not None else f"JotFormIFrame-{self.form}"

    def passes(self, field: str) -> bool | None:
        """Whether the address fills the form's field; None if it cannot be told from the page."""
        if self.url is None:
            return None
        try:
            query = urlsplit(self.url).query
        except ValueError:
            return False
        return any(name == field and value for name, value in parse_qsl(query))


def embeds(pages: Mapping[str, Page]) -> list[Embed]:
    """Every form of every page, in the pages' order."""
    return [one for path, page in pages.items() for one in _of_page(path, page)]


def _of_page(path: str, page: Page) -> Iterable[Embed]:
    for kind, form in page.forms:
        found = [
            Embed(path, kind, form, ref.url, ref.element, ref.attribute)
            for ref in page.refs
            if embedded(ref.element, ref.url) == (kind, form)
        ]
        yield from found or [Embed(path, kind, form, None, "iframe", "id")]
