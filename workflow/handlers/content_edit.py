"""Changes a content file: keys of its front matter, sections and pieces of its text.

    read → all edits in memory, in order → judged in the site → exchanged in one step

All else stays byte for byte. Safe to repeat: a second attempt finds by the note of the first
whether it has been written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from workflow import handler
from workflow.config import Config
from workflow.content import changes, checks, file, report
from workflow.content.changes import EditFailed
from workflow.content.file import Read
from workflow.content.place import ContentPath, Target, claimed, like, locate
from workflow.content.refusals import edit_refused, refused, system_refused
from workflow.content.revision import Revision, carry_out, done_before, text_of
from workflow.handler import Context, Outcome

__all__ = ["EXAMPLE", "OUTPUTS", "Params", "resources", "run"]

OUTPUTS: Mapping[str, str] = report.OUTPUTS
EXAMPLE: tuple[str, ...] = (
    "--set", "path=posts/one.md", "--set", "set={title: The first, params.hero.lines: 2}",
)  # fmt: skip

_EDITS = ("set", "unset", "append", "replace", "sections", "append_text")
Edit = tuple[str, Callable[[str], str]]
"""What it is called in the task, and what it does to a text."""


def _a_path(written: str) -> str:
    try:
        changes.parse_path(written)
    except EditFailed as error:
        raise ValueError(f"{error.message}; {error.hint}") from error
    return written


Key = Annotated[str, AfterValidator(_a_path)]
"""The path of a value in front matter."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Replacement(_Part):
    old: str = Field(min_length=1, description="text that is there now")
    new: str = Field(description="text that is to be there")
    count: int = Field(default=1, ge=1, description="how often it has to be there")


class Section(_Part):
    heading: str = Field(min_length=1, description="as it stands in the text, with or without #")
    action: Literal["replace", "append"]
    text: str


class Params(handler.Params):
    site_path: str | None = Field(
        default=None, description="site to write into, by its name or path; default: the first one"
    )
    path: ContentPath = Field(
        description="of the file, below the content folder: posts/offer.md, offer/index.md"
    )
    digest: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="sha256 that the file must have, else nothing is done",
    )
    set: dict[Key, Any] = Field(
        default={}, description="values by path: {title: A, params.hero.image: a.jpg}"
    )
    unset: tuple[Key, ...] = Field(default=(), description="paths of keys to take out")
    append: dict[Key, Any] = Field(
        default={}, description="entries for lists, by path: {tags: [promo]}"
    )
    replace: tuple[Replacement, ...] = Field(
        default=(), description="text for text: [{old, new, count}]"
    )
    sections: tuple[Section, ...] = Field(
        default=(), description="[{heading, action: replace or append, text}]"
    )
    append_text: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="a paragraph, or more, at the end"
    )
    dry_run: bool = Field(default=False, description="give the diff and write nothing")

    @model_validator(mode="after")
    def _says_something(self) -> Params:
        if not any(getattr(self, name) for name in _EDITS):
            raise ValueError(f"says no edit: give one of {', '.join(_EDITS)}")
        return self


def resources(params: Params, config: Config) -> Sequence[str]:
    return claimed(params.site_path, config)


def run(context: Context) -> Outcome:
    params: Params = context.params
    checks.require_settings(context.config)
    target = locate(params.site_path, params.path, context.config)
    try:
        outcome = None if params.dry_run else done_before(context, target)
        return outcome or _edited(context, params, target)
    except OSError as error:
        raise system_refused(error, target.path) from error


def _edited(context: Context, params: Params, target: Target) -> Outcome:
    target, before = file.look(target)
    if before is None:
        near = like(target)
        raise refused(
            "no_such_file",
            f"there is no {target.path}",
            f"did you mean {' or '.join(near)}?" if near else "content-create makes new files",
        )
    if params.digest not in (None, before.digest):
        raise _differs(target, before)
    text = text_of(target, before.raw)
    failed: list[tuple[EditFailed, str]] = []
    for name, edit in _edits(params):
        context.check()
        try:
            text = edit(text)
        except EditFailed as error:
            failed.append((error, name))
    if failed:
        failure = edit_refused(failed, target.path)
        failure.outputs |= {"site": target.site, "digest_before": before.digest}
        raise failure
    revision = Revision(target, before, text.encode("utf-8"))
    return carry_out(context, revision, is_edit=True, dry_run=params.dry_run)


def _differs(target: Target, before: Read) -> Exception:
    failure = refused(
        "digest_differs",
        f"{target.path} has another digest: it has changed since it was looked at",
        "read the file as it is now, and submit what is still to be changed",
    )
    failure.outputs = {
        "site": target.site, "file_path": target.path, "digest_before": before.digest,
    }  # fmt: skip
    return failure


def _edits(params: Params) -> Iterator[Edit]:
    """All that the task asks for, in the order of its parameters."""
    for key, value in params.set.items():
        yield f"set {key}", partial(changes.set_key, path=changes.parse_path(key), value=value)
    for key in params.unset:
        yield f"unset {key}", partial(changes.unset_key, path=changes.parse_path(key))
    for key, value in params.append.items():
        path = changes.parse_path(key)
        for one in value if isinstance(value, list) else [value]:
            yield f"append {key}", partial(changes.append_to, path=path, value=one)
    for number, one in enumerate(params.replace, 1):
        yield (
            f"replace {number}",
            partial(changes.replace_text, old=one.old, new=one.new, count=one.count),
        )
    for part in params.sections:
        heading, text = part.heading, part.text
        if part.action == "replace":
            edit = partial(changes.replace_section, heading=heading, new_body=text)
        else:
            edit = partial(changes.append_section, heading=heading, addition=text)
        yield f"section {heading!r}", edit
    if params.append_text is not None:
        edit = partial(changes.append_section, heading=None, addition=params.append_text)
        yield "append_text", edit
