"""A deploy end to end: a real S3 server, a real website, the program as a process."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.moto import Moto
from tests.deploy.publisher import CSS, Publisher
from tests.deploy.servers import ADMIN

ONE = "posts/one/index.html"
TWO = "posts/two/index.html"


def _drift(publisher: Publisher, key: str, **headers: Any) -> None:
    """Change an object's headers behind our back, with a time that a listing tells apart."""
    client, bucket = publisher.server.client(), publisher.bucket
    before = publisher.head(key)["LastModified"]
    waited = threading.Event()
    while publisher.head(key)["LastModified"] == before:
        client.copy_object(
            Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": key},
            MetadataDirective="REPLACE", **headers,
        )  # fmt: skip
        waited.wait(0.2)


def test_a_first_deploy_sends_all_and_the_site_serves_it(publisher: Publisher) -> None:
    outputs = publisher.published()
    assert publisher.live() == publisher.expected()
    assert outputs["uploaded_files"] == len(publisher.files)
    assert outputs["deleted_files"] == outputs["unchanged_files"] == 0
    assert outputs["bytes"] == sum(map(len, publisher.expected().values()))
    assert (outputs["http_status"], outputs["live"]) == (200, "complete")
    assert outputs["verified_files"] == len(publisher.files)
    assert outputs["invalidation_id"] == "no-distribution"
    assert outputs["deployment_id"].startswith("dev-0001-")
    assert outputs["approval"]["way"] == "none"
    assert publisher.private() == {".workflow/environment-dev"}, "the lock is given back"


def test_each_object_has_the_headers_that_fit_it(publisher: Publisher) -> None:
    publisher.published()
    page, style = publisher.head("index.html"), publisher.head(CSS)
    assert page["ContentType"] == "text/html; charset=utf-8"
    assert page["CacheControl"] == "public, max-age=0, must-revalidate"
    assert style["CacheControl"] == "public, max-age=31536000, immutable"
    assert publisher.head("images/logo.png")["ContentType"] == "image/png"


def test_assets_go_first_then_pages_and_deletions_last(publisher: Publisher) -> None:
    publisher.put("old/index.html", "old")
    publisher.published()
    keys = publisher.sent()
    assert keys[0] == CSS
    assert set(keys[1:2]) == {"images/logo.png"}
    assert set(keys[2:]) == {"index.html", ONE, TWO, "robots.txt"}
    operations = [request.operation for request in publisher.proxy.log]
    deleted = operations.index("DeleteObjects")
    sent = [at for at, r in enumerate(publisher.proxy.log) if r.key in keys]
    assert deleted > max(sent)
    assert "old/index.html" not in publisher.live()


def test_styles_and_scripts_go_when_all_that_they_name_is_there(publisher: Publisher) -> None:
    publisher.build({"a/site.css": "body{background:url(/z/sea.jpg)}", "z/sea.jpg": b"\xff\xd8sea"})
    publisher.published()
    keys = publisher.sent()
    assert keys.index("z/sea.jpg") < keys.index("a/site.css") < keys.index("index.html")


def test_the_bucket_says_whose_it_is_before_visitors_see_anything_of_the_site(
    publisher: Publisher,
) -> None:
    publisher.published()
    keys = publisher.proxy.keys("PutObject")
    assert keys.index(".workflow/environment-dev") < keys.index("images/logo.png")


def test_a_rebuild_that_changed_nothing_sends_nothing_and_looks_at_no_object(
    publisher: Publisher,
) -> None:
    publisher.published()
    publisher.build()
    publisher.proxy.clear()
    outputs = publisher.published()
    assert outputs["uploaded_files"] == 0
    assert outputs["unchanged_files"] == len(publisher.files)
    counts = publisher.proxy.counts
    assert publisher.sent() == []
    assert counts["HeadObject"] == counts["CopyObject"] == 0
    assert set(publisher.proxy.keys("GetObject")) <= {".workflow/lock.json"}
    assert counts["ListObjectsV2"] == 1


def test_only_what_changed_is_sent(publisher: Publisher) -> None:
    publisher.published()
    publisher.build({ONE: "<html>One, changed</html>", "posts/three/index.html": "<html>3</html>"})
    publisher.proxy.clear()
    outputs = publisher.published()
    assert set(publisher.sent()) == {ONE, "posts/three/index.html"}
    assert outputs["uploaded_files"] == 2
    assert publisher.live() == publisher.expected()


