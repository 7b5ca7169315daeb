"""What went wrong in a build: from Hugo's words to an error with a code, a place and a way out.

The table in `hugo_rules` decides on the code and the way out. Messages are nested, `render of
"page" failed: "layout:1:3": … error calling partial: "partial:2:8": …`; the innermost place counts.
"""

from __future__ import annotations

import os
import re
import signal

from workflow.errors import TaskError
from workflow.hugo.log import Entry, Log, missing_layouts
from workflow.hugo.names import like, template_file
from workflow.hugo.rules import LOGGED, RULES, UNKNOWN, WARNED, Rule
from workflow.hugo.site import CONFIG_NAMES
from workflow.redact import redact

MOST = 50
"""Errors that are reported; a broken reference in a footer breaks every page."""

_PLACE = re.compile(r'"(?P<file>[^"\n]+?):(?P<line>\d+):(?P<column>\d+)"')
_CONFIG_FILE = re.compile(r'for path "(?P<file>[^"\n]+)"')
_ABOUT = re.compile(r"(?:\bsee |\bopen |\bmkdir |\bwrite )(?P<file>/[^\n:]+)")
_TEMPLATE = re.compile(r"html/template:(?P<name>[^:\s]+):(?P<line>\d+):(?P<column>\d+)")
_ON_BASE = re.compile(
    r"apply base template failed: template: (?P<name>[^:\s]+):(?P<line>\d+): (?P<why>.*)", re.DOTALL
)
"""Hugo puts the base template's name before it, with the line of the template that is at fault."""
_FROM_PAGE = re.compile(r'from page "(?P<page>[^"]*)"')
_RENDERED = re.compile(r'render of "(?P<page>[^"]+)" failed')
_EXECUTED = re.compile(r".*executing \"[^\"]+\" at (?P<what><.*?>): (?P<why>.*)", re.DOTALL)
_SUMMARY = re.compile(r"(?:error building site: )?logged \d+ error\(s\)$")
_STOPPED = re.compile(r"^(error (building site|copying static files)|failed to )")


def find_errors(log: Log, site: str) -> list[TaskError]:
    """Every error that Hugo told of, once, in its order. `site`: its folder, a real path."""
    found: dict[tuple[object, ...], TaskError] = {}
    warned = {entry.first_line for entry in log.of("warn")}
    for entry in log.of("error", "fatal"):
        for text in _split(entry):
            if not _SUMMARY.search(text):
                error = _explain(text, entry, warned, site)
                found.setdefault((error.code, error.message, error.file, error.line), error)
        if len(found) >= MOST:
            break
    return list(found.values())


def killed(number: int) -> TaskError:
    """Hugo was ended by the signal `number`, and not by us."""
    name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
    why = ", as the system does when memory runs out" if number == signal.SIGKILL else ""
    return TaskError(
        "hugo_killed",
        f"Hugo was killed by {name}{why}",
        "retry",
        "environment",
        hint="try again; if it stays, see the system's log for who killed it",
    )


def unknown(returncode: int, log: Log) -> TaskError:
    """Hugo failed and did not say why in any way that we know."""
    said = f": {log.last_words[:300]}" if log.last_words else " and said nothing"
    return TaskError(
        UNKNOWN.code,
        f"Hugo ended with {returncode}{said}",
        UNKNOWN.action,
        UNKNOWN.category,
        hint=UNKNOWN.hint,
    )


def lost_pages(log: Log) -> list[TaskError]:
    """Missing templates that cost the site its home page or its pages. Hugo only warns of them,
    and publishes a site in which they are not there; lists of sections and terms may be meant."""
    where = {"home": "layouts/index.html", "page": "layouts/_default/single.html"}
    return [
        TaskError(
            "hugo_missing_layout",
            f"there is no template for pages of the kind {kind!r}"
            + (f" with the layout {layout!r}" if layout else "")
            + ", so that Hugo leaves them out of the site",
            "fix",
            "template",
            hint=f"write {where[kind]}, or let the theme bring it",
        )
        for output, layout, kind in missing_layouts(log)
        if output == "html" and kind in where
    ]


def wrong_version(log: Log) -> list[TaskError]:
    """The site's own configuration asks for another Hugo, which Hugo only warns of."""
    return [
        _explain(entry.text, entry, set(), "")
        for entry in log.of("warn")
        if entry.text.startswith('Module "project" is not compatible with this Hugo version')
    ]


def _split(entry: Entry) -> list[str]:
    """One text an error: several pages that failed at once share an entry."""
    if entry.level == "fatal":
        return [entry.first_line]  # what follows is Go's stack
    return re.split(r"\n(?=render of \")", entry.text)


def _explain(text: str, entry: Entry, warned: set[str], site: str) -> TaskError:
    for rule in RULES:
        match = re.search(rule.pattern, text)
        if match is not None:
            return _error(rule, match, text, site)
    if entry.level == "fatal" and entry.first_line in warned:
        return _error(WARNED, None, text, site)
    rule = UNKNOWN if entry.level == "fatal" or _STOPPED.match(text) else LOGGED
    return _error(rule, None, text, site)


