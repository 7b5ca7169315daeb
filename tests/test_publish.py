"""`workflow publish`: build, check, approval, deploy, as one chain with one id."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.program import Program
from workflow.demo.place import Stage, set_stage

PAGE = "content/summer-auto-promo.md"
TEXT = """\
---
title: Summer auto promo
layout: landing
headline: Drive into summer, 15 % lighter
description: Fifteen percent off auto insurance until the end of August.
---
See what [changed this spring]({{< ref "posts/spring-rates.md" >}}).
"""
LAYOUT = "layouts/_default/landing.html"


@dataclass(frozen=True)
class Live(Program):
    """The program in an exchange whose staging leads to a bucket and a website on this machine."""

    stage: Stage

    @property
    def environ(self) -> dict[str, str]:
        given = ("AWS_", "JOTFORM_")
        keys = {k: v for k, v in self.stage.environ.items() if k.startswith(given)}
        return {**super().environ, **keys}

    @property
    def config(self) -> Path:
        return self.root / "workflow.yaml"

    def visited(self, path: str) -> str | None:
        """What a visitor gets; None where there is nothing."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.stage.website + path, timeout=30) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError:
            return None

    def change(self, file: str, old: str, new: str) -> None:
        path = self.stage.site / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with set_stage(tmp_path / "exchange") as stage:
        config = stage.root / "workflow.yaml"
        config.write_text(config.read_text().replace("waive:", "# waive:"))
        (stage.site / PAGE).write_text(TEXT)
        yield Live(stage.root, stage)


def ask_nobody(live: Live) -> None:
    text = live.config.read_text()
    live.config.write_text(text.replace("approval: approve ", "approval: none "))


def test_one_id_leads_from_the_sources_to_the_plan_and_to_the_published_page(live: Live) -> None:
    asked = live("publish", "--env", "staging", "--wait", "60")

    assert asked.code == 4, asked.err
    task_id = asked.out.strip()
    assert task_id.endswith("hugo-deploy-staging")
    chain = [one["task_id"] for one in live("list", "--json").data["tasks"]]
    assert [name[16:] for name in reversed(chain)] == [
        "hugo-build-staging", "site-validate-staging", "hugo-deploy-staging",
    ]  # fmt: skip
    assert live.visited("/") is None, "nobody has agreed yet"
    plan = live("plan", task_id, "--json").data
    words = plan["approve"].split()[1:]
    assert live(*words, "--wait", "60").code == 0
    assert "15 % lighter" in (live.visited("/summer-auto-promo/") or "")
    assert live("wait", task_id).code == 0


def test_a_broken_template_is_told_by_the_one_id_and_mended_and_the_chain_retried(
    live: Live,
) -> None:
    ask_nobody(live)
    live.change(LAYOUT, "{{ end }}", "{{ end")
    failed = live("publish", "--env", "staging", "--wait", "60", "--json")
    assert failed.code == 3
    task_id = failed.json["data"]["task_id"]

    result = live.result(task_id)
    assert (result["status"], result["error"]["code"]) == ("cancelled", "predecessor_failed")
    assert result["error"]["action"] == "fix"
    assert result["error"]["file"] == LAYOUT and result["error"]["line"] > 0
    assert result["outputs"]["failed_task"].endswith("hugo-build-staging")
    shown = live("show", task_id).out
    assert LAYOUT in shown and f"workflow retry {task_id}" in shown
    assert live.visited("/") is None

    live.change(LAYOUT, "{{ end", "{{ end }}")
    again = live("retry", task_id, "--wait", "60")
    assert again.code == 0, again.err
    assert again.out.strip() != task_id
    assert live.visited("/summer-auto-promo/")


def test_a_deploy_that_refuses_what_was_built_is_retried_with_its_build(live: Live) -> None:
    ask_nobody(live)
    secret = live.stage.site / "static/rootkey.csv"
    secret.parent.mkdir(exist_ok=True)
    secret.write_text("mine\n")
    failed = live("publish", "--env", "staging", "--wait", "60", "--json")
    task_id = failed.data["task_id"]
    assert live.result(task_id)["error"]["code"] == "secrets_found"
    build = "workflow submit hugo-build --env staging --then hugo-deploy-staging"
    assert (
        f"Mend what is said above, then build it anew and publish that: `{build}`"
        in live("show", task_id).out
    )
    assert build in live("verify", task_id).err

    secret.unlink()
    again = live("retry", task_id, "--wait", "60", "--json")
    assert again.code == 0, again.out
    assert [name[16:] for name in again.data["task_ids"]] == [
        "hugo-build-staging-2", "site-validate-staging-2", "hugo-deploy-staging-2",
    ]  # fmt: skip
    assert live.visited("/summer-auto-promo/")


