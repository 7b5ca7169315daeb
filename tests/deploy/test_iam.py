"""What AWS has to allow, which environments are in each other's way, and what doctor says."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.program import make_exchange
from workflow.config import Config, Deploy, load_config
from workflow.deploy import browser, cloudfront, iam, refusals, verification
from workflow.deploy.conflicts import conflict, shared_buckets
from workflow.errors import Problem
from workflow.handlers import cloudfront_invalidate

DOCS = Path(__file__).parents[2] / "docs" / "aws.md"


def native(bucket: str = "bbb", **more: Any) -> dict[str, Any]:
    return {"strategy": "native", "bucket": bucket, **more}


def environment(deploy: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {
        "base_url": "https://www.example.com/",
        **({"deploy": deploy} if deploy else {}),
        **more,
    }


def text(**environments: dict[str, Any]) -> str:
    sites = {"main": {"path": "site"}}
    return json.dumps({"version": 1, "sites": sites, "environments": environments})


def configured(folder: Path, **deploys: dict[str, Any] | None) -> Config:
    said = text(**{name: environment(deploy) for name, deploy in deploys.items()})
    (folder / "workflow.yaml").write_text(said)
    config = load_config(folder)
    assert not config.problems
    return config


def statements(**deploy: Any) -> dict[str, dict[str, Any]]:
    document = iam.policy("staging", Deploy(**native(**deploy))).document
    assert document is not None
    return {one["Sid"]: one for one in document["Statement"]}


# -- policies ------------------------------------------------------------------------------------


def test_a_bucket_is_listed_read_and_written_and_nothing_else() -> None:
    found = statements(bucket="www.example.com")
    assert found["ListTheSite"]["Action"] == "s3:ListBucket"
    assert found["ListTheSite"]["Resource"] == "arn:aws:s3:::www.example.com"
    assert found["ReadAndWriteTheSite"]["Resource"] == "arn:aws:s3:::www.example.com/*"
    assert set(found["ReadAndWriteTheSite"]["Action"]) == {
        "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:AbortMultipartUpload",
        "s3:DeleteObject",
    }  # fmt: skip
    assert set(found) == {"ListTheSite", "ReadAndWriteTheSite"}


def test_a_folder_of_a_bucket_is_all_that_is_allowed_of_it() -> None:
    for prefix in ("blog", "blog/"):
        found = statements(prefix=prefix)
        assert found["ListTheSite"]["Condition"] == {"StringLike": {"s3:prefix": "blog/*"}}
        assert found["ReadAndWriteTheSite"]["Resource"] == "arn:aws:s3:::bbb/blog/*"


def test_versions_are_read_only_where_there_are_releases() -> None:
    found = statements(releases={"keep": 0})
    assert "s3:GetObjectVersion" not in found["ReadAndWriteTheSite"]["Action"]


def test_only_the_one_distribution_may_be_invalidated() -> None:
    found = statements(cloudfront_id="E1", account="123456789012")["InvalidateTheSite"]
    assert found["Resource"] == "arn:aws:cloudfront::123456789012:distribution/E1"
    assert found["Action"] == ["cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"]


def test_an_account_that_is_not_stated_is_to_be_filled_in() -> None:
    found = iam.policy("staging", Deploy(**native(cloudfront_id="E1")))
    assert "arn:aws:cloudfront::*:distribution/E1" in json.dumps(found.document)
    assert "account" in found.notes[0]


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_other_parts_of_aws_have_names_of_their_own(region: str, partition: str) -> None:
    assert statements(region=region)["ListTheSite"]["Resource"] == f"arn:{partition}:s3:::bbb"


def test_a_server_that_is_not_aws_has_no_iam_policy() -> None:
    found = iam.policy("dev", Deploy(**native(endpoint_url="http://localhost:8333")))
    assert found.document is None
    assert "is not AWS" in found.notes[0]


def test_for_a_script_only_what_we_call_ourselves_is_known() -> None:
    deploy = Deploy(strategy="script", script=Path("publish.py"), cloudfront_id="E1")
    found = iam.policy("production", deploy)
    assert found.document is not None
    assert [one["Sid"] for one in found.document["Statement"]] == ["InvalidateTheSite"]
    assert "script" in found.notes[0]
    assert iam.policy("p", Deploy(strategy="script", script=Path("p.py"))).document is None


# -- conflicts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (native(), native(), "both publish to s3://bbb/:"),
        (native(), native(prefix="blog"), "both publish to s3://bbb/:"),
        (native(prefix="a"), native(prefix="a/b"), "both publish to s3://bbb/a/:"),
        (
            native(prefix="a", shared_bucket=True),
            native(prefix="a/", shared_bucket=True),
            "both publish to s3://bbb/a/:",
        ),
        (native(prefix="a"), native(prefix="c"), "share the bucket bbb"),
        (native(prefix="a", shared_bucket=True), native(prefix="c"), "share the bucket bbb"),
    ],
)
def test_environments_may_not_publish_over_each_other(
    tmp_path: Path, one: dict[str, Any], other: dict[str, Any], reason: str
) -> None:
    config = configured(tmp_path, staging=one, production=other, dev=None)
    (found,) = shared_buckets(config)
    assert (found.first, found.second) == ("staging", "production")
    assert found.reason.startswith("staging and production")
    assert reason in found.reason
    assert conflict(config, "staging") == conflict(config, "production") == found.reason
    assert conflict(config, "dev") is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (native("aaa"), native("bbb")),
        (native(), native(endpoint_url="http://localhost:8333")),
        (native(prefix="blog", shared_bucket=True), native(prefix="blog-old", shared_bucket=True)),
        (native(), {"strategy": "script", "script": "publish.py"}),
    ],
)
def test_environments_that_are_apart_are_fine(
    tmp_path: Path, one: dict[str, Any], other: dict[str, Any]
) -> None:
    config = configured(tmp_path, staging=one, production=other)
    assert shared_buckets(config) == []
    assert conflict(config, "staging") is None


# -- doctor --------------------------------------------------------------------------------------


def findings(folder: Path, said: str) -> dict[str, dict[str, Any]]:
    return _found(folder, said, AWS_ACCESS_KEY_ID="AKIA", AWS_SECRET_ACCESS_KEY="secret")


def _found(folder: Path, said: str, **environ: str) -> dict[str, dict[str, Any]]:
    alone = {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_CONFIG_FILE": str(folder / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "aws-credentials"),
        "BOTO_CONFIG": str(folder / "none"),
    }
    program = make_exchange(folder, said)
    found = program("doctor", "--offline", "--json", **alone | environ).data["findings"]
    return {one["subject"]: one for one in found}


def test_doctor_misses_credentials_without_asking_anybody(tmp_path: Path) -> None:
    found = _found(tmp_path, text(staging=environment(native())))["deploy to staging"]
    assert (found["state"], found["message"]) == ("failed", "there are no AWS credentials")
    assert "AWS_PROFILE" in found["mend"]


def test_doctor_misses_a_profile_that_is_named_and_not_there(tmp_path: Path) -> None:
    (tmp_path / "aws-config").write_text("[profile other]\nrole_arn = x\nsource_profile = other\n")
    for number, named in enumerate(("other", "missing")):
        folder = tmp_path / str(number)
        folder.mkdir()
        said = text(staging=environment(native(profile=named)))
        environ = {"AWS_CONFIG_FILE": str(tmp_path / "aws-config"), "AWS_ACCESS_KEY_ID": "AKIA"}
        found = _found(folder, said, **environ)["deploy to staging"]
        assert found["state"] == ("ok", "failed")[number]
        assert ("(missing)" in found["message"]) == (named == "missing"), found


def test_a_limit_of_deletions_without_its_keys_is_answered_with_an_example(tmp_path: Path) -> None:
    said = text(staging=environment(native(max_deletes=20)))
    (problem,) = _problems(tmp_path, said)
    assert problem.key == "environments.staging.deploy.max_deletes"
    assert "`max_deletes: {number: 100, share: 0.25}`" in problem.message


def _problems(folder: Path, said: str) -> Sequence[Problem]:
    (folder / "workflow.yaml").write_text(said)
    return load_config(folder).problems


def test_doctor_shows_the_server_and_a_base_url_that_nobody_else_can_follow(
    tmp_path: Path,
) -> None:
    deploy = native(endpoint_url="http://s3.example.net:9000")
    said = json.loads(text(dev=environment(deploy), staging=environment(native("other"))))
    said["environments"]["staging"]["base_url"] = "http://localhost:1313/"
    found = findings(tmp_path, json.dumps(said))
    assert found["deploy to dev"]["message"].endswith(" at http://s3.example.net:9000")
    assert found["deploy to staging"]["state"] == "warning"
    assert "built for this machine itself" in found["deploy to staging"]["message"]
    assert "environments.staging.base_url" in found["deploy to staging"]["mend"]


def test_doctor_is_content_with_a_deploy_that_could_run(tmp_path: Path) -> None:
    deploy = native("www.example.com", prefix="blog/", cloudfront_id="E1")
    found = findings(tmp_path, text(staging=environment(deploy)))["deploy to staging"]
    assert (found["state"], found["message"]) == ("ok", "s3://www.example.com/blog, CloudFront E1")


def test_doctor_finds_environments_that_share_a_bucket(tmp_path: Path) -> None:
    said = text(staging=environment(native()), production=environment(native()))
    found = findings(tmp_path, said)["deploys to staging and production"]
    assert found["state"] == "failed"
    assert "both publish to s3://bbb/" in found["message"]


def test_doctor_finds_a_script_that_cannot_be_run(tmp_path: Path) -> None:
    said = text(production=environment({"strategy": "script", "script": "publish.py"}))
    found = findings(tmp_path, said)["deploy to production"]
    assert found["state"] == "failed"
    assert "publish.py does not exist" in found["message"]


def test_doctor_warns_of_publishing_without_anybodys_consent(tmp_path: Path) -> None:
    said = text(
        dev=environment(native("aaa"), approval="none"),
        production=environment(native("bbb"), approval="none"),
        staging=environment(native("ccc"), approval="phrase", accept_declared=True),
    )
    found = findings(tmp_path, said)
    assert found["deploy to dev"]["state"] == "ok"
    assert found["deploy to production"]["state"] == "warning"
    assert "without approval" in found["deploy to production"]["message"]
    assert found["deploy to staging"]["state"] == "warning"
    assert "accept_declared" in found["deploy to staging"]["message"]


@pytest.mark.parametrize(
    "asked", [{"compress": "brotli"}, {"objects": [{"match": "*.css", "compress": "brotli"}]}]
)
def test_doctor_finds_that_brotli_is_asked_for_and_not_there(
    tmp_path: Path, asked: dict[str, Any]
) -> None:
    program = make_exchange(tmp_path, text(staging=environment(native(**asked))))
    without = tmp_path / "without"
    without.mkdir()
    (without / "sitecustomize.py").write_text(
        "import importlib.util as util\n"
        "found = util.find_spec\n"
        "util.find_spec = lambda name, *a: None if name == 'brotli' else found(name, *a)\n"
    )
    path = f"{without}:{program.environ['PYTHONPATH']}"
    keys = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"}
    states = [
        {
            one["subject"]: one
            for one in program("doctor", "--offline", "--json", **environ).data["findings"]
        }["deploy to staging"]["state"]
        for environ in ({"PYTHONPATH": path, **keys}, keys)
    ]
    assert states == ["failed", "ok"]


# -- doctor --iam --------------------------------------------------------------------------------


def test_doctor_prints_one_policy_alone_to_be_pasted(tmp_path: Path) -> None:
    said = text(
        dev=environment(native("aaa", endpoint_url="http://localhost:8333")),
        staging=environment(native("bbb")),
    )
    program = make_exchange(tmp_path, said)
    ran = program("doctor", "--iam", "--env", "staging")
    assert ran.code == 0
    assert json.loads(ran.out) == iam.policy("staging", Deploy(**native("bbb"))).document
    both = program("doctor", "--iam")
    assert both.out.startswith("# staging\n{")
    assert "dev: http://localhost:8333 is not AWS" in both.err
    policies = program("doctor", "--iam", "--json").data["policies"]
    assert [(one["environment"], one["policy"] is None) for one in policies] == [
        ("dev", True),
        ("staging", False),
    ]


def test_doctor_has_no_policy_for_what_is_not_published(tmp_path: Path) -> None:
    program = make_exchange(tmp_path, text(dev=environment(None)))
    for words in ([], ["--env", "dev"]):
        ran = program("doctor", "--iam", *words, "--json")
        assert (ran.code, ran.json["error"]["code"]) == (2, "no_deploy_target")
    ran = program("doctor", "--iam", "--env", "dve", "--json")
    assert ran.json["error"]["did_you_mean"] == ["dev"]
    assert program("doctor", "--env", "dev", "--json").json["error"]["code"] == "usage"


# -- docs/aws.md ---------------------------------------------------------------------------------


def _fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCS.read_text(), re.DOTALL | re.MULTILINE)


def test_the_policy_in_the_docs_is_the_one_that_is_generated() -> None:
    said = yaml.safe_load(_fenced("yaml")[0])
    deploy = Deploy(**said["environments"]["production"]["deploy"])
    assert json.loads(_fenced("json")[0]) == iam.policy("production", deploy).document


def test_every_other_fenced_document_in_the_docs_can_be_read() -> None:
    assert len([json.loads(block) for block in _fenced("json")]) >= 2
    assert [yaml.safe_load(block) for block in _fenced("yaml")]


def test_whatever_aws_refuses_is_told_what_to_do_about() -> None:
    codes = {kind.code for kind in (*refusals.KINDS.values(), refusals.OTHER)}
    for module in (cloudfront, cloudfront_invalidate, browser, verification):
        written = inspect.getsource(module)
        codes |= set(re.findall(r'TaskError\(\s*"([a-z_]+)"', written))
    assert {"stale_site", "site_tls_error", "no_distribution", "cloudfront_quota"} <= codes
    table = DOCS.read_text().partition("## When it fails")[2]
    assert {code for code in codes if f"`{code}`" not in table} == set()