def _error(rule: Rule, match: re.Match[str] | None, text: str, site: str) -> TaskError:
    groups = match.groupdict() if match is not None else {}
    name = groups.get("name") or groups.get("other") or ""
    message = redact(rule.message.format(name=name) if rule.message else _words(text, site))
    hint = rule.hint.replace("{name}", name)
    if rule.kind and name and (meant := like(rule.kind, name, site)):
        hint += f" (did you mean {meant}?)"
    file, line, column = _place(text, site)
    if file is None and rule.category == "configuration":
        file = next((n for n in CONFIG_NAMES if os.path.isfile(os.path.join(site, n))), None)
    rendered = _RENDERED.search(text)
    if rendered is not None and (page := _relative(rendered["page"], site)) not in ("/", file):
        message += f" (seen on {page})"
    source = _lines(file, site) if file else []
    if line is None and name:
        line = next((n for n, words in enumerate(source, 1) if name in words), None)
    return TaskError(
        rule.code, message, rule.action, rule.category, file, line, column,
        _excerpt(source, line), hint,
    )  # fmt: skip


def _words(text: str, site: str) -> str:
    """The innermost part of a message, without the folders that everybody knows."""
    executed = _EXECUTED.match(text)
    on_base = _ON_BASE.search(text)
    if on_base is not None:
        words = on_base["why"]
    elif executed is not None:
        words = f"{executed['what']}: {executed['why']}"
        inner = list(_PLACE.finditer(words))
        words = words[inner[-1].end() :] if inner else words
    else:
        places = list(_PLACE.finditer(text))
        words = text[places[-1].end() :] if places else text
        words = words if words.strip(" :") else text
    words = re.sub(r"^[:\s]+|^error building site: |^\[\d+:\d+\] ", "", words.strip(" :"))
    words = re.sub(r"; the current security configuration is:.*", "", words, flags=re.DOTALL)
    words = re.sub(r"\n>?\s+\d+ \|.*", "", words, flags=re.DOTALL)
    words = re.sub(r"^\[\d+:\d+\] ", "", words)
    words = re.sub(r"\s*\n[\s*]*", " ", words)
    return words.replace(os.path.join(site, ""), "")[:500].strip() if site else words[:500].strip()


def _place(text: str, site: str) -> tuple[str | None, int | None, int | None]:
    """File (relative to the site), line and column of the innermost place of a message."""
    on_base = _ON_BASE.search(text)
    if on_base is not None and (at_fault := template_file(on_base["name"], site)):
        return _relative(at_fault, site), int(on_base["line"]), None
    file: str | None = None
    line = column = None
    for match in _PLACE.finditer(text):
        line, column = int(match["line"]), int(match["column"])
        # `_stream.toml` is what Hugo calls a file that it has already named.
        if not os.path.basename(match["file"]).startswith("_stream."):
            file = match["file"]
    named = None if file else _CONFIG_FILE.search(text) or _ABOUT.search(text)
    if named is not None:
        file = named["file"]
    if file is None and (template := _TEMPLATE.search(text)) is not None:
        file, line = template_file(template["name"], site), int(template["line"])
        column = int(template["column"])
    if file is None and (page := _FROM_PAGE.search(text)) is not None:
        file = _page_file(page["page"], site)
    return (_relative(file, site) if file else None), line, column


def _relative(path: str, site: str) -> str:
    return path.removeprefix(os.path.join(site, "")) if site else path


def _page_file(page: str, site: str) -> str | None:
    """The content file of a page that Hugo names by its logical path, if it is the usual one."""
    base = os.path.join(site, "content", page.strip("/"))
    for end in (".md", "/index.md", "/_index.md", ".html", ".adoc", ".org"):
        if os.path.isfile(base + end):
            return base + end
    return None


def _lines(file: str, site: str) -> list[str]:
    """The lines of a file of the site; none if it lies outside or cannot be read."""
    path = os.path.realpath(os.path.join(site, file))
    if not site or not path.startswith(os.path.join(site, "")):
        return []
    try:
        with open(path, encoding="utf-8", errors="replace") as source:
            return source.read(1 << 20).splitlines()
    except OSError:
        return []


def _excerpt(source: list[str], line: int | None) -> str | None:
    """The line at fault with its neighbours, numbered, without secrets."""
    if line is None or not 0 < line <= len(source) + 1 or not source:
        return None
    at = min(line, len(source))  # "unexpected EOF" is said of the line after the last
    shown = [
        f"{'>' if n == at else ' '} {n:>4} | {source[n - 1][:160]}".rstrip()
        for n in range(max(1, at - 1), min(len(source), at + 1) + 1)
    ]
    return redact("\n".join(shown))