def test_a_chain_is_retried_for_the_address_that_workflow_yaml_says_by_then(live: Live) -> None:
    ask_nobody(live)
    text = live.config.read_text()
    (address,) = re.findall(r"  staging:\n +base_url: (\S+)", text)
    live.config.write_text(text.replace(address, "http://127.0.0.1:9/"))
    failed = live("publish", "--env", "staging", "--wait", "60", "--json")
    error = live.result(failed.data["task_id"])["error"]
    assert (error["code"], error["action"]) == ("localhost_links", "escalate")

    live.config.write_text(text)
    again = live("retry", failed.data["task_id"], "--wait", "60", "--json")
    assert again.code == 0, again.out
    built = live.result(again.data["task_ids"][0])
    assert built["outputs"]["base_url"] == address


def test_what_the_check_finds_keeps_the_site_from_being_published(live: Live) -> None:
    ask_nobody(live)
    with (live.stage.site / PAGE).open("a") as page:
        page.write("\n[the rates](/no-such-page/)\n")
    failed = live("publish", "--env", "staging", "--wait", "60", "--json")

    assert failed.code == 3
    result = live.result(failed.data["task_id"])
    assert result["outputs"]["failed_task"].endswith("site-validate-staging")
    assert "/no-such-page/" in result["error"]["message"]
    assert result["error"]["file"].endswith("summer-auto-promo.md"), "the source is what to mend"
    assert live.visited("/") is None

    live.change(PAGE, "/no-such-page/", "/posts/")
    again = live("retry", failed.data["task_id"], "--wait", "60", "--json")
    assert again.code == 0
    assert len(again.data["task_ids"]) == 3, "the build is repeated: what was mended is built"


def below(environment: str, prefix: str) -> str:
    """The same environment, published into a folder of the bucket."""
    moved = environment.replace(
        "region:", f"prefix: {prefix}\n      shared_bucket: true\n      region:"
    )
    return re.sub(r"(verify_url: \S+)", rf"\g<1>{prefix}/", moved)


def test_a_chain_is_finished_before_another_that_wants_the_same_site_begins(live: Live) -> None:
    ask_nobody(live)
    text = live.config.read_text()
    staging = text[text.index("  staging:") : text.index("  production:")]
    both = below(staging, "staging") + below(staging, "beta").replace("staging:", "beta:")
    live.config.write_text(text.replace(staging, both))
    first = live("publish", "--env", "staging", "--json").data["task_ids"]
    second = live("publish", "--env", "beta", "--json").data["task_ids"]

    swept = live("sweep").err

    assert [live.result(one)["status"] for one in (*first, *second)] == ["success"] * 6
    assert re.findall(r"^started +(\S+)", swept, re.MULTILINE) == [*first, *second]


def test_the_same_key_gives_the_same_chain(live: Live) -> None:
    first = live("publish", "--env", "staging", "--key", "monday", "--json").data
    assert live("publish", "--env", "staging", "--key", "monday", "--json").data == first
    assert len(live("list", "--json").data["tasks"]) == 3
    other = live("publish", "--env", "staging", "--key", "monday", "--site", "main")
    assert other.code == 6, "with other content it is another wish"


def test_a_dry_run_shows_the_three_files_and_writes_none(live: Live) -> None:
    shown = live("publish", "--env", "staging", "--request", "put it on staging", "--dry-run")
    assert shown.code == 0
    assert shown.out.count("user_request: put it on staging") == 3
    assert live("list", "--json").data["tasks"] == []


def test_an_environment_that_is_nowhere_published_is_refused_at_once(live: Live) -> None:
    refused = live("publish", "--env", "dev")
    assert refused.code == 2
    assert "environments.dev.deploy" in refused.err
    misspelt = live("publish", "--env", "stagin")
    assert misspelt.code == 2 and "staging" in misspelt.err
    assert live("publish", "--env", "staging", "--site", "mian").code == 2
    assert live("list", "--json").data["tasks"] == []


def test_what_must_not_be_repeated_and_is_done_is_left_out_when_a_chain_is_retried(
    live: Live,
) -> None:
    live.change(LAYOUT, "{{ end }}", "{{ end")
    ids = live.submit("effect-once", "--then", "hugo-build", "--then", "noop").split()
    live("sweep")
    assert [live.result(one)["status"] for one in ids] == ["success", "failed", "cancelled"]

    live.change(LAYOUT, "{{ end", "{{ end }}")
    again = live("retry", ids[-1], "--wait", "60", "--json").data
    assert [name[16:] for name in again["task_ids"]] == ["hugo-build-dev-2", "noop-2"]
    assert (live.root / "effects.log").read_text().count("\n") == 1
    built = live.result(again["task_ids"][0])
    assert built["status"] == live.result(again["task_id"])["status"] == "success"
