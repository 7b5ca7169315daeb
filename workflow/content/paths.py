"""The path of a value in front matter, and what becomes of the data when that value changes.

Hugo takes keys in small letters (https://gohugo.io/content-management/front-matter/), so a path
finds `expiryDate` by `expirydate` too, and no second spelling of a key is ever written.
"""

from __future__ import annotations

import re

from workflow.content.failure import EditFailed
from workflow.yaml12 import Path

_STEP = re.compile(
    r"""(?P<bare>[^\s."'\[\]]+(?:[ ]+[^\s."'\[\]]+)*)   # title, my key
      | "(?P<double>(?:[^"\\]|\\.)*)"                   # "a.b"
      | '(?P<single>(?:[^']|'')*)'                      # 'a.b'
      | \[(?P<index>[0-9]{1,6})\]                       # [0]
      | \["(?P<in_double>(?:[^"\\]|\\.)*)"\]            # ["a.b"]
      | \['(?P<in_single>(?:[^']|'')*)'\]               # ['a.b']
    """,
    re.VERBOSE,
)
_LONGEST = 1000


def parse_path(written: str) -> Path:
    """`params.hero.title`, `tags[0]`, `params."a.b"`, `params['a.b']` as keys and indexes.

    Raises EditFailed `bad_path`.
    """
    if len(written) > _LONGEST:
        raise EditFailed("bad_path", f"a path of {len(written)} signs", f"{_LONGEST} at most")
    steps: list[str | int] = []
    at = 0
    while True:
        found = _STEP.match(written, at)
        if found is None or (not steps and found["index"]):
            raise EditFailed(
                "bad_path",
                f"{written!r} is no path to a value: it goes wrong at sign {at + 1}",
                "write keys with dots between them and list places in brackets: "
                'params.hero.title, tags[0], params."a.b"',
            )
        steps.append(_step(found))
        at = found.end()
        if at == len(written):
            return tuple(steps)
        if written[at] == ".":
            at += 1
            if written.startswith("[", at):
                at = len(written) + 1
        elif written[at] != "[":
            at = len(written) + 1


def _step(found: re.Match[str]) -> str | int:
    if found["index"]:
        return int(found["index"])
    for group in ("double", "in_double"):
        if found[group] is not None:
            return re.sub(r"\\(.)", r"\1", found[group])
    for group in ("single", "in_single"):
        if found[group] is not None:
            return found[group].replace("''", "'")
    return found["bare"]


def shown(path: Path) -> str:
    """The path as it would be written."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            bare = re.fullmatch(r"[^\s.\"'\[\]]+(?: +[^\s.\"'\[\]]+)*", step)
            quoted = step if bare else '"' + re.sub(r'(["\\])', r"\\\1", step) + '"'
            text += f".{quoted}" if text else quoted
    return text
