"""Releases: what was published when, file by file, and the bytes to publish it again.

    .workflow/releases/ENVIRONMENT/ENVIRONMENT-0007-3f9a12c4.json

The number grows whatever the clock says; the end is the beginning of the content's digest. The
bytes lie in the `Store`, or in the versions that a versioned bucket keeps.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workflow import durable
from workflow.deploy.objects import Wanted
from workflow.deploy.store import Store
from workflow.errors import TaskError, TaskFailed, nearest
from workflow.layout import RELEASES

FOLDER = RELEASES
_ID = re.compile(r"(?P<environment>[a-z0-9][a-z0-9-]*)-(?P<number>\d{4,})-(?P<mark>[0-9a-f]{8})")
_DIGEST = re.compile(rb'"sha256":"([0-9a-f]{64})"')


@dataclass(frozen=True)
class Release:
    """One publication."""

    release_id: str
    environment: str
    site: str
    target: str
    base_url: str
    digest: str
    """Of its content: paths, sizes and digests of all files."""
    published_at: str
    task_id: str
    files: tuple[Wanted, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    """Path -> the version that a versioned bucket gave to what was sent."""
    restores: str | None = None
    """The release that this one brought back."""
    verified: bool = False
    approval: Mapping[str, Any] = field(default_factory=dict)
    git_commit: str | None = None

    @property
    def number(self) -> int:
        found = _ID.fullmatch(self.release_id)
        return int(found["number"]) if found else 0

    @property
    def total_bytes(self) -> int:
        return sum(file.size for file in self.files)

    def as_json(self) -> bytes:
        said: dict[str, Any] = {
            "schema": "workflow-release/1",
            "release": self.release_id,
            "environment": self.environment,
            "site": self.site,
            "target": self.target,
            "base_url": self.base_url,
            "digest": self.digest,
            "published_at": self.published_at,
            "task_id": self.task_id,
            "git_commit": self.git_commit,
            "restores": self.restores,
            "verified": self.verified,
            "approval": dict(self.approval),
            "files": [
                {
                    "path": file.path,
                    "size": file.size,
                    "sha256": file.sha256,
                    "phase": file.phase,
                    "headers": file.headers,
                }
                for file in self.files
            ],
        }
        if self.versions:
            for file in said["files"]:
                file["version"] = self.versions.get(file["path"])
        return json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()


class Releases:
    """The kept releases of one environment."""

    def __init__(self, root: Path, environment: str) -> None:
        self.root = root
        self.environment = environment
        self.folder = root / FOLDER / environment

    def ids(self) -> list[str]:
        """Oldest first."""
        found = []
        with suppress(FileNotFoundError):
            for name in os.listdir(self.folder):
                stem = name.removesuffix(".json")
                shape = _ID.fullmatch(stem)
                if shape and name != stem and shape["environment"] == self.environment:
                    found.append((int(shape["number"]), stem))
        return [stem for _, stem in sorted(found)]

    def next_id(self, digest: str) -> str:
        last = self.ids()[-1:]
        shape = _ID.fullmatch(last[0]) if last else None
        return f"{self.environment}-{(int(shape['number']) if shape else 0) + 1:04}-{digest[:8]}"

    def read(self, release_id: str) -> Release:
        """Raises TaskFailed `no_such_release` or `release_unreadable`."""
        try:
            return parse((self.folder / f"{release_id}.json").read_bytes())
        except FileNotFoundError:
            known = self.ids()
            near = nearest(release_id, known) or tuple(known[-3:])
            listed = f"kept are: {', '.join(near)}" if near else "none is kept yet"
            raise TaskFailed(
                TaskError(
                    "no_such_release",
                    f"there is no release {release_id!r} of {self.environment}",
                    "fix",
                    "release",
                    hint=f"{listed}; see `workflow rollback --env {self.environment} --list`",
                )
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TaskFailed(
                TaskError(
                    "release_unreadable",
                    f"the manifest of {release_id} cannot be read: {error}",
                    "escalate",
                    "release",
                    hint="choose another release, or publish public/ anew",
                )
            ) from error

    def write(self, release_id: str, manifest: bytes) -> None:
        """`manifest` is a release as JSON. Raises OSError."""
        durable.make_folder(os.fspath(self.folder))
        durable.replace(os.fspath(self.folder / f"{release_id}.json"), manifest)

    def before(self, live: str | None, *, partial: bool) -> str:
        """The release to go back to. Raises TaskFailed `no_such_release` if there is none.

        After a deploy that did not end: the last whole one. Else the newest before the live one
        whose content is another; one that was brought back counts as what it restores, so that
        going back twice goes back two.
        """
        ids = self.ids()
        if partial and ids:
            return ids[-1]
        at = self._origin(live if live in ids else (ids[-1] if ids else ""))
        marks = at.rpartition("-")[2]
        for earlier in reversed(ids[: ids.index(at)] if at in ids else []):
            if earlier.rpartition("-")[2] != marks:
                return self._origin(earlier)
        later = self.besides(live)
        raise TaskFailed(
            TaskError(
                "no_such_release",
                f"there is no release of {self.environment} to go back to"
                + ("" if later is None else ": what is live is the first that is kept"),
                "escalate",
                "release",
                hint="publish public/ anew: build it, then deploy it"
                if later is None
                else f"forward again: `workflow rollback --env {self.environment} --to {later}`",
            )
        )

    def besides(self, live: str | None) -> str | None:
        """The newest release with another content than the live one, and restoring none: where to
        go for whoever has gone back as far as there is."""
        ids = self.ids()
        marks = (live or (ids[-1] if ids else "")).rpartition("-")[2]
        others = (one for one in reversed(ids) if one.rpartition("-")[2] != marks)
        return next((one for one in others if self._origin(one) == one), None)

    def _origin(self, release_id: str) -> str:
        with suppress(TaskFailed):
            restored = self.read(release_id).restores
            if restored in self.ids():
                return str(restored)
        return release_id

    def prune(self, keep: int) -> None:
        """Forget all but the newest `keep`, and the bytes that no environment's release names."""
        forgotten = self.ids()[: -keep or None]
        for release_id in forgotten:
            (self.folder / f"{release_id}.json").unlink(missing_ok=True)
        if forgotten:
            Store(self.root).keep_only(_digests(self.root))


def parse(raw: bytes) -> Release:
    """Raises ValueError, KeyError or TypeError for what is no manifest of ours."""
    said = json.loads(raw)
    files = tuple(
        Wanted(f["path"], f["size"], f["sha256"], dict(f["headers"]), f["phase"])
        for f in said["files"]
    )
    return Release(
        said["release"],
        said["environment"],
        said["site"],
        said["target"],
        said["base_url"],
        said["digest"],
        said["published_at"],
        said["task_id"],
        files,
        {f["path"]: f["version"] for f in said["files"] if f.get("version")},
        said["restores"],
        said["verified"],
        said["approval"],
        said["git_commit"],
    )


def _digests(root: Path) -> Iterable[str]:
    """The digests that some kept release of some environment names."""
    for path in (root / FOLDER).glob("*/*.json"):
        with suppress(OSError):
            # As text: to read ten manifests would take longer than all the rest of a deploy.
            yield from (found.decode() for found in _DIGEST.findall(path.read_bytes()))
