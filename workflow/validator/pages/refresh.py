"""What a browser makes of `<meta http-equiv=refresh content=…>`, by the HTML standard (§ shared
declarative refresh steps): quotes, commas, decimals and a missing `url=` are all understood."""

from __future__ import annotations

import re

_BLANK = "[\t\n\f\r ]*"
# Digits after a point are read over: browsers count whole seconds.
_TIME = re.compile(rf"{_BLANK}(?:(\d+)[\d.]*|\.[\d.]*)(?=[;,\t\n\f\r ]|$)", re.ASCII)
_SEPARATOR = re.compile(f"{_BLANK}[;,]?{_BLANK}")
_URL = re.compile(f"url{_BLANK}={_BLANK}", re.IGNORECASE | re.ASCII)


def parse(content: str) -> tuple[float, str] | None:
    """Seconds and address (as written) of a refresh; an address of "" is the page itself.

    None for what browsers do not understand, which has no effect.
    """
    time = _TIME.match(content)
    if not time:
        return None
    separator = _SEPARATOR.match(content, time.end())
    at = separator.end() if separator else time.end()
    keyword = _URL.match(content, at)
    rest = content[keyword.end() if keyword else at :]
    # A word that only begins like `url=` is an address, and has no quote in front of it either.
    if rest[:1] in ("'", '"'):
        rest = rest[1:].partition(rest[0])[0]
    return float(time[1] or 0), rest
