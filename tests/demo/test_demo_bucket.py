"""The demonstration's bucket, asked by the client that everybody uses, and by plain HTTP."""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from workflow.demo.bucket import s3
from workflow.demo.serving import serving
from workflow.demo.store import Store
from workflow.demo.website import website

BUCKET = "harbor-site"
KEY = "AKDEMO"
UNUSUAL = ["Zürich/Straße.html", "a b+c%20d.txt", "index.html", "posts/a&b<c>.html", "posts/é", "~"]


@dataclass
class Served:
    folder: Path
    store: Store
    api: str
    site: str
    client: Any

    def put(self, key: str, body: bytes = b"hello", **options: Any) -> str:
        answer = self.client.put_object(Bucket=BUCKET, Key=key, Body=body, **options)
        return str(answer["ETag"])

    def keys(self, **options: Any) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, **options)
        return [found["Key"] for page in pages for found in page.get("Contents", ())]


@dataclass
class Got:
    status: int
    headers: dict[str, str]
    body: bytes


def ask(
    base: str,
    path: str,
    method: str = "GET",
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> Got:
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=30)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        got = {name.lower(): value for name, value in answer.getheaders()}
        return Got(answer.status, got, answer.read())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """boto3 with its models read once, and nothing of the person's own."""
    import boto3

    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        yield boto3.Session()


@pytest.fixture
def served(tmp_path: Path, session: Any) -> Iterator[Served]:
    store = Store(tmp_path)
    with serving(s3(store, BUCKET, KEY)) as api, serving(website(store, ".workflow/")) as site:
        client = session.client(
            "s3",
            endpoint_url=api,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key="not-proved",
        )
        try:
            yield Served(tmp_path, store, api, site, client)
        finally:
            client.close()


def refusal(call: Any, **options: Any) -> tuple[int, str]:
    with pytest.raises(call.__self__.exceptions.ClientError) as caught:
        call(**options)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def test_an_object_comes_back_with_all_that_was_said_about_it(served: Served) -> None:
    etag = served.put(
        "posts/index.html",
        b"<p>hello",
        ContentType="text/html; charset=utf-8",
        CacheControl="max-age=0",
        ContentEncoding="gzip",
        WebsiteRedirectLocation="/elsewhere/",
        Metadata={"sha256": "abc"},
    )
    got = served.client.get_object(Bucket=BUCKET, Key="posts/index.html")
    head = served.client.head_object(Bucket=BUCKET, Key="posts/index.html")
    assert got["Body"].read() == b"<p>hello"
    assert etag == f'"{hashlib.md5(b"<p>hello").hexdigest()}"'
    for answer in (got, head):
        assert answer["ETag"] == etag
        assert answer["ContentType"] == "text/html; charset=utf-8"
        assert answer["CacheControl"] == "max-age=0"
        assert answer["ContentEncoding"] == "gzip"
        assert answer["WebsiteRedirectLocation"] == "/elsewhere/"
        assert answer["Metadata"] == {"sha256": "abc"}
        assert answer["ContentLength"] == 8
    assert refusal(served.client.get_object, Bucket=BUCKET, Key="no") == (404, "NoSuchKey")
    assert refusal(served.client.head_object, Bucket=BUCKET, Key="no") == (404, "404")


def test_a_new_server_on_the_same_folder_knows_the_objects(served: Served) -> None:
    served.put("index.html", b"kept", ContentType="text/html")
    (stored,) = Store(served.folder)
    assert (stored.key, stored.headers) == ("index.html", {"content-type": "text/html"})
    assert Store(served.folder).body(stored) == b"kept"


def test_the_listing_has_every_key_once_in_pages_of_any_size(served: Served) -> None:
    for key in UNUSUAL:
        served.put(key)
    ordered = sorted(UNUSUAL, key=str.encode)
    assert served.keys() == ordered
    assert served.keys(PaginationConfig={"PageSize": 1}) == ordered
    assert served.keys(Prefix="posts/") == ["posts/a&b<c>.html", "posts/é"]
    assert served.keys(StartAfter="posts/a&b<c>.html") == ordered[ordered.index("posts/é") :]
    (listed,) = served.client.list_objects_v2(Bucket=BUCKET, Prefix="~")["Contents"]
    assert (listed["Size"], listed["ETag"]) == (5, f'"{hashlib.md5(b"hello").hexdigest()}"')
    for key in UNUSUAL:
        assert served.client.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"hello"


