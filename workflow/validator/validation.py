"""One check of one site, from the folder to the report.

read → rules → grade → baseline → causes → places in the sources
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from workflow.errors import WorkflowError
from workflow.validator import baseline, grading, rules
from workflow.validator.baseline import Mark
from workflow.validator.causes import Cause, causes, placed_in
from workflow.validator.content import rules as content_rules
from workflow.validator.external import links as external
from workflow.validator.findings import Finding
from workflow.validator.grading import FailOn, Grade, Ignore
from workflow.validator.links import urls
from workflow.validator.seo.page_kinds import is_alias
from workflow.validator.sources import Sources, hugo_site

if TYPE_CHECKING:
    from workflow.validator.external.verdict import Options
    from workflow.validator.sites import Site

Scope = Literal["site", "content"]
_ANSWERS = "external.json"
"""In the cache: what other hosts said."""
_SHOWN = 40
"""Causes whose places are looked for when only the first screen is wanted."""


@dataclass(frozen=True)
class Wish:
    """What to check, and how its findings count."""

    public: Path
    base_url: str | None = None
    """None: as the site itself says."""
    environment: str | None = None
    is_production: bool = False
    form_ids: frozenset[str] | None = None
    scope: Scope = "site"
    grades: Mapping[str, Grade] = field(default_factory=dict)
    ignores: Sequence[Ignore] = ()
    fail_on: FailOn = "error"
    baseline: Path | None = None
    update_baseline: bool = False
    external: Options | None = None
    """How other hosts are asked; None: not at all."""
    cache: Path | None = None
    """A folder for what is kept from one check to the next."""
    hugo_site: Path | None = None
    """Where the sources are; None: above `public`, if it is there."""
    ask_hugo: Callable[[Path], Mapping[str, str]] | None = None
    """Content files of the site in that folder, by page; see `hugo.listing`."""
    in_full: bool = True
    """Find line and source of every finding, not only of those on the first screen."""


@dataclass(frozen=True)
class Report:
    """What came of it."""

    pages: int
    files: int
    base_url: str | None
    environment: str | None
    new: list[Finding]
    known: list[Finding]
    fixed: list[Mark]
    ignored: int
    causes: list[Cause]
    """Of the new findings."""
    fail_on: FailOn
    has_baseline: bool
    notes: list[str]
    """For whoever keeps the configuration."""

    @property
    def failing(self) -> list[Cause]:
        """The causes that make the check fail."""
        if self.fail_on == "never":
            return []
        worst = grading.RANK[self.fail_on]
        return [one for one in self.causes if grading.RANK[one.severity] <= worst]


def validate(wish: Wish, check: Callable[[], None] = lambda: None) -> Report:
    """Check the site. `check` is called often, and ends it by raising.

    Raises FileNotFoundError if there is no such folder, OSError if it cannot be read, WorkflowError
    for a folder without pages, a rule that is none, or a baseline that cannot be read.
    """
    known_rules = rules.all_rules()
    grading.require_known(wish.grades, known_rules, "the configuration")
    grading.require_known(
        (one.rule for one in wish.ignores if one.rule), known_rules, "an ignore entry"
    )
    known = baseline.read(wish.baseline) if wish.baseline is not None else None
    checked = (_content if wish.scope == "content" else _site)(wish, check)
    checked = checked._replace(found=[_printable(one) for one in checked.found])
    not_run = _not_run(wish, known_rules)
    graded = grading.graded(checked.found, known_rules, wish.grades, wish.ignores, not_run=not_run)
    if wish.update_baseline and wish.baseline is not None:
        others = [one for one in (known or Counter()).elements() if one.code in not_run]
        baseline.write(wish.baseline, graded.findings, checked.base_url, others)
        known = baseline.read(wish.baseline)
    expected = Counter({one: n for one, n in (known or {}).items() if one.code not in not_run})
    compared = baseline.compare(graded.findings, expected, checked.base_url)
    grouped = causes(compared.new, _pages_to_read(checked.site), known_rules)
    check()
    if checked.site is not None:
        grouped = _placed(wish, checked.site, grouped, check)
    return Report(
        pages=len(checked.pages),
        files=checked.files,
        base_url=checked.base_url,
        environment=wish.environment,
        new=[one for cause in grouped for one in cause.findings],
        known=compared.known,
        fixed=compared.fixed,
        ignored=graded.ignored,
        causes=grouped,
        fail_on=wish.fail_on,
        has_baseline=known is not None,
        notes=[*_notes(graded.unused), *_baseline_notes(wish, compared.fixed)],
    )


class _Checked(NamedTuple):
    """What was looked at, and what was found there, not yet graded."""

    found: list[Finding]
    pages: Collection[str]
    files: int
    base_url: str | None
    site: Site | None
    """The built one, if that was looked at: its findings still have to be given their places."""


def _site(wish: Wish, check: Callable[[], None]) -> _Checked:
    site = _read(wish, check)
    if not site.pages:
        # Whoever checks before each deploy must not be told that all is well with nothing.
        raise WorkflowError(
            "no_pages",
            f"there is no page in {wish.public}",
            hint="name the folder of the built site; `hugo` writes it as public/",
        )
    found = _findings(wish, site, check)
    return _Checked(found, site.pages, len(site.files), site.base_url, site)


def _content(wish: Wish, check: Callable[[], None]) -> _Checked:
    from workflow.validator.content.rules import content_findings

    folder = wish.hugo_site or hugo_site(wish.public / "content") or hugo_site(wish.public)
    if folder is None:
        raise WorkflowError(
            "no_content",
            f"{wish.public} is no Hugo site with content, nor lies in one",
            hint="name the site's folder, which has hugo.toml and content/ in it",
        )
    content = folder / "content"
    public = wish.public if wish.public.is_dir() and wish.public != folder else folder / "public"
    found = content_findings(
        folder,
        content=content,
        public=public if public.is_dir() else None,
        base_url=wish.base_url,
        check=check,
    )
    pages = [path.relative_to(folder).as_posix() for path in content.rglob("*.md")]
    return _Checked(found, pages, len(pages), wish.base_url, None)


def _pages_to_read(site: Site | None) -> list[str] | None:
    """Those that templates make for somebody to read: aliases have next to nothing in them, and
    what all the others have is still a template's."""
    if site is None:
        return None
    return [path for path, page in site.pages.items() if not is_alias(page)]


