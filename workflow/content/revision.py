"""One change to one content file, from what is asked to what is there.

    judged as a whole → noted → written in one step → told

The note (path, digests before and after) stands in the task's own folder before the write. If an
attempt is cut off, the next one finds by it whether the file was written already, and ends well
without writing twice.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from workflow import durable
from workflow.content import checks, file, report
from workflow.content.file import Read
from workflow.content.place import Target, opened
from workflow.content.refusals import refused
from workflow.errors import TaskError, TaskFailed
from workflow.figures import counted
from workflow.handler import Context, Outcome

NOTE = "write.json"


@dataclass(frozen=True)
class Revision:
    """What a file is to become."""

    target: Target
    before: Read | None
    """None where there is no file."""
    after: bytes

    @property
    def changes(self) -> bool:
        return self.before is None or self.before.raw != self.after


def text_of(target: Target, raw: bytes) -> str:
    """The bytes as text, with everything in it. Raises TaskFailed `not_utf8`."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TaskFailed(
            TaskError(
                "not_utf8",
                f"{target.path} is no UTF-8 text: byte {error.start + 1} is none",
                "fix",
                "content",
                file=target.path,
                line=line,
                hint="save it as UTF-8, as Hugo wants it",
            )
        ) from error
    if "\0" in text:
        said = f"{target.path} holds NUL bytes, as no text does"
        raise refused("not_utf8", said, "name a text file, or save it as UTF-8")
    return text


