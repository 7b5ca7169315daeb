"""What we know of a target's objects from earlier runs, so that none need be looked at again.

A listing gives an object's tag, size and time, and neither its content nor its headers. The tag is
no digest for objects sent in parts or encrypted by KMS. So what we sent is written down beside the
tag that the server gave us: as long as the listing shows the same tag, size and time, the object
is what we sent. Whatever differs was changed behind our back, and is looked at.

    .workflow/deploys/ENVIRONMENT-MARK.json        the mark tells the bucket
    .workflow/deploys/ENVIRONMENT-MARK.live.json   which release is live

Disposable: without it a deploy asks for each object once more, and comes to the same plan.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from workflow import durable
from workflow.deploy.s3 import Listed, Stored
from workflow.deploy.target import Target, state_folder

_VERSION = 1
_SLACK = timedelta(seconds=2)
"""How much later than its answer's Date a server may say that an object was made."""

UNPROVEN = ""
"""The digest of no file."""

Headers = Mapping[str, str]


@dataclass(slots=True)
class Object:
    """An object as we sent it, or as we found it when we looked."""

    etag: str
    size: int
    sha256: str | None
    """Of the file it was made from; None if somebody else sent it, UNPROVEN if it was noted on the
    object and is not the digest of what lies there."""
    headers: Headers
    modified: str | None = None
    """As a listing says it; None until one did."""
    date: str | None = None
    """When we sent it, by the server's clock."""
    version: str | None = None
    tag_is_md5: bool = False
    """Whether we have just looked at it, and its tag is the MD5 of its content."""

    def is_that(self, listed: Listed) -> bool:
        """Whether the listed object is this one, unchanged since."""
        if (self.etag, self.size) != (listed.etag, listed.size):
            return False
        if self.modified is not None:
            return self.modified == listed.modified
        return self.date is not None and _not_later(listed.modified, self.date)


@dataclass
class Known:
    """The notes on one target. `save` writes them if anything in them is new."""

    path: Path
    objects: dict[str, Object] = field(default_factory=dict)
    """By key."""
    superseded: dict[str, str] = field(default_factory=dict)
    """Paths of fingerprinted assets that no page names any more -> UTC time since when."""
    live: str | None = None
    """The release that is live."""
    partial: bool = False
    """Whether the last deploy did not come to its end: what is live is no release, or not known."""
    unverified: str | None = None
    """The task that sent all of its content then, which was not seen to be served."""
    changed: bool = False

    def matching(self, key: str, listed: Listed) -> Object | None:
        """What the listed object is, if it is what we know of."""
        known = self.objects.get(key)
        if known is None or not known.is_that(listed):
            return None
        if known.modified is None:
            known.modified = listed.modified
            self.changed = True
        return known

    def sent(
        self, key: str, stored: Stored, size: int, sha256: str | None, headers: Headers
    ) -> None:
        self.objects[key] = Object(
            stored.etag, size, sha256, headers, date=stored.date, version=stored.version
        )
        self.changed = True

    def seen(
        self,
        key: str,
        listed: Listed,
        sha256: str | None,
        headers: Headers,
        *,
        tag_is_md5: bool,
    ) -> Object:
        found = Object(
            listed.etag,
            listed.size,
            sha256,
            headers,
            modified=listed.modified,
            tag_is_md5=tag_is_md5,
        )
        self.objects[key] = found
        self.changed = True
        return found

    def forget(self, key: str) -> None:
        if self.objects.pop(key, None) is not None:
            self.changed = True

    def mark(self, *, live: str | None, partial: bool, unverified: str | None = None) -> None:
        """Note durably which release is live, or that a mixture may be from now on."""
        self.live, self.partial, self.unverified = live, partial, unverified
        raw = json.dumps({"live": live, "partial": partial, "unverified": unverified}).encode()
        durable.replace(os.fspath(_live(self.path)), raw)

    def save(self) -> None:
        """Raises OSError."""
        if not self.changed:
            return
        kinds: dict[tuple[tuple[str, str], ...], int] = {}
        rows = {}
        for key, one in self.objects.items():
            kind = tuple(sorted(one.headers.items()))
            number = kinds.setdefault(kind, len(kinds))
            row = [one.etag, one.size, one.sha256, number, one.modified, one.date, one.version]
            rows[key] = row
        said = {
            "version": _VERSION,
            "superseded": self.superseded,
            "headers": [dict(kind) for kind in kinds],
            "objects": rows,
        }
        raw = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
        aside = self.path.with_name(f".{self.path.name}.{os.getpid()}{durable.TEMPORARY}")
        aside.write_bytes(raw)
        aside.replace(self.path)
        self.changed = False


def load(root: Path, target: Target) -> Known:
    """The notes on a target; empty ones if there are none, or none that can be read."""
    place = [target.deploy.endpoint_url, target.deploy.bucket, target.prefix]
    mark = hashlib.sha256(json.dumps(place).encode()).hexdigest()[:8]
    path = state_folder(root) / f"{target.environment}-{mark}.json"
    known = Known(path)
    with suppress(OSError, ValueError, KeyError, TypeError, IndexError):
        known.objects, known.superseded = _read(json.loads(path.read_bytes()))
    with suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads(_live(path).read_bytes())
        known.live, known.partial = said["live"], bool(said["partial"])
        known.unverified = said.get("unverified")
    return known


def _live(path: Path) -> Path:
    """Apart from the objects: it is written durably, and has to be small for that."""
    return path.with_suffix(".live.json")


def _read(said: dict[str, Any]) -> tuple[dict[str, Object], dict[str, str]]:
    if said["version"] != _VERSION:
        raise ValueError("written by another version")
    kinds = said["headers"]
    objects = {
        key: Object(etag, size, sha256, kinds[number], modified, date, version)
        for key, (etag, size, sha256, number, modified, date, version) in said["objects"].items()
    }
    return objects, said["superseded"]


def _not_later(modified: str, date: str) -> bool:
    try:
        return datetime.fromisoformat(modified) <= datetime.fromisoformat(date) + _SLACK
    except (ValueError, TypeError):
        return False
