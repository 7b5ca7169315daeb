"""The sites, and the programs that work on them: Hugo and git."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from workflow import layout
from workflow.config import Config
from workflow.doctor.finding import Finding
from workflow.errors import TaskFailed
from workflow.hugo.site import is_site
from workflow.process import ProgramNotFound, run

GIT_SECONDS = 5.0


def hugo(config: Config) -> Iterator[Finding]:
    from workflow.hugo import program as hugo_program

    try:
        found = hugo_program.find(config)
    except TaskFailed as failure:
        yield Finding("hugo", "failed", failure.error.message, failure.error.hint)
    else:
        yield Finding("hugo", "ok", f"{found.version} at {found.path}")


def sites(config: Config) -> Iterator[Finding]:
    if not config.sites:
        yield Finding(
            "sites", "failed", "none is configured", f"add one under `sites:` in {layout.CONFIG}"
        )
    for name, site in config.sites.items():
        path: Path = config.path(site.path)
        subject = f"site {name}"
        if not path.is_dir():
            yield Finding(
                subject,
                "failed",
                f"there is no folder {path}",
                f"correct sites.{name}.path in {layout.CONFIG}",
            )
        elif not is_site(path):
            yield Finding(subject, "failed", f"{path} has no Hugo configuration", "add a hugo.toml")
        elif not os.access(path, os.W_OK):
            yield Finding(subject, "failed", f"{path} cannot be written", f"chmod u+w {path}")
        else:
            yield Finding(subject, "ok", str(path))


def git(config: Config) -> Iterator[Finding]:
    """Whether git-commit could work: git, new enough, and a name for its commits in each site that
    lies in a repository."""
    from workflow.git.program import OLDEST, PLACES

    path = os.pathsep.join([os.environ.get("PATH", ""), *PLACES])
    program = shutil.which("git", path=path)
    if program is None:
        yield Finding(
            "git",
            "warning",
            "is not there: no task can commit",
            "install it: `xcode-select --install` on macOS, `apt-get install git` on Debian",
        )
        return
    said = _asked(program, "--version") or ""
    found = re.search(r"(\d+)\.(\d+)[.\d]*", said)
    oldest = ".".join(map(str, OLDEST))
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        yield Finding(
            "git", "warning", f"{program} says {said!r}", f"install version {oldest} or later"
        )
        return
    nameless = []
    for name, site in config.sites.items():
        folder = config.path(site.path)
        if folder.is_dir() and _asked(program, "-C", str(folder), "rev-parse", "--git-dir"):
            missing = [
                key
                for key in ("user.name", "user.email")
                if not _asked(program, "-C", str(folder), "config", key)
            ]
            nameless += [f"{key} for the site {name}" for key in missing]
    if nameless:
        yield Finding(
            "git",
            "warning",
            f"does not know {', '.join(nameless)}: commits need both",
            f"git config --global {nameless[0].split()[0]} …",
        )
    else:
        yield Finding("git", "ok", f"{found[0]} at {program}")


def _asked(program: str, *words: str) -> str | None:
    """What git answers; None if it does not, or not well."""
    try:
        done = run(
            [program, *words],
            cwd=Path("/"),
            env=None,
            log=Path(os.devnull),
            timeout=GIT_SECONDS,
        )
    except ProgramNotFound:
        return None
    return done.tail.strip() if done.returncode == 0 and done.ended == "exited" else None