def test_keys_that_differ_by_case_alone_are_two_objects(served: Served) -> None:
    served.put("About.html", b"1")
    served.put("about.html", b"2")
    assert ask(served.site, "/About.html").body == b"1"
    assert ask(served.site, "/about.html").body == b"2"


def test_conditions_hold_for_every_change(served: Served) -> None:
    put, delete, copy = (
        served.client.put_object,
        served.client.delete_object,
        served.client.copy_object,
    )
    here = {"Bucket": BUCKET, "Key": "lock"}
    etag = served.put("lock", b"mine", IfNoneMatch="*")
    assert refusal(put, **here, Body=b"x", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert refusal(put, **here, Body=b"x", IfMatch='"0"') == (412, "PreconditionFailed")
    absent = {"Bucket": BUCKET, "Key": "absent"}
    assert refusal(put, **absent, Body=b"x", IfMatch='"0"') == (404, "NoSuchKey")
    newer = served.put("lock", b"newer", IfMatch=etag)
    source = {"CopySource": {"Bucket": BUCKET, "Key": "lock"}, "CopySourceIfMatch": etag}
    assert refusal(copy, **absent, **source) == (412, "PreconditionFailed")
    assert refusal(delete, **here, IfMatch=etag) == (412, "PreconditionFailed")
    assert served.keys() == ["lock"]
    delete(**here, IfMatch=newer)
    assert served.keys() == []
    delete(**here)
    assert refusal(delete, **here, IfMatch=newer)[0] == 412


def test_of_many_that_create_one_key_at_once_one_does(served: Served) -> None:
    won, start = [], threading.Barrier(8)

    def create(number: int) -> None:
        start.wait()
        try:
            served.put("lock", b"%d" % number, IfNoneMatch="*")
        except served.client.exceptions.ClientError:
            return
        won.append(b"%d" % number)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [served.client.get_object(Bucket=BUCKET, Key="lock")["Body"].read()]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("x-amz-content-sha256", hashlib.sha256(b"other").hexdigest(), "XAmzContentSHA256Mismatch"),
        ("x-amz-checksum-sha256", base64.b64encode(b"0" * 32).decode(), "BadDigest"),
        ("x-amz-checksum-crc32", base64.b64encode(b"0000").decode(), "BadDigest"),
        ("content-md5", base64.b64encode(b"0" * 16).decode(), "BadDigest"),
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "NotImplemented"),
        ("x-amz-checksum-crc64nvme", "AAAA", "NotImplemented"),
        ("x-amz-expected-bucket-owner", "123456789012", "AccessDenied"),
    ],
)
def test_a_body_that_is_not_what_its_sender_says_is_refused(
    served: Served, name: str, value: str, code: str
) -> None:
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={KEY}/20260101/x", name: value}
    got = ask(served.api, f"/{BUCKET}/a", "PUT", b"body", headers=headers)
    assert f"<Code>{code}</Code>" in got.body.decode()
    assert served.keys() == []


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_the_checksums_that_clients_send_are_proved(served: Served, algorithm: str) -> None:
    served.put("a", ChecksumAlgorithm=algorithm)
    assert served.keys() == ["a"]


