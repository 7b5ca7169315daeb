"""Whose credentials a request is signed with, for which region, and how."""

from __future__ import annotations

import calendar
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from workflow.deploy.client import Client, S3Error
from workflow.deploy.signing import EMPTY_SHA256, Keys, Signer, Source, encoded, encoded_query

# The examples of AWS, with the keys that its manuals use.
# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
EXAMPLE = Keys("AKIAIOSFODNN7" + "EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY")
WHEN = float(calendar.timegm((2013, 5, 24, 0, 0, 0)))
HOST = "examplebucket.s3.amazonaws.com"
AWS_EXAMPLES = [
    (
        "GET", "/test.txt", "", {"Range": "bytes=0-9"}, EMPTY_SHA256,
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    (
        "PUT", "/test%24file.text", "",
        {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ),
    (
        "GET", "/", encoded_query({"lifecycle": ""}), {}, EMPTY_SHA256,
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
    (
        "GET", "/", encoded_query({"prefix": "J", "max-keys": "2"}), {}, EMPTY_SHA256,
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "sha256", "signature"), AWS_EXAMPLES
)
def test_the_examples_of_aws_are_signed_as_aws_signs_them(
    method: str, path: str, query: str, headers: dict[str, str], sha256: str, signature: str
) -> None:
    signer = Signer(lambda: EXAMPLE, "us-east-1", HOST)
    signed = signer.sign(method, path, query, headers, sha256, now=WHEN)
    assert signed["authorization"].endswith(f"Signature={signature}")


@pytest.mark.parametrize(
    "key", ["a b+c%~'(é).html", "e\u0301", "//x/../y", '日本/{}[]|^`\\"<>.html']
)
def test_any_key_is_signed_as_botocore_signs_it(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime

    from botocore import auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    monkeypatch.setattr(auth, "get_current_datetime", lambda: datetime.fromtimestamp(WHEN, UTC))
    headers = {"Cache-Control": "max-age=0,  must-revalidate", "x-amz-meta-x": "é"}
    query = {"versionId": "a/b+c d", "partNumber": "1"}
    request = AWSRequest("PUT", f"https://{HOST}/{encoded(key)}", headers, b"", query)
    request.headers["X-Amz-Content-SHA256"] = EMPTY_SHA256
    credentials = Credentials(EXAMPLE.access_key, EXAMPLE.secret_key, "token")
    auth.S3SigV4Auth(credentials, "s3", "eu-west-1").add_auth(request)
    keys = Keys(EXAMPLE.access_key, EXAMPLE.secret_key, "token")
    signer = Signer(lambda: keys, "eu-west-1", HOST)
    asked = encoded_query(query)
    ours = signer.sign("PUT", f"/{encoded(key)}", asked, headers, EMPTY_SHA256, now=WHEN)
    assert ours["authorization"] == request.headers["Authorization"]
    assert ours["x-amz-security-token"] == "token"


def test_a_new_day_and_new_credentials_have_keys_of_their_own() -> None:
    now = [EXAMPLE]
    signer = Signer(lambda: now[0], "us-east-1", HOST)

    def sign(when: float) -> str:
        return signer.sign("GET", "/", "", {}, EMPTY_SHA256, now=when)["authorization"]

    def fresh(when: float) -> str:
        other = Signer(lambda: now[0], "us-east-1", HOST)
        return other.sign("GET", "/", "", {}, EMPTY_SHA256, now=when)["authorization"]

    assert sign(WHEN) == fresh(WHEN)
    assert sign(WHEN + 86_400) == fresh(WHEN + 86_400)
    now[0] = Keys(EXAMPLE.access_key, "another")
    assert sign(WHEN + 86_400) == fresh(WHEN + 86_400)


def test_secrets_are_never_printed() -> None:
    assert repr(Keys("id", "hidden", "hidden")) == "Keys(access_key='id')"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No credentials anywhere; the folder of configuration files."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


def refusal() -> S3Error:
    client = Client("b", region=None, endpoint_url="http://127.0.0.1:9", owner=None, workers=1)
    with pytest.raises(S3Error) as refused:
        client.ask("GetObject", "GET", "k", check=lambda: None)
    return refused.value


def test_a_profile_that_is_named_counts_before_all_that_the_environment_says(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare / "credentials").write_text(
        "[klm]\naws_access_key_id = profile\naws_secret_access_key = s\nregion = eu-west-1\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    source = Source("klm")
    assert source.keys()() == Keys("profile", "s")
    assert source.region() == "eu-west-1"


def test_credentials_of_the_environment_come_first(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare / "credentials").write_text(
        "[klm]\naws_access_key_id = profile\naws_secret_access_key = s\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "klm")
    assert Source().keys()() == Keys("profile", "s")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "t")
    assert Source().keys()() == Keys("environment", "s", "t")
    # As botocore would choose.
    import botocore.session

    chosen = botocore.session.Session().get_credentials().get_frozen_credentials()
    assert chosen.access_key == "environment"


def test_credentials_that_run_out_are_renewed(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = bare / "process.py"
    program.write_text(
        "import datetime as d, json, os, pathlib\n"
        f"count = pathlib.Path({str(bare / 'count')!r})\n"
        "number = len(count.read_text()) if count.exists() else 0\n"
        "count.write_text('x' * (number + 1))\n"
        "soon = d.datetime.now(d.timezone.utc) + d.timedelta(seconds=60)\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': f'id{number}', 'SecretAccessKey': 's',\n"
        "                  'SessionToken': 't', 'Expiration': soon.isoformat()}))\n"
    )
    (bare / "config").write_text(
        f"[profile klm]\ncredential_process = {sys.executable} {program}\nregion = eu-west-2\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "klm")
    source = Source()
    keys = source.keys()
    first, second = keys(), keys()
    assert first.access_key != second.access_key
    assert source.region() == "eu-west-2"


def test_no_credentials_are_an_error_like_all_others(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refusal().code == "NoCredentialsError"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "half")
    assert refusal().code == "PartialCredentialsError"
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert refusal().code == "ProfileNotFound"


def test_a_role_that_may_not_be_assumed_is_told_with_the_words_of_aws(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError

    def refuse(self: Any) -> None:
        error = {"Code": "AccessDenied", "Message": "not authorized to perform: sts:AssumeRole"}
        raise ClientError({"Error": error}, "AssumeRole")

    monkeypatch.setattr("botocore.session.Session.get_credentials", refuse)
    error = refusal()
    assert (error.operation, error.code) == ("AssumeRole", "AccessDenied")


def test_the_region_is_the_environments_then_the_profiles_then_the_first_one(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Source().region() == "us-east-1"
    (bare / "config").write_text("[default]\nregion = eu-west-3\n")
    assert Source().region() == "eu-west-3"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    assert Source().region() == "eu-west-2"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert Source().region() == "eu-west-1"


def test_with_credentials_of_the_environment_botocore_is_not_imported(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes longer to import than a deploy that has nothing to do takes."""
    import subprocess

    code = (
        "import sys; from workflow.deploy.signing import Source; s = Source(); s.keys()();"
        "s.region(); print([m for m in ('botocore', 'boto3', 'http.client') if m in sys.modules])"
    )
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **keys, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ran.stdout.replace("'", '"')) == []