def test_a_header_that_drifted_is_repaired(publisher: Publisher) -> None:
    publisher.published()
    publisher.published()
    _drift(publisher, "index.html", ContentType="text/plain", CacheControl="max-age=9999")
    publisher.proxy.clear()
    outputs = publisher.published()
    assert publisher.sent() == ["index.html"]
    assert outputs["uploaded_files"] == 1
    head = publisher.head("index.html")
    assert head["ContentType"] == "text/html; charset=utf-8"
    assert head["CacheControl"] == "public, max-age=0, must-revalidate"


def test_a_new_rule_for_headers_reaches_the_objects_that_are_there(publisher: Publisher) -> None:
    publisher.published()
    publisher.configure(objects=[{"match": "*.png", "cache_control": "max-age=60"}])
    publisher.proxy.clear()
    publisher.published()
    assert publisher.sent() == ["images/logo.png"]
    assert publisher.head("images/logo.png")["CacheControl"] == "max-age=60"


def test_what_somebody_else_changed_or_removed_is_put_right(publisher: Publisher) -> None:
    publisher.published()
    publisher.put("index.html", "defaced", ContentType="text/html; charset=utf-8")
    publisher.server.client().delete_object(Bucket=publisher.bucket, Key=TWO)
    publisher.published()
    assert publisher.live() == publisher.expected()


def test_our_note_on_another_content_is_not_believed(publisher: Publisher) -> None:
    publisher.published()
    body, head = publisher.expected()["index.html"], publisher.head("index.html")
    publisher.put(
        "index.html",
        body.replace(b"Home", b"Evil"),
        ContentType=head["ContentType"],
        CacheControl=head["CacheControl"],
        Metadata=head["Metadata"],
    )
    publisher.published()
    assert publisher.live() == publisher.expected()


def test_without_notes_each_object_is_looked_at_once_and_none_is_sent(
    publisher: Publisher,
) -> None:
    publisher.published()
    shutil.rmtree(publisher.program.root / ".workflow/deploys")
    publisher.proxy.clear()
    publisher.published()
    assert publisher.sent() == []
    assert publisher.proxy.counts["HeadObject"] == len(publisher.files)
    publisher.proxy.clear()
    publisher.published()
    assert publisher.proxy.counts["HeadObject"] == 0


def test_damaged_notes_are_as_good_as_none(publisher: Publisher) -> None:
    publisher.published()
    for notes in (publisher.program.root / ".workflow/deploys").iterdir():
        notes.write_bytes(b'{"version": 1, "objects": {"index.html": [')
    publisher.proxy.clear()
    assert publisher.published()["uploaded_files"] == 0


def test_what_another_tool_sent_is_recognised_by_its_content(publisher: Publisher) -> None:
    """Its headers are repaired; its content is not sent for nothing where the tag proves it."""
    for path, raw in publisher.expected().items():
        publisher.put(path, raw)
    outputs = publisher.published()
    plan = json.loads(
        next(publisher.program.root.glob("results/*/*.logs/plan.json")).read_text("utf-8")
    )
    assert {step["action"] for step in plan["actions"]} == {"metadata"}
    assert outputs["live"] == "complete"
    assert publisher.head("index.html")["ContentType"] == "text/html; charset=utf-8"


def test_an_object_that_was_sent_in_parts_by_others_is_sent_once_and_then_known(
    publisher: Publisher,
) -> None:
    client, bucket = publisher.server.client(), publisher.bucket
    upload = client.create_multipart_upload(Bucket=bucket, Key="index.html")["UploadId"]
    body = publisher.expected()["index.html"]
    part = client.upload_part(
        Bucket=bucket, Key="index.html", UploadId=upload, PartNumber=1, Body=body
    )
    client.complete_multipart_upload(
        Bucket=bucket, Key="index.html", UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )  # fmt: skip
    assert "-" in publisher.head("index.html")["ETag"]
    publisher.published()
    publisher.proxy.clear()
    assert publisher.published()["uploaded_files"] == 0
    assert publisher.proxy.counts["HeadObject"] == 0


def test_a_large_file_goes_in_parts_and_is_known_the_next_time(publisher: Publisher) -> None:
    large = os.urandom(1 << 20) * 18
    publisher.build({"films/harbor.mp4": large})
    publisher.published()
    assert publisher.proxy.counts["UploadPart"] == 3
    assert "-" in publisher.head("films/harbor.mp4")["ETag"]
    assert publisher.live()["films/harbor.mp4"] == large
    publisher.build()
    publisher.proxy.clear()
    assert publisher.published()["uploaded_files"] == 0
    assert publisher.proxy.counts["UploadPart"] == 0


