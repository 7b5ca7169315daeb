"""Weighs a built site: how large it is, and which of its files weigh most. Changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import Field

from workflow import handler
from workflow.config import Config
from workflow.errors import TaskError, TaskFailed
from workflow.handler import Context, Outcome

SUMMARY = "Weigh a built site: its size, and its heaviest files"
SAFE_TO_REPEAT = True
OUTPUTS: Mapping[str, str] = {
    "site": "string: its name in workflow.yaml",
    "file_count": "integer: files of the built site",
    "total_bytes": "integer: of all of them",
    "heaviest": "array: path and bytes of the files that weigh most",
}
EXAMPLE = ("--set", "heaviest=3")
TEMPLATE = """\
---
task_type: site-weigh
worker_type: weigher
priority: low
params:
  heaviest: 10
expected_outputs:
  - file_count: integer (>0)
  - total_bytes: integer
  - heaviest: array (non-empty)
requires_approval: false
---

## Task Description

Tell how heavy the built site is, and which of its files weigh most.

## Success Criteria

- The site is built, and has files.

## Rollback Plan

Nothing is changed; there is nothing to roll back.
"""


class Params(handler.Params):
    site_path: str | None = Field(
        default=None, description="site to weigh, by its name or path; default: the first one"
    )
    heaviest: int = Field(default=10, ge=1, le=1000, description="files to name")


def resources(params: Params, config: Config) -> Sequence[str]:
    """The site's real path: no build may replace public/ while it is read."""
    _, site = config.site(params.site_path)
    return (os.path.realpath(config.path(site.path)),)


def run(context: Context) -> Outcome:
    params: Params = context.params
    name, site = context.config.site(params.site_path)
    public = context.config.path(site.path) / site.public
    context.say(f"weighing {public}")
    sizes = dict(_sizes(public, context))
    if not sizes:
        raise TaskFailed(
            TaskError(
                "not_built",
                f"{name} is not built: there are no files in {public}",
                "fix",
                "environment",
                hint="build it first: `workflow submit hugo-build`",
            )
        )
    ordered = sorted(sizes, key=lambda path: (-sizes[path], path))[: params.heaviest]
    total = sum(sizes.values())
    return Outcome(
        outputs={
            "site": name,
            "file_count": len(sizes),
            "total_bytes": total,
            "heaviest": [{"path": path, "bytes": sizes[path]} for path in ordered],
        },
        verdict=f"{name} weighs {total:,} bytes in {len(sizes):,} files; "
        f"the heaviest is {ordered[0]}.",
    )


def _sizes(public: Path, context: Context) -> Iterator[tuple[str, int]]:
    for folder, _, files in os.walk(public):
        context.check()  # so that a cancelled task ends at once
        for file in files:
            path = Path(folder, file)
            yield path.relative_to(public).as_posix(), path.lstat().st_size
