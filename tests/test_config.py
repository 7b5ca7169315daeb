"""workflow.yaml: what is right serves, what is wrong is said at its place, all of it at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflow.config import Config, load_config, require_usable
from workflow.errors import Problem, WorkflowError

CONTRACT = """\
version: 1
sites:
  main: {path: ../klm-migrate/klm-hugo-site}     # relative to this file, absolute, or ~; the first is the default
environments:
  dev:        {base_url: "http://dev-klmhugoweb.s3-website-us-east-1.amazonaws.com/"}
  staging:
    base_url: https://www.klmcrm.com
    approval: approve                             # none | approve | phrase
    deploy: {strategy: native, bucket: klmcrm.com, cloudfront_id: E3HA8770RGET6T, verify_url: https://www.klmcrm.com}
  production:
    base_url: https://www.klminsurance.com
    approval: phrase
    deploy: {strategy: script, script: ../klm-migrate/publish_to_production.py, verify_url: https://www.klminsurance.com}
policies: {jobs: 2, settle_seconds: 2, archive: monthly}
"""  # noqa: E501 - word for word


def config(root: Path, text: str | bytes) -> Config:
    raw = text if isinstance(text, bytes) else text.encode()
    (root / "workflow.yaml").write_bytes(raw)
    return load_config(root)


def unusable(root: Path, text: str | bytes) -> WorkflowError:
    with pytest.raises(WorkflowError) as caught:
        config(root, text)
    assert caught.value.code == "bad_config"
    return caught.value


def test_the_example_of_the_contract_is_read_word_for_word(tmp_path: Path) -> None:
    found = config(tmp_path, CONTRACT)
    assert found.problems == ()
    require_usable(found)
    assert list(found.environments) == ["dev", "staging", "production"]
    dev, staging, production = found.environments.values()
    assert dev.base_url == "http://dev-klmhugoweb.s3-website-us-east-1.amazonaws.com/"
    assert dev.approval is None and dev.deploy is None
    assert staging.approval == "approve"
    assert staging.deploy is not None
    assert staging.deploy.model_dump(exclude_unset=True) == {
        "strategy": "native", "bucket": "klmcrm.com",
        "cloudfront_id": "E3HA8770RGET6T", "verify_url": "https://www.klmcrm.com",
    }  # fmt: skip
    assert production.approval == "phrase"
    assert production.deploy is not None
    assert production.deploy.script == Path("../klm-migrate/publish_to_production.py")
    assert (found.policies.jobs, found.policies.settle_seconds) == (2, 2)
    assert found.policies.archive == "monthly"


def test_the_least_configuration_is_a_version(tmp_path: Path) -> None:
    found = config(tmp_path, "version: 1\n")
    assert (found.problems, dict(found.sites), dict(found.environments)) == ((), {}, {})
    assert found.policies.jobs == 2
    assert found.policies.settle_seconds == 2
    assert found.policies.retry.max_attempts == 3
    with pytest.raises(WorkflowError, match="does not list a site; it lists: none"):
        found.site(None)
    with pytest.raises(WorkflowError, match="does not list an environment"):
        found.environment(None)


def test_everything_that_may_stand_there_is_read(tmp_path: Path) -> None:
    text = """\
version: 1
hugo: {path: ~/bin/hugo, version: '>=0.140, <0.170'}
sites: {main: {path: site, public: out}}
environments:
  dev:
    base_url: http://localhost:1313/
    hugo_environment: development
    deploy: {strategy: native, bucket: my.bucket, prefix: blog/, region: eu-central-1,
             endpoint_url: "http://127.0.0.1:9000", cloudfront_endpoint_url: "http://127.0.0.1:9001"}
policies:
  jobs: 8
  settle_seconds: 0.5
  timeout_minutes: 30
  retry: {max_attempts: 5, backoff_seconds: 1.5}
  archive: never
  sweeper_stale_seconds: 60
"""
    found = config(tmp_path, text)
    assert found.problems == ()
    assert found.hugo.path == Path("~/bin/hugo")
    assert found.sites["main"].public == "out"
    assert found.environments["dev"].hugo_environment == "development"
    assert found.policies.retry.backoff_seconds == 1.5


# -- what is wrong -----------------------------------------------------------------------------

ENVIRONMENT = "version: 1\nenvironments:\n  dev:\n    base_url: http://x/\n"
WRONG: list[tuple[str, int, int, str, str, tuple[str, ...]]] = [
    ("version: 1\nsite: {main: {path: x}}\n", 2, 1, "site", "unknown key", ("sites",)),
    ("version: 1\npolicies:\n  job: 3\n", 3, 3, "policies.job", "unknown key", ("jobs",)),
    ("version: 1\npolicies:\n  jobs: many\n", 3, 3, "policies.jobs", "valid integer", ()),
    ("version: 1\npolicies: {jobs: 0}\n", 2, 12, "policies.jobs", "greater than or equal to 1", ()),
    ("version: 1\npolicies: {archive: monthy}\n", 2, 12, "policies.archive", "'monthly' or 'never'",
     ("monthly",)),
    ("version: 1\npolicies:\n  retry: {max_attemps: 3}\n", 3, 11, "policies.retry.max_attemps",
     "unknown key", ("max_attempts",)),
    ("version: 1\nsites:\n  main: {pth: x}\n", 3, 3, "sites.main.path", "'path' is missing", ()),
    ("version: 1\nsites:\n  main: x\n", 3, 3, "sites.main", "must be a mapping", ()),
    ("version: 1\nsites: [x]\n", 2, 1, "sites", "must be a mapping", ()),
    ("version: 1\nsites:\n", 2, 1, "sites", "must be a mapping", ()),
    ("version: 1\nsites: {Main Site: {path: x}}\n", 2, 9, "sites.Main Site", "a-z, 0-9 and -", ()),
    ('version: 1\nsites: {main: {path: "a\\0b"}}\n', 2, 16, "sites.main.path", "NUL", ()),
    ("version: 1\nhugo: {version: new}\n", 2, 8, "hugo.version", "pattern", ()),
    ("version: 1\n5: x\n", 2, 1, "5", "unknown key", ()),
    ("version: 1\nnull: x\n", 2, 1, "null", "unknown key", ()),
    ("version: 1\nsites: {5.5: {path: x}}\n", 2, 9, "sites.5.5", "a-z, 0-9 and -", ()),
    ("version: 1\nenvironments: {dev: {}}\n", 2, 16, "environments.dev.base_url", "missing", ()),
    ("version: 1\nenvironments: {dev: {base_url: www.x.org}}\n", 2, 22, "environments.dev.base_url",
     "must be an address that starts with http:// or https://", ()),
    ("version: 1\nenvironments: {dev: {base_url: https://}}\n", 2, 22, "environments.dev.base_url",
     "must be an address", ()),
    ("version: 1\nenvironments: {dev: {base_url: 'https://x y.org'}}\n", 2, 22,
     "environments.dev.base_url", "' ' cannot stand in one", ()),
    ("version: 1\nenvironments: {dev: {base_url: 'https://x.org/%zz'}}\n", 2, 22,
     "environments.dev.base_url", "'%' cannot stand in one", ()),
    (ENVIRONMENT + "    approval: aprove\n", 5, 5, "environments.dev.approval", "'approve'",
     ("approve",)),
    (ENVIRONMENT + "    hugo_environment: a b\n", 5, 5, "environments.dev.hugo_environment",
     "pattern", ()),
    (ENVIRONMENT + "    deploy: {strategy: nativ}\n", 5, 14, "environments.dev.deploy.strategy",
     "'native' or 'script'", ("native",)),
    (ENVIRONMENT + "    deploy: {strategy: native, bukket: b}\n", 5, 32,
     "environments.dev.deploy.bukket", "unknown key", ("bucket",)),
    (ENVIRONMENT + "    deploy: {strategy: native, bucket: 's3://b'}\n", 5, 32,
     "environments.dev.deploy.bucket", "pattern", ()),
    (ENVIRONMENT + "    deploy: {strategy: native, cloudfront_id: e3}\n", 5, 32,
     "environments.dev.deploy.cloudfront_id", "pattern", ()),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "key", "message", "near"), WRONG)
def test_a_problem_has_line_column_key_and_the_nearest_key(
    tmp_path: Path, text: str, line: int, column: int, key: str, message: str, near: tuple[str, ...]
) -> None:
    found = [p for p in config(tmp_path, text).problems if p.key == key]
    assert [(p.line, p.column, p.key) for p in found] == [(line, column, key)]
    assert message in found[0].message
    assert found[0].did_you_mean[: len(near)] == near


def test_the_keys_that_are_known_are_named_at_every_level(tmp_path: Path) -> None:
    text = (
        "version: 1\nfoo: 1\npolicies: {bar: 1}\nenvironments: {a: {base_url: http://x, b: 1}}\n"
        "validate: {ignore: [{reason: x, rule: link-broken}, {reason: y, page: z, urls: 1}]}\n"
    )
    hints = [problem.hint for problem in config(tmp_path, text).problems]
    assert hints == [
        "known here: commands, content, environments, forms, git, hugo, jotform, notify, policies, "
        "report, sites, sync, validate, version",
        "known here: archive, jobs, retry, settle_seconds, submit_starts_sweep, "
        "sweeper_stale_seconds, timeout_minutes",
        "known here: accept_declared, approval, approval_minutes, base_url, deploy, "
        "hugo_environment, phrase, validate, waive",
        "known here: page, reason, rule, url",
    ]


MANY = """\
version: 1
sites:
  good: {path: site}
  bad: {pth: x}
environments:
  dev: {base_url: http://dev.example.org/}
  staging: {base_url: nowhere, approval: maybe}
policies:
  jobs: x
  archiv: monthly
  timeout_minutes: 7
extra: 1
"""


def test_all_problems_are_said_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = config(tmp_path, MANY)
    assert [(p.line, p.key) for p in found.problems] == [
        (4, "sites.bad.path"),
        (4, "sites.bad.pth"),
        (7, "environments.staging.base_url"),
        (7, "environments.staging.approval"),
        (9, "policies.jobs"),
        (10, "policies.archiv"),
        (12, "extra"),
    ]
    with pytest.raises(WorkflowError) as caught:
        require_usable(found)
    assert caught.value.code == "bad_config"
    assert list(caught.value.problems) == list(found.problems)
    assert "workflow.yaml:9:3: policies.jobs: " in caught.value.message
    assert "workflow.yaml:12:1: extra: unknown key" in caught.value.message


def test_a_broken_entry_leaves_the_others_usable(tmp_path: Path) -> None:
    found = config(tmp_path, MANY)
    assert found.site("good")[0] == found.site(None)[0] == "good"
    assert found.environment("dev")[1].base_url == "http://dev.example.org/"
    assert found.policies.timeout_minutes == 7
    assert found.policies.jobs == 2


def test_who_needs_a_broken_entry_is_told_what_is_wrong_with_it(tmp_path: Path) -> None:
    found = config(tmp_path, MANY)
    with pytest.raises(WorkflowError) as caught:
        found.environment("staging")
    assert caught.value.code == "bad_config"
    assert "environments.staging is unusable: workflow.yaml:7:" in caught.value.message
    with pytest.raises(WorkflowError, match=r"sites\.bad is unusable"):
        found.site("bad")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "must be a mapping that starts with 'version: 1'"),
        ("# nothing\n", 1, "must be a mapping"),
        ("- version: 1\n", 1, "must be a mapping"),
        ("sites: {main: {path: x}}\n", 1, "'version' is missing"),
        ("# c\nversion: 2\nsites: 5\n", 2, "version: input should be 1"),
        ("version: '1'\n", 1, "version: input should be 1"),
        ("version: 1\nsites:\n\tmain: x\n", 3, "tab"),
        ("version: 1\nversion: 1\n", 2, "twice"),
        ("version: 1\nsites: {main: {path: x}\n", 2, "never closed"),
        ("version: 1\nx: !!python/name:os.system y\n", 2, "not allowed"),
        ("version: 1\n[a]: x\n", 2, "a key must be"),
        ("version: 1\nx: \x00\n", 2, "NUL byte"),
        ("version: 1\nx: " + "[" * 100_000, 2, "nested deeper"),
    ],
)
def test_a_file_of_which_nothing_can_be_used_is_refused_with_the_place(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    error = unusable(tmp_path, text)
    assert message in error.message
    assert error.problems[0].line == line
    assert f"workflow.yaml:{line}" in error.message


@pytest.mark.parametrize("raw", [b"version: 1\nx: \xff\n", "version: 1\n".encode("utf-16"),
                                 b"version: 1\n#" + b"x" * 2_000_000])  # fmt: skip
def test_a_file_that_is_no_text_of_ours_is_refused(tmp_path: Path, raw: bytes) -> None:
    assert "workflow.yaml" in unusable(tmp_path, raw).message


def test_a_folder_without_configuration_is_no_exchange(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError) as caught:
        load_config(tmp_path)
    assert caught.value.code == "no_exchange"
    assert "workflow init" in (caught.value.hint or "")


def test_a_configuration_that_is_a_folder_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "workflow.yaml").mkdir()
    with pytest.raises(WorkflowError) as caught:
        load_config(tmp_path)
    assert caught.value.code == "bad_config"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    found = config(tmp_path, b"\xef\xbb\xbf" + CONTRACT.replace("\n", "\r\n").encode())
    assert found.problems == ()
    assert "staging" in found.environments


names = st.sampled_from(
    ["version", "sites", "environments", "policies", "hugo", "dev", "path", "base_url", "deploy",
     "retry", "jobs", "5", "null", "true", "1.5", "[key]"]
)  # fmt: skip
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
)


@settings(deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(names, trees, max_size=5))
def test_whatever_stands_there_is_read_or_said_and_never_hangs(
    tmp_path: Path, data: dict[str, object]
) -> None:
    from workflow import yaml12

    text = yaml12.dump({"version": 1, **{k: v for k, v in data.items() if k != "version"}})
    found = config(tmp_path, text)
    for problem in found.problems:
        assert isinstance(problem, Problem)
        assert problem.line is not None and problem.key
    if not found.problems:
        assert set(data) <= {
            "version", "sites", "environments", "policies", "hugo", "validate", "forms",
        }  # fmt: skip


# -- sites and paths ---------------------------------------------------------------------------


@pytest.fixture
def homely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """An exchange beside two sites, a third one in the home folder."""
    exchange = tmp_path / "exchange"
    for folder in (exchange, tmp_path / "one", tmp_path / "two", tmp_path / "home" / "three"):
        folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return config(
        exchange,
        f"version: 1\nsites:\n  one: {{path: ../one}}\n  two: {{path: {tmp_path / 'two'}}}\n"
        "  three: {path: ~/three}\n",
    )


def test_paths_are_relative_to_the_file_or_absolute_or_from_home(
    homely: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    paths = [str(homely.path(site.path)) for site in homely.sites.values()]
    assert paths == [str(tmp_path / "one"), str(tmp_path / "two"), str(tmp_path / "home" / "three")]


def test_a_site_is_found_by_name_and_by_each_way_to_write_its_path(
    homely: Config, tmp_path: Path
) -> None:
    assert homely.site(None)[0] == "one", "the first is the default"
    assert homely.site("two")[0] == "two"
    for path in ("../one", str(tmp_path / "one"), f"{tmp_path}/two/../one/", "./../one"):
        assert homely.site(path)[0] == "one"
    assert homely.site("~/three")[0] == homely.site(str(tmp_path / "home/three"))[0] == "three"
    (tmp_path / "link").symlink_to("two")
    assert homely.site(str(tmp_path / "link"))[0] == "two"


@pytest.mark.parametrize("asked", ["..", "../one/content", "/", "/etc", "~", "~nobody/x", "", ".",
                                   "one/../..", "../nowhere", "One", "a\0b"])  # fmt: skip
def test_a_path_that_is_not_listed_is_refused(homely: Config, asked: str) -> None:
    with pytest.raises(WorkflowError) as caught:
        homely.site(asked)
    assert caught.value.code == "no_such_site"
    assert "it lists: one, two, three" in caught.value.message


def test_a_link_that_leads_out_of_a_site_is_not_that_site(homely: Config, tmp_path: Path) -> None:
    (tmp_path / "one" / "out").symlink_to("/")
    with pytest.raises(WorkflowError):
        homely.site(os.path.join("..", "one", "out"))


def test_a_misspelt_name_is_met_with_the_nearest_one(homely: Config) -> None:
    with pytest.raises(WorkflowError) as caught:
        homely.site("thre")
    assert list(caught.value.did_you_mean) == ["three"]
    assert "add it under `sites:`" in (caught.value.hint or "")


def test_the_first_environment_is_the_default_and_others_go_by_name(tmp_path: Path) -> None:
    found = config(tmp_path, CONTRACT)
    assert found.environment(None)[0] == "dev"
    assert found.environment("production")[0] == "production"
    with pytest.raises(WorkflowError) as caught:
        found.environment("stagin")
    assert caught.value.code == "no_such_environment"
    assert list(caught.value.did_you_mean) == ["staging"]
    assert "it lists: dev, staging, production" in caught.value.message
