"""Make the one file: `python deploy/onefile/build.py OUT [--with NAME…]`.

What is packed is what this interpreter has installed and the tests run with: the packages that
pyproject.toml names, and those that they need in turn. Nothing is fetched. Some of them are
compiled (pydantic-core, regex, selectolax, PyYAML), so the file is for this platform and this minor
version of Python.

    OUT  =  head.sh  +  zip of: __main__.py (unpack.py), about.py, payload.zip
    payload.zip  =  start.py, made_for (what it is for),
                    lib/pythonX.Y/site-packages/… with what Python compiles of it

`head.sh` starts what is unpacked already; Python, which reads a zip from its end, runs the rest.
"""

from __future__ import annotations

import argparse
import compileall
import hashlib
import io
import os
import platform
import py_compile
import re
import shutil
import sys
import sysconfig
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
PROGRAM = "workflow"
ALWAYS = ("brotli",)
"""Extras that every file has: small, and of use to deploys."""
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
SITE_PACKAGES = f"lib/python{PYTHON}/site-packages"
MADE_FOR = f"{sysconfig.get_config_var('SOABI')}, {platform.machine()}"
IN_USE = "workflow_in_use"
SERVICES = ("cloudfront", "signin", "sso", "sso-oidc", "sts")
"""Of AWS's: all that the program and the ways to credentials ask. The descriptions of the others
are nine tenths of botocore."""
_THEN = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: the same sources make the same file."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the program one file.")
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--with",
        dest="more",
        action="append",
        default=[],
        metavar="NAME",
        help="also an extra (hugo, mcp) or an installed package, one with handlers, say",
    )
    wanted = parser.parse_args()
    try:
        size = build(wanted.out, wanted.more)
    except PackageNotFoundError as error:
        print(f"{sys.executable} has no package {error.name}: install it first", file=sys.stderr)
        return 2
    print(f"{wanted.out}: {size / 1e6:.1f} MB, for Python {PYTHON} ({MADE_FOR})")
    return 0


def build(out: Path, more: Iterable[str] = ()) -> int:
    """Write the file; returns its size. Raises PackageNotFoundError for what is not installed."""
    # Not the metadata of what is installed here, which a checkout may have gone beyond.
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = project["optional-dependencies"]
    extras = {*ALWAYS, *(name for name in more if name in known)}
    others = [name for name in more if name not in known]
    wanted = [*project["dependencies"], *(line for name in extras for line in known[name]), *others]
    packed = needed(wanted)
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch, "tree")
        site_packages = tree / SITE_PACKAGES
        site_packages.mkdir(parents=True)
        for name in sorted(packed - {PROGRAM}):
            _copy(distribution(name), site_packages, whole=bool(others))
        version = _copy_ourselves(wanted, site_packages)
        shutil.copy(HERE / "start.py", tree / "start.py")
        (tree / "made_for").write_text(MADE_FOR, encoding="utf-8")
        shutil.copy(HERE / "in_use.py", site_packages / f"{IN_USE}.py")
        (site_packages / f"{IN_USE}.pth").write_text(f"import {IN_USE}\n", encoding="utf-8")
        _compile(tree)
        payload = _zipped(tree, compression=zipfile.ZIP_DEFLATED)
        about = _about(version, payload, _compiled(site_packages))
    _write(out, payload, about)
    return out.stat().st_size


def needed(lines: Iterable[str]) -> set[str]:
    """The installed packages that these requirements come to, with all that they need themselves.

    Raises PackageNotFoundError.
    """
    found: set[str] = set()
    ahead = [(line, frozenset[str]()) for line in lines]
    seen = set(ahead)
    while ahead:
        line, extras = ahead.pop()
        wanted = Requirement(line)
        if wanted.marker and not any(wanted.marker.evaluate({"extra": e}) for e in ("", *extras)):
            continue
        found.add(canonicalize_name(wanted.name))
        for further in distribution(wanted.name).requires or ():
            step = (further, frozenset(wanted.extras))
            if step not in seen:
                seen.add(step)
                ahead.append(step)
    return found


