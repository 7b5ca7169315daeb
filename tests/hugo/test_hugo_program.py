"""Finding Hugo, asking its version, and what Hugo sees of our environment."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.sites import WORKFLOW_YAML, Workshop, isolate
from workflow.config import Config
from workflow.errors import TaskFailed
from workflow.hugo import program as hugo_program
from workflow.hugo.program import Hugo, find, satisfies


@pytest.fixture
def exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    isolate(monkeypatch, tmp_path)
    return Workshop(tmp_path).configure(WORKFLOW_YAML)


def with_hugo(exchange: Workshop, text: str) -> Workshop:
    return exchange.configure(f"{WORKFLOW_YAML}hugo: {{{text}}}\n")


def program(path: Path, text: str, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def says(version: str) -> str:
    return f"#!/bin/sh\necho 'hugo v{version} linux/amd64 BuildDate=unknown'\n"


def caught(exchange: Workshop) -> tuple[str, str, str]:
    with pytest.raises(TaskFailed) as failure:
        find(exchange.config)
    error = failure.value.error
    assert error.hint
    return error.code, error.action, error.message


def test_the_packaged_hugo_is_found_without_its_script(exchange: Workshop) -> None:
    hugo = find(exchange.config)
    assert hugo.path.endswith("hugo/binaries/hugo")
    assert hugo.version == hugo.number + "+extended"
    assert tuple(map(int, hugo.number.split("."))) >= (0, 140, 0)


def test_the_configured_hugo_goes_before_all_others(exchange: Workshop) -> None:
    path = program(exchange.root / "bin" / "my-hugo", says("0.150.1-abc"))
    hugo = find(with_hugo(exchange, "path: bin/my-hugo").config)
    assert (hugo.path, hugo.version) == (str(path), "0.150.1")


@pytest.mark.parametrize("where", ["PATH", "~/go/bin"])
def test_without_the_package_it_is_looked_for_on_path_and_in_usual_places(
    where: str, exchange: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hugo_program, "_packaged", lambda: None)
    monkeypatch.setattr(hugo_program, "PLACES", ("~/go/bin",))
    folder = exchange.root / "bin" if where == "PATH" else Path.home() / "go" / "bin"
    path = program(folder / "hugo", says("0.141.0"))
    monkeypatch.setenv("PATH", str(exchange.root / "bin"))
    assert find(exchange.config).path == str(path)


def test_no_hugo_at_all(exchange: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hugo_program, "_packaged", lambda: None)
    monkeypatch.setattr(hugo_program, "PLACES", ())
    monkeypatch.setenv("PATH", str(exchange.root))
    assert caught(exchange)[:2] == ("hugo_not_found", "escalate")


def test_a_configured_hugo_that_is_not_there_is_not_replaced_by_another(exchange: Workshop) -> None:
    code, action, message = caught(with_hugo(exchange, "path: nowhere/hugo"))
    assert (code, action) == ("hugo_not_found", "escalate")
    assert str(exchange.root / "nowhere" / "hugo") in message


@pytest.mark.parametrize(
    ("text", "mode", "reason"),
    [
        (says("0.150.0"), 0o644, "no permission to be executed"),
        ("\x7fELF nonsense", 0o755, "Exec format error"),
        ("#!/bin/sh\necho no such command; exit 3\n", 0o755, "ended with 3 and said: no such"),
        ("#!/bin/sh\necho 'another program v1.0'\n", 0o755, "said: another program"),
        ("#!/bin/sh\nexec sleep 60\n", 0o755, "hangs"),
    ],
    ids=["no permission", "no program", "fails", "another program", "hangs"],
)
def test_what_is_there_but_cannot_be_run(
    text: str, mode: int, reason: str, exchange: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hugo_program, "_TIME_LIMIT", 0.5)
    program(exchange.root / "hugo", text, mode)
    code, action, message = caught(with_hugo(exchange, "path: hugo"))
    assert (code, action) == ("hugo_not_executable", "escalate")
    assert reason in message


def test_another_version_than_asked_for(exchange: Workshop) -> None:
    program(exchange.root / "hugo", says("0.139.4+extended"))
    code, action, message = caught(with_hugo(exchange, "path: hugo, version: '>=0.140, <0.170'"))
    assert (code, action) == ("hugo_wrong_version", "escalate")
    assert "Hugo 0.139.4" in message and ">=0.140, <0.170" in message


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("hugo v0.168.0-e27a6760+extended+withdeploy linux/amd64", "0.168.0+extended"),
        ("hugo v0.111.3+extended linux/amd64 VendorInfo=debian:0.111.3-1", "0.111.3+extended"),
        ("hugo v0.92.2-CC3 darwin/arm64", "0.92.2"),
        ("Hugo Static Site Generator v0.74.3/extended linux/amd64", "0.74.3+extended"),
        ("\x1b[95mRunning Hugo 0.168.0 via x\x1b[0m\nhugo v0.168.0-e2 linux/amd64", "0.168.0"),
    ],
)
def test_versions_as_they_are_printed(printed: str, version: str, exchange: Workshop) -> None:
    program(exchange.root / "hugo", f"#!/bin/sh\nprintf '%s\\n' '{printed}'\n")
    assert find(with_hugo(exchange, "path: hugo").config).version == version


@pytest.mark.parametrize(
    ("version", "requirement", "fulfilled"),
    [
        ("0.168.0", ">=0.140", True),
        ("0.168.0", ">=0.140, <0.168", False),
        ("0.168.0", "==0.168", True),
        ("0.168.1", "==0.168", False),
        ("0.168", "<= 0.168.0", True),
        ("0.9.0", ">0.10", False),
        ("1.0.0", "> 0.999.9", True),
    ],
)
def test_requirements_compare_numbers(version: str, requirement: str, fulfilled: bool) -> None:
    assert satisfies(version, requirement) is fulfilled


def count_starts(exchange: Workshop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    started: list[str] = []
    ask = hugo_program._ask

    def counted(path: str, config: Config) -> Hugo:
        started.append(path)
        return ask(path, config)

    monkeypatch.setattr(hugo_program, "_ask", counted)
    return started


def test_the_version_is_asked_once_for_as_long_as_the_binary_is_the_same(
    exchange: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = hugo_program._packaged()
    assert packaged is not None
    shutil.copy2(packaged, exchange.root / "hugo")
    config = with_hugo(exchange, "path: hugo").config
    started = count_starts(exchange, monkeypatch)
    assert find(config) == find(config)
    assert len(started) == 1
    os.utime(exchange.root / "hugo", ns=(1, 1))
    find(config)
    assert len(started) == 2
    assert os.listdir(exchange.root / ".workflow" / "cache") == ["hugo.json"]


def test_a_script_is_asked_each_time_since_it_may_start_another_hugo_tomorrow(
    exchange: Workshop,
) -> None:
    (exchange.root / "version").write_text("hugo v0.150.0\n")
    program(exchange.root / "hugo", f"#!/bin/sh\ncat '{exchange.root}/version'\n")
    config = with_hugo(exchange, "path: hugo").config
    assert find(config).number == "0.150.0"
    (exchange.root / "version").write_text("hugo v0.151.0\n")
    assert find(config).number == "0.151.0"


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"binary": null}', b'{"binary": {}, "hugo": 3}'],
)
def test_a_damaged_cache_is_made_anew(damage: bytes, exchange: Workshop) -> None:
    config = exchange.config
    hugo = find(config)
    cache = exchange.root / ".workflow" / "cache" / "hugo.json"
    whole = json.loads(cache.read_bytes())
    cache.write_bytes(damage)
    assert find(config) == hugo
    assert json.loads(cache.read_bytes()) == whole


def test_a_cache_that_holds_nonsense_for_this_very_binary_is_not_believed(
    exchange: Workshop,
) -> None:
    config = exchange.config
    hugo = find(config)
    cache = exchange.root / ".workflow" / "cache" / "hugo.json"
    data = json.loads(cache.read_bytes())
    data["hugo"]["number"] = "newest"
    cache.write_text(json.dumps(data))
    assert find(config) == hugo


def test_a_cache_that_cannot_be_written_costs_time_only(exchange: Workshop) -> None:
    (exchange.root / ".workflow").write_text("a file where a folder should be")
    assert find(exchange.config).number


def test_hugo_sees_no_credentials_and_no_configuration_of_ours() -> None:
    seen = hugo_program.environment(
        {
            "PATH": "/usr/bin:/bin",
            "HOME": "/home/x",
            "AWS_SECRET_ACCESS_KEY": "s",
            "HUGO_PARAMS_COLOR": "red",
            "HUGO_BASEURL": "https://evil.example",
            "HUGO_CACHEDIR": "/cache",
            "GITHUB_TOKEN": "t",
            "HTTPS_PROXY": "http://proxy",
        }
    )
    assert seen.pop("PATH").split(":")[:2] == ["/usr/bin", "/bin"]
    assert seen == {
        "HOME": "/home/x",
        "HUGO_CACHEDIR": "/cache",
        "HTTPS_PROXY": "http://proxy",
        "NO_COLOR": "1",
    }


def test_tools_in_usual_places_are_on_hugos_path_even_if_not_on_ours() -> None:
    path = hugo_program.environment({"PATH": "/usr/bin"})["PATH"].split(":")
    assert path[0] == "/usr/bin"
    assert "/opt/homebrew/bin" in path and "/usr/local/bin" in path
