"""The servers of the tests do what is said of them."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.servers import (
    READER,
    Answer,
    Faults,
    SeaweedFS,
    Website,
    after,
    before,
    held,
    refuse,
    reset_after,
    reset_before,
    seaweedfs,
    truncated,
)


def through(proxy: Faults) -> Any:
    return SeaweedFS(proxy.endpoint).client()


@contextmanager
def refused() -> Iterator[list[str]]:
    """The code with which S3 refuses what is asked inside."""
    from botocore.exceptions import ClientError

    codes: list[str] = []
    with pytest.raises(ClientError) as error:
        yield codes
    codes.append(error.value.response["Error"]["Code"])


def test_a_reader_may_not_write_and_who_is_denied_deleting_may_not_delete(
    s3_server: SeaweedFS, bucket_name: str
) -> None:
    s3_server.client().put_object(Bucket=bucket_name, Key="k", Body=b"1")
    reader = s3_server.client(READER)
    assert reader.get_object(Bucket=bucket_name, Key="k")["Body"].read() == b"1"
    with refused() as codes:
        reader.put_object(Bucket=bucket_name, Key="k", Body=b"2")
    assert codes == ["AccessDenied"]
    s3_server.deny(bucket_name, "s3:DeleteObject")
    with refused() as codes:
        s3_server.client().delete_object(Bucket=bucket_name, Key="k")
    assert codes == ["AccessDenied"]
    s3_server.deny(bucket_name)
    s3_server.client().delete_object(Bucket=bucket_name, Key="k")
    assert s3_server.objects(bucket_name) == {}


def test_nothing_of_the_server_is_left_behind() -> None:
    before = set(Path("/tmp").glob("seaweedfs-*")) | set(Path("/tmp").glob("weed*"))
    with seaweedfs() as server:
        assert server.make_bucket("some.bucket") == "some.bucket"
        assert set(Path("/tmp").glob("weed*")) - before
        port = server.endpoint.rpartition(":")[2]
    now = set(Path("/tmp").glob("seaweedfs-*")) | set(Path("/tmp").glob("weed*"))
    assert not {path for path in now - before if port in path.name or "weed" in path.name[:4]}


def test_requests_pass_and_are_counted_by_operation(proxy: Faults, bucket_name: str) -> None:
    client = through(proxy)
    client.put_object(Bucket=bucket_name, Key="a b/ü+%.txt", Body=b"1", CacheControl="x")
    head = client.head_object(Bucket=bucket_name, Key="a b/ü+%.txt")
    assert (head["ContentLength"], head["CacheControl"]) == (1, "x")
    client.copy_object(Bucket=bucket_name, Key="c", CopySource=f"{bucket_name}/a b/ü+%.txt")
    client.list_objects_v2(Bucket=bucket_name)
    client.delete_objects(Bucket=bucket_name, Delete={"Objects": [{"Key": "c"}]})
    upload = client.create_multipart_upload(Bucket=bucket_name, Key="m")["UploadId"]
    client.upload_part(Bucket=bucket_name, Key="m", UploadId=upload, PartNumber=1, Body=b"p")
    client.abort_multipart_upload(Bucket=bucket_name, Key="m", UploadId=upload)
    assert list(proxy.counts) == [
        "PutObject", "HeadObject", "CopyObject", "ListObjectsV2", "DeleteObjects",
        "CreateMultipartUpload", "UploadPart", "AbortMultipartUpload",
    ]  # fmt: skip
    assert set(proxy.counts.values()) == {1}
    assert proxy.keys("PutObject") == ["a b/ü+%.txt"]
    assert proxy.connections == 1


def test_only_the_request_that_is_meant_is_refused(proxy: Faults, bucket_name: str) -> None:
    client = through(proxy)
    proxy.on("PutObject", refuse(503, "SlowDown"), key="^b", nth=2)
    for key in ("a", "b1", "b2", "b3"):
        if key != "b2":
            client.put_object(Bucket=bucket_name, Key=key, Body=b"")
            continue
        with refused() as codes:
            client.put_object(Bucket=bucket_name, Key=key, Body=b"")
        assert codes == ["SlowDown"]
    proxy.on("HeadObject", refuse(403, "Forbidden", x_amz_bucket_region="eu-west-1"))
    with pytest.raises(Exception, match="403") as error:
        client.head_object(Bucket=bucket_name, Key="a")
    assert "eu-west-1" in str(vars(error.value))


def test_a_connection_is_lost_before_or_after_the_server_did_it(
    s3_server: SeaweedFS, proxy: Faults, bucket_name: str
) -> None:
    from botocore.exceptions import ConnectionClosedError

    client = through(proxy)
    proxy.on("PutObject", reset_before, key="never")
    proxy.on("PutObject", reset_after, key="done")
    for key in ("never", "done"):
        with pytest.raises(ConnectionClosedError):
            client.put_object(Bucket=bucket_name, Key=key, Body=b"1")
    assert s3_server.objects(bucket_name) == {"done": b"1"}


def test_a_body_is_cut_short(proxy: Faults, bucket_name: str) -> None:
    client = through(proxy)
    client.put_object(Bucket=bucket_name, Key="k", Body=b"0123456789")
    proxy.on("GetObject", truncated(4))
    with pytest.raises(Exception, match=r"more expected|IncompleteRead"):
        client.get_object(Bucket=bucket_name, Key="k")["Body"].read()


def test_content_can_be_swapped_while_a_request_is_under_way(
    s3_server: SeaweedFS, proxy: Faults, bucket_name: str
) -> None:
    client, order = through(proxy), []
    release = threading.Event()
    proxy.on("PutObject", before(lambda: order.append(list(s3_server.objects(bucket_name)))))
    proxy.on("HeadObject", after(lambda: order.append(["told"])))
    client.put_object(Bucket=bucket_name, Key="k", Body=b"1")
    client.head_object(Bucket=bucket_name, Key="k")
    assert order == [[], ["told"]]
    proxy.on("DeleteObject", held(release))
    waiting = threading.Thread(
        target=client.delete_object, kwargs={"Bucket": bucket_name, "Key": "k"}
    )
    waiting.start()
    assert s3_server.objects(bucket_name) == {"k": b"1"}
    release.set()
    waiting.join()
    assert s3_server.objects(bucket_name) == {}


def test_another_owner_is_not_taken_for_the_one_that_is_expected(
    proxy: Faults, bucket_name: str
) -> None:
    proxy.owner = "111111111111"
    client = through(proxy)
    client.put_object(Bucket=bucket_name, Key="k", Body=b"", ExpectedBucketOwner="111111111111")
    with refused() as codes:
        client.put_object(Bucket=bucket_name, Key="k", Body=b"", ExpectedBucketOwner="222222222222")
    assert codes == ["AccessDenied"]


def visit(url: str) -> tuple[int, bytes, dict[str, str]]:
    class NoRedirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirects)
    try:
        answer = opener.open(url)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.read(), {n.lower(): v for n, v in answer.headers.items()}


def test_the_bucket_is_a_website(served: Website, proxy: Faults) -> None:
    client, bucket = through(proxy), served.bucket
    html = {"Bucket": bucket, "ContentType": "text/html", "CacheControl": "max-age=0"}
    client.put_object(**html, Key="über/index.html", Body=b"page", ContentEncoding="br")
    client.put_object(**html, Key="old/index.html", Body=b"", WebsiteRedirectLocation="/new/")
    assert client.head_object(Bucket=bucket, Key="old/index.html")["WebsiteRedirectLocation"]
    status, body, headers = visit(f"{served.url}/%C3%BCber/")
    assert (status, body, headers["content-encoding"]) == (200, b"page", "br")
    assert (headers["content-type"], headers["cache-control"]) == ("text/html", "max-age=0")
    assert visit(f"{served.url}/%C3%BCber")[0] == 302
    status, _, headers = visit(f"{served.url}/old/")
    assert (status, headers["location"]) == (301, "/new/")
    assert visit(f"{served.url}/nothing/")[0] == 404
    client.put_object(**html, Key="404.html", Body=b"no such page")
    assert visit(f"{served.url}/nothing/")[:2] == (404, b"no such page")
    assert served.counts["/nothing/"] == 2


def test_a_website_can_be_as_late_as_a_cache(served: Website, proxy: Faults) -> None:
    client = through(proxy)
    client.put_object(Bucket=served.bucket, Key="index.html", Body=b"old")
    served.stay("/", 2)
    served.first("/other", Answer(503))
    client.put_object(Bucket=served.bucket, Key="index.html", Body=b"new")
    assert [visit(f"{served.url}/")[1] for _ in range(3)] == [b"old", b"old", b"new"]
    assert [visit(f"{served.url}/other")[0] for _ in range(2)] == [503, 404]
