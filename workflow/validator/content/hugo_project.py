"""What a Hugo project's configuration and templates say that content must be judged by.

Only what matters for references: where content, static files, assets and layouts lie, which
languages, taxonomies and shortcodes there are, how addresses and ids come about.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from workflow import yaml12
from workflow.validator.content.markdown import HeadingIds
from workflow.validator.content.shortcodes import EMBEDDED

_KINDS = (".toml", ".yaml", ".yml", ".json")
_FOLDER_KEYS = {
    "content": "contentdir",
    "static": "staticdir",
    "assets": "assetdir",
    "layouts": "layoutdir",
    "archetypes": "archetypedir",
}
"""Where each part of a project lies, if not in a folder of its name."""
_SHORTCODE = re.compile(r"(?:^|/)_?shortcodes/(.+)")
_LARGEST_TEMPLATE = 1 << 20


class Mount(NamedTuple):
    """A folder that Hugo takes for a part of its own."""

    source: Path
    inside: str
    """Below which folder of that part; mostly empty."""
    language: str | None


class Project(NamedTuple):
    """A Hugo project."""

    content: tuple[Mount, ...]
    static: tuple[Mount, ...]
    assets: tuple[Mount, ...]
    archetypes: tuple[Mount, ...]
    shortcodes: Mapping[str, str]
    """Templates by name in small letters, Hugo's own among them."""
    templates: str
    """The text of all templates."""
    languages: frozenset[str]
    default_language: str
    is_default_in_folder: bool
    taxonomies: frozenset[str]
    has_permalinks: bool
    """Whether addresses do not follow from the names of files alone."""
    is_ugly: bool
    """Whether pages are `name.html`."""
    finds_links: bool
    """Whether a render hook turns links to sources and resources into addresses."""
    finds_images: bool
    hooks: str
    """The text of own render hooks, which may give addresses a meaning of their own."""
    cascade: Any
    """Front matter that the configuration hands down to pages."""
    heading_ids: HeadingIds
    is_whole: bool
    """Whether all themes and modules that could bring shortcodes are there."""
    base_url: str | None
    """Where the configuration says that the site will be."""


def read(folder: Path, content: Path) -> Project:
    """The project in a folder. `content` is checked whatever the configuration says."""
    config = _config(folder)
    modules, is_whole = _modules(folder, config)
    mounts: dict[str, list[Mount]] = {part: [] for part in _FOLDER_KEYS}
    for place, own in modules:
        for part in _FOLDER_KEYS:
            mounts[part] += _mounts(place, own, part)
    if not any(_is_below(content, one.source) or _is_below(one.source, content)
               for one in mounts["content"]):  # fmt: skip
        mounts["content"].append(Mount(content, "", None))
    templates = dict(_templates(mounts["layouts"]))
    languages = frozenset(_table(config, "languages"))
    default = str(config.get("defaultcontentlanguage", "en")).lower()
    parser = _table(config, "markup", "goldmark", "parser")
    return Project(
        tuple(mounts["content"]),
        tuple(mounts["static"]),
        tuple(mounts["assets"]),
        tuple(mounts["archetypes"]),
        {**EMBEDDED, **dict(_shortcodes(templates))},
        "\n".join(templates.values()),
        languages,
        default,
        bool(config.get("defaultcontentlanguageinsubdir")),
        _taxonomies(config),
        bool(config.get("permalinks")),
        bool(config.get("uglyurls")),
        _has_hook(config, templates, "link", len(languages) > 1),
        _has_hook(config, templates, "image", len(languages) > 1),
        "\n".join(text for name, text in templates.items() if "_markup/render-" in name),
        config.get("cascade"),
        _heading_ids(parser),
        is_whole,
        str(config["baseurl"]) if config.get("baseurl") else None,
    )


def own_content(folder: Path) -> list[Mount]:
    """The content that is the project's own, and no theme's or module's; what is for all languages,
    or for the default one, first."""
    config = _config(folder)
    default = str(config.get("defaultcontentlanguage", "en")).lower()
    mounts = _mounts(folder, config, "content")
    return sorted(mounts, key=lambda one: one.language not in (None, default))


def themes_folder(folder: Path) -> Path:
    """Where the project looks for its themes."""
    return folder / str(_config(folder).get("themesdir") or "themes")


def _heading_ids(parser: Mapping[str, Any]) -> HeadingIds:
    if parser.get("autoheadingid") is False:
        return "none"
    kind = parser.get("autoheadingidtype", parser.get("autoidtype", "github"))
    return kind if kind in ("github-ascii", "blackfriday") else "github"


def _taxonomies(config: Mapping[str, Any]) -> frozenset[str]:
    if {"taxonomy", "term"} <= {str(one).lower() for one in config.get("disablekinds") or ()}:
        return frozenset()
    named = config.get("taxonomies")
    if not isinstance(named, dict):
        return frozenset({"tags", "categories"})
    return frozenset(str(one).lower() for one in named.values())


def _has_hook(
    config: Mapping[str, Any], templates: Mapping[str, str], kind: str, is_multilingual: bool
) -> bool:
    if any(f"_markup/render-{kind}" in name for name in templates):
        return True
    said = _table(config, "markup", "goldmark", "renderhooks", kind)
    use = str(said.get("useembedded", "auto")).lower()
    if use == "auto":
        duplicates = _table(config, "markup", "goldmark").get("duplicateresourcefiles")
        return bool(said.get("enabledefault")) or (is_multilingual and not duplicates)
    return use in ("always", "fallback")


# -- configuration -------------------------------------------------------------------------------


