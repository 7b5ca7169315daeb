"""Putting the files for Claude Code where they belong, with everything of a person's kept.

Three kinds of file: ours (the guide, the skill), renewed while nobody has edited them; a person's
with a section of ours between marks (CLAUDE.md); a person's JSON into which ours is merged
(settings). First all changes are worked out, then made: what is shown is what is done.
"""

from __future__ import annotations

import difflib
import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workflow import document, durable
from workflow.claude import merging, sections, texts
from workflow.claude.settings import settings
from workflow.config import Config

GUIDE = ".claude/task-system-guide.md"
SKILL = ".claude/skills/site-tasks/SKILL.md"
SETTINGS = ".claude/settings.json"
LOCAL_SETTINGS = ".claude/settings.local.json"
"""Of a site: it names a folder of this machine, and is not for its repository."""
MEMORY = "CLAUDE.md"
PLUGIN = "site-tasks"


@dataclass(frozen=True)
class Change:
    """One file, as it is and as it is to be."""

    name: str
    path: Path
    before: str | None
    after: str

    def diff(self) -> str:
        """In the unified form; a new file's whole text is in it."""
        old = [] if self.before is None else self.before.splitlines()
        source = "/dev/null" if self.before is None else self.name
        lines = difflib.unified_diff(old, self.after.splitlines(), source, self.name, lineterm="")
        return "\n".join(lines)


@dataclass
class Installation:
    """What there is to do, and what is left as it is with the reason."""

    root: Path
    """Its files are named from here, others by their whole path."""
    changes: list[Change] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class _LeftAlone(Exception):
    """A file is not touched; its text says why."""


def plan(
    root: Path, config: Config, *, site: Path | None = None, strict: bool = False
) -> Installation:
    """All that `workflow init --claude` does: in the exchange, in `site`, and in the sites of
    workflow.yaml that it was told of before. Changes nothing; raises OSError."""
    found = Installation(root)
    _whole(found, root, GUIDE, texts.guide(config))
    _whole(found, root, SKILL, texts.skill(config))
    _settings(found, root, SETTINGS, settings(config, strict=strict))
    _section(found, root, MEMORY, texts.section())
    listed = [config.path(one.path) for one in config.sites.values()]
    taught = [one for one in listed if _is_taught(one, root)]
    named = [site] if site is not None else []
    for folder in {one.resolve(): one for one in (*taught, *named)}.values():
        if folder.resolve() != root.resolve():
            _section(found, folder, MEMORY, texts.site_section(config))
            wanted = settings(config, strict=strict, root=str(root.resolve()))
            _settings(found, folder, LOCAL_SETTINGS, wanted)
    return found


def _is_taught(site: Path, root: Path) -> bool:
    """Whether an earlier `init --claude` told the site of this exchange."""
    try:
        settings = json.loads((site / LOCAL_SETTINGS).read_text(encoding="utf-8"))
        return bool(settings["env"]["WORKFLOW_ROOT"] == str(root.resolve()))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def plan_guide(root: Path, config: Config) -> Installation:
    """The guide alone, if there is none: what every exchange has."""
    found = Installation(root)
    _whole(found, root, GUIDE, texts.guide(config))
    for change in [one for one in found.changes if one.before is not None]:
        found.changes.remove(change)
        found.left[change.name] = "`workflow init --claude` renews it"
    return found


def outdated(root: Path, config: Config) -> list[str]:
    """The files that `workflow init --claude` would write anew; none where it was never run."""
    if not (root / SKILL).is_file():
        return []
    return [change.name for change in plan(root, config).changes]


def carry_out(found: Installation) -> None:
    """Make the changes; a file that was changed since it was looked at is left alone.

    Raises OSError.
    """
    for change in list(found.changes):
        try:
            _write(change)
        except _LeftAlone as reason:
            found.changes.remove(change)
            found.left[change.name] = str(reason)


def _write(change: Change) -> None:
    change.path.parent.mkdir(parents=True, exist_ok=True)
    raw = change.after.encode()
    if change.before is None:
        if not durable.create(str(change.path), raw):
            raise _LeftAlone("it has just been made by somebody else")
        return
    if _read(change.path) != change.before:
        raise _LeftAlone("it has just been changed by somebody else: run this again")
    with durable.Stage(str(change.path.parent)) as stage:
        staged = stage.write(raw)
        os.fchmod(staged.descriptor, stat.S_IMODE(change.path.stat().st_mode))
        stage.sync()
        staged.replace(str(change.path))
    durable.sync_folders([str(change.path.parent)])


def _place(folder: Path, name: str) -> Path:
    """The file that is meant; a link leads only to one beside it (CLAUDE.md -> AGENTS.md)."""
    path = folder / name
    if (folder / ".claude").is_symlink() and name.startswith(".claude/"):
        raise _LeftAlone("its folder .claude is a link to another place")
    if path.is_symlink():
        target = path.resolve()
        if target.parent != folder.resolve() or not target.is_file():
            raise _LeftAlone("it is a link to another place")
        return target
    return path


def _read(path: Path) -> str | None:
    """The text of a file; None if there is none."""
    if not os.path.lexists(path):
        return None
    try:
        return document.read_regular(str(path)).decode("utf-8")
    except document.NotAFile as error:
        raise _LeftAlone("it is no plain file") from error
    except UnicodeDecodeError as error:
        raise _LeftAlone("it is not UTF-8") from error


def _consider(
    found: Installation, folder: Path, name: str, make: Callable[[str | None], str]
) -> None:
    """Let `make` turn what the file is into what it is to be."""
    shown = name if folder == found.root else str(folder / name)
    try:
        path = _place(folder, name)
        before = _read(path)
        after = make(before)
    except (_LeftAlone, merging.NotMergeable, sections.NoPlace) as reason:
        found.left[shown] = str(reason)
        return
    if after != before:
        found.changes.append(Change(shown, path, before, after))


def _whole(found: Installation, folder: Path, name: str, text: str) -> None:
    def make(before: str | None) -> str:
        if before is not None and not sections.is_unedited(before):
            raise _LeftAlone("it was edited, or is not ours: move it away to have ours")
        return sections.signed(text)

    _consider(found, folder, name, make)


def _section(found: Installation, folder: Path, name: str, text: str) -> None:
    there = sorted(p.name for p in folder.iterdir() if p.name.lower() == name.lower())
    chosen = name if name in there or not there else there[0]
    if chosen != name and not (folder / name).exists():
        found.notes.append(
            f"{folder / chosen}: Claude Code reads {name}; on this disk that is another file"
        )
    _consider(found, folder, chosen, lambda before: sections.with_section(before or "", text))


def _settings(found: Installation, folder: Path, name: str, wanted: dict[str, Any]) -> None:
    def make(before: str | None) -> str:
        mine = dict(wanted)
        if _has_plugin(folder):
            del mine["hooks"]
            found.notes.append(f"{name}: without hooks, which your plugin {PLUGIN} has")
        if before is None or not before.strip():
            return merging.written(mine)
        after, notes = merging.merged(before, mine)
        found.notes.extend(f"{name}: {note}" for note in notes)
        return after

    _consider(found, folder, name, make)


def _has_plugin(folder: Path) -> bool:
    """Whether the same hooks come from our plugin: they would run twice."""
    files = (Path.home() / SETTINGS, folder / SETTINGS, folder / LOCAL_SETTINGS)
    for path in files:
        try:
            enabled = json.loads(path.read_text(encoding="utf-8"))["enabledPlugins"].items()
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        if any(str(key).split("@")[0] == PLUGIN and value is True for key, value in enabled):
            return True
    return False
