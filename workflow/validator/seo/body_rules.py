"""The rules on what stands in a page: headings, alternatives to pictures, names of links, ids, data
for machines, forms, and what templates left behind."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workflow.validator.facts import Page, Ref
from workflow.validator.findings import Finding, Rule
from workflow.validator.seo.wording import listed, quoted
from workflow.validator.sites import Site

FORM_DIGITS = (10, 20)
"""Of the id of a JotForm form. It begins with the year: those of 2010 have 10 digits, those of
today 15, and those of enterprise servers up to 18."""

RULES: tuple[Rule, ...] = (
    Rule(
        "template-leftover", "error", "A page shows what a template should have replaced",
        "Mend the template or shortcode: ZgotmplZ is an address that Hugo found unsafe, %! a "
        "printf with the wrong values, {{ … }} an action that nothing read.",
    ),
    Rule(
        "markup-unclosed", "error", "A comment, a script or the like hides the rest of a page",
        "Close it (`-->`, `</script>`, `</style>`, `</title>`, `</textarea>`): nothing that stands "
        "behind it is shown, and no other rule sees it.",
    ),
    Rule(
        "h1-missing", "warning", "A page has no main heading",
        "Let the template write the title as h1.",
    ),
    Rule(
        "h1-many", "notice", "A page has more than one main heading",
        "Keep one h1; in Markdown, begin sections with ##.",
    ),
    Rule(
        "heading-skip", "notice", "A heading is more than one level below the one before",
        "Take the next level: those who hear the page go through it by its headings.",
    ),
    Rule(
        "alt-missing", "warning", "An image says nothing to those who cannot see it",
        'Say in alt what it shows, or write `alt=""` if it is an ornament.',
    ),
    Rule(
        "link-nameless", "notice", "A link has neither text nor a name",
        "Put a text into it, an alt on its image, or an aria-label on the link.",
    ),
    Rule(
        "id-double", "warning", "Two elements of a page have one id",
        "Rename one: links, labels and scripts find the first alone.",
    ),
    Rule(
        "jsonld-invalid", "error", "Data for search engines (JSON-LD) cannot be read",
        "In Hugo, build a dict and write it with jsonify and safeJS.",
    ),
    Rule(
        "form-invalid", "error", "A JotForm form is embedded under an id that none can have",
        "Copy the code from JotForm again (Publish, Embed): the id is a long number.",
    ),
    Rule(
        "form-unknown", "warning", "A page embeds a form that workflow.yaml does not name",
        "Add it under `forms`, so that it is looked after, or embed the right one.",
    ),
)  # fmt: skip

_SKIP = re.compile(r"1(?=[3-6])|2(?=[4-6])|3(?=[56])|4(?=6)")
_LIVERELOAD_HINT = "Build the site with `hugo`; `hugo server` writes pages for your eyes alone."
_SEEN = ("img", "input", "area")


def body_findings(path: str, page: Page, site: Site) -> Iterator[Finding]:
    """What is wrong with a page that is more than an alias."""
    yield from _headings(path, page)
    if page.no_alt:
        yield from _without_alternative(path, page)
    for url in dict.fromkeys(page.nameless_links):
        message = f"the link to {url} has no text that tells where it leads"
        yield Finding("link-nameless", path, message, url, "a", "href")
    for one in page.double_ids:
        message = f"more than one element has the id {one}"
        yield Finding("id-double", path, message, one, None, "id")
    for error in dict.fromkeys(page.jsonld_errors):
        message = f"JSON-LD cannot be read: {error}"
        yield Finding("jsonld-invalid", path, message, "application/ld+json", "script", "type")
    for kind, form in page.forms:
        yield from _form(path, page, kind, form, site.form_ids)


def leftover_findings(path: str, page: Page) -> Iterator[Finding]:
    """What failed templates left in any page, aliases too."""
    for one in page.leftovers:
        if "livereload.js" in one:
            message = "the page reloads itself when its author saves a file"
            yield Finding("template-leftover", path, message, one, hint=_LIVERELOAD_HINT)
        else:
            yield Finding("template-leftover", path, f"{quoted(one)} stands in the page", one)


def unclosed_finding(path: str, unclosed: tuple[str, int, int, str]) -> Finding:
    """That the rest of the page is none."""
    name, line, column, excerpt = unclosed
    what = "a comment" if name == "comment" else f"a {name} element"
    message = f"{what} is never closed, and hides the rest of the page"
    return Finding("markup-unclosed", path, message, line=line, column=column, excerpt=excerpt)


def _headings(path: str, page: Page) -> Iterator[Finding]:
    headings = page.h1
    if not any(headings):
        message = "the h1 of the page is empty" if headings else "the page has no h1"
        yield Finding("h1-missing", path, message, None, "h1" if headings else None)
    elif len(headings) > 1:
        shown = listed(map(quoted, headings), len(headings))
        yield Finding("h1-many", path, f"the page has {len(headings)} h1: {shown}", None, "h1")
    levels = page.headings
    if skip := _SKIP.search(levels):
        above, below = levels[skip.start()], levels[skip.end()]
        yield Finding("heading-skip", path, f"an h{below} follows an h{above}", None, f"h{below}")


def _without_alternative(path: str, page: Page) -> Iterator[Finding]:
    bearers = {ref.url: ref for ref in page.refs if ref.element in _SEEN}
    unknown = Ref("image", "", "img", "src")
    for url in dict.fromkeys(page.no_alt):
        _, _, element, attribute = bearers.get(url, unknown)
        what = "the area of a map that leads to" if element == "area" else "the image"
        message = f"{what} {_short(url)} has no alt text" if url else "an image has no alt text"
        yield Finding("alt-missing", path, message, url, element, attribute)


def _form(
    path: str, page: Page, kind: str, form: str, known: frozenset[str] | None
) -> Iterator[Finding]:
    least, most = FORM_DIGITS
    if known is not None and form in known:
        return
    if not (form.isascii() and form.isdigit() and least <= len(form) <= most):
        message = f"{_short(form) or 'nothing'} is no form of JotForm"
        yield Finding("form-invalid", path, message, *_place(page, kind, form))
    elif known is not None:
        message = f"workflow.yaml does not name the form {form}"
        yield Finding("form-unknown", path, message, *_place(page, kind, form))


def _place(page: Page, kind: str, form: str) -> tuple[str, str | None, str | None]:
    """Url, element and attribute of what embeds the form."""
    for ref in page.refs:
        if form and form in ref.url and "otform" in ref.url:
            return ref.url, ref.element, ref.attribute
    # A script gives the frame its address, which is named by its own id until then.
    return (f"JotFormIFrame-{form}", "iframe", "id") if kind == "iframe" else (form, None, None)


def _short(url: str) -> str:
    return quoted(url)[1:-1]
