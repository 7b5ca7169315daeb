"""Patterns for paths of the site, as workflow.yaml has them under `objects`, `keep` and `allow`.

    *.pdf            without a slash: the file's name, in any folder
    /robots.txt      with a slash: the whole path, from the root of the site
    downloads/**     everything below a folder, at any depth; `downloads/` is the same
    blog/*/feed.xml  `*` is any part of one name
    **/drafts/*      `**/` is any number of folders, none too
    photo-?.jpg      `?` is one character of a name

Everything else stands for itself, `[` and `{` too. Capitals count, as they do in S3.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WILD = re.compile(r"\*\*/|\*\*|\*|\?")
_MEANT = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def matches(pattern: str, path: str) -> bool:
    """Whether the path (relative to the site, with `/`) is one that the pattern means."""
    return _compiled(pattern).fullmatch(path) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    anywhere = "/" not in pattern
    whole = pattern.removeprefix("/")
    if whole.endswith("/"):
        whole += "**"
    parts, end = ["(?:.*/)?" if anywhere else ""], 0
    for wild in _WILD.finditer(whole):
        parts += [re.escape(whole[end : wild.start()]), _MEANT[wild[0]]]
        end = wild.end()
    parts.append(re.escape(whole[end:]))
    return re.compile("".join(parts), re.DOTALL)
