"""Where a build works: the site and its public/, checked before anything is touched."""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from workflow.config import Config, Environment
from workflow.errors import Action, TaskError, TaskFailed, WorkflowError
from workflow.hugo.params import Params
from workflow.layout import CONFIG

LOCK_WAIT = 10.0
"""Seconds for which another Hugo may hold the site. Hugo itself would wait without end."""

CONFIG_NAMES = [
    f"{stem}.{suffix}" for stem in ("hugo", "config") for suffix in ("toml", "yaml", "yml", "json")
]
_SOURCES = {
    "archetypes", "assets", "config", "content", "data", "i18n", "layouts", "resources", "static",
    "themes",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A site, and the environment that it is built for."""

    site: str
    folder: Path
    """The site's, a real path."""
    public: Path
    """Of the built site; may be a link."""
    environment: str
    configured: Environment

    @property
    def is_dev(self) -> bool:
        return is_dev(self.environment)

    @property
    def build(self) -> str:
        """The command that builds it, as messages tell it."""
        return f"`workflow submit hugo-build --env {self.environment}`"


def is_site(folder: Path) -> bool:
    """Whether the folder has what makes it a Hugo site: a configuration."""
    return any((folder / name).exists() for name in (*CONFIG_NAMES, "config"))


def is_dev(environment: str) -> bool:
    """Whether it is one for trying things out, by its name."""
    return environment in ("dev", "development", "local")


def is_local(url: str) -> bool:
    """Whether the address is this machine's own, which no visitor can follow."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:  # `http://[x`: Hugo will say so
        return False
    return host in ("localhost", "0.0.0.0", "::1") or host.startswith("127.")


def locate(params: Params, config: Config) -> Place:
    """`locate_place` for a build, whose failures have a build's outputs too."""
    try:
        return locate_place(params.site_path, params.environment, config)
    except TaskFailed as failure:
        said = {"build_success": False, "errors": [failure.error.as_dict()], "warnings": []}
        raise TaskFailed(failure.error, outputs=said) from failure.__cause__


def locate_place(site_path: str | None, named: str | None, config: Config) -> Place:
    """What workflow.yaml says to a task's names.

    Raises TaskFailed `no_such_site`, `no_such_environment` or `bad_config`.
    """
    try:
        name, site = config.site(site_path)
        environment, configured = config.environment(named)
    except WorkflowError as error:
        asked = site_path if error.code == "no_such_site" else named
        # A name in the task is Claude Code's to correct, a gap in workflow.yaml is the owner's.
        action: Action = "fix" if asked and error.code.startswith("no_such") else "escalate"
        meant = f"did you mean {' or '.join(error.did_you_mean)}? " if error.did_you_mean else ""
        hint = meant + (error.hint or "")
        failure = TaskError(error.code, error.message, action, "configuration", hint=hint)
        raise TaskFailed(failure) from error
    folder = os.path.realpath(config.path(site.path))
    return Place(
        site=name,
        folder=Path(folder),
        public=Path(os.path.normpath(os.path.join(folder, site.public))),
        environment=environment,
        configured=configured,
    )


def check(place: Place) -> None:
    """Is there a Hugo site, and may its public/ be replaced as a whole?

    Raises TaskFailed `site_not_found` or `public_unusable`.
    """
    folder, public = place.folder, place.public
    if not folder.is_dir():
        raise _failed(
            "site_not_found",
            f"the site {place.site!r} is not there: {folder} is no folder",
            f"correct sites.{place.site}.path in {CONFIG}, or put the site there",
        )
    if not is_site(folder):
        # Hugo would "build" any folder, into an empty site.
        raise _failed(
            "site_not_found",
            f"{folder} is no Hugo site: it has neither hugo.toml (.yaml, .json) nor config/",
            f"correct sites.{place.site}.path in {CONFIG}, or write Hugo's configuration there",
        )
    hint = f"let sites.{place.site}.public in {CONFIG} name a folder of its own"
    inside = os.path.relpath(public, folder).split(os.sep)
    reason = None
    if inside[0] in (os.curdir, os.pardir):
        reason = "it is not inside the site's folder"
    elif inside[0] in _SOURCES:
        reason = f"{inside[0]}/ holds the site's sources"
    elif os.path.lexists(public) and os.path.exists(public) and not public.is_dir():
        reason = "it is a file"
    elif os.path.ismount(os.path.realpath(public)):
        reason = "another disk is mounted there, so that it cannot be swapped in one step"
    elif (public / ".git").exists():
        reason = "it is a git work tree, which a build would replace"
        copied = _copied_git(folder)
        if copied:
            reason = f"{copied} was built into it, and makes it a git work tree"
            hint = f"move {copied} out of what is published, and remove {public}/.git"
    elif folder.is_relative_to(os.path.realpath(public)):
        reason = "the site itself lies in it"
    if reason is not None:
        raise _failed(
            "public_unusable",
            f"{public} cannot be replaced by a build: {reason}",
            hint,
        )


def refuse_git(place: Place, built: Path) -> None:
    """Raises TaskFailed `public_unusable` if what was built has a `.git`: it gives away the sources
    and their history, and would keep the next build from taking its place."""
    if os.path.lexists(built / ".git"):
        copied = _copied_git(place.folder) or ".git"
        raise _failed(
            "public_unusable",
            f"Hugo has built {copied} into the site, as it does with all that is static",
            f"move {copied} out of what is published, then build again",
        )


def _copied_git(folder: Path) -> str:
    """Where in the site's folder the `.git` lies that Hugo would copy; empty if it is not seen."""
    places = (folder / "static/.git", *sorted(folder.glob("themes/*/static/.git")))
    found = (place for place in places if os.path.lexists(place))
    return next((os.path.relpath(place, folder) for place in found), "")


def wait_for_other_hugo(folder: Path) -> None:
    """Wait while another Hugo builds in `folder`. RACE: one that starts after this look makes
    ours wait, within the task's time limit. Raises TaskFailed `hugo_locked`.
    """
    try:
        descriptor = os.open(folder / ".hugo_build.lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return  # no lock, or Hugo will say what is wrong with it
    until = time.monotonic() + LOCK_WAIT
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise _failed(
                        "hugo_locked",
                        f"another Hugo is building in {folder} (it holds .hugo_build.lock)",
                        "wait until it has finished, or end it",
                        action="retry",
                    ) from None
                time.sleep(0.1)
    finally:
        os.close(descriptor)


def _failed(code: str, message: str, hint: str, *, action: Action = "escalate") -> TaskFailed:
    return TaskFailed(TaskError(code, message, action, "environment", hint=hint))
