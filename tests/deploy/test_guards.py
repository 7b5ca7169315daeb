"""What must never be sent is refused, all of it at once, with what to do about it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.test_content import KEY_ID, LOCAL, write
from workflow.config import Deploy
from workflow.deploy.content import Content, Facts, read_content
from workflow.deploy.guards import MOST_LISTED, refuse_absent, refuse_shrunk, refuse_unfit
from workflow.errors import TaskFailed
from workflow.hugo.record import BuildRecord, built_files
from workflow.publicdir import File, Manifest

BASE = "https://www.example.org/"
GOOD: dict[str, str | bytes] = {"index.html": "<p>", "posts/one/index.html": "<p>", "a.png": b"x"}


def settings(**said: Any) -> Deploy:
    return Deploy.model_validate({"strategy": "native", "bucket": "example", **said})


def record(content: Content, **said: Any) -> BuildRecord:
    """Of a build of this very content for production."""
    fields: dict[str, Any] = {
        "site": "main",
        "environment": "production",
        "base_url": BASE,
        "digest": content.manifest.digest,
        "build_drafts": False,
        "build_future": False,
        "build_expired": False,
        "task_id": "2026-01-19-1430-hugo-build-production",
        "built_at": datetime(2026, 1, 19, 14, 30, tzinfo=UTC),
    }
    return BuildRecord(**{**fields, **said})


def look(
    folder: Path,
    *,
    deploy: Mapping[str, Any] | None = None,
    build: Mapping[str, Any] | None = None,
    is_dev: bool = False,
) -> None:
    """The guards on a folder that was just built for production, with `build` said otherwise."""
    content = read_content(folder, cache=None)
    refuse_unfit(
        content,
        settings(**(deploy or {})),
        environment="production",
        base_url=BASE,
        build=record(content, **(build or {})),
        is_dev=is_dev,
    )


def refused(folder: Path, **said: Any) -> TaskFailed:
    with pytest.raises(TaskFailed) as caught:
        look(folder, **said)
    return caught.value


def codes(failure: TaskFailed) -> list[str]:
    return [problem["code"] for problem in failure.outputs["problems"]]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write(tmp_path / "public", GOOD)


def test_a_good_site_passes(site: Path) -> None:
    os.symlink("a.png", site / "b.png")
    write(site, {".well-known/security.txt": "x", ".nojekyll": "", "öffentlich/a+b%20.txt": "x"})
    look(site)


def test_everything_that_is_wrong_is_told_at_once(site: Path) -> None:
    write(site, {"page.html": f"\n<a href={LOCAL}>", ".env": KEY_ID})
    (site / "index.html").unlink()
    os.symlink("/etc/passwd", site / "users")
    failure = refused(site, build={"build_drafts": True, "digest": "0" * 64})
    assert codes(failure) == [
        "secrets_found",
        "secrets_found",
        "bad_link",
        "changed_since_build",
        "drafts_included",
        "localhost_links",
        "no_index",
    ]
    assert failure.outputs["problem_count"] == 7
    assert failure.outputs["problems"][5] == {
        "code": "localhost_links",
        "path": "page.html",
        "line": 2,
        "what": "it holds <a href>, a link to http://localhost:1313/x/",
    }
    error = failure.error
    assert (error.code, error.action, error.file) == ("secrets_found", "escalate", "public/.env")
    assert error.message == (
        ".env: files of this name hold secrets (6 more problems, also bad_link, "
        "changed_since_build, drafts_included, localhost_links, no_index)"
    )
    assert KEY_ID not in repr(failure.outputs) + error.message + str(error.hint)


def test_of_thousands_some_of_each_kind_are_listed_and_all_are_counted(site: Path) -> None:
    write(site, {f"{number}.html": f"<a href={LOCAL}>" for number in range(200)})
    (site / "index.html").unlink()
    failure = refused(site)
    assert failure.outputs["problem_count"] == 201
    assert len(failure.outputs["problems"]) == MOST_LISTED // 2 + 1
    assert set(codes(failure)) == {"localhost_links", "no_index"}
    assert "200 more problems, also no_index" in failure.error.message


def test_an_empty_site_is_never_sent(tmp_path: Path) -> None:
    (tmp_path / "public" / "empty").mkdir(parents=True)
    failure = refused(tmp_path / "public")
    assert codes(failure) == ["empty_site"] and failure.error.action == "fix"


def test_a_site_that_is_not_there_is_refused_before_it_is_read(tmp_path: Path, site: Path) -> None:
    refuse_absent(site, "production")
    for path, what in ((tmp_path / "missing", "is not there"), (site / "a.png", "is no folder")):
        with pytest.raises(TaskFailed, match=what) as caught:
            refuse_absent(path, "production")
        assert caught.value.error.code == "empty_site"
        assert "hugo-build --env production" in str(caught.value.error.hint)


def test_a_site_without_a_home_page_is_refused(site: Path) -> None:
    (site / "index.html").unlink()
    assert codes(refused(site)) == ["no_index"]


def test_a_site_of_fewer_files_than_the_owner_asks_for_is_refused(site: Path) -> None:
    look(site, deploy={"min_files": 3})
    failure = refused(site, deploy={"min_files": 4})
    assert codes(failure) == ["too_few_files"]
    assert "3 files, and at least 4" in failure.error.message


# The build


def test_without_a_build_by_a_task_it_is_refused_unless_the_owner_says_so(site: Path) -> None:
    content = read_content(site, cache=None)

    def check(**said: Any) -> None:
        refuse_unfit(
            content,
            settings(**said),
            environment="production",
            base_url=BASE,
            build=None,
            is_dev=False,
        )

    with pytest.raises(TaskFailed) as caught:
        check()
    error = caught.value.error
    assert (error.code, error.action) == ("build_missing", "fix")
    assert error.hint == "build it: `workflow submit hugo-build --env production`"
    check(require_build=False)


@pytest.mark.parametrize(
    ("build", "code", "told"),
    [
        ({"environment": "staging"}, "wrong_build", "built for staging, not for production"),
        (
            {"base_url": "https://staging.example.org/"},
            "wrong_build",
            "built for https://staging.example.org/, and production is https://www.example.org/",
        ),
        ({"base_url": "http://www.example.org/"}, "wrong_build", "http://www.example.org/"),
        ({"base_url": f"{BASE}sub/"}, "wrong_build", "sub/"),
        ({"digest": "0" * 64}, "changed_since_build", "something changed it since"),
        ({"build_drafts": True}, "drafts_included", "with drafts"),
        (
            {"build_future": True, "build_expired": True},
            "drafts_included",
            "with pages dated in the future and expired pages",
        ),
    ],
)
def test_a_build_of_something_else_is_refused_and_the_right_one_named(
    site: Path, build: dict[str, Any], code: str, told: str
) -> None:
    failure = refused(site, build=build)
    assert codes(failure) == [code]
    assert told in failure.error.message
    assert "`workflow submit hugo-build --env production`" in str(failure.error.hint)
    assert failure.error.action == "fix"


@pytest.mark.parametrize("url", ["https://www.example.org", "https://WWW.example.org:443/"])
def test_spellings_of_one_address_are_one(site: Path, url: str) -> None:
    look(site, build={"base_url": url})


def test_a_file_that_was_added_or_changed_after_the_build_is_noticed(site: Path) -> None:
    built = record(read_content(site, cache=None))
    write(site, {"added.html": "x"})
    with pytest.raises(TaskFailed) as caught:
        refuse_unfit(
            read_content(site, cache=None),
            settings(),
            environment="production",
            base_url=BASE,
            build=built,
            is_dev=False,
        )
    assert caught.value.error.code == "changed_since_build"


def test_what_changed_after_the_build_is_named_as_far_as_the_builds_manifest_is_there(
    tmp_path: Path, site: Path
) -> None:
    built = record(read_content(site, cache=None))
    files = [vars_of(one) for one in read_content(site, cache=None).manifest.files]
    logs = tmp_path / "results/2026-01-19" / f"{built.task_id}.logs"
    logs.mkdir(parents=True)
    (logs / "manifest.json").write_text(json.dumps({"digest": built.digest, "files": files}))
    write(site, {"added.html": "x", "index.html": "<p>by hand"})
    (site / "a.png").unlink()
    with pytest.raises(TaskFailed) as caught:
        refuse_unfit(
            read_content(site, cache=None),
            settings(),
            environment="production",
            base_url=BASE,
            build=built,
            is_dev=False,
            built_files=lambda build: built_files(tmp_path, build),
        )
    assert caught.value.error.message.endswith(
        "(index.html changed, added.html is new, a.png is gone)"
    )


def vars_of(file: File) -> dict[str, Any]:
    return {"path": file.path, "size": file.size, "sha256": file.sha256}


def test_the_other_problems_stand_in_the_results_text_of_each_kind_some(site: Path) -> None:
    write(site, {f"{number}.html": f"<a href={LOCAL}>" for number in range(30)})
    (site / "index.html").unlink()
    lines = str(refused(site).error.excerpt).splitlines()
    assert len(lines) <= 11
    assert lines[0].startswith("localhost_links: ") and ".html, line 1: it holds" in lines[0]
    assert any(line.startswith("no_index: ") for line in lines)
    assert lines[-1].startswith("and 24 more")


def test_links_to_this_machine_that_come_from_the_base_url_are_put_down_to_it(site: Path) -> None:
    write(site, {"page.html": f"<a href={LOCAL}>"})
    content = read_content(site, cache=None)
    local = "http://localhost:1313/"
    with pytest.raises(TaskFailed) as caught:
        refuse_unfit(
            content,
            settings(),
            environment="staging",
            base_url=local,
            build=record(content, environment="staging", base_url=local),
            is_dev=False,
        )
    assert caught.value.error.code == "localhost_links"
    assert "the base URL of staging in workflow.yaml" in str(caught.value.error.hint)
    assert caught.value.error.action == "escalate", "who builds the site may not write that file"


def test_what_stands_twice_in_one_line_is_one_thing_to_mend(site: Path) -> None:
    write(site, {"index.xml": f"<item><link>{LOCAL}</link><guid>{LOCAL}</guid></item>"})
    failure = refused(site)
    assert failure.outputs["problem_count"] == 1
    assert "more problem" not in failure.error.message
    assert failure.error.action == "fix"


def test_dev_may_have_drafts_and_links_to_this_machine_but_no_secrets(site: Path) -> None:
    write(site, {"page.html": f"<a href={LOCAL}>"})
    look(site, build={"build_drafts": True, "build_future": True}, is_dev=True)
    write(site, {"id_rsa": "x"})
    assert codes(refused(site, is_dev=True)) == ["secrets_found"]


# Secrets


@pytest.mark.parametrize(
    "name",
    [
        ".env", "sub/.env", ".env.production", ".ENV", ".envrc", ".git/config", ".git", ".svn/a/b",
        ".hg/store", ".aws/credentials", ".ssh/known_hosts", ".npmrc", ".netrc", ".htpasswd",
        ".pypirc", "id_rsa", "keys/id_ed25519", "server.pem", "a/b.key", "cert.p12", "cert.pfx",
        "passwords.kdbx", "terraform.tfstate", "terraform.tfstate.backup", "prod.tfvars",
        "wp-config.php", "wp-config.php.bak", "backup.sql", "db-dump.sql.gz", "credentials.json",
        "client_secret_123.json", "service-account.json", "rootkey.csv", ".bash_history",
    ],
)  # fmt: skip
def test_files_whose_names_promise_secrets_are_refused(site: Path, name: str) -> None:
    failure = refused(write(site, {name: "x"}))
    assert codes(failure) == ["secrets_found"]
    assert failure.error.message == f"{name}: files of this name hold secrets"
    assert "deploy.allow.secrets" in str(failure.error.hint)


@pytest.mark.parametrize(
    "name",
    [
        ".env.example", ".github/a.txt", ".gitignore", ".gitattributes", ".well-known/a.txt",
        ".htaccess", "id_rsa.pub", "keynote.html", "monkey.png", "environment.html", "query.sql",
        "posts/credentials/index.html", "posts/.env-files/index.html", "aws/index.html",
        ".DS_Store",
    ],
)  # fmt: skip
def test_files_that_only_sound_like_it_pass(site: Path, name: str) -> None:
    look(write(site, {name: "x"}))


def test_what_looks_like_a_secret_may_be_allowed_by_path(site: Path) -> None:
    write(site, {"docs/keys.html": f"<p>{KEY_ID}", "docs/public.pem": "x"})
    assert codes(refused(site)) == ["secrets_found"] * 2
    look(site, deploy={"allow": {"secrets": ["docs/keys.html", "*.pem"]}})
    assert len(codes(refused(site, deploy={"allow": {"localhost": ["docs/**"]}}))) == 2


def test_pages_that_may_link_to_this_machine_are_allowed_by_path(site: Path) -> None:
    write(site, {"docs/install.html": f"<a href={LOCAL}>", "other.html": f"<a href={LOCAL}>"})
    failure = refused(site, deploy={"allow": {"localhost": ["docs/**"]}})
    assert [problem["path"] for problem in failure.outputs["problems"]] == ["other.html"]
    assert failure.error.action == "fix" and failure.error.line == 1
    assert "deploy.allow.localhost" in str(failure.error.hint)


# Names, links and what is no file


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("/etc/passwd", "leads out of the site: /etc/passwd"),
        ("../outside", "leads out of the site: ../outside"),
        ("/nowhere", "leads to nothing: /nowhere"),
        ("posts", "leads to a folder: posts"),
        ("itself", "leads to nothing"),
        (".", "leads to a folder"),
        ("pipe", "leads to what is no file"),
    ],
)
def test_a_link_to_anything_but_a_file_of_the_site_is_refused(
    site: Path, target: str, told: str
) -> None:
    write(site.parent, {"outside": "secret"})
    if target == "pipe":
        os.mkfifo(site / "pipe")
    os.symlink(target, site / "itself")
    failure = refused(site)
    assert codes(failure)[0] == "bad_link"
    assert told in failure.error.message


def test_pipes_and_sockets_are_refused(site: Path) -> None:
    os.mkfifo(site / "pipe")
    assert codes(refused(site)) == ["special_file"]


def unread(*paths: str) -> Content:
    """A folder's content as no walk would find it everywhere."""
    facts = {path: Facts("0" * 64, 1, None, ()) for path in ("index.html", *paths)}
    return Content(Path("/nowhere/public"), Manifest((), (), ()), facts)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("a\nb", "control character"),
        ("a\x7fb", "control character"),
        ("a\\b", "backslash"),
        ("a/../b", "empty part"),
        ("./a", "empty part"),
        ("a//b", "empty part"),
        ("/a", "empty part"),
        ("..", "empty part"),
        ("\udcff.txt", "not UTF-8"),
        ("a" * 1022, "longer than 1021 bytes"),
        ("é" * 511, "longer than 1021 bytes"),
        (".workflow/lock.json", "where deploys keep their own objects"),
    ],
)
def test_names_that_no_object_should_have_are_refused(path: str, told: str) -> None:
    deploy = settings(require_build=False, prefix="ab/")
    look_at = {"environment": "production", "base_url": BASE, "build": None, "is_dev": False}
    with pytest.raises(TaskFailed, match=told) as caught:
        refuse_unfit(unread(path), deploy, **look_at)  # type: ignore[arg-type]
    assert caught.value.error.code == "bad_name"
    message = caught.value.error.message
    assert message.encode() and message.isprintable(), "it must fit into a line of any file"
    refuse_unfit(unread("a" * 1021, "é" * 510, "...", "a..b/.c"), deploy, **look_at)  # type: ignore[arg-type]


# Far smaller than what is live


@pytest.mark.parametrize(
    ("local", "live", "share", "passes"),
    [(50, 100, 0.5, True), (49, 100, 0.5, False), (1, 0, 0.5, True), (0, 100, 0, True),
     (99, 100, 1, False), (200, 100, 1, True)],
)  # fmt: skip
def test_a_site_far_smaller_than_what_is_live_is_refused(
    local: int, live: int, share: float, passes: bool
) -> None:
    deploy = settings(min_share=share)
    if passes:
        refuse_shrunk(local, live, deploy)
        return
    with pytest.raises(TaskFailed, match=f"{local} files and {live} are live") as caught:
        refuse_shrunk(local, live, deploy)
    error = caught.value.error
    assert (error.code, error.action) == ("site_shrunk", "escalate")
    assert "deploy.min_share" in str(error.hint)
