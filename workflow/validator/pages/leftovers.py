"""What templates leave behind in a page when they fail."""

from __future__ import annotations

import re

_LEFTOVER = re.compile(
    r"ZgotmplZ"  # html/template found an address or a style unsafe
    r"|%!(?:[a-zA-Z]\(|\((?:EXTRA|NOVERB|BADWIDTH|BADPREC|BADINDEX))[^)\n]{0,40}\)?"  # printf
    r"|<no value>"
    # An action or a shortcode that nothing rendered; formulas in TeX have double braces too.
    r"|\{\{[<%][^{}\n]{0,80}(?:\}\})?"
    r"|\{\{-?\s*(?:[.$][a-zA-Z]|(?:if|else|end|with|range|partial|template|block|define)\b)"
    r"[^{}\n]{0,80}\}\}"
    r"|\{\{-?\s+[^{}\\^\n]{1,80}\s-?\}\}"
)

_HINTS = {"ZgotmplZ": b"ZgotmplZ", "{{": b"{{", "%!": b"%!", "<no value>": b"&lt;no value&gt;"}


def found(text: str) -> list[str]:
    """Each leftover in a text or in an attribute's value, as written."""
    return _LEFTOVER.findall(text)


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
