"""What is to be published, and where its bytes are: public/ as it was built, or a kept release."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workflow.config import Config
from workflow.deploy import guards
from workflow.deploy.content import read_content
from workflow.deploy.objects import Wanted, wanted
from workflow.deploy.releases import Release, Releases
from workflow.deploy.store import Store
from workflow.deploy.target import Params, Target
from workflow.hugo.record import read_record
from workflow.layout import CACHE

Line = tuple[str, int, str, str]
"""Path, size, sha256, headers."""


@dataclass(frozen=True)
class Source:
    """Everything that the site is to consist of."""

    wanted: Mapping[str, Wanted]
    digest: str
    """Of the content alone: paths, sizes, digests."""
    path_of: Callable[[Wanted], str | None]
    """Where a file's bytes lie; None if they are not on this machine any more."""
    git_commit: str | None = None
    restores: Release | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    def manifest(self) -> Iterable[Line]:
        """What an approval binds, a line a file, in the order of the paths."""
        for path in sorted(self.wanted):
            one = self.wanted[path]
            headers = "\n".join(f"{name}: {value}" for name, value in sorted(one.headers.items()))
            yield (path, one.size, one.sha256, headers)

    @property
    def total_bytes(self) -> int:
        return sum(one.size for one in self.wanted.values())


def find_source(
    params: Params, target: Target, config: Config, check: Callable[[], None] = lambda: None
) -> Source:
    """The source that a task names. Raises TaskFailed if it must not be published, OSError."""
    if params.release is not None:
        return _of_release(params.release, target, config)
    return _of_public(params, target, config, check)


def _of_public(params: Params, target: Target, config: Config, check: Callable[[], None]) -> Source:
    place = target.place
    cache = config.root / CACHE / f"content-{place.site}.json"
    guards.refuse_absent(place.public)
    content = read_content(place.public, cache=cache, force=params.force, check=check)
    record = read_record(config.root, place.site)
    guards.refuse_unfit(
        content,
        target.deploy,
        environment=target.environment,
        base_url=target.base_url,
        build=record,
        is_dev=place.is_dev,
    )
    folder = os.fspath(content.folder)
    links = {path for path, _ in content.manifest.links}

    def path_of(one: Wanted) -> str:
        path = os.path.join(folder, one.path)
        return os.path.realpath(path) if one.path in links else path

    return Source(
        wanted(content, target.deploy, target.base_url),
        content.manifest.digest,
        path_of,
        git_commit=record.git_commit if record and target.deploy.require_build else None,
    )


def _of_release(release_id: str, target: Target, config: Config) -> Source:
    release = Releases(config.root, target.environment).read(release_id)
    guards.refuse_foreign(release, site=target.place.site, base_url=target.base_url)
    store = Store(config.root)
    public = os.path.realpath(target.place.public)

    def path_of(one: Wanted) -> str | None:
        # Only what is to be sent is asked for, so that reading it here costs little: a power cut
        # may have damaged what was kept, and a mixture must not go live for it.
        places = (store.path(one.sha256), Path(public, one.path))
        return next((os.fspath(path) for path in places if _is(path, one)), None)

    return Source(
        {one.path: one for one in release.files},
        release.digest,
        path_of,
        git_commit=release.git_commit,
        restores=release,
        versions=release.versions if release.target == str(target) else {},
    )


def _is(path: Path, one: Wanted) -> bool:
    """Whether a file has this very content."""
    try:
        if path.stat().st_size != one.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == one.sha256
    except OSError:
        return False
