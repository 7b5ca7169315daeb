"""What is to be published, and where its bytes are: public/ as it was built, or a kept release."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from workflow.config import Config
from workflow.deploy import guards
from workflow.deploy.content import cache_of, read_content
from workflow.deploy.objects import Wanted, wanted
from workflow.deploy.releases import Release, Releases
from workflow.deploy.store import Place, Store
from workflow.deploy.target import Params, Target
from workflow.hugo.record import built_files, read_record

Line = tuple[str, int, str, str]
"""Path, size, sha256, headers."""


@dataclass(frozen=True)
class Source:
    """Everything that the site is to consist of."""

    wanted: Mapping[str, Wanted]
    digest: str
    """Of the content alone: paths, sizes, digests."""
    place_of: Callable[[Wanted], Place | None]
    """Where a file's bytes lie; None if they are not on this machine any more."""
    git_commit: str | None = None
    restores: Release | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    def manifest(self) -> Iterable[Line]:
        """What an approval binds, a line a file, in the order of the paths."""
        said: dict[int, str] = {}  # files that are stored alike share one dictionary
        for path in sorted(self.wanted):
            one = self.wanted[path]
            headers = said.get(id(one.headers))
            if headers is None:
                lines = (f"{name}: {value}" for name, value in sorted(one.headers.items()))
                headers = said[id(one.headers)] = "\n".join(lines)
            yield (path, one.size, one.sha256, headers)

    def md5_of(self, one: Wanted) -> str | None:
        """In hex; None if its bytes cannot be read here."""
        place = self.place_of(one)
        return None if place is None else place.digest("md5")

    @property
    def total_bytes(self) -> int:
        return sum(one.size for one in self.wanted.values())


def find_source(
    params: Params,
    target: Target,
    config: Config,
    *,
    check: Callable[[], None] = lambda: None,
    store: Store | None = None,
) -> Source:
    """The source that a task names; `store` is where a release's bytes are looked for.

    Raises TaskFailed if it must not be published, OSError.
    """
    if params.release is not None:
        return _of_release(params.release, target, config, store or Store(config.root))
    return _of_public(params, target, config, check)


def _of_public(params: Params, target: Target, config: Config, check: Callable[[], None]) -> Source:
    place = target.place
    cache = cache_of(config.root, place.site)
    guards.refuse_absent(place.public, target.environment)
    content = read_content(place.public, cache=cache, force=params.force, check=check)
    record = read_record(config.root, place.site)
    guards.refuse_unfit(
        content,
        target.deploy,
        environment=target.environment,
        base_url=target.base_url,
        build=record,
        is_dev=place.is_dev,
        built_files=partial(built_files, config.root),
    )
    folder = os.fspath(content.folder)
    links = {path for path, _ in content.manifest.links}

    def place_of(one: Wanted) -> Place:
        path = os.path.join(folder, one.path)
        return Place(os.path.realpath(path) if one.path in links else path, 0, one.size)

    return Source(
        wanted(content, target.deploy, target.base_url),
        content.manifest.digest,
        place_of,
        git_commit=record.git_commit if record and target.deploy.require_build else None,
    )


def _of_release(release_id: str, target: Target, config: Config, store: Store) -> Source:
    release = Releases(config.root, target.environment).read(release_id)
    guards.refuse_foreign(release, site=target.place.site, base_url=target.base_url)
    public = os.path.realpath(target.place.public)

    def place_of(one: Wanted) -> Place | None:
        # Only what is to be sent is asked for, so that reading it here costs little: a power cut
        # may have damaged what was kept, and a mixture must not go live for it.
        places = (store.place(one.sha256), Place(os.path.join(public, one.path), 0, one.size))
        return next((at for at in places if at and at.digest("sha256") == one.sha256), None)

    return Source(
        {one.path: one for one in release.files},
        release.digest,
        place_of,
        git_commit=release.git_commit,
        restores=release,
        versions=release.versions if release.target == str(target) else {},
    )
