"""Where the demonstration is played: its folder, its servers, and what its programs may know."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workflow.demo.bucket import REGION, s3
from workflow.demo.jotform import Account, jotform
from workflow.demo.serving import LOOPBACK, serving
from workflow.demo.store import Store
from workflow.demo.website import website
from workflow.errors import WorkflowError
from workflow.initialise import data_folder, initialise
from workflow.layout import CONFIG

ENVIRONMENTS = ("staging", "production")
PAGE = "content/summer-auto-promo-2026.md"
PRIVATE = ".workflow/"
_DATA = data_folder() / "demo"


@dataclass(frozen=True)
class Stage:
    """All that the story is told with."""

    root: Path
    websites: dict[str, str]
    """Address of each environment's published site, without a slash at its end."""
    environ: dict[str, str]
    """What the programs of the demonstration get."""
    has_git: bool

    @property
    def site(self) -> Path:
        return self.root / "site"

    @property
    def website(self) -> str:
        """Where staging is seen."""
        return self.websites["staging"]

    def write(self, name: str, **marks: str) -> Path:
        """Write a file of the demonstration's into the exchange, its @MARKS@ filled in."""
        text = (_DATA / name).read_text(encoding="utf-8")
        for mark, value in marks.items():
            text = text.replace(f"@{mark}@", value)
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


@contextlib.contextmanager
def set_stage(root: Path) -> Iterator[Stage]:
    """Make the exchange, the site and empty buckets in `root`, and serve them until the block ends.

    A demonstration that was there is played again from the start; its tasks and results stay.
    Raises WorkflowError `not_empty` for a folder that holds anything else, or `not_a_folder`.
    """
    _refuse_other_things(root, mark=(_DATA / CONFIG).read_text(encoding="utf-8").splitlines()[0])
    root.mkdir(parents=True, exist_ok=True)
    access_key, forms_key = f"DEMO{secrets.token_hex(8).upper()}", secrets.token_hex(16)
    marks: dict[str, str] = {}
    websites: dict[str, str] = {}
    with contextlib.ExitStack() as servers:
        for name in ENVIRONMENTS:
            _remove(root / f"bucket-{name}")
            store = Store(root / f"bucket-{name}")
            api = servers.enter_context(serving(s3(store, f"harbor-{name}", access_key)))
            websites[name] = servers.enter_context(serving(website(store, PRIVATE)))
            marks |= {f"{name.upper()}_API": api, f"{name.upper()}_SITE": websites[name]}
        marks["FORMS"] = servers.enter_context(serving(jotform(Account(forms_key))))
        environ = {**_environ(access_key), "JOTFORM_API_KEY": forms_key}
        stage = Stage(root, websites, environ, shutil.which("git") is not None)
        stage.write(CONFIG, **marks)
        stage.write("forms/summer-auto-2026.yaml")
        shutil.copytree(_DATA / "site", stage.site, dirs_exist_ok=True)
        (stage.site / PAGE).unlink(missing_ok=True)
        if stage.has_git:
            _version(stage)
        initialise(root, stage.site)
        yield stage


def _version(stage: Stage) -> None:
    """Put the site under version control, with a remote beside it, both new."""
    site, origin = stage.site, stage.root / "origin.git"
    _remove(site / ".git")
    _remove(origin)
    shutil.copyfile(_DATA / "gitignore", site / ".gitignore")
    steps = (
        ("init", "--quiet", "--bare", "--initial-branch=main", str(origin)),
        ("init", "--quiet", "--initial-branch=main"),
        ("config", "user.name", "Harbor Insurance"),
        ("config", "user.email", "site@example.com"),
        # Whoever plays this may sign all commits, or have hooks for all repositories.
        ("config", "commit.gpgsign", "false"),
        ("config", "core.hooksPath", ".git/hooks"),
        ("remote", "add", "origin", str(origin)),
        ("add", "."),
        ("commit", "--quiet", "--message", "The site as it was"),
        ("push", "--quiet", "--set-upstream", "origin", "main"),
    )
    own = {k: v for k, v in stage.environ.items() if not k.startswith("GIT_")}
    for step in steps:
        ran = subprocess.run(
            ["git", *step], cwd=site, env=own, capture_output=True, text=True, check=False
        )
        if ran.returncode:
            raise WorkflowError(
                "demo_failed",
                f"`git {step[0]}` failed: {ran.stderr.strip()}",
                hint="see whether `git --version` works here, and says 2.30 or later",
            )


def _remove(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


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
    """Our environment, with the credentials of the demonstration's buckets and no others."""
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
