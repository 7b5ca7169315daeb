"""Task types from other packages: the example is built, installed and run; broken ones stop
nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import Program
from workflow.handler import Outcome

EXAMPLE = Path(__file__).parent / "example_package"
HANDLER = """\
from workflow import handler
class Params(handler.Params): pass
def resources(params, config): return ()
def run(context): return handler.Outcome(outputs={}, verdict='Done.')
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package as pip builds and installs it, without the network."""
    folder = tmp_path_factory.mktemp("installed")
    source = shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("source") / "package")
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    made = subprocess.run(
        [sys.executable, "-m", "pip", "install", *offline, "--target", folder, source],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return folder


def beside(program: Program, folder: Path) -> str:
    return f"{program.environ['PYTHONPATH']}{os.pathsep}{folder}"


def package(folder: Path, name: str, entries: str, **modules: str) -> None:
    """A package as an installer leaves it."""
    metadata = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[workflow.handlers]\n{entries}")
    for module, code in modules.items():
        (folder / f"{module}.py").write_text(code)


def test_the_example_package_is_installed_shown_submitted_and_run(
    program: Program, installed: Path
) -> None:
    environ = {"PYTHONPATH": beside(program, installed)}
    listed = {row["name"]: row for row in program("types", "--json", **environ).data["types"]}
    assert listed["site-weigh"]["group"] == "From other packages"
    assert listed["site-weigh"]["from"] == "workflow-example-weigh 1.0.0"
    shown = program("types", "site-weigh", "--json", **environ).data
    assert shown["example"] == "workflow submit site-weigh --set heaviest=3"
    heaviest = next(one for one in shown["parameters"] if one["name"] == "heaviest")
    assert (heaviest["type"], heaviest["default"]) == ("integer 1..1000", 10)
    assert "priority: low" in program("templates", "site-weigh", **environ).out

    unbuilt = program(*shown["example"].split()[1:], **environ).out.strip()
    program("sweep", **environ)
    assert program.result(unbuilt)["error"]["code"] == "not_built"
    public = program.root / "site/public"
    public.mkdir()
    (public / "index.html").write_text("hello")
    task_id = program(*shown["example"].split()[1:], **environ).out.strip()
    program("sweep", **environ)
    result = program.result(task_id)
    assert result["status"] == "success"
    assert result["outputs"] == {
        "site": "main", "file_count": 1, "total_bytes": 5,
        "heaviest": [{"path": "index.html", "bytes": 5}],
    }  # fmt: skip
    assert set(result["outputs"]) == {output["name"] for output in shown["outputs"]}
    checks = result["verification"]["checks"]
    assert [check["name"] for check in checks] == ["file_count", "total_bytes", "heaviest"]
    assert program("verify", task_id, **environ).code == 0


def test_the_example_package_passes_its_own_test(program: Program, installed: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE)],
        env={**program.environ, "PYTHONPATH": beside(program, installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in ran.stdout, ran.stdout + ran.stderr


def test_broken_packages_are_told_and_stop_nothing(program: Program, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    package(
        broken,
        "broken",
        "no-module = not_there\nraises = raises\nleaves = leaves\nno-run = no_run\n"
        "no-params = no_params\nnoop = fine\nhugo-deploy-qa = fine\nBad_Name = fine\n"
        "twice = fine\nwell = fine\n",
        raises="raise RuntimeError('line one\\nline two')\n",
        leaves="import sys\nsys.exit(3)\n",
        no_run=HANDLER.replace("def run", "def walk"),
        no_params=HANDLER.replace("handler.Params", "object"),
        fine=HANDLER,
    )
    package(broken, "second", "twice = other\n", other=HANDLER)
    environ = {"PYTHONPATH": beside(program, broken)}
    listed = program("types", "--json", **environ)
    names = [row["name"] for row in listed.data["types"]]
    assert names.count("noop") == 1 and names.count("well") == 1
    said = dict(w.split(" cannot be used: ", 1) for w in listed.json["warnings"])
    assert {name: why.split(": ", 1)[1] for name, why in said.items()} == {
        "no-module": "ModuleNotFoundError: No module named 'not_there'",
        "raises": "RuntimeError: line one line two",
        "leaves": "SystemExit: 3",
        "no-run": "TypeError: the module has no run that is a function",
        "no-params": "TypeError: the module has no Params that is a subclass of "
        "workflow.handler.Params",
        "noop": "ValueError: the name is that of a task type of ours",
        "hugo-deploy-qa": "ValueError: the name is that of a task type of ours",
        "Bad_Name": "ValueError: a task type's name may hold a-z, 0-9 and - only",
        "twice": "ValueError: several packages bring a type of this name: broken 1.0 and second "
        "1.0",
    }
    findings = program("doctor", "--json", **environ).data["findings"]
    assert {f"task type {name}" for name in said} <= {one["subject"] for one in findings}
    for name in ("leaves", "well", "noop"):
        program.write(f"t-{name}.md", f"---\ntask_type: {name}\n---\n")
    assert program("sweep", **environ).code == 0
    error = program.result("t-leaves")["error"]
    assert (error["code"], error["message"]) == (
        "unknown_type",
        "the task type 'leaves' cannot be used: broken 1.0 (leaves): SystemExit: 3",
    )
    for words in (("types", "raises"), ("submit", "raises")):
        ran = program(*words, **environ)
        assert (ran.code, "hugo-build" in ran.err) == (2, False)
        why = "broken 1.0 (raises): RuntimeError: line one line two"
        assert f"the task type 'raises' cannot be used: {why}" in ran.err
        assert "mend or uninstall the package broken 1.0" in ran.err
    assert program.result("t-well")["status"] == "success"
    assert program.result("t-noop")["outputs"] == {"message": "Nothing was to be done."}
    shown = program("types", "well", "--json", **environ)
    assert (shown.code, shown.data["outputs"]) == (0, [])
    assert shown.data["example"] == "workflow submit well"


WAYS = {
    "return None": "TypeError: run gave back NoneType, and has to give an Outcome",
    "return {'x': 1}": "TypeError: run gave back dict, and has to give an Outcome",
    "return handler.Outcome(True, 'Done.')": "TypeError: Outcome.outputs is a bool, and has to be "
    "a mapping",
    "return handler.Outcome({}, 7)": "TypeError: Outcome.verdict is a int, and has to be a str",
    "return handler.Outcome({}, 'Done.', summary=7)": "TypeError: Outcome.summary is a int, and "
    "has to be a str",
    "return handler.Outcome({}, 'Done.', statistics=[1])": "TypeError: Outcome.statistics is a "
    "list, and has to be a mapping",
    "return handler.Outcome({}, 'Done.', next_steps='abc')": "TypeError: Outcome.next_steps is a "
    "str, and has to be a sequence",
    "raise SystemExit(3)": "SystemExit: 3",
}
"""What `run` of another package may end with, and what its result then says of it."""


def test_whatever_a_package_s_handler_gives_back_its_task_says_so_and_the_next_one_runs(
    program: Program, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    modules = {f"way_{number}": way for number, way in enumerate(WAYS)}
    returns = "return handler.Outcome(outputs={}, verdict='Done.')"
    package(
        broken,
        "broken",
        "".join(f"way-{number} = way_{number}\n" for number in range(len(WAYS))),
        **{module: HANDLER.replace(returns, way) for module, way in modules.items()},
    )
    for number in range(len(WAYS)):
        program.write(f"t-{number}.md", f"---\ntask_type: way-{number}\n---\n")
    program.write("t-noop.md", "---\ntask_type: noop\npriority: low\n---\n")
    swept = program("sweep", PYTHONPATH=beside(program, broken))
    assert swept.code == 0 and "Traceback" not in swept.err
    for number, said in enumerate(WAYS.values()):
        error = program.result(f"t-{number}")["error"]
        assert error["code"] == "handler_defect"
        assert error["message"] == f"the handler of way-{number} broke: {said}"
    assert program.result("t-noop")["status"] == "success"


def test_a_command_of_workflow_yaml_goes_before_a_package_s_type(
    program: Program, tmp_path: Path
) -> None:
    folder = tmp_path / "packages"
    package(folder, "polite", "greet = fine\n", fine=HANDLER)
    with (program.root / "workflow.yaml").open("a") as file:
        file.write("commands:\n  greet: {argv: [/bin/echo, hello]}\n")
    environ = {"PYTHONPATH": beside(program, folder)}
    shown = program("types", "greet", "--json", **environ).data
    assert shown["from"] == "commands.greet in workflow.yaml"
    (warning,) = program("types", "--json", **environ).json["warnings"]
    assert "polite 1.0" in warning
    task_id = program("submit", "greet", **environ).out.strip()
    program("sweep", **environ)
    assert program.result(task_id)["logs"] == "hello\n"


def test_types_of_ours_are_found_without_a_look_at_other_packages(program: Program) -> None:
    code = (
        "import sys\nfrom workflow.config import load_config\n"
        "from workflow.handlers import find_type\n"
        "config = load_config('.')\n"
        "assert find_type('noop', config) and find_type('hugo-deploy-dev', config)\n"
        "assert find_type('mine', config).summary == 'Run /bin/true'\n"
        "print([m for m in ('importlib.metadata', 'workflow.declared', 'workflow.handlers.noop')"
        " if m in sys.modules])\n"
    )
    with (program.root / "workflow.yaml").open("a") as file:
        file.write("commands: {mine: {argv: [/bin/true]}}\n")
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=program.root, env=program.environ, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "workflow" not in ran.stdout


def test_the_page_on_handlers_tells_all_that_one_may_give_back() -> None:
    page = (Path(__file__).parents[1] / "docs/handlers.md").read_text()
    for name in Outcome.__dataclass_fields__:
        assert re.search(rf"`{name}|[ (]{name}=", page), name
