"""What the shell's completion offers for ids, types, environments, releases and branches.

Whatever is wrong (no exchange, a configuration that cannot be read), it offers nothing and says
nothing: somebody is typing.

Shells evaluate what they are offered, and some of it was written by others: only words of plain
letters are offered, and only plain letters stay of what is said of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow import layout

if TYPE_CHECKING:
    from workflow.config import Config

_MOST = 200
"""Ids that are offered."""
_PLAIN_WORD = re.compile(r"[A-Za-z0-9._/@+=-]+")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 .,/_=-]+")
Offer = str | tuple[str, str]
"""A word, or one with what it means."""


def _quietly(
    offers: Callable[[Any], Iterable[Offer]],
) -> Callable[[Any, str], list[Offer]]:
    """Those of the offers that begin as what was typed; none where they cannot be made."""

    @wraps(offers)
    def chosen(ctx: Any, incomplete: str) -> list[Offer]:
        from workflow.errors import WorkflowError

        found: list[Offer] = []
        with suppress(WorkflowError, OSError):
            for offer in offers(ctx):
                word, said = (offer, "") if isinstance(offer, str) else offer
                if word.startswith(incomplete) and _PLAIN_WORD.fullmatch(word):
                    said = " ".join(_NOT_PLAIN.sub(" ", said).split())
                    found.append((word, said) if said else word)
        return found

    # The shell's side looks at the parameters' names.
    del chosen.__wrapped__
    return chosen


@_quietly
def task_types(ctx: Any) -> Iterator[Offer]:
    from workflow.handlers import all_types

    for name, row in all_types(_config(ctx)).items():
        yield name, row.summary


@_quietly
def environments(ctx: Any) -> Iterator[Offer]:
    config = _config(ctx)
    if config is not None:
        yield from ((name, one.base_url) for name, one in config.environments.items())


@_quietly
def channels(ctx: Any) -> Iterator[Offer]:
    config = _config(ctx)
    if config is not None:
        yield from ((name, one.via) for name, one in config.notify.items())


@_quietly
def states(ctx: Any) -> Iterator[Offer]:
    yield from layout.STATE_FOLDERS


@_quietly
def task_ids(ctx: Any) -> Iterator[Offer]:
    yield "latest"
    yield from _newest(ctx, layout.STATE_FOLDERS)


@_quietly
def open_ids(ctx: Any) -> Iterator[Offer]:
    """Of tasks that have not begun: what can be decided on."""
    yield "latest"
    yield from _newest(ctx, ("waiting", "pending"))


@_quietly
def unended_ids(ctx: Any) -> Iterator[Offer]:
    yield from _newest(ctx, ("in-progress", "waiting", "pending"))


@_quietly
def failed_ids(ctx: Any) -> Iterator[Offer]:
    yield "latest"
    yield from _newest(ctx, ("failed",))


def _newest(ctx: Any, of: Iterable[str]) -> Iterator[str]:
    from workflow.exchange import Exchange
    from workflow.overview import newest_ids

    root = _root(ctx)
    if root is not None:
        yield from (task_id for task_id, _ in newest_ids(Exchange(root), of, _MOST))


@_quietly
def plan_digests(ctx: Any) -> Iterator[Offer]:
    """Of the plan of the task that is being approved, as much as a person compares."""
    from workflow.approval import short
    from workflow.exchange import Exchange
    from workflow.plans import read_plan

    root, task_id = _root(ctx), ctx.params.get("task_id")
    if root is not None and isinstance(task_id, str) and "/" not in task_id:
        stored = read_plan(Exchange(root), task_id)
        if stored is not None:
            yield short(stored.planned.digest), stored.planned.summary


@_quietly
def releases(ctx: Any) -> Iterator[Offer]:
    """Of the environment that is named already, newest first."""
    from workflow.deploy.releases import Releases

    root, environment = _root(ctx), ctx.params.get("environment")
    if root is not None and isinstance(environment, str):
        yield from reversed(Releases(Path(root), environment).ids())


@_quietly
def settings(ctx: Any) -> Iterator[Offer]:
    """`key=` for each parameter of the type that is named already, and the values of those that
    take a site, an environment or a branch."""
    from workflow.handlers import find_type

    config, kind = _config(ctx), ctx.params.get("task_type")
    row = find_type(str(kind), config) if kind else None
    if config is None or row is None:
        return
    known = {"site_path": list(config.sites), "environment": list(config.environments)}
    for key, about in row.load().Params.model_fields.items():
        yield f"{key}=", about.description or ""
        values = _branches(config) if key in ("branch", "base") else known.get(key, [])
        yield from (f"{key}={value}" for value in values)


def _branches(config: Config) -> list[str]:
    """Those of the first site's repository."""
    from workflow.process import ProgramNotFound, run

    site = next(iter(config.sites.values()), None)
    if site is None:
        return []
    argv = ["git", "for-each-ref", "--format=%(refname:short)", "--count=200", "refs/heads"]
    try:
        done = run(argv, cwd=config.path(site.path), env=None, log=Path(os.devnull), timeout=2.0)
    except ProgramNotFound:
        return []
    return done.tail.split() if done.returncode == 0 else []


def _config(ctx: Any) -> Config | None:
    from workflow.config import load_config
    from workflow.errors import WorkflowError

    root = _root(ctx)
    with suppress(WorkflowError):
        return load_config(root) if root else None
    return None


def _root(ctx: Any) -> str | None:
    above = ctx.parent
    named = ctx.params.get("root") or (above.params.get("root") if above is not None else None)
    return os.path.expanduser(named) if named else layout.find_root(os.getcwd(), os.environ)
