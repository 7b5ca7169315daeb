"""S3 as we speak it: with a real server, and through a proxy that spoils."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.servers import (
    WRITER,
    Answer,
    Faults,
    Forward,
    Request,
    SeaweedFS,
    after,
    before,
    held,
    refuse,
    reset_after,
    reset_before,
    say,
    truncated,
)
from workflow.deploy import client, parallel
from workflow.deploy.multipart import PART
from workflow.deploy.s3 import Bucket, ContentChanged, S3Error, in_parallel

pytestmark = pytest.mark.usefixtures("credentials")
HTML = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "max-age=0,  must-revalidate"}


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class Stop(Exception):
    """What a check raises."""


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Bucket]]:
    """Buckets that are closed in the end and lose no time between their attempts."""
    monkeypatch.setattr(client, "FIRST_PAUSE", 0.001)
    made: list[Bucket] = []

    def bucket(name: str, endpoint: str | None, **options: Any) -> Bucket:
        known = {"region": None, "owner": None, "workers": 8, "check": lambda: None}
        made.append(Bucket(name, endpoint_url=endpoint, **{**known, **options}))
        return made[-1]

    yield bucket
    for one in made:
        one.close()


@pytest.fixture
def bucket(make: Callable[..., Bucket], proxy: Faults, bucket_name: str) -> Bucket:
    """An empty bucket, reached through the proxy."""
    return make(bucket_name, proxy.endpoint)


def put(bucket: Bucket, key: str, body: bytes = b"1", **options: Any) -> str:
    """Store an object; its tag."""
    return bucket.put(key, body, HTML, sha256=digest(body), **options).etag


def refusal(call: Callable[[], object]) -> S3Error:
    with pytest.raises(S3Error) as refused:
        call()
    return refused.value


# -- objects ------------------------------------------------------------------------------------

KEYS = [
    "index.html",
    "a b/c+d%20e~f'(g).html",
    unicodedata.normalize("NFC", "über/é.html"),
    unicodedata.normalize("NFD", "über/é.html"),
    "日本/語.html",
    'q/&=?#;:@,$!*[]|^`{}<>".html',
    "%2F/%ZZ.html",
]


def test_what_is_put_is_listed_read_and_looked_at_under_its_exact_key(bucket: Bucket) -> None:
    for number, key in enumerate(KEYS):
        body = b"x" * number
        stored = bucket.put(key, body, HTML, sha256=digest(body), source_sha256="ab" * 32)
        assert stored.etag == hashlib.md5(body).hexdigest()
        assert stored.date.endswith("Z") and len(stored.date) == 20
        head = bucket.head(key)
        assert head is not None
        assert (head.etag, head.size, head.sha256) == (stored.etag, number, "ab" * 32)
        assert head.headers["content-type"] == HTML["Content-Type"]
        assert head.headers["cache-control"] == HTML["Cache-Control"]
        assert bucket.get(key) == (body, stored.etag)
    listed = bucket.list("")
    assert set(listed) == set(KEYS)
    assert listed["index.html"].size == 0
    assert listed["index.html"].modified[:2] == "20"
    assert set(bucket.list("日本/")) == {"日本/語.html"}
    assert bucket.delete_many(KEYS) == {}
    assert bucket.list("") == {}


def test_what_is_not_there_is_none_and_deleting_it_is_no_error(bucket: Bucket) -> None:
    assert bucket.get("no") is None
    assert bucket.head("no") is None
    bucket.delete("no")
    assert bucket.delete_many(["no"]) == {}


def test_a_bucket_that_is_not_there_is_an_error_and_no_empty_one(
    make: Callable[..., Bucket], s3_server: SeaweedFS
) -> None:
    nowhere = make("nowhere", s3_server.endpoint)
    for call in (lambda: nowhere.list(""), lambda: nowhere.get("k"), lambda: put(nowhere, "k")):
        assert refusal(call).code == "NoSuchBucket"


def test_the_server_verifies_what_was_sent(bucket: Bucket) -> None:
    error = refusal(lambda: bucket.put("k", b"swapped", HTML, sha256=digest(b"meant")))
    assert error.status == 400
    assert bucket.get("k") is None


def test_a_header_cannot_smuggle_in_another(bucket: Bucket) -> None:
    with pytest.raises(ValueError, match="line break"):
        bucket.put("k", b"", {"Cache-Control": "a\r\nx-amz-acl: public"}, sha256=digest(b""))


def test_conditions_are_kept(bucket: Bucket) -> None:
    first = put(bucket, "k", b"1", if_none_match=True)
    assert refusal(lambda: put(bucket, "k", b"2", if_none_match=True)).status == 412
    second = put(bucket, "k", b"2", if_match=first)
    assert refusal(lambda: put(bucket, "k", b"3", if_match=first)).status == 412
    assert refusal(lambda: bucket.delete("k", if_match=first)).status == 412
    copied = refusal(lambda: bucket.copy("k", "c", HTML, if_match=first))
    assert (copied.operation, copied.status) == ("CopyObject", 412)
    assert bucket.get("k") == (b"2", second)
    bucket.delete("k", if_match=second)
    assert bucket.get("k") is None


def test_a_copy_has_the_headers_that_it_is_given_and_no_others(bucket: Bucket) -> None:
    etag = put(bucket, "ä b+.html", b"1", source_sha256="ab" * 32)
    stored = bucket.copy(
        "ä b+.html", "copy", {"Content-Type": "text/plain"}, if_match=etag, source_sha256="cd" * 32
    )
    head = bucket.head("copy")
    assert head is not None
    assert (head.etag, head.sha256) == (stored.etag, "cd" * 32)
    assert head.headers["content-type"] == "text/plain"
    assert "cache-control" not in head.headers
    bucket.copy("copy", "copy", HTML)
    head = bucket.head("copy")
    assert head is not None
    assert head.headers["cache-control"] == HTML["Cache-Control"]


def test_an_older_version_can_be_brought_back(bucket: Bucket, s3_server: SeaweedFS) -> None:
    s3_server.keep_versions(bucket.name)
    old = bucket.put("k", b"old", HTML, sha256=digest(b"old"))
    put(bucket, "k", b"new")
    assert old.version
    bucket.copy("k", "k", HTML, version=old.version)
    found = bucket.get("k")
    assert found is not None and found[0] == b"old"


def test_all_pages_of_a_listing_are_read(bucket: Bucket) -> None:
    keys = {f"{n % 7}/{n:04}" for n in range(1203)}
    in_parallel(16, [lambda key=key: put(bucket, key, b"") and None for key in keys])  # type: ignore[misc]
    bucket.requests.clear()
    assert set(bucket.list("")) == keys
    assert bucket.requests["ListObjectsV2"] > 1
    assert set(bucket.list("3/")) == {key for key in keys if key.startswith("3/")}
    assert bucket.delete_many(sorted(keys)) == {}
    assert bucket.requests["DeleteObjects"] == 2
    assert bucket.list("") == {}


_MANY = [f"many/{number}" for number in range(1001)]
"""So many objects are not in one page of a listing."""


@pytest.mark.parametrize("folders", [3, 60])
def test_a_large_bucket_is_listed_folder_by_folder_and_none_is_left_out(
    bucket: Bucket, proxy: Faults, folders: int
) -> None:
    keys = {f"f{n:02}/{name}" for n in range(folders) for name in ("a.html", "b/c d+e.html")}
    keys |= {"index.html", "blog-old/x.html", "ü/index.html"}
    for key in keys:
        put(bucket, key)
    flat = bucket.list("")
    known = [*sorted(keys - {"blog-old/x.html"}), *_MANY, "gone/x.html"]
    proxy.clear()
    assert bucket.list("", expected=known) == flat
    assert set(flat) == keys
    # Too many folders to ask for each: then as a whole.
    asked = proxy.counts["ListObjectsV2"]
    assert asked == (len({"", "ü", "gone", "many", "blog-old"}) + folders if folders < 40 else 1)
    assert set(bucket.list("f0", expected=known)) == {key for key in keys if key[:2] == "f0"}


def test_new_folders_beside_known_ones_hide_nothing_of_a_large_top(bucket: Bucket) -> None:
    known = [f"a{number:02}/x" for number in range(30)]
    new = [f"b{number:02}/x" for number in range(15)]
    top = [f"z{number:04}" for number in range(1000)]
    keys = [*known, *new, *top]
    in_parallel(16, [lambda key=key: put(bucket, key) and None for key in keys])  # type: ignore[misc]
    assert set(bucket.list("", expected=[*known, *_MANY])) >= set(keys)


def test_a_folder_that_cannot_be_listed_fails_the_whole_listing(
    bucket: Bucket, proxy: Faults
) -> None:
    for key in ("a/1", "b/1", "c/1"):
        put(bucket, key)
    proxy.on("ListObjectsV2", refuse(403, "AccessDenied"), nth=3)
    assert refusal(lambda: bucket.list("", expected=["a/1", "b/1", *_MANY])).code == "AccessDenied"


_PAGE = (
    "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{more}</IsTruncated>"
    "<Contents><Key>a+b%2B</Key><ETag>&quot;e&quot;</ETag><Size>1</Size>"
    "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>{token}</ListBucketResult>"
)


@pytest.mark.parametrize(
    "body",
    [
        "<html>Please sign in to this network</html>",
        "<ListBucketResult><Contents>",
        _PAGE.format(more="true", token=""),
        _PAGE.format(more="true", token="<NextContinuationToken>x</NextContinuationToken>"),
        _PAGE.format(more="false", token="<Contents><Key>k</Key></Contents>"),
        _PAGE.format(more="false", token="<Contents><Size>1</Size></Contents>"),
    ],
)
def test_a_listing_that_makes_no_sense_never_passes_for_a_small_bucket(
    bucket: Bucket, proxy: Faults, body: str
) -> None:
    proxy.on("ListObjectsV2", say(200, body), times=0)
    assert refusal(lambda: bucket.list("")).code == client.MALFORMED


def test_a_key_in_a_listing_is_decoded_as_s3_encodes_it(bucket: Bucket, proxy: Faults) -> None:
    proxy.on("ListObjectsV2", say(200, _PAGE.format(more="false", token="")))
    assert set(bucket.list("")) == {"a b+"}
    plain = _PAGE.format(more="false", token="").replace("url", "")
    proxy.on("ListObjectsV2", say(200, plain))
    assert set(bucket.list("")) == {"a+b%2B"}


def test_an_answer_that_is_not_s3s_is_no_success(bucket: Bucket, proxy: Faults) -> None:
    for operation in ("PutObject", "CopyObject", "DeleteObjects", "HeadObject"):
        proxy.on(operation, say(200, "<html>Please sign in to this network</html>"))
    assert refusal(lambda: put(bucket, "k")).code == client.MALFORMED
    assert refusal(lambda: bucket.copy("k", "c", HTML)).code == client.MALFORMED
    assert refusal(lambda: bucket.delete_many(["k"])).code == client.MALFORMED
    assert refusal(lambda: bucket.head("k")).code == client.MALFORMED


def test_keys_that_xml_cannot_hold_are_deleted_one_by_one(bucket: Bucket, proxy: Faults) -> None:
    assert bucket.delete_many(["a\x01b", "c\rd\n<&>"]) == {}
    assert proxy.keys("DeleteObject") == ["a\x01b"]
    assert proxy.counts["DeleteObjects"] == 1


def test_what_could_not_be_deleted_is_told_by_key(
    bucket: Bucket, s3_server: SeaweedFS, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in WRITER.environ.items():
        monkeypatch.setenv(name, value)
    put(bucket, "k")
    s3_server.deny(bucket.name, "s3:DeleteObject")
    failed = bucket.delete_many(["k"])
    assert failed["k"].code == "AccessDenied"
    assert failed["k"].operation == "DeleteObjects"
    assert bucket.delete_many(["a\x01b"])["a\x01b"].operation == "DeleteObject"
    assert refusal(lambda: bucket.delete("k")).code == "AccessDenied"


def test_a_passing_fault_of_one_key_among_many_is_tried_again(
    bucket: Bucket, proxy: Faults
) -> None:
    put(bucket, "k")
    told = "<Error><Key>{}</Key><Code>{}</Code><Message>m</Message></Error>"
    errors = told.format("k", "InternalError") + told.format("gone", "NoSuchKey")
    proxy.on("DeleteObjects", say(200, f"<DeleteResult>{errors}</DeleteResult>"))
    assert bucket.delete_many(["k", "gone"]) == {}
    assert bucket.get("k") is None


# -- large files --------------------------------------------------------------------------------


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(2 * PART + 5))
    return path


def send(bucket: Bucket, path: Path, sha256: str) -> str:
    with path.open("rb") as file:
        size = path.stat().st_size
        return bucket.put_file("film.mp4", file.fileno(), size, HTML, sha256=sha256).etag


def uploads(server: SeaweedFS, bucket: Bucket) -> list[Any]:
    """Those that are begun and not completed."""
    found: list[Any] = server.client().list_multipart_uploads(Bucket=bucket.name).get("Uploads", [])
    return found


def test_a_large_file_is_sent_in_parts_whole_or_not_at_all(
    bucket: Bucket, large: Path, proxy: Faults
) -> None:
    body = large.read_bytes()
    etag = send(bucket, large, digest(body))
    assert bucket.get("film.mp4") == (body, etag)
    head = bucket.head("film.mp4")
    assert head is not None and head.sha256 == digest(body)
    assert proxy.counts["UploadPart"] == 3


_SEND = """
import os, resource, sys
from workflow.deploy.s3 import Bucket

