"""Figures as people read them."""

from __future__ import annotations


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