def _not_run(wish: Wish, known_rules: Iterable[str]) -> frozenset[str]:
    """Rules whose findings cannot have come up."""
    elsewhere = {rule.code for rule in external.RULES}
    of_content = {rule.code for rule in content_rules.RULES}
    if wish.scope == "content":
        return frozenset(known_rules) - of_content
    return frozenset(of_content if wish.external is not None else of_content | elsewhere)


def _read(wish: Wish, check: Callable[[], None]) -> Site:
    from workflow.validator.base_url import built_for
    from workflow.validator.files.reading import read_site

    site = read_site(
        wish.public,
        base_url=wish.base_url,
        cache=wish.cache,
        environment=wish.environment,
        is_production=wish.is_production,
        form_ids=wish.form_ids,
        check=check,
    )
    if site.base_url is None:
        site = replace(site, base_url=built_for(site))
    return site


def _findings(wish: Wish, site: Site, check: Callable[[], None]) -> list[Finding]:
    answers = wish.cache / _ANSWERS if wish.cache is not None else None
    return rules.check(site, check, external=wish.external, cache=answers)


def _notes(unused: Iterable[Ignore]) -> list[str]:
    return [
        f"nothing is left to ignore for: {one.told()} ({one.reason}); take the entry out"
        for one in unused
    ]


def _baseline_notes(wish: Wish, fixed: Sequence[Mark]) -> list[str]:
    if not fixed or wish.update_baseline:
        return []
    return [f"{len(fixed):,} findings of the baseline are gone: write it anew (update_baseline)"]


