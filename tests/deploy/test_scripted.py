"""A deploy by the owner's script, end to end: guarded, approved, locked, verified, on record."""

from __future__ import annotations

import hashlib
import json
import sys

import pytest

from tests.deploy.publisher import Publisher

SCRIPT = """\
import json, os, sys
from pathlib import Path
import boto3
if input("Type it: ") != "YES":
    sys.exit("Aborted.")
public = Path(os.environ["WORKFLOW_PUBLIC"])
client = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1")
sent = [path for path in public.rglob("*") if path.is_file()]
for path in sent:
    client.upload_file(str(path), sys.argv[2], str(path.relative_to(public)))
print(json.dumps({"uploaded_files": len(sent)}))
"""


@pytest.fixture
def scripted(publisher: Publisher) -> Publisher:
    """`staging` is published by a script, after an approval."""
    (publisher.program.root / "publish.py").write_text(SCRIPT)
    publisher.others = {
        "strategy": "script",
        "script": "publish.py",
        "script_options": {
            "interpreter": sys.executable,
            "arguments": [publisher.server.endpoint, publisher.bucket],
            "answers": ["YES"],
        },
    }
    return publisher.configure("staging").build(environment="staging")


def _approved(publisher: Publisher) -> str:
    task_id = publisher.program.submit("hugo-deploy-staging")
    publisher.program("sweep")
    assert publisher.program.states(task_id) == ["waiting"]
    assert publisher.live() == {}
    digest = publisher.program("plan", task_id, "--field", "data.digest").out.strip()
    assert publisher.program("approve", task_id, "staging", digest[:8]).code == 0
    return task_id


def test_the_script_runs_once_approved_and_what_it_published_is_verified_and_on_record(
    scripted: Publisher,
) -> None:
    task_id = _approved(scripted)
    scripted.program("sweep")
    result = scripted.program.result(task_id)
    assert result["status"] == "success", result.get("error")
    assert scripted.live() == scripted.expected()
    outputs = result["outputs"]
    assert (outputs["uploaded_files"], outputs["http_status"]) == (len(scripted.files), 200)
    (release,) = scripted.program.root.glob(".workflow/releases/staging/*.json")
    said = json.loads(release.read_text())
    assert (said["release"], said["task_id"]) == (outputs["release"], task_id)
    assert said["approval"]["digest"] == outputs["approval"]["digest"]
    assert len(said["files"]) == len(scripted.files)
    assert scripted.private() == set(), "the lock is given back"


def test_a_plan_shows_all_that_is_bound_of_the_script(scripted: Publisher) -> None:
    shim = scripted.program.root / "shims/python3"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\nexec python3")
    shim.chmod(0o755)
    scripted.others["script_options"]["interpreter"] = str(shim)
    scripted.configure("staging")
    task_id = scripted.program.submit("hugo-deploy-staging")
    shown = scripted.program("plan", task_id).out
    script = scripted.program.root / "publish.py"
    arguments = f"{scripted.server.endpoint} {scripted.bucket}"
    assert shown.startswith(f"hugo-deploy-staging to {scripted.website.url} by publish.py\n")
    assert f"script {script} (sha256 {hashlib.sha256(script.read_bytes()).hexdigest()})" in shown
    assert f"  run as: {shim} {script} {arguments}\n  in: {script.parent}\n" in shown
    assert "  answers: YES" in shown
    assert f"warning: {shim} is a script itself" in shown


def test_what_visitors_have_is_said_to_be_unknown_once_a_script_has_failed(
    scripted: Publisher,
) -> None:
    (scripted.program.root / "publish.py").write_text("raise SystemExit(7)")
    task_id = _approved(scripted)
    scripted.program("sweep")
    result = scripted.program.result(task_id)
    verdict = result["body"].strip().splitlines()[0]
    assert verdict.endswith("; what visitors have now is not known.")
    assert "deployment_id" not in result["outputs"], "it is no deployment"


def test_a_script_that_was_changed_after_its_approval_is_not_run(scripted: Publisher) -> None:
    task_id = _approved(scripted)
    (scripted.program.root / "publish.py").write_text(SCRIPT + "\n# changed")
    scripted.program("sweep")
    error = scripted.program.result(task_id)["error"]
    assert error["code"] == "stale_plan"
    assert "(the script, or how it is run, changed)" in error["message"]
    assert scripted.live() == {}


def test_a_script_waits_for_a_deploy_from_another_machine(scripted: Publisher) -> None:
    task_id = _approved(scripted)
    held = {"token": "x", "holder": "other:1", "expires_at": "2099-01-01T00:00:00Z"}
    scripted.put(".workflow/lock.json", json.dumps(held))
    scripted.program("sweep")
    assert scripted.program.states(task_id) == ["waiting"]
    assert scripted.live() == {}


def test_a_script_that_changes_what_was_approved_is_told(scripted: Publisher) -> None:
    changing = SCRIPT.replace("sent = [", "(public / 'index.html').write_text('else')\nsent = [")
    (scripted.program.root / "publish.py").write_text(changing)
    task_id = _approved(scripted)
    scripted.program("sweep")
    result = scripted.program.result(task_id)
    assert (result["error"]["code"], result["outputs"]["live"]) == ("content_changed", "unknown")


def test_a_script_that_publishes_something_else_is_found_out(scripted: Publisher) -> None:
    sending = "client.upload_file(str(path), sys.argv[2], str(path.relative_to(public)))"
    assert sending in SCRIPT
    key = "str(path.relative_to(public))"
    other = SCRIPT.replace(
        sending, f"client.put_object(Bucket=sys.argv[2], Key={key}, Body=b'else')"
    )
    (scripted.program.root / "publish.py").write_text(other)
    scripted.others["verify"] = {"timeout_seconds": 0.2}
    scripted.configure("staging")
    task_id = _approved(scripted)
    scripted.program("sweep")
    assert scripted.program.result(task_id)["error"]["code"] == "stale_site"


def test_what_a_script_published_cannot_be_rolled_back_and_says_so_at_once(
    scripted: Publisher,
) -> None:
    refused = scripted.program("rollback", "--env", "staging")
    assert refused.code == 2
    assert "published by a script" in refused.err
    assert not list(scripted.program.root.glob("tasks/pending/*.md"))
