"""Why a content task ends without having written: each reason with its code, and who acts."""

from __future__ import annotations

import errno

from workflow.content.failure import EditFailed
from workflow.errors import TaskError, TaskFailed, told


def refused(code: str, message: str, hint: str) -> TaskFailed:
    """Something that Claude Code can mend: the task, or what it is about."""
    return TaskFailed(TaskError(code, message, "fix", "content", hint=hint))


def edit_refused(failed: EditFailed, file: str, what: str) -> TaskFailed:
    """An edit that the text does not take. `what`: which one of the task's, such as `set.title`."""
    return TaskFailed(
        TaskError(
            failed.code,
            f"{what}: {failed.message}",
            "fix",
            "content",
            file=file,
            line=failed.line,
            column=failed.column,
            hint=failed.hint or None,
        )
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
