"""The rules on feeds, web app manifests and icons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from workflow.validator.facts import Feed, Manifest, Ref
from workflow.validator.findings import Finding, Rule
from workflow.validator.links import urls
from workflow.validator.links.resolving import Verdict
from workflow.validator.seo.page_kinds import HOME, is_proof
from workflow.validator.seo.survey import Survey
from workflow.validator.seo.wording import count, listed, quoted

FAVICON = "favicon.ico"

RULES: tuple[Rule, ...] = (
    Rule(
        "feed-invalid", "error", "A feed that no reader can read",
        "Correct the template; without one of its own, Hugo writes a good one.",
    ),
    Rule(
        "feed-broken", "error", "A feed leads to what is not there",
        "Correct the address, or build the site anew into an empty folder.",
    ),
    Rule(
        "feed-relative", "warning", "A feed holds a relative address",
        "Write the whole address: readers of a feed have no page to count from. In Hugo, "
        ".Permalink.",
    ),
    Rule(
        "feed-self", "notice", "A feed says that it is to be found elsewhere",
        "Let its link rel=self name its own address; by it readers tell feeds apart.",
    ),
    Rule(
        "manifest-invalid", "warning", "A web app manifest that browsers cannot use",
        "Correct it: it is a JSON object, its addresses count from the manifest itself.",
    ),
    Rule(
        "icon-missing", "notice", "The site has no icon",
        "Put a favicon.ico into static/, or a `<link rel=\"icon\">` into the head.",
    ),
)  # fmt: skip

_BROKEN = frozenset(("missing", "case", "no-index", "outside", "invalid"))
_WHOLE = frozenset((("link", "text"), ("guid", "text"), ("enclosure", "url"), ("comments", "text")))
"""What RSS wants as whole addresses; in Atom they may be relative."""
_MANIFEST_CODES = {"icon": "icon-broken", "image": "image-broken"}


def file_findings(survey: Survey) -> Iterator[Finding]:
    """Of all feeds and manifests, and of the site's icon."""
    for path, facts in sorted(survey.site.facts.items()):
        if isinstance(facts, Feed):
            yield from _of_feed(path, facts, survey)
        elif isinstance(facts, Manifest):
            yield from _of_manifest(path, facts, survey)
    yield from _icon(survey)


def _of_feed(path: str, feed: Feed, survey: Survey) -> Iterator[Finding]:
    if feed.error is not None:
        yield Finding("feed-invalid", path, f"it cannot be read: {feed.error}")
    seen: set[str] = set()
    local: dict[str, list[Ref]] = defaultdict(list)
    for ref in feed.refs:
        verdict = survey.resolver.resolve(path, None, ref.url)
        if ref.kind == "feed":
            yield from _of_self(path, ref, verdict, survey)
            continue
        if ref.url in seen:  # an entry's link is its guid too
            continue
        seen.add(ref.url)
        if verdict.kind in _BROKEN:
            message = verdict.detail or f"{quoted(ref.url)} leads nowhere"
            yield Finding("feed-broken", path, message, ref.url, ref.element, ref.attribute)
        elif urls.scheme_of(ref.url) is None and (ref.element, ref.attribute) in _WHOLE:
            message = f"{quoted(ref.url)} is not a whole address"
            yield Finding("feed-relative", path, message, ref.url, ref.element, ref.attribute)
        elif verdict.kind == "external":
            host = (verdict.address or "").split("/", 3)[2]
            if urls.is_local(host):
                local[host].append(ref)
    for host, refs in local.items():
        message = f"{host} is not there for readers of the feed"
        if len(refs) > 1:
            message += f", and {count(len(refs), 'link')} lead there"
        first = refs[0]
        yield Finding("link-localhost", path, message, first.url, first.element, first.attribute)


def _of_self(path: str, ref: Ref, verdict: Verdict, survey: Survey) -> Iterator[Finding]:
    if verdict.path == path and urls.scheme_of(ref.url) is not None:
        return
    if urls.scheme_of(ref.url) is None:
        message = f"rel=self is {quoted(ref.url)}, which is not a whole address"
    elif verdict.kind == "external" and not survey.origin:
        return
    else:
        message = f"rel=self is {quoted(ref.url)}, and the feed is {survey.shown(path)}"
    yield Finding("feed-self", path, message, ref.url, ref.element, ref.attribute)


def _of_manifest(path: str, manifest: Manifest, survey: Survey) -> Iterator[Finding]:
    if manifest.error is not None:
        yield Finding("manifest-invalid", path, f"browsers cannot use it: {manifest.error}")
    for ref in manifest.refs:
        verdict = survey.resolver.resolve(path, None, ref.url)
        if verdict.kind in _BROKEN:
            code = _MANIFEST_CODES.get(ref.kind, "manifest-invalid")
            message = verdict.detail or f"{quoted(ref.url)} leads nowhere"
            yield Finding(code, path, message, ref.url, ref.element, ref.attribute)


def _icon(survey: Survey) -> Iterator[Finding]:
    """One finding for the site."""
    if FAVICON in survey.site.files:
        return
    without = [
        path
        for path, page in sorted(survey.site.pages.items())
        if path not in survey.aliases
        and not is_proof(path)
        and not any(ref.kind == "icon" for ref in page.refs)
    ]
    if without:
        first = HOME if HOME in without else without[0]
        shown = listed(map(survey.shown, without), len(without))
        message = f"/{FAVICON} is not there, and {count(len(without), 'page')}"
        message += f" name{'s' if len(without) == 1 else ''} no icon: {shown}"
        yield Finding("icon-missing", first, message)
