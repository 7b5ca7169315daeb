"""The rules on robots.txt against what is there. Source: RFC 9309."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from workflow.validator.facts import Ref, Robots
from workflow.validator.findings import Finding, Rule, Severity
from workflow.validator.links import urls
from workflow.validator.seo.crawling import Rules, blocks, rules_for
from workflow.validator.seo.survey import Survey
from workflow.validator.seo.wording import count, listed, quoted

FILE = "robots.txt"
CRAWLERS = {"googlebot": "Googlebot", "bingbot": "Bingbot"}
"""Whose visits bring visitors. Others may be kept out for good reasons."""

RULES: tuple[Rule, ...] = (
    Rule(
        "robots-invalid", "warning", "A line of robots.txt that crawlers pass over",
        "Write `Name: value`; Allow and Disallow follow a User-agent and begin with / or *.",
    ),
    Rule(
        "robots-place", "notice", "robots.txt is where no crawler looks for it",
        "It counts at the root of the host alone; say noindex in the pages instead.",
    ),
    Rule(
        "robots-blocks", "warning", "robots.txt keeps search engines from what they should read",
        "Take the Disallow line out, or out of production's robots.txt.",
    ),
    Rule(
        "robots-noindex", "warning", "A page says noindex where no crawler may read it",
        "Let it be read until it is forgotten: what may not be read can be listed all the same.",
    ),
    Rule(
        "robots-sitemap", "warning", "A Sitemap line of robots.txt leads to no sitemap",
        'Write its whole address; in Hugo, `Sitemap: {{ absURL "sitemap.xml" }}`.',
    ),
)  # fmt: skip

_LOADED = frozenset(("style", "script"))
_LISTS = (".txt", ".gz", ".rss", ".atom", ".xml")
"""What a sitemap may be besides XML that was understood: a list of addresses, packed, a feed."""

_Blocked = Callable[[str], str | None]


def robots_findings(survey: Survey) -> Iterator[Finding]:
    """Of the one file, and of the pages that it keeps crawlers from."""
    robots = survey.site.facts.get(FILE)
    if not isinstance(robots, Robots):
        return
    for number, line in robots.bad_lines:
        message = f"line {number} is none that crawlers understand: {quoted(line)}"
        yield Finding("robots-invalid", FILE, message, line, line=number, excerpt=line[:120])
    for ref in robots.refs:
        if said := _of_sitemap(ref, survey):
            yield Finding("robots-sitemap", FILE, said, ref.url)
    if survey.resolver.root != "/":
        message = f"crawlers look for /robots.txt, and this is {survey.shown(FILE)}"
        yield Finding("robots-place", FILE, message)
    else:
        yield from _blocking(robots, survey)


def _of_sitemap(ref: Ref, survey: Survey) -> str | None:
    if urls.scheme_of(ref.url) is None:
        return f"{quoted(ref.url)} is not a whole address"
    verdict = survey.resolver.resolve(FILE, None, ref.url)
    if verdict.kind == "external":
        host = (verdict.address or "").split("/", 3)[2]
        # Another host's is allowed, if that one's owner says so (sitemaps.org, cross submits).
        return f"{host} is not there for crawlers" if urls.is_local(host) else None
    path = verdict.path
    if verdict.kind != "found" or path is None:
        return verdict.detail or f"{quoted(ref.url)} leads nowhere"
    if path not in survey.sitemaps and not path.endswith(_LISTS):
        return f"{survey.shown(path)} is no sitemap"
    return None


def _blocking(robots: Robots, survey: Survey) -> Iterator[Finding]:
    said: dict[Rules, list[str]] = {}
    for agent, name in CRAWLERS.items():
        own = rules_for(robots, agent)
        rules = rules_for(robots, "*") if own is None else own
        if rules and not all(allows for allows, _ in rules):
            said.setdefault(rules, []).append(name if own is not None else "search engines")
    shown: dict[str, str] = {}
    for rules, names in said.items():
        shown = shown or {path: survey.shown(path) for path in survey.site.pages}
        whom = "search engines" if "search engines" in names else " and ".join(names)
        yield from _by_rules(blocks(rules), whom, shown, survey)


def _by_rules(
    blocked: _Blocked, whom: str, shown: dict[str, str], survey: Survey
) -> Iterator[Finding]:
    patterns = {path: pattern for path in shown if (pattern := blocked(shown[path])) is not None}
    if patterns and len(patterns) == len(shown):
        yield _of_everything(next(iter(patterns.values())), whom, survey)
        return
    for path, pattern in sorted(patterns.items()):
        line = f"robots.txt keeps {whom} from {shown[path]} (Disallow: {pattern})"
        if path in survey.hidden:
            message = f"{line}, so that they do not see its noindex"
            yield Finding("robots-noindex", path, message)
        elif path in survey.in_sitemap:
            message = f"{line}, and {survey.shown(survey.in_sitemap[path])} lists it"
            yield Finding("robots-blocks", path, message)
    yield from _of_resources(blocked, whom, survey)


def _of_everything(pattern: str, whom: str, survey: Survey) -> Finding:
    """Of production it is the worst that can be said, where a site is tried out it is right."""
    site = survey.site
    severity: Severity | None = None
    if site.is_production:
        severity = "error"
    elif site.environment is not None:
        severity = "notice"
    message = f"Disallow: {pattern} keeps {whom} from the whole site"
    return Finding("robots-blocks", FILE, message, pattern, severity=severity)


def _of_resources(blocked: _Blocked, whom: str, survey: Survey) -> Iterator[Finding]:
    """Style sheets and scripts, without which a crawler does not see what a visitor sees."""
    files = [file for file in survey.site.files if file.endswith((".css", ".js", ".mjs"))]
    kept = {file: pattern for file in files if (pattern := blocked(survey.shown(file)))}
    if not kept:
        return
    users: dict[str, list[str]] = {}
    resolve = survey.resolver.resolve
    for path in survey.findable:
        page = survey.site.pages[path]
        for ref in page.refs:
            if ref.kind in _LOADED:
                target = resolve(path, page.base, ref.url).path
                if target in kept:
                    users.setdefault(target, []).append(path)
    for file, pages in sorted(users.items()):
        shown = listed(map(survey.shown, pages), len(pages))
        message = (
            f"Disallow: {kept[file]} keeps {whom} from {survey.shown(file)}, which "
            f"{count(len(pages), 'page')} load{'s' if len(pages) == 1 else ''}: {shown}"
        )
        yield Finding("robots-blocks", FILE, message, kept[file])
