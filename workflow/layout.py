"""Where things lie in an exchange, and where the exchange is.

Standard library only, and little of it: the idle sweep imports this module and nothing heavier.
"""

from __future__ import annotations

import os

CONFIG = "workflow.yaml"

TASKS = "tasks"
PENDING = "tasks/pending"
WAITING = "tasks/waiting"
IN_PROGRESS = "tasks/in-progress"
COMPLETED = "tasks/completed"
FAILED = "tasks/failed"
TEMPLATES = "tasks/templates"
RESULTS = "results"
LATEST = "results/latest"
ARCHIVE = "archive"

RUNTIME = ".workflow"
LAST_SWEEP = ".workflow/last-sweep"
PARKED = ".workflow/parked"
ARCHIVING = ".workflow/archiving"
"""Which day is on its way into the archive."""
SWEEP_LOG = ".workflow/sweep.log"
"""What the last sweep said that `submit` started."""
SWEEP_LOCK = ".workflow/sweep.lock"
LEASES = ".workflow/leases"
JOURNAL = ".workflow/journal"
RUNS = ".workflow/runs"
CACHE = ".workflow/cache"
PLANS = ".workflow/plans"
"""What the tasks that wait for approval are about to do."""
APPROVALS = ".workflow/approvals"
"""What people have agreed to and no task has done yet."""
WITNESSED = ".workflow/witnessed.json"
"""The phrase that a person was last seen to write, and for which plan."""
STAGED = ".workflow/staged"
"""New bytes before they are shown, so that what a dead writer leaves lies in one place."""
TRASH = ".workflow/trash"
"""Folders that a later sweep removes while it has nothing better to do."""

BUILDS = ".workflow/builds"
"""What public/ of each site was built for, and by which task."""
DEPLOYS = ".workflow/deploys"
"""What is known of each bucket."""
RELEASES = ".workflow/releases"
"""What was published, a folder for each environment."""

STATE_FOLDERS = {
    "pending": PENDING,
    "waiting": WAITING,
    "in-progress": IN_PROGRESS,
    "completed": COMPLETED,
    "failed": FAILED,
}

FOLDERS = (
    *STATE_FOLDERS.values(),
    TEMPLATES,
    RESULTS,
    LATEST,
    ARCHIVE,
    RUNTIME,
    LEASES,
    RUNS,
    CACHE,
    PLANS,
    APPROVALS,
    STAGED,
    TRASH,
)

SUFFIX = ".md"
RESULT_SUFFIX = ".result.md"
LOGS_SUFFIX = ".logs"


def rights(name: str) -> int:
    """What a sweep must be allowed to do in one of the folders, as os.access takes it."""
    return os.R_OK | os.X_OK | (0 if name == TEMPLATES else os.W_OK)


def is_task_name(name: str) -> bool:
    """Whether an entry of a state folder is a task (and not `.gitkeep`, a temp file, …)."""
    return name.endswith(SUFFIX) and not name.startswith(".")


def find_root(start: str, environ: dict[str, str] | os._Environ[str]) -> str | None:
    """The exchange to work on: `$WORKFLOW_ROOT`, else the nearest parent with a workflow.yaml."""
    named = environ.get("WORKFLOW_ROOT")
    if named:
        return os.path.abspath(os.path.expanduser(named))
    folder = os.path.abspath(start)
    while not os.path.isfile(os.path.join(folder, CONFIG)):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return folder


def parked_signature(root: str) -> str:
    """Everything whose change could make a parked task runnable, as one short string.

    The names, sizes, times and inodes of the waiting files and of workflow.yaml, and the times
    of the folders into which predecessors settle and approvals come. Costs one stat a parked task,
    however long the history is: a folder's own time changes with every entry that comes or goes.
    """
    marks = []
    for path in (CONFIG, COMPLETED, FAILED, APPROVALS):
        try:
            seen = os.stat(os.path.join(root, path))
        except FileNotFoundError:
            marks.append("-")
        else:
            marks.append(f"{seen.st_mtime_ns}.{seen.st_ino}.{seen.st_size}")
    with os.scandir(os.path.join(root, WAITING)) as entries:
        parked = []
        for entry in entries:
            if is_task_name(entry.name):
                seen = entry.stat(follow_symlinks=False)
                parked.append(f"{entry.name}.{seen.st_mtime_ns}.{seen.st_size}.{seen.st_ino}")
    # Nothing parked: nothing that settles elsewhere can wake it.
    return "|".join(marks + sorted(parked)) if parked else marks[0]


def dated(task_id: str) -> bool:
    """Whether an id starts with a date, as every id that we make does."""
    return len(task_id) > 10 and task_id[4] == task_id[7] == "-" and task_id[:4].isdigit()
