"""The document around a page: what it may load (nothing), its style, its foot."""

from __future__ import annotations

import re
from importlib import resources

from workflow import __version__
from workflow.report.markup import Child, Markup, el, join

MARK = "<!-- A page of `workflow report`: written anew, never edited. -->"
"""By which a file is known as one of ours, which may be overwritten."""
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
LIGHT, DARK = "#f7f6f3", "#141519"
"""The page's own ground, also for the frame that a phone draws around it."""


def document(title: str, *body: Child) -> bytes:
    """The whole file."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el(
            "meta",
            name="viewport",
            content="width=device-width, initial-scale=1, viewport-fit=cover",
        ),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="theme-color", content=LIGHT, media="(prefers-color-scheme: light)"),
        el("meta", name="theme-color", content=DARK, media="(prefers-color-scheme: dark)"),
        el("meta", name="referrer", content="no-referrer"),
        el("meta", name="robots", content="noindex, nofollow, noarchive"),
        # A phone would take ids for telephone numbers and make links of them.
        el("meta", name="format-detection", content="telephone=no, date=no, email=no, address=no"),
        el("meta", name="generator", content=f"workflow {__version__}"),
        el("title", title),
        el("link", rel="icon", href="data:,"),
        el("style", style()),
    )
    page = el("html", head, el("body", *body), lang="en")
    return f"<!doctype html>\n{MARK}\n{page}\n".encode()


def style() -> Markup:
    """The style sheet, without what only its readers need."""
    text = resources.files("workflow").joinpath("data/report/style.css").read_text("utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return Markup(re.sub(r"\s*\n\s*", "\n", text).strip())


def foot(root: str, *notes: Child) -> Markup:
    return el(
        "footer",
        *(el("p", note) for note in notes if note),
        el("p", "Commands are for the folder ", el("code", root), ". Times are in UTC."),
    )


def hero(kind: str, sign: Markup, above: Child, headline: str, *below: Child) -> Markup:
    return el(
        "header",
        el("p", above, class_="above"),
        el("div", sign, el("h1", headline), class_="verdict"),
        join(*below),
        class_=f"hero is-{kind}",
    )