def test_force_trusts_nothing_and_finds_everything_right(publisher: Publisher) -> None:
    publisher.published()
    publisher.proxy.clear()
    outputs = publisher.published("dev", "force=true")
    assert outputs["uploaded_files"] == 0
    assert publisher.proxy.counts["HeadObject"] == len(publisher.files)


@pytest.mark.parametrize(
    "name",
    [
        "zürich/straße.html",
        "a b/c d.html",
        "c++/100%.html",
        "q=1&r=2/u\u0308 e\u0301.html",
        "~x/(y)'.html",
    ],
)
def test_a_name_of_any_kind_is_published_verified_and_deleted_again(
    publisher: Publisher, name: str
) -> None:
    publisher.build({name: f"<html>{name}</html>"})
    publisher.published()
    assert publisher.live() == publisher.expected()
    publisher.proxy.clear()
    assert publisher.published()["uploaded_files"] == 0
    publisher.build({name: None})
    assert publisher.published()["deleted_files"] == 1
    assert publisher.live() == publisher.expected()


def test_text_can_be_stored_compressed_and_is_compared_uncompressed(publisher: Publisher) -> None:
    text = "<html>" + "a page with many words " * 200 + "</html>"
    publisher.configure(compress="gzip").build({ONE: text})
    publisher.published()
    assert publisher.head(ONE)["ContentEncoding"] == "gzip"
    assert gzip.decompress(publisher.live()[ONE]) == text.encode()
    assert publisher.live()["images/logo.png"] == publisher.expected()["images/logo.png"]
    publisher.build()
    publisher.proxy.clear()
    publisher.published()
    assert publisher.sent() == []
    publisher.configure(compress="none")
    publisher.published()
    assert publisher.sent() == [ONE]
    assert publisher.live() == publisher.expected()


def test_a_text_too_large_to_be_compressed_in_memory_goes_in_parts_as_it_is(
    publisher: Publisher,
) -> None:
    text = "0123456789abcde\n" * (17 << 16)
    publisher.configure(compress="gzip").build({"data/all.csv": text})
    publisher.published()
    assert "CreateMultipartUpload" in [request.operation for request in publisher.proxy.log]
    assert "ContentEncoding" not in publisher.head("data/all.csv")
    assert publisher.live()["data/all.csv"] == text.encode()
    publisher.proxy.clear()
    publisher.published()
    assert publisher.sent() == []


def test_aliases_can_become_redirects_of_the_website(publisher: Publisher) -> None:
    url = f"{publisher.website.url}/posts/one/"
    alias = (
        f'<!DOCTYPE html><html lang="en"><head><title>{url}</title>'
        f'<link rel="canonical" href="{url}"><meta charset="utf-8">'
        f'<meta http-equiv="refresh" content="0; url={url}"></head></html>'
    )
    publisher.configure(redirects=True).build({"old/index.html": alias})
    publisher.published()
    assert publisher.website.answer("/old/").headers["Location"] == "/posts/one/"
    publisher.proxy.clear()
    assert publisher.published()["uploaded_files"] == 0


def test_a_folder_of_the_bucket_is_touched_and_nothing_beside_it(publisher: Publisher) -> None:
    publisher.put("blog-old/index.html", "beside")
    publisher.put("index.html", "above")
    publisher.configure(prefix="blog", verify_url=f"{publisher.website.url}/blog")
    publisher.published()
    found = publisher.server.objects(publisher.bucket)
    assert found["blog-old/index.html"] == b"beside"
    assert found["index.html"] == b"above"
    assert found["blog/index.html"] == publisher.expected()["index.html"]
    assert "blog/.workflow/environment-dev" in found


def test_what_the_owner_keeps_and_folders_of_consoles_are_never_deleted(
    publisher: Publisher,
) -> None:
    publisher.configure(keep=["downloads/**", "*.pdf"])
    for key in ("downloads/form.zip", "a/b.pdf", "empty/", "gone.html"):
        publisher.put(key, "x" if not key.endswith("/") else "")
    outputs = publisher.published()
    assert (outputs["deleted_files"], outputs["kept_files"]) == (1, 2)
    assert {"downloads/form.zip", "a/b.pdf"} <= publisher.live().keys()
    assert "gone.html" not in publisher.live()


