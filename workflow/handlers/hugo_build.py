"""Builds a Hugo site for an environment, beside public/, and puts it there when it is whole.

    find Hugo → build into a fresh folder → read its log → manifest → trade places with public/
    → leave a record of what it was built for

Whatever goes wrong on the way, public/ is the old site as it was. Safe to repeat.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from workflow import publicdir
from workflow.config import Config
from workflow.deploy import content
from workflow.errors import TaskError, TaskFailed, WorkflowError, told
from workflow.handler import Context, Outcome
from workflow.hugo import errors as hugo_errors
from workflow.hugo import log as hugo_log
from workflow.hugo import program as hugo_program
from workflow.hugo import report as hugo_report
from workflow.hugo import site as hugo_site
from workflow.hugo import stall as hugo_stall
from workflow.hugo.params import Params
from workflow.hugo.record import BuildRecord, git_commit, write_record
from workflow.hugo.report import Build
from workflow.layout import TRASH
from workflow.process import Finished

__all__ = ["EXAMPLE", "OUTPUTS", "Params", "resources", "run"]

OUTPUTS: Mapping[str, str] = {
    "build_success": "boolean: whether public/ is the new site",
    "site": "string: its name in workflow.yaml",
    "environment": "string: that it was built for",
    "base_url": "string: the address that it was built for",
    "errors": "array: what Hugo called an error and built around",
    "warnings": "array: what Hugo warned of, and what is odd about this build",
    "duration_seconds": "float: that Hugo took",
    "hugo_version": "string: of the Hugo that built",
    "hugo_extended": "boolean: whether it is the extended one",
    "file_count": "integer: files of the built site",
    "total_bytes": "integer: of all of them",
    "pages_generated": "integer: as Hugo counts",
    "paginator_pages": "integer: as Hugo counts",
    "non_page_files": "integer: as Hugo counts",
    "static_files": "integer: as Hugo counts",
    "processed_images": "integer: as Hugo counts",
    "aliases": "integer: as Hugo counts",
    "cleaned": "integer: as Hugo counts",
    "public_dir": "string: path of the built site",
    "manifest_digest": "string: sha256 over all files, by which a deploy knows this build",
}
EXAMPLE = ("--env", "dev")

_LOG_BYTES = 4 << 20
"""How much of Hugo's output is read: the end of it, where the errors are."""


def resources(params: Params, config: Config) -> Sequence[str]:
    """The site's real path: no two tasks may build one site at once."""
    try:
        _, site = config.site(params.site_path)
    except WorkflowError:
        return ()  # `run` says what is wrong
    return (os.path.realpath(config.path(site.path)),)


def run(context: Context) -> Outcome:
    build = Build(context.params, hugo_site.locate(context.params, context.config))
    try:
        hugo_site.check(build.place)
        build.hugo = hugo_program.find(context.config)
        hugo_site.wait_for_other_hugo(build.place.folder)
        context.say(f"building {build.place.site} for {build.place.environment}")
        with publicdir.replacing(
            build.place.public,
            from_copy=not build.params.clean,
            trash=context.config.root / TRASH,
        ) as replacement:
            finished = _run_hugo(context, build, replacement.folder)
            _judge(build, finished)
            hugo_site.refuse_git(build.place, replacement.folder)
            walked = publicdir.walk(replacement.folder)
            manifest = publicdir.hashed(walked)
            _write_manifest(context.folder / "manifest.json", manifest, build)
            replacement.publish()
            _write_record(context, build, manifest)
            content.remember(
                context.config.root, build.place.site, replacement.public, walked, manifest
            )
    except TaskFailed as failure:
        if failure.error not in build.errors:
            build.errors.insert(0, failure.error)
        raise TaskFailed(
            failure.error,
            outputs={**build.outputs(False), **failure.outputs},
            status=failure.status,
        ) from failure.__cause__
    except OSError as error:
        build.errors.insert(0, _os_error(error))
        raise TaskFailed(build.errors[0], outputs=build.outputs(False)) from error
    return hugo_report.outcome(build, manifest)


