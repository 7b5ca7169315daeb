"""What a task names, and what has changed there since the last commit.

A name is a file or a folder, relative to the site (or the exchange), and stands for itself: no
wildcards, no pathspec magic. Folders above it may not be links, so that it lies where it seems to.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from workflow.deploy.guards import shown
from workflow.errors import nearest
from workflow.git.program import Git, each, failed_as_a_whole, refusal
from workflow.git.repository import Repository
from workflow.layout import RUNTIME

_GITLINK = "160000"
_FIELDS = {"1": 8, "2": 9, "u": 10}
"""Of `git status --porcelain=v2`: how many spaces stand before the path."""


def well_formed(path: str) -> str:
    """A path that a task may name, without a slash at its end. Raises ValueError."""
    if any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in path):
        raise ValueError("holds a control character")
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ValueError("is not UTF-8") from None
    if path.startswith(("/", "~")):
        raise ValueError("must be relative to the site's folder (or the exchange's)")
    parts = path.rstrip("/").split("/")
    if parts == ["."] or parts == [""]:
        raise ValueError("must name what is meant: a file or a folder, not everything")
    if any(part in ("", ".", "..") for part in parts):
        raise ValueError("may not hold '..', '.' or an empty part")
    if any(re.fullmatch(r"(?i)\.git|git~\d+", part) for part in parts):
        raise ValueError("lies in git's own folder")
    return "/".join(parts)


@dataclass(frozen=True)
class Changed:
    """What differs from the last commit under the paths of a task."""

    paths: tuple[str, ...]
    """Files, as the repository knows them."""
    unknown: tuple[str, ...]
    """Those of them that the index does not hold yet."""


def changed(repository: Repository, named: Sequence[str]) -> Changed:
    """Compares HEAD, index and work tree under the named paths.

    Raises TaskFailed `no_such_path`, `path_is_link`, `not_a_file`, `ignored_path`,
    `outside_sparse_checkout`, `hidden_from_git`, `in_submodule`, `nested_repository`,
    `partly_staged`, `runtime_path`.
    """
    git = repository.git
    names = [repository.prefix + name for name in named]
    for name in named:
        _refuse_odd(repository, name)
    _refuse_submodules(git, names)
    _refuse_absent(repository, names)
    _refuse_ignored(repository, names)
    _refuse_hidden(git, names)
    said = git.get(
        "status", "--porcelain=v2", "-z", "--untracked-files=all", "--no-renames", "--", *names
    ).names
    return _sorted_out(said)


def _refuse_odd(repository: Repository, name: str) -> None:
    if repository.which == "exchange" and name.split("/")[0] == RUNTIME:
        raise refusal(
            "runtime_path", f"{RUNTIME}/ is runtime state: never in git", "fix", "leave it out"
        )
    parts = name.split("/")
    for depth in range(1, len(parts)):
        above = "/".join(parts[:depth])
        if (repository.folder / above).is_symlink():
            raise refusal(
                "path_is_link",
                f"{shown(name)} lies behind the symbolic link {shown(above)}, which git does "
                "not follow",
                "fix",
                "name the file where it really lies, if that is inside the same folder",
                file=shown(name),
            )
    try:
        mode = (repository.folder / name).lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
        raise refusal(
            "not_a_file",
            f"{shown(name)} is a pipe, a socket or a device",
            "fix",
            "name files and folders",
            file=shown(name),
        )


def _refuse_submodules(git: Git, names: Sequence[str]) -> None:
    """A submodule that is named, or in which a named path lies."""
    places = sorted(
        {
            "/".join(name.split("/")[:depth])
            for name in names
            for depth in range(1, name.count("/") + 2)
        }
    )
    rows = git.get("ls-files", "--stage", "-z", "--", *places).names
    split = (row.partition("\t") for row in rows)
    _refuse_links({path for about, _, path in split if about.startswith(_GITLINK)} & set(places))


def _refuse_links(links: set[str]) -> None:
    if links:
        raise refusal(
            "in_submodule",
            f"{each(links)} is a submodule, a repository of its own",
            "escalate",
            "commit inside it, by hand or with a site that lies there; leave it out here",
        )


def _refuse_absent(repository: Repository, names: Sequence[str]) -> None:
    git = repository.git
    for name in names:
        if os.path.lexists(repository.top / name):
            continue
        staged = git.get("ls-files", "-z", "--", name).out
        if not (staged or git.get("ls-tree", "-r", "--name-only", "-z", "HEAD", "--", name).out):
            own = name.removeprefix(repository.prefix)
            meant = " or ".join(_near(repository, own))
            raise refusal(
                "no_such_path",
                f"there is no {shown(own)} in {repository.folder}, nor in its last commit",
                "fix",
                (f"did you mean {meant}? " if meant else "")
                + f"paths are relative to the {repository.which}'s folder",
                file=shown(own),
            )


def _near(repository: Repository, own: str) -> list[str]:
    """What lies beside the name that is not there, and is called nearly so."""
    above, _, last = own.rpartition("/")
    try:
        beside = sorted(os.listdir(repository.folder / above))
    except OSError:
        return []
    return [shown(f"{above}/{name}" if above else name) for name in nearest(last, beside)]


def _refuse_ignored(repository: Repository, names: Sequence[str]) -> None:
    """What is tracked is not ignored, whatever matches it."""
    words = ("check-ignore", "--verbose", "-z", "--stdin")
    # This command alone takes no literal pathspecs. It knows no wildcards either, and of magic only
    # what starts with a colon, which no name does that starts with a dot.
    asked = b"".join(b"./" + os.fsencode(name) + b"\0" for name in names)
    answer = repository.git.ask(*words, stdin=asked, env={"GIT_LITERAL_PATHSPECS": "0"})
    if answer.code == 1:
        return
    if answer.code != 0:
        raise failed_as_a_whole(words, answer.code, answer.said)
    source, line, pattern, path = answer.names[:4]
    own = path.removeprefix("./").removeprefix(repository.prefix)
    raise refusal(
        "ignored_path",
        f"{shown(own)} is ignored by {shown(source)}, line {line} ({shown(pattern)})",
        "fix",
        "leave it out; if it belongs into the repository, the owner changes that line",
        file=shown(own),
    )


def _refuse_hidden(git: Git, names: Sequence[str]) -> None:
    """Files whose changes git was told not to see. Inside a named folder they are left out."""
    rows = git.get("ls-files", "-v", "-z", "--", *names).names
    marks = {row[2:]: row[0] for row in rows if row[2:] in names}
    sparse = [path for path, mark in marks.items() if mark in "Ss"]
    if sparse:
        raise refusal(
            "outside_sparse_checkout",
            f"the sparse checkout leaves out {each(sparse)}",
            "escalate",
            "widen it (`git sparse-checkout add FOLDER`), then run the task again",
        )
    unseen = [path for path, mark in marks.items() if mark.islower()]
    if unseen:
        raise refusal(
            "hidden_from_git",
            f"git was told to see no changes of {each(unseen)} (assume-unchanged)",
            "escalate",
            "`git update-index --no-assume-unchanged FILE`, if they are to be committed",
        )


def _sorted_out(said: Sequence[str]) -> Changed:
    staged: set[str] = set()
    halves: set[str] = set()
    known: set[str] = set()
    unknown: set[str] = set()
    links: set[str] = set()
    for row in said:
        kind, _, rest = row.partition(" ")
        if kind == "?":
            unknown.add(rest)
        elif kind in _FIELDS:
            fields = row.split(" ", _FIELDS[kind])
            path, index, tree, submodule = fields[-1], fields[1][0], fields[1][1], fields[2]
            if submodule.startswith("S"):
                # Only what is new inside of it is its own affair.
                links |= {path} if index != "." or submodule[1] == "C" else set()
                continue
            known.add(path)
            if index != ".":
                (staged if tree == "." else halves).add(path)
    _refuse_links(links)
    nested = [path for path in unknown if path.endswith("/")]
    if nested:
        raise refusal(
            "nested_repository",
            f"{each(nested)} is a git repository inside this one",
            "escalate",
            "leave it out, or make it a submodule by hand",
        )
    # Staged as deleted, and yet there: somebody lets git forget it and keeps the file.
    halves |= staged & unknown
    if halves:
        raise refusal(
            "partly_staged",
            f"what is staged of {each(halves)} is not what lies in the work tree: a commit of the "
            "one would lose the other",
            "fix",
            "make them the same: `git add FILE` takes the work tree's, `git restore --staged FILE` "
            "gives up what was staged; then run the task again",
        )
    return Changed(tuple(sorted(known | unknown)), tuple(sorted(unknown)))
