"""The servers that tests of deploys share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.moto import Moto, moto_server
from tests.deploy.publisher import Publisher, make_publisher
from tests.deploy.servers import (
    ADMIN,
    Faults,
    SeaweedFS,
    Website,
    faults,
    seaweedfs,
    website,
)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[SeaweedFS]:
    """One for each of pytest's processes."""
    with seaweedfs() as server:
        yield server


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    """CloudFront and STS, one for each of pytest's processes."""
    with moto_server() as server:
        yield server


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the server's administrator, in our environment, and no others."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ADMIN.environ.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def bucket_name(s3_server: SeaweedFS) -> str:
    """A new, empty bucket."""
    return s3_server.make_bucket()


@pytest.fixture
def proxy(s3_server: SeaweedFS) -> Iterator[Faults]:
    """A way to the server that can be spoiled."""
    with faults(s3_server.endpoint) as made:
        yield made


@pytest.fixture
def served(s3_server: SeaweedFS, bucket_name: str, proxy: Faults) -> Iterator[Website]:
    """The new bucket as a website; it redirects where what came through `proxy` says so."""
    with website(s3_server.endpoint, bucket_name, redirects=proxy) as site:
        yield site


@pytest.fixture
def publisher(
    tmp_path: Path, s3_server: SeaweedFS, proxy: Faults, served: Website, bucket_name: str
) -> Publisher:
    """A built site, and environments that lead to the new bucket."""
    return make_publisher(tmp_path, s3_server, proxy, served, bucket_name)