def done_before(context: Context, target: Target) -> Outcome | None:
    """What an earlier attempt at this task did, if it came as far as writing the file.

    Raises TaskFailed `file_changed` if the file is neither as that attempt found it nor as it left
    it: then nobody can tell whether it was written.
    """
    try:
        note = json.loads((context.folder / NOTE).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    with suppress(FileNotFoundError), opened(target) as folder:
        file.remove_abandoned(folder)
    target, now = file.look(target)
    there = None if now is None else now.digest
    if note["path"] != target.path or there == note["digest_before"]:
        return None
    if now is None or there != note["digest_after"]:
        raise refused(
            "file_changed",
            f"an earlier attempt was cut off while it wrote {target.path}, and somebody has "
            "changed it since",
            "look at the file; submit a new task for what is still missing",
        )
    judged = checks.judge(target, context.config, now.raw, now.raw, context.check)
    diff = report.kept(context.folder)
    digests = (note["digest_before"], note["digest_after"])
    outputs = _outputs(target, judged, digests, diff, changed=True, dry_run=False)
    return _told(context, outputs, diff, is_new=digests[0] is None)


def carry_out(context: Context, revision: Revision, *, is_edit: bool, dry_run: bool) -> Outcome:
    """Judge, write and tell.

    Raises OSError, TaskFailed `invalid_content`, `file_too_large`, `file_changed`,
    `already_exists`.
    """
    target, before, after = revision.target, revision.before, revision.after
    if len(after) > file.LARGEST:
        raise file.too_large(target, len(after))
    was = before.raw if before is not None and (is_edit or not revision.changes) else None
    judged = checks.judge(target, context.config, after, was, context.check)
    if judged.errors:
        raise _invalid(target, before, judged)
    old = None if before is None else before.raw.decode("utf-8", "replace")
    diff = report.unified(target.path, old, after.decode("utf-8")) if revision.changes else ""
    digests = (None if before is None else before.digest, file.digest(after))
    outputs = _outputs(target, judged, digests, diff, changed=revision.changes, dry_run=dry_run)
    if revision.changes:
        report.keep(context.folder, diff)
    if revision.changes and not dry_run:
        _note(context, target, digests)
        context.check()
        _write(revision)
        context.record({key: outputs[key] for key in ("file_path", "changed", "digest_after")})
    return _told(context, outputs, diff, is_new=before is None)


def _note(context: Context, target: Target, digests: tuple[str | None, str]) -> None:
    note = {"path": target.path, "digest_before": digests[0], "digest_after": digests[1]}
    durable.replace(str(context.folder / NOTE), json.dumps(note, indent=1).encode() + b"\n")


def _write(revision: Revision) -> None:
    with opened(revision.target, make=revision.before is None) as folder:
        if revision.before is not None:
            file.replace(folder, revision.after, revision.before)
        elif not file.create(folder, revision.after):
            raise exists(folder.target, file.read(folder), ", made by somebody else just now")


def exists(target: Target, there: Read | None, why: str) -> TaskFailed:
    """The refusal to write over a file."""
    failure = refused(
        "already_exists",
        f"{target.path} is there already{why}",
        "edit it with content-edit, choose another path, or give overwrite: true with the digest "
        "of what is to be overwritten",
    )
    failure.outputs = {
        "site": target.site,
        "file_path": target.path,
        "digest_before": None if there is None else there.digest,
    }
    return failure


def _outputs(
    target: Target,
    judged: checks.Judged,
    digests: tuple[str | None, str],
    diff: str,
    *,
    changed: bool,
    dry_run: bool,
) -> dict[str, Any]:
    return {
        "site": target.site,
        "file_path": target.path,
        "url": judged.address,
        "word_count": judged.words,
        "changed": changed,
        "digest_before": digests[0],
        "digest_after": digests[1],
        "diff": report.capped(diff),
        "warnings": checks.sentences(judged.warnings),
        "dry_run": dry_run,
    }


def _told(context: Context, outputs: dict[str, Any], diff: str, *, is_new: bool) -> Outcome:
    path, dry_run = outputs["file_path"], outputs["dry_run"]
    came, went = report.line_counts(diff)
    lines = f"{counted(came, 'line')} added, {went:,} removed"
    words = counted(outputs["word_count"], "word")
    if not outputs["changed"]:
        verdict = f"Nothing to change: {path} is already as it was asked."
    elif is_new:
        where = f", the page {outputs['url']}" if outputs["url"] else ""
        verdict = f"{'Would create' if dry_run else 'Created'} {path} ({words}){where}."
    else:
        verdict = f"{'Would change' if dry_run else 'Changed'} {path}: {lines}."
    if dry_run:
        verdict = f"Dry run: {verdict[0].lower()}{verdict[1:]} Nothing was written."
    elif outputs["warnings"]:
        verdict = f"{verdict[:-1]}, with {counted(len(outputs['warnings']), 'warning')}."
    summary = "\n".join(f"- {one}" for one in outputs["warnings"])
    return Outcome(
        outputs=outputs,
        verdict=verdict,
        summary=summary,
        statistics={"Words": outputs["word_count"], "Lines added": came, "Lines removed": went},
        next_steps=[] if dry_run else _next_steps(context, outputs),
        rehearsal=dry_run,
    )


def _next_steps(context: Context, outputs: dict[str, Any]) -> list[str]:
    environment = next(iter(context.config.environments), None)
    if environment is None or not outputs["changed"]:
        return []
    return [f"See it in the site: `workflow submit hugo-build --env {environment}`"]


def _invalid(target: Target, before: Read | None, judged: checks.Judged) -> TaskFailed:
    errors = judged.errors
    first = errors[0]
    more = f"; and {counted(len(errors) - 1, 'more error')}" if len(errors) > 1 else ""
    warnings = [f"(warning) {one}" for one in checks.sentences(judged.warnings)]
    lines = [*checks.sentences(errors), *warnings]
    return TaskFailed(
        TaskError(
            "invalid_content",
            f"{first.message}{more}",
            "fix",
            "content",
            file=target.path,
            line=first.line,
            column=first.column,
            excerpt=first.excerpt,
            hint=first.hint,
        ),
        outputs={
            "site": target.site,
            "file_path": target.path,
            "digest_before": None if before is None else before.digest,
            "errors": checks.sentences(errors),
            "warnings": checks.sentences(judged.warnings),
        },
        summary="Nothing was written.\n\n" + "\n".join(f"- {one}" for one in lines),
    )
