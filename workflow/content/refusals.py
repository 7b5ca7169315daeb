"""Why a content task ends without having written: each reason with its code, and who acts."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from workflow.content.failure import EditFailed
from workflow.errors import TaskError, TaskFailed, told
from workflow.figures import counted


def refused(code: str, message: str, hint: str) -> TaskFailed:
    """Something that Claude Code can mend: the task, or what it is about."""
    return TaskFailed(TaskError(code, message, "fix", "content", hint=hint))


def edit_refused(failed: Sequence[tuple[EditFailed, str]], file: str) -> TaskFailed:
    """Edits that a text does not take, each with what it is called in the task: `set title`."""
    first, what = failed[0]
    more = f"; and {counted(len(failed) - 1, 'more edit')} fails" if len(failed) == 2 else (
        f"; and {counted(len(failed) - 1, 'more edit')} fail" if len(failed) > 2 else ""
    )  # fmt: skip
    told = [f"{name}: {error.message} ({error.hint})" for error, name in failed]
    return TaskFailed(
        TaskError(
            first.code,
            f"{what}: {first.message}{more}",
            "fix",
            "content",
            file=file,
            line=first.line,
            column=first.column,
            hint=first.hint or None,
        ),
        outputs={"file_path": file, "errors": told},
        summary="Nothing was written.\n\n" + "\n".join(f"- {one}" for one in told),
    )


def system_refused(error: OSError, path: str) -> TaskFailed:
    """What the machine did not let us do with a file."""
    message = f"{path}: {told(error)}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        code, hint = "disk_full", "free some space on that disk, then run the task again"
    elif isinstance(error, PermissionError) or error.errno == errno.EROFS:
        code, hint = "permission_denied", "give the user who runs the sweep the right to it"
    elif error.errno == errno.ENAMETOOLONG:
        return refused("name_too_long", message, "choose shorter names")
    else:
        code, hint = "system_error", "see `workflow doctor`, then run the task again"
    return TaskFailed(TaskError(code, message, "escalate", "environment", hint=hint))
