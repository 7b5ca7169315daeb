"""Sites made by hand for the tests of rules: pages without a fault, and what changes in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from workflow.validator.facts import Facts, Page, Ref
from workflow.validator.findings import Finding
from workflow.validator.links.resolving import Resolver
from workflow.validator.seo.site_rules import site_findings
from workflow.validator.sites import Site

BASE = "https://example.org/"
ICON = Ref("icon", "/icon.svg", "link", "href")


def address(path: str) -> str:
    """The whole address of a page of the site."""
    return BASE + path.removesuffix("index.html")


def social(path: str) -> tuple[tuple[str, str], ...]:
    """All that social media ask for."""
    return (
        ("og:title", "A title"),
        ("og:type", "website"),
        ("og:image", BASE + "icon.svg"),
        ("og:url", address(path)),
    )


def good(path: str, **changed: object) -> Page:
    """A page about which no rule has anything to say, but for what is changed."""
    fields: dict[str, object] = {
        "refs": (ICON,),
        "titles": (f"The title of {path}",),
        "descriptions": (f"What is to be found at {path}, told in a sentence.",),
        "h1": ("Heading",),
        "headings": "123234",
        "lang": "en",
        "charset": "utf-8",
        "viewport": "width=device-width, initial-scale=1",
        "canonicals": (address(path),),
        "social": social(path),
    }
    return Page(**fields | changed)  # type: ignore[arg-type]


def alias(target: str) -> Page:
    """What Hugo writes for an alias."""
    return Page(titles=(target,), canonicals=(target,), charset="utf-8", refresh=(0, target))


def site_of(
    facts: dict[str, Facts],
    *,
    base_url: str | None = BASE,
    files: Iterable[str] = (),
    environment: str | None = None,
    is_production: bool = False,
    form_ids: frozenset[str] | None = None,
) -> Site:
    """A site of these files, and an icon."""
    return Site(
        Path("/nowhere"),
        base_url,
        frozenset(files) | facts.keys() | {"icon.svg"},
        facts,
        environment,
        is_production,
        form_ids,
    )


def found(facts: dict[str, Facts], about: str = "", **site: object) -> list[Finding]:
    """What the rules across a site find in it, of codes that begin with one of these words."""
    made = site_of(facts, **site)  # type: ignore[arg-type]
    words = tuple(about.split())
    return [
        one for one in site_findings(made, Resolver(made)) if one.code.startswith(words or ("",))
    ]


def told(findings: Iterable[Finding]) -> Iterator[tuple[str, str]]:
    """(code, page) of each."""
    return ((one.code, one.page) for one in findings)
