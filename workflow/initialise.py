"""Making an exchange: folders, configuration, templates.

Never overwrites: what is there already is left alone, and said.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workflow import layout
from workflow.errors import WorkflowError
from workflow.hugo.site import CONFIG_NAMES, is_local, is_site
from workflow.templates import builtin_folder

_KEPT_BY_GIT = (
    layout.PENDING,
    layout.WAITING,
    layout.IN_PROGRESS,
    layout.COMPLETED,
    layout.FAILED,
    layout.RESULTS,
    layout.ARCHIVE,
)
EXAMPLE_URL = "https://www.example.com/"


@dataclass
class Made:
    """What `initialise` did, as paths relative to the exchange."""

    root: Path
    made: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def data_folder() -> Path:
    """The files that the package carries along."""
    return Path(__file__).parent / "data"


def initialise(root: Path, site: Path | None) -> Made:
    """Make an exchange in `root` for the Hugo site at `site`. Raises WorkflowError, OSError."""
    if root.exists() and not root.is_dir():
        raise WorkflowError("not_a_folder", f"{root} is not a folder", hint="name a folder")
    if site is not None and not site.is_dir():
        raise WorkflowError(
            "no_such_site",
            f"there is no folder {site}",
            hint="name the Hugo site's folder, or leave --site away and edit workflow.yaml later",
        )
    made = Made(root)
    root.mkdir(parents=True, exist_ok=True)
    for name in layout.FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in _KEPT_BY_GIT:
        _write(made, f"{name}/.gitkeep", b"", quiet=True)
    is_new = not (root / layout.CONFIG).exists()
    found = site or _nearby_site(root)
    _write(made, layout.CONFIG, _configuration(root, found).encode())
    for template in sorted(builtin_folder().glob("*" + layout.SUFFIX)):
        _write(made, f"{layout.TEMPLATES}/{template.name}", template.read_bytes())
    _write(made, ".gitignore", (data_folder() / "gitignore").read_bytes())
    if site is None and not is_new:
        return made  # which sites there are, workflow.yaml says
    if found is None:
        made.notes.append(f"no Hugo site named: set sites.main.path in {layout.CONFIG}")
    elif not is_site(found):
        made.notes.append(f"{found} does not look like a Hugo site: it has no hugo.toml")
    if is_new and _base_url(found) is None:
        made.notes.append(
            f"the site does not say where it will be: {layout.CONFIG} has made-up addresses for "
            "staging and production, correct their base_url"
        )
    return made


def _write(made: Made, name: str, raw: bytes, *, quiet: bool = False) -> None:
    path = made.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as file:
            file.write(raw)
    except FileExistsError:
        if not quiet and path.read_bytes() != raw:
            made.left.append(name)
        return
    if not quiet:
        made.made.append(name)


def _nearby_site(root: Path) -> Path | None:
    """A Hugo site in the exchange's own folder, in its `site`, or the folder around it."""
    return next((p for p in (root, root / "site", root.parent) if is_site(p)), None)


def _configuration(root: Path, site: Path | None) -> str:
    text = (data_folder() / "workflow.yaml").read_text(encoding="utf-8")
    production = _base_url(site) or EXAMPLE_URL
    staging = re.sub(r"^(https?://)(www\.)?", r"\1staging.", production)
    where = "site" if site is None else os.path.relpath(site.resolve(), root.resolve())
    values = {"@SITE@": where, "@STAGING_URL@": staging, "@PRODUCTION_URL@": production}
    for mark, value in values.items():
        text = text.replace(mark, _quoted(value))
    return text


def _quoted(value: str) -> str:
    from workflow import yaml12

    return yaml12.dump_inline(value)


def _base_url(site: Path | None) -> str | None:
    """What the site itself says its address is; None if it says none that others could follow."""
    folders = () if site is None else (site, site / "config" / "_default")
    for path in (folder / name for folder in folders for name in CONFIG_NAMES):
        if path.is_file():
            said = {key.lower(): value for key, value in _settings(path).items()}  # as Hugo does
            url = said.get("baseurl")
            known = isinstance(url, str) and url.startswith("http") and not is_local(url)
            return url if known else None
    return None


def _settings(path: Path) -> dict[str, Any]:
    """A file of Hugo's configuration; empty if it cannot be read."""
    from workflow import yaml12

    try:
        text = path.read_text(encoding="utf-8")
        said = tomllib.loads(text) if path.suffix == ".toml" else yaml12.load(text).data
    except (tomllib.TOMLDecodeError, yaml12.InvalidYaml, UnicodeDecodeError):
        return {}
    return {str(key): value for key, value in said.items()} if isinstance(said, dict) else {}