def _run_hugo(context: Context, build: Build, destination: Path) -> Finished:
    assert build.hugo is not None
    place = build.place
    argv = [
        build.hugo.path,
        f"--destination={destination}",
        f"--baseURL={build.base_url}",
        f"--environment={place.configured.hugo_environment or place.environment}",
        *build.params.arguments(),
    ]
    env = hugo_program.environment()
    with hugo_stall.Watch(f"--destination={destination}") as watch:
        finished = _run_once(context, build, argv, env)
    if not watch.stalled:
        return finished
    context.say("Hugo stood still; it is started again")
    # Not watched: should Hugo only have been slow, it may be so this time.
    env["HUGO_NUMWORKERMULTIPLIER"] = hugo_stall.MANY_WORKERS
    return _run_once(context, build, argv, env)


def _run_once(context: Context, build: Build, argv: Sequence[str], env: dict[str, str]) -> Finished:
    log = context.folder / f"attempt-{context.attempt}.log"
    before = log.stat().st_size if log.exists() else 0
    started = time.monotonic()
    try:
        finished = context.run_program(argv, cwd=build.place.folder, env=env)
    finally:
        build.seconds += time.monotonic() - started
        build.log = hugo_log.parse(_output(log, before))
    if not build.log.entries and not build.log.statistics:
        build.log = hugo_log.parse(finished.tail)  # the disk of the log is full
    return finished


def _output(log: Path, before: int) -> str:
    """What was appended to `log` since it had `before` bytes, the end of it if it is long."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(before, size - _LOG_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _judge(build: Build, finished: Finished) -> None:
    """Fill in errors and warnings. Raises TaskFailed unless the built site may be published."""
    log = build.log
    build.errors = hugo_errors.find_errors(log, os.fspath(build.place.folder))
    build.warnings = hugo_report.warnings(build)
    if finished.returncode < 0:
        build.errors.insert(0, hugo_errors.killed(-finished.returncode))
    elif finished.returncode and not build.errors:
        build.errors.append(hugo_errors.unknown(finished.returncode, log))
    elif finished.returncode == 0:
        fatal = hugo_errors.wrong_version(log)
        if not build.params.allow_missing_layouts:
            fatal += hugo_errors.lost_pages(log)
        if not fatal:
            return
        build.errors = fatal + build.errors
    raise TaskFailed(build.errors[0])


def _write_manifest(path: Path, manifest: publicdir.Manifest, build: Build) -> None:
    """By which a deploy proves that public/ is this build, for this environment."""
    assert build.hugo is not None
    about = {
        "site": build.place.site,
        "environment": build.place.environment,
        "base_url": build.base_url,
        "hugo_version": build.hugo.version,
    }
    path.write_text(json.dumps({**about, **manifest.as_dict()}, separators=(",", ":")))


def _write_record(context: Context, build: Build, manifest: publicdir.Manifest) -> None:
    """For the next deploy. public/ is in its place by now, so that a failure is but a warning."""
    record = BuildRecord(
        site=build.place.site,
        environment=build.place.environment,
        base_url=build.base_url,
        digest=manifest.digest,
        build_drafts=build.params.build_drafts,
        build_future=build.params.build_future,
        build_expired=build.params.build_expired,
        task_id=context.task_id,
        built_at=datetime.now(UTC),
        git_commit=git_commit(build.place.folder),
    )
    try:
        write_record(context.config.root, record)
    except OSError as error:
        build.warnings.append(
            f"the record of this build could not be written, so that no deploy will take it: "
            f"{told(error)}"
        )


def _os_error(error: OSError) -> TaskError:
    message = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        code, hint = "disk_full", "free some space on that disk, then run the task again"
    elif isinstance(error, PermissionError) or error.errno == errno.EROFS:
        code, hint = "permission_denied", "give the user who runs the sweep the right to it"
    else:
        code, hint = "system_error", "see `workflow doctor`, then run the task again"
    return TaskError(code, message, "escalate", "environment", hint=hint)
