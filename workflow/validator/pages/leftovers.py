"""What templates leave behind in a page when they fail."""

from __future__ import annotations

import re
from collections.abc import Iterable

UNSAFE = "ZgotmplZ"
"""What html/template writes for an address or a style that it finds unsafe: into attributes and
style elements, never into text, where it is only talked about."""
_LEFTOVER = re.compile(
    r"%!(?:[a-zA-Z]\(|\((?:EXTRA|NOVERB|BADWIDTH|BADPREC|BADINDEX))[^)\n]{0,40}\)?"  # printf
    r"|<no value>"
    r"|HAHAHUGOSHORTCODE\w*"  # what Hugo puts in a shortcode's place for a while
    # An action or a shortcode that nothing rendered; formulas in TeX have double braces too.
    r"|\{\{[<%][^{}\n]{0,80}(?:\}\})?"
    r"|\{\{-?\s*(?:[.$][a-zA-Z]|(?:if|else|end|with|range|partial|template|block|define)\b)"
    r"[^{}\n]{0,80}\}\}"
    r"|\{\{-?\s+[^{}\\^\n]{1,80}\s-?\}\}"
)

_GO = re.compile(
    r"\{\{(?:[<%]|-"
    r"|\s*(?:\.[a-zA-Z]|(?:if|else|end|with|range|partial|template|block|define)\b)"
    r"|\s*(?:site|page|hugo)\.[A-Z]"
    # A function and what it is given, without brackets, and Go's sign for a new variable.
    r"|\s*[\w.]+\s+(?:[\"`$]|\.\w)|[^}]*:=)"
)
"""What Hugo alone writes like this, and no script that fills in a page."""
_BINDINGS = ("v-", "x-", "ng-", "data-ng-", ":", "@", "*ng")
_LIBRARY = re.compile(
    r"(?:^|[/@])(?:petite-)?vue\b|\balpinejs\b|\balpine(?:\.min)?\.js|\bangular\b", re.IGNORECASE
)
_STARTED = re.compile(
    r"\bnew\s+Vue\b|\bcreateApp\s*\(|\bAlpine\.\w|\bangular\.module\b"
    r"|\bfrom\s*[\"'][^\"'\n]*(?:\bvue\b|\balpinejs\b|@angular/)"
)

_HINTS = {
    UNSAFE: b"ZgotmplZ",
    "HAHAHUGO": b"HAHAHUGO",
    "{{": b"{{",
    "%!": b"%!",
    "<no value>": b"&lt;no value&gt;",
}


def found(text: str) -> list[str]:
    """Each leftover in a text or in an attribute's value, as written, but for UNSAFE."""
    return _LEFTOVER.findall(text)


def may_be_filled_in(leftover: str) -> bool:
    """Whether it looks as well like what Vue and its kin replace in the browser: `{{ name }}`."""
    return leftover.startswith("{{") and not _GO.match(leftover)


def binds(attributes: Iterable[str]) -> bool:
    """Whether names of attributes are those by which Vue, Alpine or Angular fill in elements."""
    return any(name.startswith(_BINDINGS) for name in attributes)


def fills_in(source: str | None, text: str) -> bool:
    """Whether a script (its address, what it holds) is such a library, or starts one."""
    return bool(_LIBRARY.search(source or "") or _STARTED.search(text))


def unsafe(value: str, *, is_prose: bool = False) -> list[str]:
    """UNSAFE, if it stands in an attribute's value or in a style; where there may be prose, only
    as the address that it is then."""
    return [UNSAFE] if (f"#{UNSAFE}" if is_prose else UNSAFE) in value else []


def hints(raw: bytes) -> list[str]:
    """What in a page's bytes makes a closer look worth the while; it errs on the careful side."""
    return [hint for hint, written in _HINTS.items() if _has(raw, written)]


def _has(raw: bytes, word: bytes) -> bool:
    # A single byte is found ten times as fast as several, and few pages have many of these.
    at = raw.find(word[0])
    for _ in range(200):
        if at < 0 or raw.startswith(word, at):
            return at >= 0
        at = raw.find(word[0], at + 1)
    return word in raw


def in_a_tag(raw: bytes, hint: str) -> bool:
    """Whether it stands in an attribute, as far as brackets tell."""
    before = raw.split(_HINTS[hint])[:-1]
    return any(part.rfind(b"<") > part.rfind(b">") for part in before)
