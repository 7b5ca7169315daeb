"""The example scripts against a real S3 server and moto's CloudFront, by hand and by `script`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.moto import Moto, moto_server
from tests.deploy.script_bench import Bench
from tests.deploy.servers import SeaweedFS
from workflow.deploy import script

EXAMPLES = Path(__file__).parents[2] / "deploy/examples"
PHRASE = "DEPLOY TO PRODUCTION"
SITE = {
    "index.html": b"<h1>Welcome</h1>",
    "css/main.abc123.css": b"body {}",
    "grüße und mehr/a+b.html": b"<p>%41</p>",
    "data": bytes(range(256)),
}


@dataclass
class Place:
    """A copy of the examples, their constants set as an owner sets them, and where they lead."""

    bench: Bench
    store: SeaweedFS
    moto: Moto
    bucket: str
    distribution: str

    @property
    def public(self) -> Path:
        return self.bench.root / "site/public"

    def use(self, name: str, **options: Any) -> Place:
        self.bench.configure(f"own/{name}", interpreter=sys.executable, **options)
        return self

    def objects(self) -> dict[str, bytes]:
        return self.store.objects(self.bucket)

    def by_hand(self, name: str, *, answer: str = "", **environ: str) -> tuple[int, str]:
        """As a person runs it: its exit code and all that it printed."""
        ran = subprocess.run(
            [sys.executable, self.bench.root / "own" / name],
            env={**os.environ, **environ},
            input=answer,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        return ran.returncode, ran.stdout


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with moto_server() as server:
        yield server


@pytest.fixture
def place(
    tmp_path: Path,
    s3_server: SeaweedFS,
    bucket_name: str,
    moto: Moto,
    credentials: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Place:
    environ = {
        "AWS_ENDPOINT_URL_S3": s3_server.endpoint,
        "AWS_ENDPOINT_URL_CLOUDFRONT": moto.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1",
        "HOME": str(tmp_path),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    place = Place(Bench(tmp_path), s3_server, moto, bucket_name, moto.make_distribution())
    (tmp_path / "own").mkdir()
    constants = {
        '"klmcrm.com"': f'"{place.bucket}"',
        '"E3HA8770RGET6T"': f'"{place.distribution}"',
        '"klminsurance.com"': f'"{place.bucket}"',
        '"DISTRIBUTION", ""': f'"DISTRIBUTION", "{place.distribution}"',
    }
    for example in EXAMPLES.glob("*.py"):
        text = example.read_text()
        for ours, theirs in constants.items():
            text = text.replace(ours, theirs)
        place.bench.write(text, tmp_path / "own" / example.name)
    for name, body in SITE.items():
        (place.public / name).parent.mkdir(parents=True, exist_ok=True)
        (place.public / name).write_bytes(body)
    return place


def test_staging_is_made_to_hold_what_public_holds(place: Place) -> None:
    client = place.store.client()
    client.put_object(Bucket=place.bucket, Key="old/index.html", Body=b"gone")
    client.put_object(Bucket=place.bucket, Key=".workflow/lock", Body=b"not ours")
    run = place.use("publish_to_staging.py").bench.run()
    assert place.objects() == {**SITE, ".workflow/lock": b"not ours"}
    (invalidation,) = place.moto.invalidations(place.distribution)
    assert invalidation["paths"] == ["/*"]
    expected = {
        "uploaded_files": 4,
        "deleted_files": 1,
        "unchanged_files": 0,
        "bytes": sum(map(len, SITE.values())),
        "invalidation_id": invalidation["id"],
    }
    assert expected.items() <= run.outputs.items()
    assert run.warnings == []
    stored = {key: client.head_object(Bucket=place.bucket, Key=key)["ContentType"] for key in SITE}
    assert stored["index.html"] == "text/html; charset=utf-8"
    assert stored["css/main.abc123.css"] == "text/css; charset=utf-8"
    assert stored["data"] == "application/octet-stream"


def test_only_what_differs_is_sent_again(place: Place) -> None:
    place.use("publish_to_staging.py").bench.run()
    (place.public / "data").unlink()
    (place.public / "index.html").write_bytes(b"<h1>Changed</h1>")
    (place.public / "css/main.abc123.css").touch()
    outputs = place.bench.run().outputs
    assert (outputs["uploaded_files"], outputs["bytes"]) == (1, 16)
    assert (outputs["deleted_files"], outputs["unchanged_files"]) == (1, 2)
    assert place.objects()["index.html"] == b"<h1>Changed</h1>"
    assert "data" not in place.objects()


def test_pages_are_sent_after_what_they_show(place: Place) -> None:
    place.use("publish_to_staging.py").bench.run()
    sent = [line for line in place.bench.printed.splitlines() if line.startswith("+ ")]
    assert sent == ["+ css/main.abc123.css", "+ data", "+ grüße und mehr/a+b.html", "+ index.html"]


def test_a_folder_without_a_site_deletes_nothing(place: Place) -> None:
    place.use("publish_to_staging.py").bench.run()
    shutil.rmtree(place.public)
    place.public.mkdir()
    failure = place.bench.fail()
    assert "holds no site: nothing was published" in failure.error.message
    assert place.objects() == SITE


def test_what_a_link_leads_to_is_not_published(place: Place) -> None:
    (place.public / "passwd").symlink_to("/etc/passwd")
    place.use("publish_to_staging.py").bench.run()
    assert place.objects() == SITE


def test_production_waits_for_the_phrase(place: Place) -> None:
    failure = place.use("publish_to_production.py").bench.fail()
    assert failure.error.code == "script_asked"
    assert f"Type '{PHRASE}' to continue:" in (failure.error.excerpt or "")
    failure = place.use("publish_to_production.py", answers=["yes"]).bench.fail()
    assert failure.error.message.endswith("Aborted.")
    assert place.objects() == {}
    run = place.use("publish_to_production.py", answers=[PHRASE]).bench.run()
    assert place.objects() == SITE
    assert run.outputs["uploaded_files"] == 4
    (invalidation,) = place.moto.invalidations(place.distribution)
    assert run.outputs["invalidation_id"] == invalidation["id"]


def test_whoever_approves_production_approves_the_code_that_it_takes_from_staging(
    place: Place,
) -> None:
    bench = place.use("publish_to_production.py", answers=[PHRASE]).bench
    agreed = bench.command
    staging = bench.root / "own/publish_to_staging.py"
    assert list(script.identity(agreed)["imports"]) == [str(staging)]
    bench.write(staging.read_text().replace('"/*"', '"/other"'), staging)
    assert bench.fail(agreed).error.code == "stale_plan"
    assert place.objects() == {}


@pytest.mark.parametrize("answer", ["", "deploy to production\n", "y\n"])
def test_by_hand_anything_but_the_phrase_aborts(place: Place, answer: str) -> None:
    code, printed = place.by_hand("publish_to_production.py", answer=answer)
    assert code == 1
    assert ("Aborted." in printed) == bool(answer)
    assert place.objects() == {}


def test_by_hand_variables_go_before_what_stands_in_the_scripts(place: Place) -> None:
    other = place.store.make_bucket()
    code, printed = place.by_hand(
        "publish_to_production.py",
        answer=f"{PHRASE}\n",
        BUCKET=other,
        DISTRIBUTION="",
        WORKFLOW_PUBLIC=str(place.public),
    )
    assert code == 0, printed
    assert "Uploaded: 4 (" in printed
    assert "Invalidation" not in printed
    assert (place.objects(), place.store.objects(other)) == ({}, SITE)


def test_a_bucket_that_is_not_there_is_told_as_a_native_deploy_tells_it(place: Place) -> None:
    staging = place.bench.root / "own/publish_to_staging.py"
    place.bench.write(staging.read_text().replace(place.bucket, "no-such-bucket"), staging)
    failure = place.use("publish_to_staging.py").bench.fail()
    assert failure.error.code == "no_such_bucket"
    assert "NoSuchBucket" in (failure.error.excerpt or "")
    assert failure.outputs["live"] == "unknown"