def test_a_copy_keeps_the_headers_or_takes_new_ones(served: Served) -> None:
    served.put("a b/é", b"bytes", ContentType="text/css", Metadata={"one": "1"})
    source = {"Bucket": BUCKET, "Key": "a b/é"}
    served.client.copy_object(Bucket=BUCKET, Key="kept", CopySource=source)
    replaced = {"MetadataDirective": "REPLACE", "ContentType": "text/plain", "CacheControl": "no"}
    served.client.copy_object(Bucket=BUCKET, Key="new", CopySource=source, **replaced)
    served.client.copy_object(Bucket=BUCKET, Key="a b/é", CopySource=source, **replaced)
    said = [
        (head["ContentType"], head["Metadata"], head.get("CacheControl"), head["ETag"])
        for head in (
            served.client.head_object(Bucket=BUCKET, Key=k) for k in ("kept", "new", "a b/é")
        )
    ]
    etag = f'"{hashlib.md5(b"bytes").hexdigest()}"'
    assert said[0] == ("text/css", {"one": "1"}, None, etag)
    assert said[1] == said[2] == ("text/plain", {}, "no", etag)
    new = {"Bucket": BUCKET, "Key": "new"}
    copy = served.client.copy_object
    assert refusal(copy, **new, CopySource=new) == (400, "InvalidRequest")
    assert refusal(copy, **new, CopySource={**new, "Key": "gone"}) == (404, "NoSuchKey")


@pytest.mark.parametrize("quiet", [False, True])
def test_many_are_deleted_at_once_and_each_is_answered_for(served: Served, quiet: bool) -> None:
    for key in UNUSUAL:
        served.put(key)
    stale = {"Key": "index.html", "ETag": '"0"'}
    asked = [{"Key": key} for key in UNUSUAL if key != "index.html"] + [stale]
    answer = served.client.delete_objects(Bucket=BUCKET, Delete={"Objects": asked, "Quiet": quiet})
    assert [(e["Key"], e["Code"]) for e in answer["Errors"]] == [
        ("index.html", "PreconditionFailed")
    ]
    deleted = sorted(found["Key"] for found in answer.get("Deleted", ()))
    assert deleted == ([] if quiet else sorted(set(UNUSUAL) - {"index.html"}))
    assert served.keys() == ["index.html"]


def test_what_a_client_may_ask_of_the_bucket_itself_is_answered(served: Served) -> None:
    served.client.head_bucket(Bucket=BUCKET)
    assert served.client.get_bucket_location(Bucket=BUCKET).get("LocationConstraint") is None
    assert "Status" not in served.client.get_bucket_versioning(Bucket=BUCKET)
    list_of = served.client.list_objects_v2
    assert refusal(list_of, Bucket="another") == (404, "NoSuchBucket")
    assert refusal(list_of, Bucket=BUCKET, ContinuationToken="é") == (400, "InvalidArgument")
    many = served.client.create_multipart_upload
    assert refusal(many, Bucket=BUCKET, Key="big") == (501, "NotImplemented")
    part = {"Bucket": BUCKET, "Key": "big", "Range": "bytes=0-1"}
    served.put("big")
    assert refusal(served.client.get_object, **part) == (501, "NotImplemented")


def test_nobody_without_the_access_key_is_let_in(served: Served) -> None:
    served.put("index.html")
    asked: list[tuple[dict[str, str], str]] = [
        ({}, "AccessDenied"),
        ({"Authorization": "AWS4-HMAC-SHA256 Credential=AKOTHER/2026/x"}, "InvalidAccessKeyId"),
    ]
    for headers, code in asked:
        for method in ("GET", "PUT", "DELETE", "OPTIONS"):
            got = ask(served.api, f"/{BUCKET}/index.html", method, headers=headers)
            assert (got.status, f"<Code>{code}</Code>" in got.body.decode()) == (403, True)
    assert ask(served.site, "/index.html").body == b"hello"


def test_one_connection_serves_many_requests_also_after_an_error(served: Served) -> None:
    connection = http.client.HTTPConnection(urlsplit(served.api).netloc, timeout=30)
    headers = {"Authorization": f"Credential={KEY}/2026"}
    connection.request("PUT", f"/{BUCKET}/a", b"1", {**headers, "content-md5": "wrong"})
    first = connection.getresponse()
    assert (first.status, b"BadDigest" in first.read()) == (400, True)
    port = connection.sock.getsockname()[1]
    for body in (b"2", b"3"):
        connection.request("PUT", f"/{BUCKET}/a", body, headers)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
    connection.request("HEAD", f"/{BUCKET}/a", headers=headers)
    answer = connection.getresponse()
    assert (answer.read(), answer.getheader("Content-Length")) == (b"", "1")
    assert connection.sock.getsockname()[1] == port
    connection.close()


