"""Where a task may write: in a site's own content folders, and below them only.

A path is followed one name at a time, each opened below the folder before it and never through a
symbolic link, so that a link that is put there meanwhile leads nowhere. Hugo follows none below
content/ either.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from workflow import durable
from workflow.config import Config
from workflow.content.refusals import refused
from workflow.errors import Action, TaskError, TaskFailed, WorkflowError, nearest
from workflow.hugo.site import is_site
from workflow.layout import CONFIG
from workflow.validator.content import hugo_project
from workflow.validator.content.sources import INDEXES, MARKDOWN, sanitized

LONGEST_PATH = 900
"""Bytes: S3 takes keys of 1024, and a page's is its path with /index.html behind it
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html)."""
_LONGEST_NAME = 255
_JOINERS = "\u200c\u200d"
"""Signs without a shape that words of some languages need."""
_UNSERVABLE = re.compile(r"[:*?\"<>|#%{}^\[\]`~]")
"""What means something else in an address, is to be avoided in a key of S3, or is no sign of a file
name on other systems."""
_FORBIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of signs (unicodedata) that are no part of a name that people can read."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


# -- paths as tasks write them -------------------------------------------------------------------


def _inside(path: str) -> str:
    """A path that stays below a folder, by its letters alone."""
    if any(unicodedata.category(sign) in _FORBIDDEN and sign not in _JOINERS for sign in path):
        raise ValueError("holds a control character, or one that nobody sees")
    if path.startswith(("/", "~")):
        raise ValueError("is below the content folder, and begins with no / or ~: posts/offer.md")
    if "\\" in path:
        raise ValueError("has / between its names, not \\")
    if len(path.encode()) > LONGEST_PATH:
        raise ValueError(f"is longer than {LONGEST_PATH} bytes")
    for name in path.split("/"):
        if name in ("", ".", ".."):
            raise ValueError(f"has {name!r} where a name has to be")
        if name.startswith("."):
            raise ValueError(f"leads to what is hidden ({name}), which Hugo leaves out")
        if len(name.encode()) > _LONGEST_NAME:
            raise ValueError(f"has a name that is longer than {_LONGEST_NAME} bytes")
    if not path.lower().endswith(MARKDOWN):
        raise ValueError("must name a Markdown file: its name ends with .md")
    return unicodedata.normalize("NFC", path)


def _servable(path: str) -> str:
    """A path that a new page may have."""
    if not path.endswith(".md"):
        raise ValueError("must end with .md")
    for name in path.split("/"):
        found = _UNSERVABLE.search(name)
        if found is not None:
            raise ValueError(f"has {found[0]!r} in a name, which addresses or S3 do not take")
        if name.startswith("-"):
            raise ValueError(f"has a name that programs take for an option: {name}")
        if name != name.strip() or name.endswith("."):
            raise ValueError(f"has a name that begins or ends with a blank or a dot: {name!r}")
        if not re.sub(r"[./\\_+@-]", "", sanitized(name.removesuffix(".md"))) and name not in (
            f"{index}.md" for index in INDEXES
        ):
            raise ValueError(f"has a name of which nothing is left in an address: {name}")
    return path


ContentPath = Annotated[str, AfterValidator(_inside)]
"""Of a content file that may be there."""
NewPath = Annotated[str, AfterValidator(_inside), AfterValidator(_servable)]
"""Of one that is to be made."""


# -- the place in the site -----------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """A content file, or the place of one."""

    site: str
    site_folder: Path
    """Real path."""
    content: str
    """The content folder that it lies in, from the site's folder: `content`, `content/de`."""
    path: str
    """From the site's folder, with `/`: `content/posts/offer.md`."""

    @property
    def real_path(self) -> str:
        return os.path.join(self.site_folder, *self.path.split("/"))

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def site_folder(site_path: str | None, config: Config) -> tuple[str, Path]:
    """Name and real path of the site. Raises TaskFailed `no_such_site`, `bad_config`."""
    try:
        name, site = config.site(site_path)
    except WorkflowError as error:
        action: Action = "fix" if site_path and error.code == "no_such_site" else "escalate"
        failure = TaskError(error.code, error.message, action, "configuration", hint=error.hint)
        raise TaskFailed(failure) from error
    return name, Path(os.path.realpath(config.path(site.path)))


def claimed(site_path: str | None, config: Config) -> Sequence[str]:
    """What no other task may use meanwhile: the site's real path, as for builds and checks.

    One rename shows a file whole, so a build would see the old one or the new one. Still they
    exclude each other: that an address is free is only known while no other task writes content;
    a walk over the content could stop at the hidden name that is listed and then gone; and so a
    build is made from what was there when it began.
    """
    try:
        return (os.fspath(site_folder(site_path, config)[1]),)
    except TaskFailed:
        return ()  # `run` says what is wrong


