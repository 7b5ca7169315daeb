"""Writes a new content file: Markdown with front matter, from a task or from the site's archetype.

    archetype (Hugo) or front matter and body → judged in the site → linked to its name

Never over a file that is there, unless the task says which bytes are to go. A file that has the
very bytes already is a success, so that it is safe to repeat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from workflow import handler
from workflow.config import Config
from workflow.content import archetype, changes, checks, file, report
from workflow.content.changes import EditFailed
from workflow.content.file import Read
from workflow.content.neighbours import usual_kind
from workflow.content.place import NewPath, Target, claimed, locate
from workflow.content.refusals import edit_refused, refused, system_refused
from workflow.content.revision import Revision, carry_out, done_before, exists
from workflow.handler import Context, Outcome

__all__ = ["EXAMPLE", "OUTPUTS", "Params", "resources", "run"]

OUTPUTS: Mapping[str, str] = {
    **report.OUTPUTS,
    "created": "boolean: whether the file is new, or would be",
}
EXAMPLE: tuple[str, ...] = (
    "--set", "path=posts/summer-auto-promo-2026.md",
    "--set", "front_matter={title: Summer auto promo, date: 2026-06-01, draft: true}",
    "--set", "body=Drive into summer.",
)  # fmt: skip


class Params(handler.Params):
    site_path: str | None = Field(
        default=None, description="site to write into, by its name or path; default: the first one"
    )
    path: NewPath = Field(
        description="of the file, below the content folder: posts/offer.md, offer/index.md"
    )
    front_matter: dict[str, Any] = Field(default={}, description="title, date, … of the page")
    format: Literal["yaml", "toml", "json"] | None = Field(
        default=None, description="of the front matter; default: as the files beside it have it"
    )
    body: str | None = Field(
        default=None, description="the text, in Markdown; default: the archetype's, or none"
    )
    archetype: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$",
        description="name of an archetype of the site to begin with",
    )
    overwrite: bool = Field(
        default=False, description="put it in the place of a file, whose digest is then asked for"
    )
    digest: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="sha256 of the file that is to be overwritten",
    )
    dry_run: bool = Field(default=False, description="give the diff and write nothing")

    @model_validator(mode="after")
    def _fits_together(self) -> Params:
        if self.digest is not None and not self.overwrite:
            raise ValueError("digest says what is to be overwritten: it needs overwrite: true")
        if self.archetype is not None and self.format is not None:
            raise ValueError("an archetype brings its own format: leave format out")
        return self


def resources(params: Params, config: Config) -> Sequence[str]:
    return claimed(params.site_path, config)


def run(context: Context) -> Outcome:
    params: Params = context.params
    checks.require_settings(context.config)
    target = locate(params.site_path, params.path, context.config)
    try:
        outcome = None if params.dry_run else done_before(context, target)
        if outcome is None:
            outcome = _written(context, params, target)
    except OSError as error:
        raise system_refused(error, target.path) from error
    outcome.outputs["created"] = outcome.outputs["digest_before"] is None
    return outcome


def _written(context: Context, params: Params, target: Target) -> Outcome:
    target, before = file.look(target)
    if before is not None and params.overwrite:
        _require_meant(target, before, params.digest)
    elif params.digest is not None:
        raise refused(
            "digest_differs",
            f"{target.path} is not there, so that there is nothing to overwrite",
            "leave overwrite and digest out to create it",
        )
    elif before is not None and params.archetype is not None:
        raise exists(target, before, ", and an archetype makes another text each time")
    raw = _text(context, params, target).encode("utf-8")
    if before is not None and not params.overwrite and before.raw != raw:
        raise exists(target, before, ", with another text")
    revision = Revision(target, before, raw)
    return carry_out(context, revision, is_edit=False, dry_run=params.dry_run)


def _require_meant(target: Target, before: Read, digest: str | None) -> None:
    if digest == before.digest:
        return
    what = "overwrite needs the digest of what is there" if digest is None else (
        "its digest is another one: it has changed since it was looked at"
    )  # fmt: skip
    failure = refused(
        "digest_differs",
        f"{target.path} is not overwritten: {what}",
        "read the file as it is now, and give its sha256 as digest if it may go",
    )
    failure.outputs = {
        "site": target.site, "file_path": target.path, "digest_before": before.digest,
    }  # fmt: skip
    raise failure


def _text(context: Context, params: Params, target: Target) -> str:
    body = params.body or ""
    if body and not body.endswith("\n"):
        body += "\n"
    if body and not body.startswith("\n"):
        body = f"\n{body}"
    try:
        if params.archetype is None:
            kind = params.format or usual_kind(target)
            return changes.compose(kind, params.front_matter, body)
        text = archetype.written(context, target, params.archetype)
        for path, value in _leaves(params.front_matter):
            text = changes.set_key(text, path, value)
        if params.body is not None:
            text = text[: changes.read(text).body] + body
        return text
    except EditFailed as error:
        raise edit_refused([(error, "front_matter")], target.path) from error


def _leaves(data: Mapping[str, Any], above: changes.Path = ()) -> Iterator[tuple[Any, Any]]:
    """Each value with its path, so that what an archetype has beside it stays."""
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value