def _copy(package: Distribution, into: Path, *, whole: bool) -> None:
    for file in package.files or ():
        parts = file.parts
        if parts[0] == ".." or "__pycache__" in parts or file.suffix == ".pyi":
            continue
        if parts[-1] in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
            continue  # how it was installed here, which says nothing there
        if not whole and parts[:2] == ("botocore", "data") and _is_another_service(parts[2:]):
            continue
        target = into / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(str(package.locate_file(file)), target)


def _is_another_service(parts: tuple[str, ...]) -> bool:
    return len(parts) > 1 and parts[0] not in SERVICES


def _copy_ourselves(requirements: Iterable[str], into: Path) -> str:
    """The package as it lies in this checkout, and what is known of it; returns its version."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(REPOSITORY / PROGRAM, into / PROGRAM, ignore=ignored)
    own = (REPOSITORY / PROGRAM / "__init__.py").read_text(encoding="utf-8")
    said = re.search(r'^__version__ = "([^"]+)"', own, re.MULTILINE)
    assert said is not None
    lines = ["Metadata-Version: 2.1", f"Name: {PROGRAM}", f"Version: {said[1]}"]
    lines += [f"Requires-Dist: {line}" for line in requirements]
    known = into / f"{PROGRAM}-{said[1]}.dist-info"
    known.mkdir()
    (known / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return said[1]


def _compile(tree: Path) -> None:
    """Once, here: no first start has to, and no reader of the folder writes into it."""
    done = compileall.compile_dir(
        tree,
        quiet=2,
        workers=0,
        stripdir=os.fspath(tree),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not done and not list(tree.rglob("*.pyc")):
        raise SystemExit("nothing could be compiled")  # a template that is no Python does not count


def _compiled(site_packages: Path) -> list[str]:
    """The modules that are no Python, by their names."""
    found = []
    for path in sorted(site_packages.rglob("*")):
        for suffix in EXTENSION_SUFFIXES:
            if path.name.endswith(suffix):
                relative = path.relative_to(site_packages).as_posix()
                found.append(relative.removesuffix(suffix).replace("/", "."))
                break
    return found


def _about(version: str, payload: bytes, compiled: list[str]) -> dict[str, object]:
    digest = hashlib.sha256(payload).hexdigest()[:12]
    return {
        "VERSION": version,
        "PYTHON": PYTHON,
        "MADE_FOR": MADE_FOR,
        "NAME": f"{version}-{digest}",
        "COMPILED": compiled,
    }


def _write(out: Path, payload: bytes, about: dict[str, object]) -> None:
    head = (HERE / "head.sh").read_text(encoding="utf-8")
    for name in ("VERSION", "PYTHON", "NAME"):
        head = head.replace(f"@{name}@", str(about[name]))
    head = head.replace("@PLATFORM@", f"{sys.platform}, {platform.machine()}")
    out.parent.mkdir(parents=True, exist_ok=True)
    made = out.with_name(f".{out.name}.{os.getpid()}")
    with made.open("wb") as file:
        file.write(head.encode())
        with zipfile.ZipFile(file, "w") as archive:
            lines = "".join(f"{name} = {value!r}\n" for name, value in about.items())
            main_text = (HERE / "unpack.py").read_bytes()
            for name, raw in (("__main__.py", main_text), ("about.py", lines.encode())):
                archive.writestr(zipfile.ZipInfo(name, _THEN), raw)
            archive.writestr(zipfile.ZipInfo("payload.zip", _THEN), payload)
    made.chmod(0o755)
    made.replace(out)


def _zipped(tree: Path, compression: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for path in _files(tree):
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), _THEN)
            entry.compress_type = compression
            entry.external_attr = (path.stat().st_mode & 0o777) << 16
            archive.writestr(entry, path.read_bytes())
    return out.getvalue()


def _files(tree: Path) -> Iterator[Path]:
    return (path for path in sorted(tree.rglob("*")) if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
