"""Figures as people read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping


def counted(number: int, thing: str) -> str:
    """`1 file`, `1,204 files`."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def size(number: float) -> str:
    """Bytes in powers of 1000, as file managers show them."""
    if number < 1000:
        return counted(round(number), "byte")
    for unit in ("kB", "MB"):
        number /= 1000
        if number < 1000:
            return f"{number:.1f} {unit}"
    return f"{number / 1000:.1f} GB"


def differing(before: Mapping[str, object], now: Mapping[str, object], most: int = 3) -> str:
    """`a.html changed, b.png is new, c.css is gone, and 2 more`; empty where all is the same."""
    changed = [f"{path} changed" for path in now if path in before and before[path] != now[path]]
    new = [f"{path} is new" for path in now if path not in before]
    gone = [f"{path} is gone" for path in before if path not in now]
    said = [*sorted(changed), *sorted(new), *sorted(gone)]
    more = f", and {len(said) - most:,} more" if len(said) > most else ""
    return ", ".join(said[:most]) + more


def spread(paths: Iterable[str], most: int = 3) -> str:
    """In which folders files lie, those with the most first: `2,990 in archive/, 2 at the top`."""
    counts = Counter(path.partition("/")[0] + "/" if "/" in path else "" for path in paths)
    told = [
        f"{number:,} in {folder}" if folder else f"{number:,} at the top"
        for folder, number in counts.most_common(most)
    ]
    others = counts.total() - sum(number for _, number in counts.most_common(most))
    return ", ".join([*told, f"{others:,} elsewhere"] if others else told)
