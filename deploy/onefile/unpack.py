"""The first start of the one file: unpacks the program, once, and runs it from there.

What is unpacked is a virtual environment, so that nothing which is installed elsewhere is in its
way, and the program finds itself by `sys.executable` as it does when it is installed. It appears
in one step, complete and on the disk: two first starts at once, or one that is killed, leave no
half of it behind. The standard library alone is used, of whatever Python this is.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from typing import NoReturn

import about  # type: ignore[import-not-found]  # written by build.py, beside this in the file

PAYLOAD = "payload.zip"
_UNPACKING = ".unpacking-"
_GIVEN_UP_SECONDS = 3600
_MARK = "made_for"
"""In each folder, see in_use.py: for which kind of Python it was made; locked while it runs."""
_UNUSED_SECONDS = 7 * 24 * 3600
_VERSION = re.compile(r"[0-9][^/]*-[0-9a-f]{12}")


class Refused(Exception):
    """The program cannot be unpacked, or would not run. Code, message and hint."""


def main() -> NoReturn:
    """Run the program with `sys.argv`, unpacked first where that has not been done."""
    try:
        home = unpacked(sys.argv[0])
    except Refused as refused:
        _refuse(*refused.args)
    python = os.path.join(home, "bin", "python")
    os.execv(python, [python, "-I", os.path.join(home, "start.py"), *sys.argv])


def unpacked(file: str) -> str:
    """The folder of the program that is in `file`. Raises Refused."""
    here = f"{sysconfig.get_config_var('SOABI')}, {platform.machine()}"
    if here != about.MADE_FOR:
        raise Refused(
            "wrong_python",
            f"this file was made for {about.MADE_FOR}; {sys.executable} is {here}",
            f"start it with Python {about.PYTHON} of that system, or use the file made for yours",
        )
    home = os.path.join(_cache(), about.NAME)
    try:
        if os.path.isdir(home):
            if os.stat(home).st_uid != os.geteuid():
                raise Refused(
                    "not_yours",
                    f"{home} belongs to another user, whose program is not run",
                    "name a cache of your own: XDG_CACHE_HOME=/absolute/folder",
                )
            if not os.access(os.path.join(home, "bin", "python"), os.X_OK):
                _point_at_python(home)  # the one that it was made with has gone
        else:
            _unpack(file, home)
    except (OSError, zipfile.BadZipFile) as error:
        raise Refused(
            "cannot_unpack",
            f"the program cannot be unpacked into {home}: {error}",
            "the first start writes there: run `workflow --version` once where that is allowed, "
            "or name another folder: XDG_CACHE_HOME=/absolute/folder",
        ) from error
    return home


def _cache() -> str:
    named = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(named):  # as the specification has it
        own = os.environ.get("HOME") or os.path.expanduser("~")
        named = os.path.join(own, ".cache")
    return os.path.join(named, "workflow")


def _unpack(file: str, home: str) -> None:
    above = os.path.dirname(home)
    os.makedirs(above, mode=0o700, exist_ok=True)
    _forget_given_up(above)
    if sys.stderr.isatty():
        print(f"unpacking into {home}, once", file=sys.stderr)
    made = tempfile.mkdtemp(prefix=_UNPACKING, dir=above)
    try:
        with zipfile.ZipFile(file) as outer, outer.open(PAYLOAD) as inner:
            _extract(inner, made)
        _point_at_python(made)
        _try(made)
        os.sync()  # a folder that is there must be whole, after a power cut too
        try:
            os.rename(made, home)
        except OSError:
            if not os.path.isdir(home):
                raise
            # RACE: another first start was quicker, and made the same.
    finally:
        shutil.rmtree(made, ignore_errors=True)
    for name in os.listdir(above):
        if _VERSION.fullmatch(name) and name != about.NAME:
            _forget_unused(os.path.join(above, name))


def _extract(inner: object, into: str) -> None:
    with zipfile.ZipFile(inner) as archive:  # type: ignore[call-overload]
        for entry in archive.infolist():
            path = archive.extract(entry, into)
            if entry.external_attr >> 16 & stat.S_IXUSR:
                os.chmod(path, 0o755)


def _forget_given_up(above: str) -> None:
    """Remove what first starts left that were killed."""
    for name in os.listdir(above):
        path = os.path.join(above, name)
        if name.startswith(_UNPACKING) and time.time() - os.stat(path).st_mtime > _GIVEN_UP_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _forget_unused(home: str) -> None:
    """Remove another version, for machines of this kind, that nobody runs and nobody has started
    for a week. One that is wanted again after all unpacks itself again."""
    try:
        if os.path.islink(home) or os.stat(home).st_uid != os.geteuid():
            return
        with open(os.path.join(home, _MARK), "r+", encoding="utf-8") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unused = time.time() - os.fstat(mark.fileno()).st_mtime
            if mark.read() != about.MADE_FOR or unused < _UNUSED_SECONDS:
                return
            above, name = os.path.split(home)
            aside = os.path.join(above, f"{_UNPACKING}{name}.{os.getpid()}")
            os.rename(home, aside)  # whole or not at all: nobody starts half of it
            shutil.rmtree(aside, ignore_errors=True)
    except OSError:
        pass  # it runs, or is of a version that had no mark: it may stay


def _point_at_python(home: str) -> None:
    """Make the virtual environment one of this Python's."""
    base = os.path.abspath(getattr(sys, "_base_executable", "") or sys.executable)
    folder = os.path.dirname(base)
    # `python3` may be another version after an upgrade; this name stays what it is.
    exact = os.path.join(folder, f"python{about.PYTHON}")
    os.makedirs(os.path.join(home, "bin"), exist_ok=True)
    config = os.path.join(home, "pyvenv.cfg")
    with open(f"{config}.{os.getpid()}", "w", encoding="utf-8") as out:
        out.write(f"home = {folder}\ninclude-system-site-packages = false\n")
    os.replace(out.name, config)
    link = os.path.join(home, "bin", f".python.{os.getpid()}")
    os.symlink(exact if os.path.exists(exact) else base, link)
    os.replace(link, os.path.join(home, "bin", "python"))


def _try(home: str) -> None:
    """Load every compiled module once: a C library that is too old is told now."""
    tried = subprocess.run(
        [os.path.join(home, "bin", "python"), "-I", "-c", f"import {', '.join(about.COMPILED)}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        said = tried.stderr.strip().rsplit("\n", 1)[-1]
        raise Refused(
            "wrong_platform",
            f"what this file holds does not run here: {said}",
            "use a file that was made on a system like this one, or install the program with pip",
        )


def _refuse(code: str, message: str, hint: str) -> NoReturn:
    if "--json" in sys.argv:
        error = {
            "code": code,
            "message": message,
            "hint": hint,
            "did_you_mean": [],
            "retryable": False,
        }
        envelope = {"schema": "workflow/1", "ok": False, "data": {}, "error": error}
        print(json.dumps({**envelope, "next": [], "warnings": []}))
    else:
        print(f"error: {message}\nhint: {hint}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