def test_a_body_without_a_length_is_refused(served: Served) -> None:
    headers = {"Authorization": f"Credential={KEY}/2026", "Transfer-Encoding": "chunked"}
    got = ask(served.api, f"/{BUCKET}/a", "PUT", headers=headers)
    assert (got.status, served.keys()) == (411, [])


def test_the_website_serves_pages_folders_and_redirects(served: Served) -> None:
    page = {"ContentType": "text/html; charset=utf-8", "CacheControl": "max-age=0"}
    served.put("index.html", b"home", **page)
    served.put("posts/zürich/index.html", b"post", **page)
    served.put("old/index.html", b"", WebsiteRedirectLocation="/posts/", **page)
    home = ask(served.site, "/")
    assert (home.status, home.body) == (200, b"home")
    assert home.headers["content-type"] == "text/html; charset=utf-8"
    assert home.headers["cache-control"] == "max-age=0"
    folder = quote("/posts/zürich")
    assert ask(served.site, f"{folder}/").body == b"post"
    moved = ask(served.site, folder)
    assert (moved.status, moved.headers["location"]) == (302, f"{folder}/")
    aliased = ask(served.site, "/old/")
    assert (aliased.status, aliased.headers["location"]) == (301, "/posts/")
    known = ask(served.site, "/", headers={"If-None-Match": home.headers["etag"]})
    assert (known.status, known.body) == (304, b"")
    head = ask(served.site, "/", "HEAD")
    assert (head.status, head.headers["content-length"], head.body) == (200, "4", b"")
    assert ask(served.site, "/", "DELETE").status == 405
    assert served.keys() != []


def test_the_website_has_a_page_for_what_is_not_there(served: Served) -> None:
    assert (ask(served.site, "/no").status, ask(served.site, "/no/").status) == (404, 404)
    served.put("404.html", b"lost?", ContentType="text/html")
    lost = ask(served.site, "/no/")
    assert (lost.status, lost.body, lost.headers["content-type"]) == (404, b"lost?", "text/html")


def test_the_private_prefix_is_not_part_of_the_website(served: Served) -> None:
    served.put(".workflow/lock", b"secret")
    for path in ("/.workflow/lock", "/%2eworkflow/lock", "/.workflow/none"):
        assert ask(served.site, path).status == 403


def test_the_bucket_of_deploys_works_on_it(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from workflow.deploy.s3 import Bucket, S3Error

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-proved")
    digest = hashlib.sha256(b"hello").hexdigest()
    bucket = Bucket(
        BUCKET,
        region="us-east-1",
        endpoint_url=served.api,
        owner=None,
        workers=2,
        check=lambda: None,
    )
    try:
        for key in UNUSUAL:
            bucket.put(key, b"hello", {"Content-Type": "text/css"}, sha256=digest)
        assert sorted(bucket.list("")) == sorted(UNUSUAL)
        assert list(bucket.list("posts/é")) == ["posts/é"]
        got = bucket.get("a b+c%20d.txt")
        assert got is not None
        assert got[0] == b"hello"
        with pytest.raises(S3Error) as exists:
            bucket.put("~", b"hello", {}, sha256=digest, if_none_match=True)
        with pytest.raises(S3Error) as spoiled:
            bucket.put("~", b"other", {}, sha256=digest)
        assert (exists.value.status, spoiled.value.status) == (412, 400)
        bucket.copy("posts/é", "copied", {"Cache-Control": "no-cache"}, if_match=got[1])
        head = bucket.head("copied")
        assert head is not None
        assert (head.headers["cache-control"], head.etag) == ("no-cache", got[1])
        with pytest.raises(S3Error) as other:
            bucket.delete("copied", if_match="0")
        assert other.value.status == 412
        bucket.delete("copied", if_match=got[1])
        assert bucket.head("copied") is None
        assert bucket.delete_many(UNUSUAL) == {}
        assert bucket.list("") == {}
    finally:
        bucket.close()