def test_a_superseded_asset_stays_for_its_grace_and_goes_afterwards(publisher: Publisher) -> None:
    publisher.published()
    new = CSS.replace("0123", "abcd", 1)
    publisher.build({CSS: None, new: "body{color:teal}", "index.html": f"<html>{new}</html>"})
    outputs = publisher.published()
    assert (outputs["deleted_files"], outputs["kept_files"]) == (0, 1)
    assert CSS in publisher.live()
    (notes,) = (publisher.program.root / ".workflow/deploys").glob("dev-????????.json")
    said = json.loads(notes.read_text())
    assert list(said["superseded"]) == [CSS]
    said["superseded"][CSS] = "2099-01-01T00:00:00Z"  # by a clock that was ahead
    notes.write_text(json.dumps(said))
    assert publisher.published()["deleted_files"] == 0
    said["superseded"][CSS] = "2026-01-01T00:00:00Z"
    notes.write_text(json.dumps(said))
    assert publisher.published()["deleted_files"] == 1
    assert publisher.live() == publisher.expected()


def test_a_dry_run_tells_all_and_sends_nothing(publisher: Publisher) -> None:
    publisher.put("gone.html", "x")
    result = publisher.deploy("dev", "dry_run=true")
    assert result["status"] == "success"
    outputs = result["outputs"]
    assert result["verification"]["verdict"] == "proceed"
    assert outputs["would_upload"] == len(publisher.files)
    assert outputs["would_delete"] == 1
    assert outputs["live"] == "untouched"
    assert set(publisher.live()) == {"gone.html"}
    assert publisher.private() == set()
    changing = {"PutObject", "DeleteObject", "DeleteObjects", "CopyObject"}
    assert not changing & publisher.proxy.counts.keys()


def test_the_result_can_be_read_by_a_person(publisher: Publisher) -> None:
    result = publisher.deploy()
    body = result["body"]
    assert body.strip().startswith("Published main to dev: 6 files sent (")
    assert publisher.website.url in body
    assert "Next Steps" in body


# -- CloudFront ----------------------------------------------------------------------------------


def _with_cloudfront(publisher: Publisher, moto: Moto, **options: Any) -> str:
    distribution = moto.make_distribution()
    publisher.configure(
        cloudfront_id=distribution, cloudfront_endpoint_url=moto.url, **options
    )  # fmt: skip
    return distribution


def test_cloudfront_forgets_what_changed_and_nothing_else(publisher: Publisher, moto: Moto) -> None:
    distribution = _with_cloudfront(publisher, moto)
    publisher.published()
    before = moto.invalidations(distribution)
    publisher.published()
    assert moto.invalidations(distribution) == before, "nothing changed, nothing is forgotten"
    publisher.build({ONE: "<html>One, changed</html>"})
    outputs = publisher.published()
    made = [one for one in moto.invalidations(distribution) if one not in before]
    assert [sorted(one["paths"]) for one in made] == [["/posts/one/", "/posts/one/index.html"]]
    assert outputs["invalidation_id"] == made[0]["id"]
    assert publisher.private() == {".workflow/environment-dev"}, "nothing is owed"


def test_what_is_deleted_is_forgotten_after_it_is_gone(publisher: Publisher, moto: Moto) -> None:
    distribution = _with_cloudfront(publisher, moto, invalidate={"wait": True})
    publisher.published()
    before = moto.invalidations(distribution)
    publisher.build({TWO: None})
    publisher.published()
    made = [one for one in moto.invalidations(distribution) if one not in before]
    assert [sorted(one["paths"]) for one in made] == [["/posts/two/", "/posts/two/index.html"]]


def test_an_invalidation_that_was_lost_is_made_up_for_by_the_next_deploy(
    publisher: Publisher, moto: Moto
) -> None:
    publisher.published()
    publisher.build({ONE: "<html>One, changed</html>"})
    publisher.configure(
        cloudfront_id="EDFDVBD6EXAMPLE", cloudfront_endpoint_url="http://127.0.0.1:9"
    )
    task_id = publisher.program.submit("hugo-deploy-dev")
    publisher.program("sweep")
    assert publisher.program.states(task_id) == ["waiting"], "it is tried again by itself"
    assert ".workflow/owed.json" in publisher.private()
    assert publisher.live() == publisher.expected()
    assert publisher.program("cancel", task_id).code == 0
    distribution = _with_cloudfront(publisher, moto)
    outputs = publisher.published()
    assert outputs["uploaded_files"] == 0
    (made,) = moto.invalidations(distribution)
    assert sorted(made["paths"]) == ["/posts/one/", "/posts/one/index.html"]
    assert ".workflow/owed.json" not in publisher.private()


def test_the_same_content_published_again_is_forgotten_again(
    publisher: Publisher, moto: Moto
) -> None:
    """CloudFront answers a reference that it knows with the invalidation that it made then."""
    distribution = _with_cloudfront(publisher, moto, releases={"keep": 0})
    for text in ("B", "A", "B"):
        publisher.build({ONE: f"<html>{text}</html>"}).published()
    made = moto.invalidations(distribution)
    assert len({one["reference"] for one in made}) == len(made) == 3


