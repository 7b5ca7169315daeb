"""What public/ was built for: written when a build has put it there, read by whoever publishes it.

    .workflow/builds/SITE.json

The record says nothing of what lies in public/ now; that its digest is still the same does. So a
crash between the two leaves a record that fits nothing, and never one that tells an untruth.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from workflow import durable
from workflow.layout import BUILDS
from workflow.result import utc


@dataclass(frozen=True)
class BuildRecord:
    """One build: of what, for which environment, and what came of it."""

    site: str
    environment: str
    base_url: str
    digest: str
    """Of the manifest of public/, see publicdir."""
    build_drafts: bool
    build_future: bool
    build_expired: bool
    task_id: str
    built_at: datetime
    """UTC."""
    git_commit: str | None = None
    """Checked out in the site's work tree when it was built; files may have differed from it."""


def write_record(root: Path, record: BuildRecord) -> None:
    """Put the record in the place of the site's last one, durably. Raises OSError."""
    path = _path(root, record.site)
    durable.make_folder(os.path.dirname(path))
    said = {**asdict(record), "built_at": utc(record.built_at)}
    durable.replace(path, json.dumps(said, indent=1).encode() + b"\n")


def read_record(root: Path, site: str) -> BuildRecord | None:
    """The record of the last build of `site`; None if there is none, or none that can be read."""
    try:
        said = json.loads(Path(_path(root, site)).read_bytes())
        said["built_at"] = datetime.fromisoformat(said["built_at"])
        record = BuildRecord(**said)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return record if record.site == site else None


def other_environment(record: BuildRecord | None, environment: str) -> str | None:
    """For which environment public/ was built, if it is another than that; None if nobody knows.

    A deploy refuses such a site. What only looks at it says so.
    """
    if record is None or record.environment == environment:
        return None
    return record.environment


def built_files(root: Path, record: BuildRecord) -> dict[str, str] | None:
    """What that build made, path -> sha256, by the manifest beside its result; None if that is not
    there any more, or not of this very build."""
    for path in root.glob(f"results/*/{record.task_id}.logs/manifest.json"):
        try:
            said = json.loads(path.read_bytes())
            if said["digest"] == record.digest:
                return {file["path"]: file["sha256"] for file in said["files"]}
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return None


def _path(root: Path, site: str) -> str:
    return os.path.join(root, BUILDS, f"{site}.json")


_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def git_commit(folder: Path) -> str | None:
    """The commit that is checked out in the git work tree that `folder` lies in, if it does.

    Read from git's files: a process would cost more than all the rest of a record.
    """
    try:
        place = _git_folder(folder)
        return None if place is None else _head(place)
    except (OSError, UnicodeDecodeError):
        return None


def _git_folder(folder: Path) -> Path | None:
    for parent in (folder, *folder.parents):
        place = parent / ".git"
        if place.is_dir():
            return place
        if place.is_file():  # of a linked work tree, or a submodule
            return parent / place.read_text().strip().removeprefix("gitdir: ")
    return None


def _head(place: Path) -> str | None:
    head = (place / "HEAD").read_text().strip()
    if not head.startswith("ref: "):
        return head if _COMMIT.fullmatch(head) else None
    name = head.removeprefix("ref: ")
    common = place
    if (place / "commondir").is_file():
        common = place / (place / "commondir").read_text().strip()
    loose = common / name
    if loose.is_file():
        commit = loose.read_text().strip()
        return commit if _COMMIT.fullmatch(commit) else None
    packed = (common / "packed-refs").read_text().splitlines()
    return next((line[: -len(name) - 1] for line in packed if line.endswith(f" {name}")), None)