def peak():
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

endpoint, name, path, sha256 = sys.argv[1:]
options = {"region": None, "endpoint_url": endpoint, "owner": None, "workers": 24}
bucket = Bucket(name, check=lambda: None, **options)
bucket.get("warm")
before, descriptor = peak(), os.open(path, os.O_RDONLY)
bucket.put_file("film.mp4", descriptor, os.fstat(descriptor).st_size, {}, sha256=sha256)
print(peak() - before)
"""


def test_a_large_file_is_never_in_memory_as_a_whole(
    s3_server: SeaweedFS, bucket_name: str, tmp_path: Path
) -> None:
    path, size = tmp_path / "film.mp4", 16 * PART
    with path.open("wb") as file:
        file.truncate(size)
    sha256 = digest(bytes(size))
    sent = subprocess.run(
        [sys.executable, "-c", _SEND, s3_server.endpoint, bucket_name, str(path), sha256],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(sent.stdout) < 6 * PART


def test_a_small_file_is_sent_at_once(bucket: Bucket, tmp_path: Path, proxy: Faults) -> None:
    (tmp_path / "f").write_bytes(b"1")
    send(bucket, tmp_path / "f", digest(b"1"))
    assert proxy.counts["PutObject"] == 1 and proxy.counts["CreateMultipartUpload"] == 0
    with pytest.raises(ContentChanged):
        send(bucket, tmp_path / "f", digest(b"2"))


def test_a_large_file_that_changes_meanwhile_is_never_stored(
    bucket: Bucket, large: Path, proxy: Faults, s3_server: SeaweedFS
) -> None:
    sha256 = digest(large.read_bytes())

    def swap() -> None:
        with large.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"\0")
            file.seek(2 * PART)
            file.write(b"swap")

    proxy.on("CreateMultipartUpload", after(swap))
    with pytest.raises(ContentChanged):
        send(bucket, large, sha256)
    assert bucket.get("film.mp4") is None
    assert uploads(s3_server, bucket) == []
    assert proxy.counts["CompleteMultipartUpload"] == 0


def test_a_large_file_that_is_cut_short_meanwhile_is_never_stored(
    bucket: Bucket, large: Path, proxy: Faults, s3_server: SeaweedFS
) -> None:
    sha256 = digest(large.read_bytes())
    proxy.on("CreateMultipartUpload", after(lambda: os.truncate(large, PART + 1)))
    with pytest.raises(ContentChanged):
        send(bucket, large, sha256)
    assert uploads(s3_server, bucket) == []


def test_an_upload_in_parts_that_fails_is_aborted(
    bucket: Bucket, large: Path, proxy: Faults, s3_server: SeaweedFS
) -> None:
    proxy.on("UploadPart", refuse(403, "AccessDenied"), nth=2)
    error = refusal(lambda: send(bucket, large, digest(large.read_bytes())))
    assert (error.operation, error.code) == ("UploadPart", "AccessDenied")
    assert uploads(s3_server, bucket) == []


def test_an_upload_in_parts_that_is_stopped_is_aborted_though_all_else_stops(
    make: Callable[..., Bucket], bucket_name: str, proxy: Faults, large: Path, s3_server: SeaweedFS
) -> None:
    stopping = threading.Event()

    def check() -> None:
        if stopping.is_set():
            raise Stop

    bucket = make(bucket_name, proxy.endpoint, check=check)
    proxy.on("UploadPart", before(stopping.set))
    with pytest.raises(Stop):
        send(bucket, large, digest(large.read_bytes()))
    assert uploads(s3_server, bucket) == []


def test_an_upload_in_parts_whose_last_answer_is_lost_is_complete(
    bucket: Bucket, large: Path, proxy: Faults
) -> None:
    body = large.read_bytes()
    proxy.on("CompleteMultipartUpload", reset_after)
    etag = send(bucket, large, digest(body))
    assert bucket.get("film.mp4") == (body, etag)
    assert proxy.counts["CompleteMultipartUpload"] == 2


def test_an_upload_that_s3_no_longer_knows_was_completed_if_its_object_is_there(
    bucket: Bucket, large: Path, proxy: Faults
) -> None:
    body = large.read_bytes()
    proxy.on("CompleteMultipartUpload", reset_before)
    proxy.on("CompleteMultipartUpload", refuse(404, "NoSuchUpload"), nth=2)
    assert refusal(lambda: send(bucket, large, digest(body))).status == 404
    put(bucket, "film.mp4", b"somebody else's")
    proxy.clear()
    proxy.on("CompleteMultipartUpload", reset_before)
    proxy.on("CompleteMultipartUpload", refuse(404, "NoSuchUpload"), nth=2)
    assert refusal(lambda: send(bucket, large, digest(body))).code == "NoSuchUpload"
    proxy.clear()
    proxy.on("CompleteMultipartUpload", reset_after)
    proxy.on("CompleteMultipartUpload", refuse(404, "NoSuchUpload"), nth=2)
    etag = send(bucket, large, digest(body))
    assert bucket.get("film.mp4") == (body, etag)


@pytest.mark.parametrize("operation", ["CopyObject", "CompleteMultipartUpload"])
def test_an_error_inside_an_answer_of_200_is_one(
    bucket: Bucket, large: Path, proxy: Faults, operation: str
) -> None:
    put(bucket, "k")
    said = '<?xml version="1.0"?>\n<Error><Code>{}</Code><Message>m</Message></Error>'
    proxy.on(operation, say(200, said.format("InternalError")))
    proxy.on(operation, say(200, said.format("AccessDenied")), nth=2)
    calls: dict[str, Callable[[], object]] = {
        "CopyObject": lambda: bucket.copy("k", "c", HTML),
        "CompleteMultipartUpload": lambda: send(bucket, large, digest(large.read_bytes())),
    }
    assert refusal(calls[operation]).code == "AccessDenied"
    assert proxy.counts[operation] == 2


# -- faults -------------------------------------------------------------------------------------

PASSING = [
    refuse(500, "InternalError"),
    refuse(502, "BadGateway"),
    refuse(503, "SlowDown"),
    refuse(503, "ServiceUnavailable"),
    refuse(504, "GatewayTimeout"),
    refuse(400, "RequestTimeout"),
    refuse(409, "OperationAborted"),
    say(503, ""),
    reset_before,
    reset_after,
    truncated(10),
]


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_is_tried_again(bucket: Bucket, proxy: Faults, fault: Any) -> None:
    proxy.on("PutObject", fault if fault is not PASSING[-1] else reset_before)
    put(bucket, "k", b"0123456789" * 10)
    proxy.on("GetObject", fault)
    proxy.on("ListObjectsV2", fault)
    found = bucket.get("k")
    assert found is not None and found[0] == b"0123456789" * 10
    assert set(bucket.list("")) == {"k"}
    assert bucket.requests == {"PutObject": 2, "GetObject": 2, "ListObjectsV2": 2}


def test_eight_attempts_are_made_and_no_more(bucket: Bucket, proxy: Faults) -> None:
    proxy.on("GetObject", refuse(503, "SlowDown"), times=0)
    error = refusal(lambda: bucket.get("k"))
    assert (error.code, error.status, error.key) == ("SlowDown", 503, "k")
    assert proxy.counts["GetObject"] == 8
    proxy.on("HeadObject", reset_before, times=0)
    assert refusal(lambda: bucket.head("k")).code == client.LOST
    assert proxy.counts["HeadObject"] == 8


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "AccessDenied"), (400, "ExpiredToken"), (404, "NoSuchBucket"), (501, "NotImplemented")],
)
def test_what_time_does_not_mend_is_asked_once(
    bucket: Bucket, proxy: Faults, status: int, code: str
) -> None:
    proxy.on("PutObject", refuse(status, code), times=0)
    error = refusal(lambda: put(bucket, "k"))
    assert (error.operation, error.code, error.status) == ("PutObject", code, status)
    assert proxy.counts["PutObject"] == 1


def test_the_right_region_is_told(bucket: Bucket, proxy: Faults) -> None:
    proxy.on("ListObjectsV2", refuse(301, "PermanentRedirect", x_amz_bucket_region="eu-west-1"))
    assert refusal(lambda: bucket.list("")).region == "eu-west-1"
    body = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>"
    proxy.on("ListObjectsV2", say(400, body))
    assert refusal(lambda: bucket.list("")).region == "eu-west-3"


def test_what_the_answer_to_head_cannot_say_is_asked_by_get(bucket: Bucket, proxy: Faults) -> None:
    proxy.on("HeadObject", refuse(400, "ExpiredToken"))
    proxy.on("GetObject", refuse(400, "ExpiredToken"))
    assert refusal(lambda: bucket.head("k")).code == "ExpiredToken"


def test_a_condition_that_our_own_lost_success_made_untrue_is_no_failure(
    bucket: Bucket, proxy: Faults
) -> None:
    proxy.on("PutObject", reset_after)
    etag = put(bucket, "k", b"ours", if_none_match=True)
    assert bucket.get("k") == (b"ours", etag)
    proxy.on("PutObject", reset_after)
    etag = put(bucket, "k", b"ours again", if_match=etag)
    assert bucket.get("k") == (b"ours again", etag)
    proxy.on("DeleteObject", reset_after)
    bucket.delete("k", if_match=etag)
    assert bucket.get("k") is None


def test_a_condition_that_somebody_elses_success_made_untrue_is_one(
    bucket: Bucket, proxy: Faults, s3_server: SeaweedFS
) -> None:
    def theirs(request: Request, forward: Forward) -> Answer:
        s3_server.client().put_object(Bucket=bucket.name, Key="k", Body=b"theirs")
        return reset_before(request, forward)

    proxy.on("PutObject", theirs)
    assert refusal(lambda: put(bucket, "k", b"ours", if_none_match=True)).status == 412
    proxy.on("DeleteObject", reset_before)
    assert refusal(lambda: bucket.delete("k", if_match="00")).status == 412


def test_waiting_for_an_answer_ends_when_we_are_to_stop(
    make: Callable[..., Bucket], bucket_name: str, proxy: Faults
) -> None:
    asked, release = threading.Event(), threading.Event()

    def check() -> None:
        if asked.is_set():
            raise Stop

    def silent(request: Request, forward: Forward) -> Answer:
        asked.set()
        return held(release)(request, forward)

    bucket = make(bucket_name, proxy.endpoint, check=check)
    proxy.on("GetObject", silent)
    try:
        with pytest.raises(Stop):
            bucket.get("k")
    finally:
        release.set()


def test_a_change_that_is_under_way_may_come_about_when_we_are_to_stop(
    make: Callable[..., Bucket], bucket_name: str, proxy: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, seen, release = threading.Event(), threading.Event(), threading.Event()

    def check() -> None:
        if asked.is_set():
            seen.set()
            raise Stop

    def slow(request: Request, forward: Forward) -> Answer:
        asked.set()
        assert seen.wait(30)
        return forward()

    bucket = make(bucket_name, proxy.endpoint, check=check)
    proxy.on("PutObject", slow)
    assert put(bucket, "k")
    asked.clear()
    monkeypatch.setattr(client, "PATIENCE", 0.0)

    def silent(request: Request, forward: Forward) -> Answer:
        asked.set()
        return held(release)(request, forward)

    proxy.on("PutObject", silent, key="never")
    try:
        with pytest.raises(Stop):
            put(bucket, "never")
    finally:
        release.set()


def test_waiting_for_the_next_attempt_ends_when_we_are_to_stop(
    make: Callable[..., Bucket], bucket_name: str, proxy: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = threading.Event()

    def an_hour(least: float, most: float) -> float:
        waiting.set()
        return 3600.0

    def check() -> None:
        if waiting.is_set():
            raise Stop

    bucket = make(bucket_name, proxy.endpoint, check=check)
    monkeypatch.setattr("random.uniform", an_hour)
    proxy.on("PutObject", refuse(503, "SlowDown"), times=0)
    with pytest.raises(Stop):
        put(bucket, "k")
    assert proxy.counts["PutObject"] == 1


def test_a_server_that_stays_silent_is_given_up(
    bucket: Bucket, proxy: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr("workflow.deploy.connection.SILENT_SECONDS", 0.1)
    monkeypatch.setattr("workflow.deploy.connection.CHECK_SECONDS", 0.02)
    proxy.on("GetObject", held(release))
    try:
        assert bucket.get("k") is None
    finally:
        release.set()
    assert proxy.counts["GetObject"] == 2


def test_connections_are_kept_and_used_again(bucket: Bucket, proxy: Faults) -> None:
    for number in range(20):
        put(bucket, f"{number}")
    assert proxy.connections == 1
    in_parallel(4, [lambda n=n: put(bucket, f"{n}") and None for n in range(40)])  # type: ignore[misc]
    assert proxy.connections <= 4


def test_a_connection_that_the_server_closed_meanwhile_is_noticed(
    bucket: Bucket, proxy: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.deploy.connection._IDLE_SECONDS", 0.0)

    def close(request: Request, forward: Forward) -> Answer:
        return Answer(200, b"", {"ETag": '"e"', "Connection": "close"})

    proxy.on("PutObject", close)
    put(bucket, "k")
    put(bucket, "k")
    assert (bucket.requests["PutObject"], proxy.connections) == (2, 2)


# -- who and where ------------------------------------------------------------------------------


@pytest.mark.parametrize("stopped", ["time", "monotonic"])
def test_the_servers_time_goes_on_though_a_clock_of_ours_is_set_back_or_stands_still(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, stopped: str
) -> None:
    bucket.head("nothing")
    before = bucket.server_time()
    now, monotonic = time.time(), time.monotonic()
    ahead = {"time": now + 600, "monotonic": monotonic + 600, stopped: 1.0}
    monkeypatch.setattr(time, "time", lambda: ahead["time"])
    monkeypatch.setattr(time, "monotonic", lambda: ahead["monotonic"])
    passed = (bucket.server_time() - before).total_seconds()
    monkeypatch.undo()
    assert 598 < passed < 602


def test_the_owner_that_is_expected_goes_with_every_request(
    make: Callable[..., Bucket], bucket_name: str, proxy: Faults, large: Path
) -> None:
    proxy.owner = "111111111111"
    bucket = make(bucket_name, proxy.endpoint, owner="111111111111")
    put(bucket, "k")
    bucket.list("")
    bucket.get("k")
    bucket.head("k")
    bucket.copy("k", "c", HTML)
    send(bucket, large, digest(large.read_bytes()))
    bucket.delete("k")
    bucket.delete_many(["c"])
    assert {r.headers.get("x-amz-expected-bucket-owner") for r in proxy.log} == {"111111111111"}
    (copied,) = (r for r in proxy.log if r.operation == "CopyObject")
    assert copied.headers["x-amz-source-expected-bucket-owner"] == "111111111111"


def test_a_bucket_of_another_account_is_told_from_a_right_that_is_missing(
    make: Callable[..., Bucket], bucket_name: str, proxy: Faults
) -> None:
    proxy.owner = "111111111111"
    bucket = make(bucket_name, proxy.endpoint, owner="222222222222")
    assert refusal(lambda: bucket.list("")).code == client.WRONG_OWNER
    assert refusal(lambda: put(bucket, "k")).code == client.WRONG_OWNER
    proxy.clear()
    proxy.owner = None
    proxy.on("PutObject", refuse(403, "AccessDenied"))
    assert refusal(lambda: put(bucket, "k")).code == "AccessDenied"


# -- many at once -------------------------------------------------------------------------------


def test_the_first_failure_stops_the_rest_and_waits_for_what_is_under_way() -> None:
    done: list[int] = []
    first, second = threading.Event(), threading.Event()

    def slow() -> None:
        first.set()
        second.wait()
        done.append(1)

    def fail() -> None:
        first.wait()
        second.set()
        raise Stop

    calls = [slow, fail, *[lambda: done.append(2)] * 100]
    with pytest.raises(Stop):
        in_parallel(2, calls)
    assert 1 in done and len(done) < 50


def test_calls_are_taken_one_by_one_and_only_when_there_is_room() -> None:
    taken, room = [0], threading.Semaphore(3)

    def calls() -> Iterator[Callable[[], None]]:
        for _ in range(50):
            taken[0] += 1
            assert room.acquire(blocking=False), "more are under way than were asked for"
            yield lambda: room.release()

    in_parallel(3, calls())
    assert taken == [50]
    in_parallel(3, [])


def test_a_check_that_raises_stops_all_calls() -> None:
    begun, stopping = threading.Event(), threading.Event()
    made: list[int] = []

    def call() -> None:
        made.append(1)
        begun.set()
        stopping.wait()

    def check() -> None:
        if begun.is_set():
            stopping.set()
            raise Stop

    with pytest.raises(Stop):
        in_parallel(2, [call] * 1000, check)
    assert len(made) < 1000


def test_fewer_requests_are_made_at_once_when_the_server_asks_for_it() -> None:
    pace = parallel.Pace(8)
    pace.slow_down()
    pace.slow_down()  # of the same burst
    assert pace.limit == 4

    def stop() -> None:
        raise Stop

    with pace.one(stop), pace.one(stop), pace.one(stop), pace.one(stop):
        with pytest.raises(Stop), pace.one(stop):
            pass
        for _ in range(5):
            pace.went_well()
        with pace.one(stop):
            pass
    for _ in range(100):
        pace.went_well()
    assert pace.limit == 8


def test_a_burst_of_refusals_loses_no_file(bucket: Bucket, proxy: Faults) -> None:
    proxy.on("PutObject", refuse(503, "SlowDown"), times=30)
    in_parallel(8, [lambda n=n: put(bucket, f"{n:03}") and None for n in range(60)])  # type: ignore[misc]
    assert len(bucket.list("")) == 60