def test_a_fingerprinted_asset_that_is_repaired_is_forgotten(
    publisher: Publisher, moto: Moto
) -> None:
    distribution = _with_cloudfront(publisher, moto)
    publisher.published()
    before = moto.invalidations(distribution)
    publisher.put(CSS, "somebody else's")
    publisher.published()
    (made,) = [one for one in moto.invalidations(distribution) if one not in before]
    assert made["paths"] == [f"/{CSS}"]


def test_what_is_owed_is_written_down_before_the_first_upload(
    publisher: Publisher, moto: Moto
) -> None:
    _with_cloudfront(publisher, moto)
    publisher.published()
    keys = publisher.proxy.keys("PutObject")
    assert keys.index(".workflow/owed.json") < keys.index(CSS)


# -- whose bucket --------------------------------------------------------------------------------


def test_an_account_that_is_not_the_expected_one_publishes_nothing(
    publisher: Publisher, moto: Moto
) -> None:
    publisher.program.extra["AWS_ENDPOINT_URL_STS"] = moto.url
    publisher.configure(account="999999999999")
    result = publisher.failed()
    assert result["error"]["code"] == "wrong_account"
    assert publisher.live() == {}
    publisher.configure(account="123456789012")
    publisher.proxy.owner = "123456789012"
    publisher.published()


def test_an_environment_may_have_credentials_of_its_own(
    publisher: Publisher, moto: Moto, tmp_path: Path
) -> None:
    _with_cloudfront(publisher, moto, profile="publish-www")
    keys = ADMIN.environ
    (tmp_path / "credentials").write_text(
        f"[publish-www]\naws_access_key_id = {keys['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {keys['AWS_SECRET_ACCESS_KEY']}\n"
    )
    publisher.program.extra.update(
        AWS_ACCESS_KEY_ID="everyday",
        AWS_SECRET_ACCESS_KEY="of no use there",
        AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "credentials"),
    )
    assert publisher.published()["uploaded_files"] == len(publisher.files)
    publisher.configure(profile="nobody").build({ONE: "<html>Other</html>"})
    assert publisher.failed()["error"]["code"] == "no_aws_credentials"


def test_a_bucket_of_another_account_is_refused_by_the_server(
    publisher: Publisher, moto: Moto
) -> None:
    publisher.program.extra["AWS_ENDPOINT_URL_STS"] = moto.url
    publisher.configure(account="123456789012")
    publisher.proxy.owner = "111111111111"
    assert publisher.failed()["outputs"]["live"] == "untouched"
    assert publisher.live() == {}


def test_a_bucket_that_another_exchange_gave_to_another_environment_is_left_alone(
    publisher: Publisher,
) -> None:
    publisher.published()
    before = publisher.live()
    publisher.build({ONE: "<html>for staging</html>"}, "staging")
    publisher.configure("staging", approval="none")
    result = publisher.failed("staging")
    assert result["error"]["code"] == "wrong_bucket"
    assert publisher.live() == before


def test_a_folder_that_another_exchange_publishes_to_is_left_alone(publisher: Publisher) -> None:
    for key in ("blog/index.html", "blog/.workflow/environment-blog", "blog/.workflow/lock.json"):
        publisher.put(key, "{}")
    result = publisher.failed()
    assert result["error"]["code"] == "wrong_bucket"
    assert "blog/.workflow/lock.json" in publisher.server.objects(publisher.bucket)


def test_two_environments_in_one_bucket_are_refused_before_anything_is_asked(
    publisher: Publisher,
) -> None:
    config = publisher.program.root / "workflow.yaml"
    said = json.loads(config.read_text())
    said["environments"]["staging"]["deploy"] = said["environments"]["dev"]["deploy"]
    config.write_text(json.dumps(said))
    assert publisher.failed()["error"]["code"] == "bucket_conflict"
    assert publisher.live() == {}


def test_a_task_cannot_name_another_place(publisher: Publisher, tmp_path: Path) -> None:
    for setting in (
        "bucket=s3://somebody-elses",
        "cloudfront_id=E000000000000",
        f"public_dir={tmp_path}",
        "verify_url=https://elsewhere.example/",
    ):
        result = publisher.failed("dev", setting)
        assert result["error"]["code"] == "not_configured", setting
    assert publisher.live() == {}
    publisher.published("dev", f"bucket=s3://{publisher.bucket}")
