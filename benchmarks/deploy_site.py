"""A built site as Hugo leaves it in public/: the same bytes every time.

Pages in folders of their own, feeds, alias pages, CSS and JavaScript with the digest of their
content in their names, and images, whose bytes are random, since those of real ones cannot be
compressed either. Built anew, every file is another file with another time, as after a real build.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.site import SECTIONS, words

BASE_URL = "https://www.example.org/"
_SENTENCES = 4_000
"""A stock to draw from: making up each sentence anew would take longer than to publish it."""


@dataclass(frozen=True)
class BuiltSite:
    """A folder to be published, with so many files."""

    folder: Path
    files: int

    @property
    def pages(self) -> int:
        return self.files * 4 // 5

    @property
    def edited(self) -> list[str]:
        """The pages that an edition changes: one per cent of the files, spread over the site."""
        count = max(1, self.files // 100)
        return [f"{_folder(number * self.pages // count)}/index.html" for number in range(count)]

    def build(self) -> None:
        """Write it into its folder, which is made."""
        for name, raw in self._contents():
            self._write(name, raw)

    def rebuild(self, edition: int = 0) -> None:
        """Write every file anew, with the bytes it had; only what an edition changes has others.

        They are as many as before up to edition 9: who compares sizes alone sees no change.
        """
        edited = set(self.edited)
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.relpath(os.path.join(folder, name), self.folder)
                raw = (self.folder / path).read_bytes()
                if path in edited:
                    raw = _EDITION.sub(_edition(edition).encode(), raw)
                self._write(path, raw)

    def _write(self, name: str, raw: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f"{path.name}.new")
        aside.write_bytes(raw)
        aside.replace(path)

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        chance = random.Random(self.files)
        stock = [f"{words(chance, 16).capitalize()}." for _ in range(_SENTENCES)]
        assets = dict(_assets(chance, stock, max(4, self.files // 100)))
        yield from assets.items()
        links = "\n".join(
            f'<link rel="stylesheet" href="/{name}">'
            if name.endswith(".css")
            else f'<script defer src="/{name}"></script>'
            for name in list(assets)[:4]
        )
        for number in range(self.pages):
            yield f"{_folder(number)}/index.html", _page(chance, stock, number, links)
        yield "index.html", _page(chance, stock, 0, links)
        yield "404.html", _page(chance, stock, 0, links)
        addresses = [f"{BASE_URL}{_folder(number)}/" for number in range(self.pages)]
        yield "sitemap.xml", _sitemap(addresses)
        for number in range(self.files - self.pages - len(assets) - 3):
            match number % 10:
                case 0:
                    yield f"tags/tag-{number:04}/index.xml", _feed(chance, stock, addresses)
                case 1:
                    yield f"old/page-{number:04}/index.html", _alias(addresses[number])
                case _:
                    size = min(200_000, int(chance.lognormvariate(10.4, 0.7)))
                    yield f"images/{number % 20:02}/photo-{number:04}.jpg", chance.randbytes(size)


def _folder(number: int) -> str:
    return f"{SECTIONS[number % len(SECTIONS)]}/page-{number:04}"


def _edition(number: int) -> str:
    return f"<p>Edition {number}.</p>"


_EDITION = re.compile(rb"<p>Edition \d+\.</p>")


def _page(chance: random.Random, stock: list[str], number: int, links: str) -> bytes:
    """Some 9 kB, between 3 and 20."""
    paragraphs = (
        f"<h2>{words(chance, 4).title()}</h2>\n<p>{' '.join(chance.choices(stock, k=6))}</p>"
        for _ in range(min(25, 1 + int(chance.lognormvariate(2.0, 0.5))))
    )
    menu = "\n".join(f'<a href="/{name}/">{name.title()}</a>' for name in SECTIONS)
    body = "\n".join(paragraphs)
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">\n'
        f"<title>{words(chance, 5).title()} {number}</title>\n"
        f'<link rel="canonical" href="{BASE_URL}{_folder(number)}/">\n{links}\n</head>\n'
        f"<body>\n<nav>{menu}</nav>\n<main>\n{body}\n{_edition(0)}\n</main>\n"
        f"<footer>{' '.join(chance.choices(stock, k=8))}</footer>\n</body>\n</html>\n"
    ).encode()


def _assets(chance: random.Random, stock: list[str], count: int) -> Iterator[tuple[str, bytes]]:
    for number in range(count):
        kind = ("css", "js")[number % 2]
        raw = "\n".join(f"/* {line} */" for line in chance.choices(stock, k=200)).encode()
        yield f"{kind}/part-{number:02}.min.{hashlib.sha256(raw).hexdigest()}.{kind}", raw


def _sitemap(addresses: list[str]) -> bytes:
    entries = "\n".join(f"  <url><loc>{address}</loc></url>" for address in addresses)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        f"{entries}\n</urlset>\n"
    ).encode()


def _feed(chance: random.Random, stock: list[str], addresses: list[str]) -> bytes:
    items = "\n".join(
        f"<item><link>{address}</link><description>{' '.join(chance.choices(stock, k=3))}"
        "</description></item>"
        for address in chance.choices(addresses, k=15)
    )
    return (
        f'<?xml version="1.0"?>\n<rss version="2.0"><channel>\n{items}\n</channel></rss>\n'.encode()
    )


def _alias(address: str) -> bytes:
    return (
        f"<!DOCTYPE html>\n<html>\n  <head>\n    <title>{address}</title>\n"
        f'    <link rel="canonical" href="{address}">\n    <meta charset="utf-8">\n'
        f'    <meta http-equiv="refresh" content="0; url={address}">\n  </head>\n</html>\n'
    ).encode()


def digests(folder: Path) -> dict[str, str]:
    """The MD5 of every file by its path: what S3 has for the tag of an object sent in one piece."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            found[path.relative_to(folder).as_posix()] = hashlib.md5(path.read_bytes()).hexdigest()
    return found
