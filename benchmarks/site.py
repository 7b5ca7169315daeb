"""A Hugo site as large as a real one: the same bytes every time, for the same number of pages.

Sections, page bundles with images that are resized, three taxonomies, pagination, a menu, feeds,
tables of contents, highlighted code, shortcodes, and a theme with partials and fingerprinted CSS.
"""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

from benchmarks.theme import CONFIG, THEME

TAGS = 60
CATEGORIES = 12
AUTHORS = 15
SECTIONS = ("posts", "guides", "products", "news")
BUNDLE_EVERY = 20
"""One page in so many is a bundle with an image of its own."""

_TEXT = """
    insurance cover claim policy broker premium quote renewal liability property family home
    auto business health advice question answer office team people service local trusted simple
    clear careful quick honest value risk plan form page market river bridge garden winter spring
"""
_WORDS = _TEXT.split()


def write(folder: Path, pages: int) -> None:
    """Write a site with `pages` content files into a new folder."""
    chance = random.Random(pages)
    files = {"hugo.toml": CONFIG, "content/_index.md": _section("Welcome", chance)}
    files |= {f"themes/plain/{name}": text for name, text in THEME.items()}
    for section in SECTIONS:
        files[f"content/{section}/_index.md"] = _section(section.title(), chance)
    for number in range(pages):
        section = SECTIONS[number % len(SECTIONS)]
        name = f"content/{section}/page-{number:04}"
        if number % BUNDLE_EVERY:
            files[f"{name}.md"] = _page(number, chance, bundle=False)
        else:
            files[f"{name}/index.md"] = _page(number, chance, bundle=True)
            _image(folder / name / "cover.png", number)
    for number in range(20):
        _image(folder / f"static/images/picture-{number:02}.png", number)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _section(title: str, chance: random.Random) -> str:
    return f"---\ntitle: {title}\n---\n\n{_paragraph(chance)}\n"


def _page(number: int, chance: random.Random, *, bundle: bool) -> str:
    tags = sorted(chance.sample(range(TAGS), 3))
    lines = [
        "---",
        f"title: {words(chance, 5).title()} {number}",
        f"date: {2020 + number % 6}-{1 + number % 12:02}-{1 + number % 28:02}T08:00:00Z",
        f"description: {words(chance, 12)}",
        f"tags: [{', '.join(f'tag {tag}' for tag in tags)}]",
        f"categories: [category {number % CATEGORIES}]",
        f"authors: [author {number % AUTHORS}]",
        f"weight: {number % 50}",
        "---",
        "",
        _paragraph(chance),
        "",
    ]
    if bundle:
        lines += ['{{< cover "A cover" >}}', ""]
    for part in range(4):
        lines += [f"## {words(chance, 4).title()}", "", _paragraph(chance), ""]
        if part == 0 and number:
            other = (number - 1) % number
            ref = f"/{SECTIONS[other % len(SECTIONS)]}/page-{other:04}"
            lines += [f'See [the one before]({{{{< relref "{ref}" >}}}}).', ""]
        if part == 1:
            lines += [f"- {words(chance, 6)}" for _ in range(4)] + [""]
            lines += ['{{< notice "Mind this" >}}', words(chance, 20), "{{< /notice >}}", ""]
        if part == 2:
            lines += ["| what | how much |", "| --- | ---: |"]
            lines += [f"| {words(chance, 2)} | {chance.randrange(1000)} |" for _ in range(4)]
            lines += ["", '{{< button href="/news/" text="Ask us" >}}', ""]
        if part == 3 and number % 5 == 0:
            lines += ["```python", "def premium(risk: float) -> float:", "    return risk * 12"]
            lines += ["```", ""]
    return "\n".join(lines)


def words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(_WORDS, k=count))


def _paragraph(chance: random.Random) -> str:
    sentences = (words(chance, chance.randint(8, 18)).capitalize() for _ in range(5))
    return ". ".join(sentences) + f", **{words(chance, 2)}** and *{words(chance, 2)}*."


def _image(path: Path, number: int, width: int = 480, height: int = 300) -> None:
    """A PNG with bands of colour, other colours for other numbers."""
    rows = []
    for y in range(height):
        bands = (
            bytes(((x * 5 + number * 37) % 256, y // 8 * 8 % 256, number % 256)) for x in range(30)
        )
        rows.append(b"\0" + b"".join(band * (width // 30) for band in bands))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 6)), (b"IEND", b""))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts))


def _chunk(kind: bytes, data: bytes) -> bytes:
    checked = kind + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))