def _config(folder: Path) -> dict[str, Any]:
    """What the configuration says, keys in small letters; nothing where it cannot be read, which is
    for Hugo to tell."""
    whole: dict[str, Any] = {}
    for stem in ("hugo", "config"):
        for path in (folder / f"{stem}{kind}" for kind in _KINDS):
            if path.is_file() and not whole:
                whole = _file(path)
    for path in sorted((folder / "config" / "_default").glob("*")):
        if path.suffix not in _KINDS:
            continue
        name, _, language = path.stem.lower().partition(".")
        said: dict[str, Any] = _file(path)
        if name not in ("hugo", "config"):
            said = {name: {language: said} if language and name == "languages" else said}
        _merge(whole, said)
    return whole


def _file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            said: Any = tomllib.loads(text)
        else:
            said = json.loads(text) if path.suffix == ".json" else yaml12.load(text).data
    except (OSError, ValueError, RecursionError):
        return {}
    return _lowered(said) if isinstance(said, dict) else {}


def _lowered(said: Any) -> Any:
    if isinstance(said, dict):
        return {str(key).lower(): _lowered(value) for key, value in said.items()}
    return [_lowered(one) for one in said] if isinstance(said, list) else said


def _merge(whole: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(whole.get(key), dict):
            _merge(whole[key], value)
        else:
            whole[key] = value


def _table(config: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        config = config.get(key) or {}
        if not isinstance(config, dict):
            return {}
    return config


def _dicts(said: Any) -> Iterator[dict[str, Any]]:
    return (one for one in said if isinstance(one, dict)) if isinstance(said, list) else iter(())


# -- modules and mounts --------------------------------------------------------------------------


def _modules(
    folder: Path, config: dict[str, Any]
) -> tuple[list[tuple[Path, Mapping[str, Any]]], bool]:
    """The project and its themes and modules, each with its configuration; and whether all that may
    bring templates are there."""
    found: list[tuple[Path, Mapping[str, Any]]] = [(folder, config)]
    themes = folder / str(config.get("themesdir") or "themes")
    replaced = _replacements(config, themes)
    is_whole = True
    waiting = list(_imports(config))
    seen: set[str] = set()
    while waiting:
        name, mounts = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        places = (replaced.get(name, themes / name), themes / name, folder / "_vendor" / name)
        # A git submodule that nobody has fetched is an empty folder.
        place = next((one for one in places if one.is_dir() and any(one.iterdir())), None)
        if place is None:
            targets = [str(one.get("target", "")) for one in mounts]
            is_whole = is_whole and bool(targets) and not any("layouts" in one for one in targets)
            continue
        own = _config(place)
        waiting += _imports(own)
        if mounts:
            own = {**own, "module": {"mounts": mounts, "only": True}}
        found.append((place, own))
    return found, is_whole


def _imports(config: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    named = config.get("theme") or []
    for one in [named] if isinstance(named, str) else named:
        yield str(one), []
    for entry in _dicts(_table(config, "module").get("imports")):
        if entry.get("path") and not entry.get("disable"):
            yield str(entry["path"]), list(_dicts(entry.get("mounts")))


def _replacements(config: Mapping[str, Any], themes: Path) -> dict[str, Path]:
    said = _table(config, "module").get("replacements") or []
    pairs = said.split(",") if isinstance(said, str) else said
    split = (str(one).partition("->") for one in pairs)
    return {name.strip(): themes / target.strip() for name, _, target in split}


def _mounts(folder: Path, config: Mapping[str, Any], part: str) -> Iterator[Mount]:
    """The folders of a module that are (a piece of) its content, its static files, …"""
    module = _table(config, "module")
    is_mounted = bool(module.get("only"))
    for one in _dicts(module.get("mounts")):
        first, _, inside = str(one.get("target", "")).strip("/").partition("/")
        if first != part:
            continue
        is_mounted = True
        yield Mount(folder / str(one.get("source", "")), inside.lower(), _language(one))
    if is_mounted:
        return
    key = _FOLDER_KEYS[part]
    own = {
        language: said[key]
        for language, said in _table(config, "languages").items()
        if isinstance(said, dict) and isinstance(said.get(key), str)
    }
    for language, name in own.items():
        yield Mount(folder / name, "", language)
    if part == "content" and own and len(own) == len(_table(config, "languages")):
        return
    named = config.get(key) or part
    for name in [named] if isinstance(named, str) else named:
        yield Mount(folder / str(name), "", None)


def _language(mount: Mapping[str, Any]) -> str | None:
    named = mount.get("lang") or _table(mount, "sites", "matrix").get("languages")
    if isinstance(named, list):
        named = named[0] if len(named) == 1 else None
    return str(named).lower() if named else None


def _is_below(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


# -- templates -----------------------------------------------------------------------------------


def _templates(mounts: Iterable[Mount]) -> Iterator[tuple[str, str]]:
    """Name and text of each template; those of the project come last, as they win."""
    for mount in reversed(list(mounts)):
        for above, folders, names in os.walk(mount.source):
            folders.sort()
            for name in sorted(names):
                path = Path(above, name)
                inside = path.relative_to(mount.source).as_posix()
                try:
                    if path.stat().st_size <= _LARGEST_TEMPLATE:
                        text = path.read_text(encoding="utf-8", errors="replace")
                        yield "/".join(filter(None, (mount.inside, inside))), text
                except OSError:
                    continue


def _shortcodes(templates: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for path, text in templates.items():
        found = _SHORTCODE.search(path)
        if found is not None:
            folder, _, name = found[1].rpartition("/")
            # `name.html`, `name.fr.html`, `name.amp.html` and `name.md` are all `name`.
            name = name.partition(".")[0]
            yield (f"{folder}/{name}" if folder else name).lower(), text
