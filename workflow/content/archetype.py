"""A new text from one of the site's archetypes, made by Hugo itself.

`hugo new content` writes into the site's content. So that nothing half-made ever lies there, it is
run in a shadow of the site: all of the site by links, but its content folders empty and apart.
(Hugo's --contentDir would not do: mounts and folders of languages are written to all the same.)
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from workflow.config import Config
from workflow.content.place import Target, content_folders
from workflow.content.refusals import refused
from workflow.errors import TaskError, TaskFailed, nearest
from workflow.handler import Context
from workflow.hugo import errors as hugo_errors
from workflow.hugo import log as hugo_log
from workflow.hugo import program as hugo_program
from workflow.validator.content import hugo_project
from workflow.validator.content.sources import MARKDOWN

_LOG_BYTES = 1 << 20
_APART = frozenset({".hugo_build.lock", "resources"})
"""What Hugo writes into while it works."""


def written(context: Context, target: Target, kind: str) -> str:
    """What Hugo makes of the archetype `kind` for a file at the target's place.

    Raises TaskFailed `no_such_archetype`, `archetype_is_folder`, `not_utf8`, and what Hugo says.
    """
    _require(target, kind)
    hugo = hugo_program.find(context.config)
    with tempfile.TemporaryDirectory(prefix="workflow-archetype-") as place:
        shadow = Path(os.path.realpath(place), "site")
        _make_shadow(target, shadow, context.config)
        argv = [
            hugo.path, "new", "content", "--noBuildLock", f"--kind={kind}",
            # The configuration may name an editor (newContentEditor), which would be started.
            "--editor=",
            f"--source={shadow}",
            target.path,
        ]  # fmt: skip
        log = context.folder / f"attempt-{context.attempt}.log"
        before = log.stat().st_size if log.exists() else 0
        env = hugo_program.environment()
        # Else a folder of themes above the site would be looked for above the shadow.
        env["HUGO_THEMESDIR"] = os.fspath(hugo_project.themes_folder(target.site_folder))
        finished = context.run_program(argv, cwd=shadow, env=env)
        if finished.returncode != 0:  # it leaves an empty file then
            raise _failed(log, before, finished.tail, finished.returncode, shadow)
        raw = (shadow / target.path).read_bytes()
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refused(
            "not_utf8", f"the archetype {kind} makes no UTF-8 text", "save the archetype as UTF-8"
        ) from error


def _require(target: Target, kind: str) -> None:
    """Hugo takes the default archetype for one that is not there, without a word."""
    project = hugo_project.read(target.site_folder, target.site_folder / target.content)
    folders = [os.fspath(one.source) for one in project.archetypes]
    if any(os.path.isdir(os.path.join(one, kind)) for one in folders):
        raise refused(
            "archetype_is_folder",
            f"the archetype {kind} is a folder, which makes several files at once",
            f"add archetypes/{kind}-page.md for the page alone, and name that",
        )
    names = sorted(_stems(folders))
    if kind in names or not project.is_whole:
        return
    near = nearest(kind, names)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise refused(
        "no_such_archetype",
        f"the site has no archetype {kind}",
        f"{meant}there are: {', '.join(names) or 'none'}; or leave archetype out",
    )


def _stems(folders: Iterable[str]) -> set[str]:
    found = set()
    for folder in folders:
        with suppress(OSError):
            for name in os.listdir(folder):
                stem, suffix = os.path.splitext(name)
                if suffix.lower() in MARKDOWN:
                    found.add(stem)
    return found


def _make_shadow(target: Target, shadow: Path, config: Config) -> None:
    contents = content_folders(target.site_folder)
    public = os.path.basename(os.path.normpath(config.sites[target.site].public))
    _mirror(target.site_folder, shadow, "", contents, _APART | {public})
    for content in contents:
        os.makedirs(shadow / content, exist_ok=True)


def _mirror(
    folder: Path, shadow: Path, inside: str, contents: list[str], apart: frozenset[str]
) -> None:
    """Links to all that is in a folder, but folders of our own for what leads to the content."""
    os.makedirs(shadow / inside)
    for name in os.listdir(folder / inside):
        path = f"{inside}/{name}".lstrip("/")
        if path in contents or path in apart:
            continue
        if any(one.startswith(f"{path}/") for one in contents):
            _mirror(folder, shadow, path, contents, apart)
        else:
            os.symlink(folder / path, shadow / path)


def _failed(log: Path, before: int, tail: str, returncode: int, shadow: Path) -> TaskFailed:
    said = hugo_log.parse(_output(log, before) or tail)
    found = hugo_errors.find_errors(said, os.fspath(shadow))
    if not found:
        return TaskFailed(hugo_errors.unknown(returncode, said))
    first: TaskError = found[0]
    return TaskFailed(first, outputs={"errors": [one.as_dict() for one in found]})


def _output(log: Path, before: int) -> str:
    try:
        with log.open("rb") as file:
            file.seek(before)
            return file.read(_LOG_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
