"""An exchange whose environments lead to real servers, and a built site to publish from it.

The site is written as Hugo would leave it, with the record of a build: what Hugo does is tested
elsewhere, and a test of a deploy need not wait for it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.deploy.servers import ADMIN, Faults, SeaweedFS, Website
from tests.program import Program, make_exchange
from workflow import publicdir
from workflow.hugo.record import BuildRecord, write_record

CSS = "main.min." + "0123456789abcdef" * 4 + ".css"
SITE: dict[str, str | bytes] = {
    "index.html": f"<html><head><link rel=stylesheet href=/{CSS}></head>Home</html>",
    "posts/one/index.html": "<html>One</html>",
    "posts/two/index.html": "<html>Two</html>",
    CSS: "body{color:navy}",
    "images/logo.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "robots.txt": "User-agent: *\n",
}


@dataclass(frozen=True)
class Deploying(Program):
    """The program, with the servers' credentials."""

    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        kept = {k: v for k, v in super().environ.items() if not k.startswith("AWS_")}
        return {**kept, **ADMIN.environ, **self.extra}


@dataclass
class Publisher:
    """Everything that a test of deploys needs. `dev` asks nobody; `staging` wants approval."""

    program: Deploying
    server: SeaweedFS
    proxy: Faults
    website: Website
    bucket: str
    others: dict[str, Any] = field(default_factory=dict)
    """More of `deploy` in workflow.yaml, for both environments."""
    files: dict[str, str | bytes] = field(default_factory=dict)

    @property
    def public(self) -> Path:
        return self.program.root / "site/public"

    def configure(self, environment: str = "dev", **options: Any) -> Publisher:
        """Write workflow.yaml; `environment` alone leads to the bucket."""
        deploy: dict[str, Any] = {
            "strategy": "native",
            "bucket": self.bucket,
            "region": "us-east-1",
            "endpoint_url": self.proxy.endpoint,
            "verify_url": self.website.url,
            "verify": {"timeout_seconds": 3},
            **self.others,
        }
        places = {
            name: {"base_url": f"{self.website.url}/", "approval": approval}
            for name, approval in (
                ("dev", "none"),
                ("staging", "approve"),
                ("production", "phrase"),
            )
        }
        for key in [key for key in options if key in ("approval", "waive", "accept_declared")]:
            places[environment][key] = options.pop(key)
        places[environment]["deploy"] = {**deploy, **options}  # type: ignore[assignment]
        text = {"version": 1, "sites": {"main": {"path": "site"}}, "environments": places}
        (self.program.root / "workflow.yaml").write_text(json.dumps(text))
        return self

    def build(
        self, changes: Mapping[str, str | bytes | None] | None = None, environment: str = "dev"
    ) -> Publisher:
        """Leave what a build leaves: every file new, the record beside it. None removes a file."""
        for path, content in (changes or {}).items():
            if content is None:
                self.files.pop(path)
            else:
                self.files[path] = content
        shutil.rmtree(self.public, ignore_errors=True)
        for path, content in self.files.items():
            place = self.public / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)
        self.record(environment)
        return self

    def record(self, environment: str = "dev", **other: Any) -> None:
        self.public.mkdir(parents=True, exist_ok=True)
        said: dict[str, Any] = {
            "site": "main",
            "environment": environment,
            "base_url": f"{self.website.url}/",
            "digest": publicdir.manifest(self.public).digest,
            "build_drafts": False,
            "build_future": False,
            "build_expired": False,
            "task_id": "build",
            "built_at": datetime.now(UTC),
        }
        write_record(self.program.root, BuildRecord(**{**said, **other}))

    def deploy(self, environment: str = "dev", *settings: str) -> dict[str, Any]:
        """Submit and sweep; the result's front matter."""
        words = [word for setting in settings for word in ("--set", setting)]
        task_id = self.program.submit(f"hugo-deploy-{environment}", *words)
        swept = self.program("sweep")
        assert swept.code == 0, swept.err
        return self.program.result(task_id)

    def published(self, environment: str = "dev", *settings: str) -> dict[str, Any]:
        """Deploy, which must succeed; the outputs."""
        result = self.deploy(environment, *settings)
        assert result["status"] == "success", result.get("error")
        outputs: dict[str, Any] = result["outputs"]
        return outputs

    def failed(self, environment: str = "dev", *settings: str) -> dict[str, Any]:
        """Deploy, which must fail; the result."""
        result = self.deploy(environment, *settings)
        assert result["status"] == "failed", result["outputs"]
        return result

    def live(self) -> dict[str, bytes]:
        """The site as it lies in the bucket, without what is ours alone."""
        found = self.server.objects(self.bucket)
        return {key: raw for key, raw in found.items() if not key.startswith(".workflow/")}

    def private(self) -> set[str]:
        return {key for key in self.server.objects(self.bucket) if key.startswith(".workflow/")}

    def expected(self) -> dict[str, bytes]:
        return {
            path: text.encode() if isinstance(text, str) else text
            for path, text in self.files.items()
        }

    def head(self, key: str) -> dict[str, Any]:
        head: dict[str, Any] = self.server.client().head_object(Bucket=self.bucket, Key=key)
        return head

    def put(self, key: str, body: bytes | str, **more: Any) -> None:
        """As somebody else, with another tool."""
        raw = body.encode() if isinstance(body, str) else body
        self.server.client().put_object(Bucket=self.bucket, Key=key, Body=raw, **more)

    def sent(self) -> list[str]:
        """The keys of the site that were sent since the proxy was cleared, in their order."""
        keys = self.proxy.keys("PutObject")
        return [key for key in keys if not key.startswith(".workflow/")]


def make_publisher(
    folder: Path, server: SeaweedFS, proxy: Faults, website: Website, bucket: str
) -> Publisher:
    root = make_exchange(folder).root
    made = Publisher(Deploying(root), server, proxy, website, bucket, files=dict(SITE))
    os.makedirs(made.public)
    return made.configure().build()
