"""The house keeps its order: who may import whom, and what nobody may be called."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import workflow

PACKAGE = Path(workflow.__file__).parent
LAYERS = [
    {
        "errors",
        "certificates",
        "columns",
        "figures",
        "layout",
        "itself",
        "yaml12",
        "yaml_faults",
        "redact",
        "durable",
        "capture",
        "kinship",
        "printed",
        "process",
        "keychain",
    },
    {
        "settings",
        "document",
        "config",
        "expectations",
        "result",
    },
    {"lease", "journal", "status_key", "templates", "publicdir", "trade"},
    {"exchange", "handler"},
    {"approval", "plans", "pending", "park", "archive"},
    {"leftovers"},
    {"hugo"},
    {"deploy"},
    {"validator"},
    {"content", "declared", "forms", "git"},
    {"handlers"},
    {"task"},
    {"attempt", "runner", "unrun", "schemas", "submission", "initialise"},
    {"chains"},
    {"agreement"},
    {"admission"},
    {"settle", "overview", "swept"},
    {"intake", "witness"},
    {"claim", "recover"},
    {"audit"},
    {"service", "report", "notify"},
    {"sweep"},
    {"sync"},
    {"screen"},
    {"reply", "sweeping", "board"},
    {"boundary"},
    {"background", "demo"},
    {"cli"},
    {"claude"},
    {"doctor"},
    {"commands", "tools_server"},
    {"hook"},
    {"__main__", "__init__"},
]
"""From the ground up: a module imports from its own layer and those before it. `cli` finds the
commands by their names and `commands` take their shape from it, so those two are told apart
below."""
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY_OWNERS = {
    "ruamel": {"document"},
    "filelock": {"exchange"},
    "rich": {"sweeping", "board"},
    "pydantic": {
        "settings",
        "config",
        "content",
        "declared",
        "deploy",
        "forms",
        "git",
        "handler",
        "handlers",
        "hugo",
        "task",
        "submission",
    },
    "regex": {"expectations", "deploy"},
    "yaml": {"yaml12", "yaml_faults", "document", "status_key"},
    "typer": {"cli", "commands"},
    "subprocess": {
        "process",
        "kinship",
        "hugo",
        "background",
        "demo",
        "notify",
        "report",
        "service",
        "validator",
    },
    "selectolax": {"validator"},
    "markdown_it": {"content", "validator"},
    "httpx": {"forms"},
    "apprise": {"notify"},
    "mcp": {"tools_server"},
    "mcp_types": {"tools_server"},
    "anyio": {"tools_server"},
}
"""Whose a library is. `demo` runs ourselves as a person would."""


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _layer(name: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if name in names)


def _imports(path: Path) -> set[str]:
    """Every module that a file imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _ours(path: Path) -> set[str]:
    names = {name.split(".")[1] for name in _imports(path) if name.startswith("workflow.")}
    known = {name for layer in LAYERS for name in layer}
    return names & known


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down_only(path: Path) -> None:
    name = _name(path)
    above = {other for other in _ours(path) if _layer(other) > _layer(name)}
    assert not above, f"{name} imports {above} from a floor above"


def test_every_module_has_its_floor() -> None:
    known = {name for layer in LAYERS for name in layer}
    assert {_name(path) for path in MODULES} <= known


def test_handlers_know_nothing_of_the_exchange() -> None:
    for path in [*PACKAGE.glob("handlers/*.py"), *PACKAGE.glob("hugo/*.py")]:
        assert not _ours(path) & {"exchange", "sweep", "settle", "lease", "admission"}, path


def test_the_runner_moves_no_files_and_the_exchange_parses_none() -> None:
    for name in ("runner.py", "attempt.py"):
        assert not _ours(PACKAGE / name) & {"exchange", "durable", "settle", "lease"}
    assert not _ours(PACKAGE / "exchange.py") & {"document", "yaml12", "task", "config"}


@pytest.mark.parametrize("library", HEAVY_OWNERS)
def test_a_library_is_imported_by_its_owners_only(library: str) -> None:
    users = {
        _name(path)
        for path in MODULES
        if any(name.split(".")[0] == library for name in _imports(path))
    }
    assert users <= HEAVY_OWNERS[library]


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "helpers", "common", "models", "constants", "base", "manager"}
    assert not {path.stem for path in MODULES} & empty


def test_no_module_has_grown_past_its_room() -> None:
    sizes = {str(p.relative_to(PACKAGE)): len(p.read_text().splitlines()) for p in MODULES}
    assert {name: size for name, size in sizes.items() if size > 400} == {}
