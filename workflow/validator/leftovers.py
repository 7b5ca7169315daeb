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


def found(text: str) -> list[str]:
    """Each leftover in a text or in an attribute's value, as written."""
    return _LEFTOVER.findall(text)


def may_have(raw: bytes) -> bool:
    """Whether a page's bytes are worth a closer look; it errs on the careful side only."""
    return (
        b"&lt;no value&gt;" in raw or _has(raw, b"ZgotmplZ") or _has(raw, b"{{") or _has(raw, b"%!")
    )


def _has(raw: bytes, word: bytes) -> bool:
    # A single byte is found ten times as fast as several, and few pages have many of these.
    at = raw.find(word[0])
    for _ in range(200):
        if at < 0 or raw.startswith(word, at):
            return at >= 0
        at = raw.find(word[0], at + 1)
    return word in raw
