"""Deploys by the owner's own script: run as they run it, and only once its plan was agreed to.

    command → (plan, approval) → run → what it told

What is run, how and from where stands in workflow.yaml and nowhere else: a task can set none of it.
A plan binds `identity(command)`, the bytes of the script among it, and `run` refuses a script that
is another by then. What a script does between its start and its end is not ours to know: a run
that ended in any way but well leaves `live: unknown`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workflow.config import Config, Deploy
from workflow.deploy import failures, script_output, script_source
from workflow.errors import TaskError, TaskFailed, told
from workflow.handler import Context
from workflow.hugo import program as hugo_program
from workflow.layout import CONFIG
from workflow.process import Finished

_KEPT = ("AWS_", "SSL_", "BOTO_CONFIG", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Beginnings of the names of variables that pass, beside those that Hugo gets."""
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_PROFILE", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
}  # fmt: skip
_EXCERPT_LINES = 12
_DOCS = "docs/deploy-scripts.md"
# A question of a shell's `read`, which fails silently at the end of its input.
_QUESTION = re.compile(r"\?\s*([\[(][yn/]+[\])]:?)?\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Command:
    """A script, ready to be run: all that decides what it will do, as far as we can know it."""

    argv: tuple[str, ...]
    cwd: str
    script: str
    """Its real path: `argv` may lead there through a link."""
    sha256: str
    imports: Mapping[str, str]
    """Real path and sha256 of each Python file beside the script that it imports."""
    answers: tuple[str, ...]

    @property
    def name(self) -> str:
        """As a person calls it."""
        return os.path.basename(self.script)


@dataclass(frozen=True)
class ScriptRun:
    """What came of a script that ended well."""

    outputs: dict[str, Any]
    """As of any deploy; a key that the script did not tell is absent, and a warning says so."""
    warnings: list[str]
    seconds: float


def command(deploy: Deploy, config: Config) -> Command:
    """What workflow.yaml lets us run for `deploy`.

    Raises TaskFailed `script_missing`, `script_not_runnable`, `interpreter_missing`, or
    `bad_config` for a pattern that is none.
    """
    options = deploy.script_options
    script_output.compile_patterns(options.outputs)
    assert deploy.script is not None, "the configuration asks for one"
    path = os.fspath(config.path(deploy.script))
    if not os.path.exists(path):
        what = "is a link to nothing" if os.path.islink(path) else "does not exist"
        raise _unusable("script_missing", f"the script {path} {what}", "deploy.script")
    if not os.path.isfile(path):
        raise _unusable("script_not_runnable", f"the script {path} is no file", "deploy.script")
    folder = os.path.dirname(path)
    if options.working_folder is not None:
        folder = os.fspath(config.path(options.working_folder))
        if not os.path.isdir(folder):
            raise _unusable(
                "script_not_runnable",
                f"there is no folder {folder} for the script to work in",
                "script_options.working_folder",
            )
    runner = _interpreter(path, options.interpreter, config)
    try:
        return Command(
            argv=(*runner, path, *options.arguments),
            cwd=folder,
            script=os.path.realpath(path),
            sha256=script_source.digest(path),
            imports=script_source.imported(Path(path)) if path.endswith(".py") else {},
            answers=options.answers,
        )
    except OSError as error:
        raise _unusable(
            "script_not_runnable", f"the script cannot be read: {told(error)}", "deploy.script"
        ) from error


def identity(command: Command) -> dict[str, Any]:
    """What of it an approval binds: any change to the script is another deploy."""
    bound: dict[str, Any] = {
        "script": command.script,
        "sha256": command.sha256,
        "argv": list(command.argv),
        "cwd": command.cwd,
        "answers": list(command.answers),
    }
    return {**bound, "imports": dict(command.imports)} if command.imports else bound


def doubts(command: Command) -> list[str]:
    """What whoever approves should know of how it is run, a sentence each."""
    interpreter = command.argv[0]
    if interpreter == command.script:
        return []
    try:
        with open(interpreter, "rb") as file:
            chooses = file.read(2) == b"#!"
    except OSError:
        return []
    if not chooses:
        return []
    return [
        f"{interpreter} is a script itself, and chooses the real interpreter when it is run (as "
        "pyenv's shims do): that one is not bound by the approval; name it in "
        "script_options.interpreter"
    ]


def run(
    context: Context,
    deploy: Deploy,
    *,
    command: Command,
    environment: str,
    site_folder: Path,
    public: Path,
    base_url: str,
) -> ScriptRun:
    """Runs the script that was agreed to, under the task's deadline, and reads what it told.

    Call it only after `context.approve` gave its consent to `identity(command)`: the answers to
    the script's own questions, its "are you sure?" among them, are typed in for the person who
    approved. Whoever calls it without that approves in their name.

    Raises TaskFailed `stale_plan` (nothing was run), `script_failed`, `script_killed`,
    `script_asked`, AWS's own codes where the output shows what AWS refused, and what
    `context.run_program` raises.
    """
    outputs: dict[str, Any] = {"site_url": deploy.verify_url or base_url}
    context.check()
    _require_unchanged(command, deploy, context.config, outputs)
    # Noted before it starts: a run that is cut off here may have published anything.
    context.record({**outputs, "live": "unknown"})
    context.say(f"running {command.name} for {environment}")
    log = context.folder / f"attempt-{context.attempt}.log"
    before = log.stat().st_size if log.exists() else 0
    patterns = script_output.compile_patterns(deploy.script_options.outputs)
    ours = {
        "WORKFLOW_ENVIRONMENT": environment,
        "WORKFLOW_SITE": os.fspath(site_folder),
        "WORKFLOW_PUBLIC": os.fspath(public),
        "WORKFLOW_BASE_URL": base_url,
        "WORKFLOW_TASK_ID": context.task_id,
        "PYTHONUNBUFFERED": "1",  # or a script that is killed takes its last words with it
    }
    try:
        finished = context.run_program(
            command.argv,
            cwd=Path(command.cwd),
            env={**surroundings(deploy.profile), **ours},
            stdin="".join(f"{answer}\n" for answer in command.answers).encode(),
        )
    except TaskFailed as failure:
        ran = failure.error.code != "program_not_found"
        said = script_output.read(log, before, patterns).outputs if ran else {}
        raise TaskFailed(
            failure.error,
            outputs={
                **outputs, **said, **failure.outputs, "live": "unknown" if ran else "untouched"
            },
            status=failure.status,
        ) from failure.__cause__  # fmt: skip
    instead = finished.tail if finished.log_error else None
    result = script_output.read(log, before, patterns, instead=instead)
    outputs |= result.outputs
    if finished.returncode:
        raise TaskFailed(_failure(command, finished), outputs={**outputs, "live": "unknown"})
    return ScriptRun(
        outputs={"deployment_id": context.task_id, **outputs, "live": "complete"},
        warnings=[*result.warnings, *_untold(command, result)],
        seconds=finished.duration,
    )


def surroundings(profile: str | None = None) -> dict[str, str]:
    """What a script sees of our environment: the same whoever starts the sweep. A `profile` takes
    the place of whatever credentials are in it.

    What Hugo gets (home, language, proxies; PATH, and the usual places after it, for timers), and
    what AWS's tools and TLS read, credentials too. Our own virtual environment is taken off PATH:
    a script wants the Python, the boto3 and the `aws` of its owner, not those that happen to be
    beside us when the sweep was started from an activated one.
    """
    kept = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
    if profile is not None:
        kept = {name: value for name, value in kept.items() if name not in _CREDENTIALS}
        kept["AWS_PROFILE"] = profile
    inherited = hugo_program.environment()
    own = os.path.realpath(os.path.join(sys.prefix, "bin"))
    places = inherited["PATH"].split(os.pathsep)
    if sys.prefix != sys.base_prefix:
        places = [place for place in places if os.path.realpath(place) != own]
    return {**inherited, **kept, "PATH": os.pathsep.join(places)}


def _interpreter(script: str, named: Path | None, config: Config) -> tuple[str, ...]:
    """The program that runs the script; none if the script is a program itself.

    For a .py that workflow.yaml gives none: the virtual environment beside the script, where
    PyCharm and people put what it imports, else `python3` as a terminal finds it. Never ours: what
    the owner's scripts import is installed for them.
    """
    search = surroundings()["PATH"]
    if named is not None and named.name == os.fspath(named) and named.name not in (".", ".."):
        found = shutil.which(named.name, path=search)
        if found is None:
            raise _no_interpreter(f"{named} is not on PATH ({search})")
        return (os.path.abspath(found),)
    if named is not None:
        path = os.fspath(config.path(named))
        if not os.path.isfile(path):
            raise _no_interpreter(f"{path} is no file" if os.path.exists(path) else f"no {path}")
        if not os.access(path, os.X_OK):
            raise _no_interpreter(f"{path} has no permission to be executed")
        return (path,)
    if script.endswith(".py"):
        for beside in (".venv", "venv"):
            path = os.path.join(os.path.dirname(script), beside, "bin", "python")
            if os.access(path, os.X_OK):
                return (path,)
        found = shutil.which("python3", path=search)
        if found is None:
            raise _no_interpreter(f"python3 is not on PATH ({search})")
        return (os.path.abspath(found),)
    if not os.access(script, os.X_OK):
        raise _unusable(
            "script_not_runnable",
            f"the script {script} has no permission to be executed (`chmod +x`)",
            "script_options.interpreter",
        )
    return ()


def _require_unchanged(
    agreed: Command, deploy: Deploy, config: Config, outputs: Mapping[str, Any]
) -> None:
    # RACE: from here to the start of the program the file may still change; that takes somebody
    # who waits for these milliseconds, and such a one can as well change what the script loads.
    if command(deploy, config) != agreed:
        raise TaskFailed(
            TaskError(
                "stale_plan",
                f"{agreed.script}, or how {CONFIG} lets it be run, changed after its plan was made",
                "fix",
                "decision",
                hint="nothing was run; submit the task again, and a new plan is made",
            ),
            outputs={**outputs, "live": "untouched"},
        )


def _failure(command: Command, finished: Finished) -> TaskError:
    """Why it failed, as far as its last words tell."""
    lines = [line.rstrip() for line in finished.tail.splitlines() if line.strip()]
    excerpt = "\n".join(lines[-_EXCERPT_LINES:])[-2_000:] or None
    last = lines[-1].strip()[:300] if lines else "it said nothing"
    unknown = "what it published before is not known: look at the site, then run it again"
    if finished.returncode < 0:
        number = -finished.returncode
        name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
        memory = ", as the system does when memory runs out" if number == signal.SIGKILL else ""
        message = f"{command.name} was killed by {name}{memory}"
        return _error("script_killed", message, unknown, excerpt)
    said = f"{command.name} ended with {finished.returncode}: {last}"
    if last.startswith("EOFError") or _QUESTION.search(last):
        asked = "asked for something that script_options.answers does not answer"
        if command.answers:
            asked = f"asked for more than the {len(command.answers)} given script_options.answers"
        hint = f"give a line for each of its questions, in their order: see {_DOCS}"
        return _error("script_asked", f"{command.name} {asked}", hint, excerpt)
    known = failures.explain_text(finished.tail)
    if known is not None:
        return replace(known, message=f"{command.name} failed: {known.message}", excerpt=excerpt)
    return _error("script_failed", said, unknown, excerpt)


def _error(code: str, message: str, hint: str, excerpt: str | None) -> TaskError:
    return TaskError(code, message, "escalate", "deploy", hint=hint, excerpt=excerpt)


def _untold(command: Command, result: script_output.Told) -> list[str]:
    if not result.unknown:
        return []
    return [
        f"{command.name} did not tell {', '.join(result.unknown)}: let it print them as a line of "
        f"JSON, or say under script_options.outputs in {CONFIG} how to read them ({_DOCS})"
    ]


def _no_interpreter(reason: str) -> TaskFailed:
    message = f"there is no interpreter for the script: {reason}"
    return _unusable("interpreter_missing", message, "script_options.interpreter")


def _unusable(code: str, message: str, key: str) -> TaskFailed:
    hint = f"correct {key} in {CONFIG}, or put there what it names"
    return TaskFailed(TaskError(code, message, "escalate", "configuration", hint=hint))
