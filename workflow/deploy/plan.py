"""What a deploy is going to do, each step with its reason, before anything of it is done.

Change is a matter of content and headers, never of times: a rebuild touches every file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from workflow import figures
from workflow.deploy.known import UNPROVEN, Known, Object
from workflow.deploy.objects import Wanted, is_fingerprinted
from workflow.deploy.patterns import matches
from workflow.deploy.s3 import Bucket, Listed, in_parallel
from workflow.deploy.target import Target
from workflow.result import utc

Action = Literal["new", "changed", "metadata", "delete", "keep"]
"""`metadata`: the content is right and its headers are not. `keep`: gone, and left there."""

CONTROLLED = (
    "content-type",
    "cache-control",
    "content-encoding",
    "x-amz-website-redirect-location",
)
"""The headers that we set, and repair where somebody else changed them."""
_DEFAULTS = {"content-type": "binary/octet-stream"}
_PLAIN_ETAG = re.compile(r"[0-9a-f]{32}")
_ALWAYS_MAY_GO = 10

GONE = "gone from the site"
"""Why a file goes that was sent from here."""


@dataclass(frozen=True, slots=True)
class Step:
    """One file, and what is to be done about it."""

    action: Action
    path: str
    reason: str
    size: int
    wanted: Wanted | None = None
    """None where there is nothing to send."""

    def as_dict(self) -> dict[str, Any]:
        said: dict[str, Any] = {
            "action": self.action,
            "path": self.path,
            "reason": self.reason,
            "size": self.size,
        }
        if self.wanted is not None:
            headers = self.wanted.headers
            said["content_type"] = headers.get("Content-Type")
            said["cache_control"] = headers.get("Cache-Control")
            said["encoding"] = headers.get("Content-Encoding")
        return said


@dataclass
class Plan:
    """Everything that would be done, and what would stay."""

    steps: list[Step] = field(default_factory=list)
    unchanged: int = 0
    live: int = 0
    """Objects of the site that are there now."""
    owed: tuple[str, ...] = ()
    """Invalidation paths that an earlier deploy could not get done."""
    marked: frozenset[str] = frozenset()
    """Environments that the bucket says it belongs to."""
    purpose: str = ""
    """What there is to do beside sending, deleting and invalidating; empty for nothing."""
    superseded: dict[str, str] = field(default_factory=dict)
    """Fingerprinted assets that are kept for their grace -> UTC time since when."""

    def of(self, *actions: Action) -> list[Step]:
        return [step for step in self.steps if step.action in actions]

    @property
    def sending(self) -> list[Step]:
        return self.of("new", "changed", "metadata")

    @property
    def deleting(self) -> list[Step]:
        return self.of("delete")

    @property
    def is_empty(self) -> bool:
        return not (self.sending or self.deleting or self.owed)

    @property
    def totals(self) -> dict[str, int]:
        counted = Counter(step.action for step in self.steps)
        return {
            "new": counted["new"],
            "changed": counted["changed"],
            "metadata": counted["metadata"],
            "deleted": counted["delete"],
            "kept": counted["keep"],
            "unchanged": self.unchanged,
            "bytes": sum(step.size for step in self.sending),
        }

    def stale_paths(self) -> list[str]:
        """What caches may hold and no longer should. A fingerprinted name that is new was never
        there; one that is repaired may be cached, wrong, for a year."""
        return [
            step.path
            for step in self.sending
            if step.wanted and (step.action != "new" or step.wanted.phase != "fingerprinted")
        ]

    def summary(self) -> str:
        """`3 new, 2 changed, 1 to delete, 240 unchanged (1.2 MB to send)`."""
        totals = self.totals
        words = (
            ("new", "new"),
            ("changed", "changed"),
            ("metadata", "with other headers"),
            ("deleted", "to delete"),
            ("kept", "superseded and kept"),
            ("unchanged", "unchanged"),
        )
        said = ", ".join(f"{totals[key]:,} {word}" for key, word in words if totals[key])
        size = f" ({figures.size(totals['bytes'])} to send)" if self.sending else ""
        if self.is_empty and self.purpose:
            return f"{said or 'no files'}; nothing to send, {self.purpose}"
        owed = "; an invalidation is owed" if self.owed else ""
        return (said or "nothing to do") + size + owed


def make_plan(
    target: Target,
    wanted: Mapping[str, Wanted],
    listed: Mapping[str, Listed],
    known: Known,
    bucket: Bucket,
    *,
    md5_of: Callable[[Wanted], str | None],
    force: bool = False,
    now: datetime,
) -> Plan:
    """Compare what is wanted with what is there. Objects that we do not know are looked at.

    `md5_of` gives a file's MD5, for objects that we have no notes on; `now` is the server's time.
    Raises S3Error.
    """
    private = target.private
    site = {
        key[len(target.prefix) :]: seen
        for key, seen in listed.items()
        if key.startswith(target.prefix) and not key.startswith(private) and key[-1:] != "/"
    }
    plan = Plan(live=len(site))
    there = _there(target, wanted, site, known, bucket, force=force)
    for path, one in wanted.items():
        if path not in site:
            plan.steps.append(Step("new", path, "not there yet", one.size, one))
            continue
        step = _compare(one, site[path], there[path], md5_of)
        if step is None:
            plan.unchanged += 1
        else:
            plan.steps.append(step)
    _plan_the_gone(plan, target, wanted, site, known, now)
    plan.steps.sort(key=lambda step: step.path)
    return plan


def _there(
    target: Target,
    wanted: Mapping[str, Wanted],
    site: Mapping[str, Listed],
    known: Known,
    bucket: Bucket,
    *,
    force: bool,
) -> dict[str, Object]:
    """What the objects are whose paths are wanted: from our notes, else by looking at each."""
    there: dict[str, Object] = {}
    unsure: list[str] = []
    for path in wanted:
        seen = site.get(path)
        if seen is None:
            continue
        found = None if force else known.matching(target.key(path), seen)
        if found is None:
            unsure.append(path)
        else:
            there[path] = found

    def look(path: str) -> Callable[[], None]:
        def ask() -> None:
            key, seen = target.key(path), site[path]
            head = bucket.head(key)
            headers = {} if head is None else head.headers
            ours = {name: headers[name] for name in CONTROLLED if headers.get(name)}
            by_kms = headers.get("x-amz-server-side-encryption", "").startswith("aws:kms")
            there[path] = known.seen(
                key,
                seen,
                None if head is None else head.sha256,
                ours,
                tag_is_md5=bool(_PLAIN_ETAG.fullmatch(seen.etag)) and not by_kms,
            )

        return ask

    in_parallel(target.deploy.workers, map(look, unsure), bucket.check)
    return there


def _compare(
    wanted: Wanted, listed: Listed, there: Object, md5_of: Callable[[Wanted], str | None]
) -> Step | None:
    headers = {name.lower(): value for name, value in wanted.headers.items()}
    encoded = headers.get("content-encoding") or there.headers.get("content-encoding")
    whole = bool(encoded) or listed.size == wanted.size
    if there.tag_is_md5 and not encoded:
        # The tag proves it; a note of ours may have been put onto another content.
        same = whole and md5_of(wanted) == listed.etag
        if same:
            there.sha256 = wanted.sha256
        elif there.sha256 is not None:
            there.sha256 = UNPROVEN
    else:
        same = whole and there.sha256 == wanted.sha256
    if not same:
        foreign = "not from us, and " if there.sha256 is None else ""
        reason = f"{foreign}its content differs"
        return Step("changed", wanted.path, reason, wanted.size, wanted)
    drifted = [
        name
        for name in CONTROLLED
        if headers.get(name) != (there.headers.get(name) or _DEFAULTS.get(name))
    ]
    if drifted:
        what = " and ".join(f"its {name}" for name in drifted)
        return Step("metadata", wanted.path, f"{what} differs", wanted.size, wanted)
    return None


def _plan_the_gone(
    plan: Plan,
    target: Target,
    wanted: Mapping[str, Wanted],
    site: Mapping[str, Listed],
    known: Known,
    now: datetime,
) -> None:
    """What is there and not wanted goes, unless the owner keeps it or pages may still name it."""
    days = target.deploy.keep_superseded_days
    superseded = {}
    for path, seen in site.items():
        if path in wanted:
            continue
        if any(matches(pattern, path) for pattern in target.deploy.keep):
            plan.steps.append(Step("keep", path, "workflow.yaml keeps it", seen.size))
        elif days and is_fingerprinted(path):
            since = known.superseded.get(path, utc(now))
            if since > utc(now + timedelta(minutes=5)):
                since = utc(now)  # noted by a clock that was ahead: from now on, then
            superseded[path] = since
            until = datetime.fromisoformat(since) + timedelta(days=days)
            if now < until:
                reason = f"superseded; pages that visitors hold may name it until {utc(until)[:10]}"
                plan.steps.append(Step("keep", path, reason, seen.size))
            else:
                plan.steps.append(Step("delete", path, "superseded, its grace is over", seen.size))
        else:
            noted = known.objects.get(target.key(path))
            ours = noted is not None and noted.sha256 is not None
            reason = GONE if ours else "not from us: neither in the site, nor sent from here"
            plan.steps.append(Step("delete", path, reason, seen.size))
    plan.superseded = superseded


def most_deletes(target: Target, live: int, asked: int | None) -> int:
    """How many objects may go at once: what was asked for and approved, else the owner's cap."""
    cap = target.deploy.max_deletes
    return (
        asked if asked is not None else min(cap.number, max(_ALWAYS_MAY_GO, int(cap.share * live)))
    )
