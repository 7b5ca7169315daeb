"""What the shell's completion offers for ids, types and environments."""

from __future__ import annotations

import os
from typing import Any

from workflow import layout


def task_types(ctx: Any, incomplete: str) -> list[tuple[str, str]]:
    from workflow.config import load_config
    from workflow.errors import WorkflowError
    from workflow.handlers import all_types

    root = _root(ctx)
    try:
        config = load_config(root) if root else None
    except WorkflowError:
        config = None
    return [(n, row.summary) for n, row in all_types(config).items() if n.startswith(incomplete)]


def environments(ctx: Any, incomplete: str) -> list[str]:
    from workflow.config import load_config

    root = _root(ctx)
    names = load_config(root).environments if root else ()
    return [name for name in names if name.startswith(incomplete)]


def task_ids(ctx: Any, incomplete: str) -> list[str]:
    from workflow.exchange import Exchange
    from workflow.overview import newest_ids

    root = _root(ctx)
    if root is None:
        return []
    found = newest_ids(Exchange(root), layout.STATE_FOLDERS, 200)
    return (
        ["latest", *(i for i, _ in found)]
        if not incomplete
        else [i for i in ("latest", *(i for i, _ in found)) if i.startswith(incomplete)]
    )


def _root(ctx: Any) -> str | None:
    named = ctx.params.get("root") or (ctx.parent.params.get("root") if ctx.parent else None)
    return named or layout.find_root(os.getcwd(), os.environ)