def _placed(wish: Wish, site: Site, grouped: list[Cause], check: Callable[[], None]) -> list[Cause]:
    """The causes with the places of their findings: in the sources, and in the built page."""
    folder = wish.hugo_site or hugo_site(site.folder)
    ask = wish.ask_hugo
    sources = None
    if folder is not None:
        sources = Sources(folder, (lambda: ask(folder)) if ask is not None else None)
    wanted = grouped if wish.in_full else grouped[:_SHOWN]
    placed = []
    for cause in wanted:
        placed.append(_sourced(cause, sources, site.base_url) if sources else cause)
        check()
    lined = _with_lines(site.folder, placed, in_full=wish.in_full, check=check)
    return [*lined, *grouped[len(wanted) :]]


def _sourced(cause: Cause, sources: Sources, base_url: str | None) -> Cause:
    if cause.is_template:
        written_as = {one.url for one in cause.findings}
        url = next(iter(written_as)) if len(written_as) == 1 else None
        place = sources.template(cause.code, url, base_url)
        return placed_in(cause, urls.printable(place)) if place is not None else cause
    written: dict[str | None, str | None] = {}
    found = []
    for one in cause.findings:
        if not one.page.endswith((".html", ".htm")):
            found.append(one)  # a style sheet, a feed: what Hugo makes them from, it does not say
            continue
        place = sources.content_line(one.page, one.code, one.url)
        if one.url and (place is None or ":" not in place):
            # Not in the text of the page: a shortcode, a partial or a menu may have written it.
            if one.url not in written:
                written[one.url] = sources.reference(one.code, one.url, base_url)
            place = written[one.url] or place
        found.append(one._replace(source=urls.printable(place)) if place is not None else one)
    places = {one.source for one in found}
    return cause._replace(
        findings=tuple(found), source=next(iter(places)) if len(places) == 1 else None
    )


def _with_lines(
    folder: Path, grouped: list[Cause], *, in_full: bool, check: Callable[[], None]
) -> list[Cause]:
    """The causes, each finding (or only the first one) with line, column and excerpt."""
    wanted: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for number, cause in enumerate(grouped):
        for at, one in enumerate(cause.findings if in_full else cause.findings[:1]):
            if one.line is None and (one.element is not None or one.url is not None):
                wanted[one.page].append((number, at))
    found = [list(cause.findings) for cause in grouped]
    for page, spots in wanted.items():
        raw = _bytes(folder, page)
        there = [((number, at), found[number][at]) for number, at in spots]
        for (number, at), lined in _lined(raw, there):
            found[number][at] = lined
        check()
    return [
        cause._replace(findings=tuple(some)) for cause, some in zip(grouped, found, strict=True)
    ]


def _lined(
    raw: bytes, spots: list[tuple[tuple[int, int], Finding]]
) -> list[tuple[tuple[int, int], Finding]]:
    """Findings of one page at their places; of several alike, one after the other."""
    from workflow.validator.pages.positions import places

    alike: dict[tuple[str | None, str | None, str | None], list[tuple[int, int, str]]] = {}
    told = []
    for spot, one in spots:
        key = (one.element, one.attribute, one.url)
        if key not in alike:
            alike[key] = places(raw, *key)
        if not alike[key]:
            continue
        line, column, excerpt = alike[key].pop(0) if len(alike[key]) > 1 else alike[key][0]
        told.append((spot, one._replace(line=line, column=column, excerpt=excerpt)))
    return told


def _bytes(folder: Path, page: str) -> bytes:
    for name in (page, urls.decoded(page)):  # which may be no UTF-8, see `_printable`
        try:
            return (folder / name).read_bytes()
        except OSError:
            continue
    return b""


def _printable(finding: Finding) -> Finding:
    """The finding as JSON can hold it, even of a file whose name is no UTF-8."""
    page, message, url = map(urls.printable, (finding.page, finding.message, finding.url or ""))
    if (page, message, url) == (finding.page, finding.message, finding.url or ""):
        return finding
    return finding._replace(page=page, message=message, url=url or finding.url)