def locate(site_path: str | None, path: str, config: Config) -> Target:
    """The file that a task means. `path` counts from the content folder, or from the site's folder
    if it begins with a content folder (`content/posts/offer.md`), as results say it.

    Raises TaskFailed `no_such_site`, `bad_config`, `site_not_found`, `no_content_folder`.
    """
    name, folder = site_folder(site_path, config)
    if not folder.is_dir() or not is_site(folder):
        lacks = "it has neither hugo.toml (.yaml, .json) nor config/"
        raise TaskFailed(
            TaskError(
                "site_not_found",
                f"{folder} is no Hugo site: {lacks}"
                if folder.is_dir()
                else f"the site {name!r} is not there: {folder} is no folder",
                "escalate",
                "environment",
                hint=f"correct sites.{name}.path in {CONFIG}, or put the site there",
            )
        )
    contents = content_folders(folder)
    if not contents:
        raise TaskFailed(
            TaskError(
                "no_content_folder",
                f"all content of {name} lies outside of {folder}, where no task may write",
                "escalate",
                "configuration",
                hint="let contentDir, or the mounts, of Hugo's configuration name a folder in it",
            )
        )
    for content in sorted(contents, key=len, reverse=True):
        if path.startswith(f"{content}/"):
            return Target(name, folder, content, path)
    return Target(name, folder, contents[0], f"{contents[0]}/{path}")


def content_folders(folder: Path) -> list[str]:
    """The site's own content folders below `folder`, the one that is meant by default first."""
    found = []
    for mount in hugo_project.own_content(folder):
        inside = os.path.relpath(os.path.normpath(mount.source), folder).replace(os.sep, "/")
        # The site's folder as a whole would make templates of what tasks write.
        if inside == "." or any(name.startswith(".") for name in inside.split("/")):
            continue
        if not mount.source.is_file():
            found.append(inside)
    return list(dict.fromkeys(found))


# -- the way there -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Opened:
    """The folder of a target, open."""

    descriptor: int
    target: Target
    """With its path spelled as it is there, as far as it is there."""

    @property
    def name(self) -> str:
        return self.target.name


@contextmanager
def opened(target: Target, *, make: bool = False) -> Iterator[Opened]:
    """Opens the folder that a target lies in, and makes it first if it is to be made; if what then
    follows fails, folders that were made and are empty go again.

    Raises FileNotFoundError if it is not there, TaskFailed `symbolic_link`, `not_a_folder`,
    `name_collides`, OSError.
    """
    *folders, last = target.path.split("/")
    with ExitStack() as opened_ones:
        here = os.open(target.site_folder, _FOLDER)
        opened_ones.callback(os.close, here)
        made: list[tuple[int, str]] = []
        way = ""
        try:
            for name in folders:
                spelled = _spelled(here, name, way)
                way = f"{way}{spelled or name}/"
                if spelled is None and make:
                    with suppress(FileExistsError):  # RACE: made meanwhile, which is as well
                        os.mkdir(name, dir_fd=here)
                        made.append((here, name))
                        durable.sync_all([here])
                below = _open_folder(here, spelled or name, way)
                opened_ones.callback(os.close, below)
                here = below
            yield Opened(here, replace(target, path=way + (_spelled(here, last, way) or last)))
        except BaseException:
            for above, name in reversed(made):
                with suppress(OSError):  # it is not empty: somebody else has begun to use it
                    os.rmdir(name, dir_fd=above)
            raise


def _open_folder(above: int, name: str, way: str) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=above)
    except NotADirectoryError as error:
        if is_link(above, name):
            raise link_refused(way.rstrip("/")) from error
        raise refused(
            "not_a_folder", f"{way.rstrip('/')} is a file, not a folder", "name another path"
        ) from error
    except OSError as error:
        if is_link(above, name):  # ELOOP, as some systems say it
            raise link_refused(way.rstrip("/")) from error
        raise


def _spelled(folder: int, name: str, way: str) -> str | None:
    """How the name is spelled in a folder; None if it is not there.

    Raises TaskFailed `name_collides` if another name differs by the case of its letters only: to a
    Mac they are one file, and to Hugo one address.
    """
    names = os.listdir(folder)
    if name in names:
        return name
    other = None
    for one in names:
        composed = unicodedata.normalize("NFC", one)
        if composed == name:
            return one
        if composed.casefold() == name.casefold():
            other = one
    if other is not None:
        raise refused(
            "name_collides",
            f"{way}{other} is there, which differs from {name} by the case of its letters only",
            f"write {other}, or choose another name",
        )
    return None


def is_link(folder: int, name: str) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False


def link_refused(path: str) -> TaskFailed:
    return refused(
        "symbolic_link",
        f"{path} is a symbolic link, which neither tasks nor Hugo follow in content",
        "name the file that it leads to, if that lies in the content",
    )


def like(target: Target) -> tuple[str, ...]:
    """Files that may have been meant by one that is not there."""
    root = os.path.join(target.site_folder, target.content)
    names = []
    for above, folders, files in os.walk(root):
        folders[:] = [one for one in folders if not one.startswith(".")]
        inside = os.path.relpath(above, target.site_folder).replace(os.sep, "/")
        names += [f"{inside}/{one}" for one in files if one.lower().endswith(MARKDOWN)]
    same = tuple(sorted(one for one in names if one.endswith(f"/{target.name}")))[:3]
    return same or nearest(target.path, names)[:1]
