"""Where the demonstration is played: its folder, its servers, and what its programs may know."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workflow.demo.bucket import REGION, s3
from workflow.demo.serving import LOOPBACK, serving
from workflow.demo.store import Store
from workflow.demo.website import website
from workflow.errors import WorkflowError
from workflow.initialise import data_folder, initialise
from workflow.layout import CONFIG

BUCKET = "harbor-site"
BROKEN_POST = "content/posts/boat-week.md"
PRIVATE = ".workflow/"


@dataclass(frozen=True)
class Stage:
    """All that the story is told with."""

    root: Path
    website: str
    """Address of the published site, without a slash at its end."""
    environ: dict[str, str]
    """What the programs of the demonstration get."""

    @property
    def site(self) -> Path:
        return self.root / "site"


@contextlib.contextmanager
def set_stage(root: Path) -> Iterator[Stage]:
    """Make the exchange, the site and an empty bucket in `root`, and serve it until the block ends.

    A demonstration that was there is played again from the start; its tasks and results stay.
    Raises WorkflowError `not_empty` for a folder that holds anything else, or `not_a_folder`.
    """
    template = (data_folder() / "demo" / CONFIG).read_text(encoding="utf-8")
    _refuse_other_things(root, mark=template.splitlines()[0])
    root.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(root / "bucket")
    store, access_key = Store(root / "bucket"), f"DEMO{secrets.token_hex(8).upper()}"
    with (
        serving(s3(store, BUCKET, access_key)) as api,
        serving(website(store, PRIVATE)) as address,
    ):
        config = template.replace("@API@", api).replace("@WEBSITE@", address)
        (root / CONFIG).write_text(config, encoding="utf-8")
        stage = Stage(root, address, _environ(access_key))
        shutil.copytree(data_folder() / "demo" / "site", stage.site, dirs_exist_ok=True)
        (stage.site / BROKEN_POST).unlink(missing_ok=True)
        initialise(root, stage.site)
        yield stage


def _refuse_other_things(root: Path, *, mark: str) -> None:
    if root.exists() and not root.is_dir():
        raise WorkflowError("not_a_folder", f"{root} is not a folder", hint="name a folder")
    config = root / CONFIG
    if not root.exists() or not any(root.iterdir()):
        return
    if not config.is_file() or not config.read_bytes().startswith(mark.encode()):
        raise WorkflowError(
            "not_empty",
            f"{root} holds other things",
            hint="name another folder for the demo, or remove this one if it is an old demo",
        )


def _environ(access_key: str) -> dict[str, str]:
    """Our environment, with the credentials of the demonstration's bucket and no others."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    bypass = ",".join(filter(None, (own.get("no_proxy") or own.get("NO_PROXY"), LOOPBACK)))
    return {
        **own,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        # Its servers are on this machine, where no proxy can reach them.
        "NO_PROXY": bypass,
        "no_proxy": bypass,
    }
