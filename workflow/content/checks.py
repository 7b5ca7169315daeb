"""What is wrong with a text that is to become a content file, before it is one.

The site is read with the text in its place: its front matter by Hugo's rules and by those of
workflow.yaml, its shortcodes, links and pictures by the validator's, its address against all other
pages. What was wrong before an edit and still is does not keep the edit from being made, else a
page with two mistakes could never be mended one at a time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from workflow.config import Config
from workflow.content import changes, fields, schema, words
from workflow.content.fields import Fault
from workflow.content.matter import plain
from workflow.content.place import Target
from workflow.errors import TaskError, TaskFailed, nearest
from workflow.handler import require_sections
from workflow.hugo.record import read_record
from workflow.layout import CONFIG
from workflow.validator import grading, settings
from workflow.validator.content import front_matter, hugo_project, rules
from workflow.validator.content import tree as content_tree
from workflow.validator.content.links import Links
from workflow.validator.content.sources import Source, given_address, key_of, keys_of
from workflow.validator.content.tree import Tree
from workflow.validator.findings import Finding, Severity
from workflow.validator.rules import all_rules

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BEFORE = " (as before)"


@dataclass(frozen=True)
class Judged:
    """What there is to say of a text."""

    errors: list[Finding]
    """For which it is not written."""
    warnings: list[Finding]
    address: str | None
    """Path of its page from the root of the site; None if it has none, or only Hugo can tell."""
    words: int


def require_settings(config: Config) -> None:
    """Raises TaskFailed `bad_config`: settings that were left out because they are wrong must not
    let more pass than they say."""
    require_sections(config, "content")
    problems = []
    for section, named in config.content.sections.items():
        for name in named:
            try:
                changes.parse_path(name)
            except changes.EditFailed as error:
                problems.append(f"{CONFIG}: content.sections.{section}: {error.message}")
    if problems:
        hint = f"mend {CONFIG}; `workflow doctor` lists what is wrong in it"
        raise TaskFailed(
            TaskError("bad_config", problems[0], "escalate", "configuration", hint=hint)
        )


def judge(
    target: Target,
    config: Config,
    after: bytes,
    before: bytes | None = None,
    check: Callable[[], None] = lambda: None,
) -> Judged:
    """What is wrong with `after` at the target's place. `before`: what an edit began with.

    `check` is called often, and ends it by raising. Raises OSError if the site cannot be read.
    """
    project = hugo_project.read(target.site_folder, target.site_folder / target.content)
    tree = content_tree.read(
        target.site_folder, project, check, unwritten={target.real_path: after}
    )
    source = next(one for one in tree.sources if one.path == target.path)
    site = _Site(target, config, tree, source)
    found = site.findings(source)
    check()
    if before is not None:
        was = Counter(_same(one) for one in site.findings(_with_text(source, before)))
        found = [_as_before(one, was) for one in found]
    else:
        found += _of_section(source, tree)
    found.sort(key=lambda one: (one.line or 0, one.column or 0))
    return Judged(
        errors=[one for one in found if one.severity == "error"],
        warnings=[one for one in found if one.severity != "error"],
        address=_address(source, tree),
        words=words.count(source.shortcodes.text),
    )


class _Site:
    """The site with the text in it."""

    def __init__(self, target: Target, config: Config, tree: Tree, source: Source) -> None:
        self._tree = tree
        public = target.site_folder / config.sites[target.site].public
        record = read_record(config.root, target.site)
        first = next(iter(config.environments.values()), None)
        base_url = record.base_url if record else first.base_url if first else None
        self._links = Links(tree, public if public.is_dir() else None, base_url)
        self._graded = settings.configured(config, target.site, None, base_url, Path(public))
        self._others = [
            one for one in tree.sources if one is not source and one.path != source.path
        ]
        # Its own folder's rules are not those of a page that lies in a folder of its own.
        inside = source.folder.rpartition("/")[0] if source.name == "index" else source.folder
        is_page = not source.is_resource and source.name != "_index"
        self._rules = schema.rules_for(inside, config.content) if is_page else {}
        self._section = inside or "the content"
        asked = {str(changes.parse_path(name)[0]).lower() for name in self._rules}
        self._known = asked.union(*(one.matter.data for one in self._others))

    def findings(self, source: Source) -> list[Finding]:
        """All that is wrong with one version of the text, with its severity."""
        own = [*self._of_fields(source), *self._of_address(source), *_of_text(source)]
        typed = {one.line for one in own if one.code == "field-type"}
        general = [
            one for one in rules.findings_of(source, self._links)
            # A draft that is a word, a date that is a list: one word about it is enough.
            if not (one.code == "content-front-matter" and one.line in typed)
        ]  # fmt: skip
        graded = grading.graded(
            general, all_rules(), self._graded.grades, self._graded.ignores
        ).findings
        hints = {code: rule.hint for code, rule in all_rules().items()}
        return [*(one._replace(hint=one.hint or hints[one.code]) for one in graded), *own]

    def _of_fields(self, source: Source) -> Iterator[Finding]:
        if source.matter.error is not None:
            return  # the validator says what it is
        try:
            matter = changes.read(source.text)
            written = plain(matter.kind, source.text[matter.start : matter.end])
        except changes.EditFailed as error:
            yield _finding(source, "content-front-matter", error.message, error.line, error.hint)
            return
        own = matter.data
        faults: list[Fault] = [*fields.double_faults(written), *fields.type_faults(own)]
        faults += fields.unknown_faults(own, self._known)
        faults += schema.schema_faults(own, source.matter.data, self._rules, self._section)
        told = set()
        for one in faults:
            if (one.code, one.key, one.is_error) == ("field-type", one.key, True):
                if one.key in told:
                    continue  # by Hugo's rule and by the owner's alike
                told.add(one.key)
            line = source.matter.lines.get(one.key, 1)
            severity: Severity = "error" if one.is_error else "warning"
            yield _finding(source, one.code, one.message, line, one.hint, severity)

    def _of_address(self, source: Source) -> Iterator[Finding]:
        if source.is_resource:
            return
        if source.unpublished:
            said = f"the page {source.unpublished}, so that Hugo leaves it out of the site"
            line = source.matter.lines.get("draft" if "draft" in source.unpublished else "date", 1)
            hint = "change draft or the date once visitors are to see it"
            yield _finding(source, "not-built", said, line, hint, "warning")
        mine = set(keys_of(source, self._tree.project))
        for other in () if source.key is None else self._others:
            if other.is_resource:
                continue
            theirs = set(keys_of(other, self._tree.project))
            for key in sorted(mine & theirs):
                yield self._taken(source, other, key)

    def _taken(self, source: Source, other: Source, key: str) -> Finding:
        """Two pages want one address; which of them visitors see is chance."""
        sure = self._tree.are_addresses_known or (_is_given(source) and _is_given(other))
        is_error = sure and not other.unpublished
        mine = "" if key == source.key else "alias "
        what = "is" if key == other.key else "is an alias of"
        said = f"the {mine}address {_path(key)} {what} {other.path}"
        said += f", which {other.unpublished}" if other.unpublished else ""
        said += "" if sure else ", unless Hugo's permalinks tell them apart"
        field = next((one for one in ("aliases" if mine else "url", "slug")
                      if one in source.matter.lines), "")  # fmt: skip
        line = source.matter.lines.get(field, 1)
        hint = "give another slug, url or file name; or edit that page instead"
        return _finding(
            source, "address-taken", said, line, hint, "error" if is_error else "warning"
        )


def _of_section(source: Source, tree: Tree) -> Iterator[Finding]:
    """A new page is the first of its section, and the site has one that is called nearly so."""
    section = _section(source)
    others = {_section(one) for one in tree.sources if one.path != source.path}
    if not section or section in others or source.name == "_index":
        return
    near = nearest(section, sorted(others - {""}))
    if near:
        said = f"it is the first page in {section}/; did you mean {' or '.join(near)}?"
        hint = "leave it if the section is meant to be new; else name the other folder in path"
        yield _finding(source, "section-new", said, 1, hint, "warning")


def _section(source: Source) -> str:
    """The first folder below the content; a page that has a folder of its own lies above that."""
    folders = source.folder.split("/")
    return "" if source.name == "index" and len(folders) == 1 else folders[0]


def _of_text(source: Source) -> Iterator[Finding]:
    for one in list(_CONTROL.finditer(source.text))[:1]:
        said = f"the text has the control character U+{ord(one[0]):04X}"
        line = source.text.count("\n", 0, one.start()) + 1
        yield _finding(source, "control-character", said, line, "leave it out")
    if source.is_markdown and source.matter.error is None:
        line_there = words.open_fence(source.shortcodes.text)
        if line_there is not None:
            first = source.text.count("\n", 0, source.matter.body)
            said = "a block of code begins that nothing ends: all that follows is code"
            hint = "close it with a line of the same signs"
            yield _finding(source, "code-open", said, first + line_there, hint, "warning")


def _with_text(source: Source, raw: bytes) -> Source:
    """The source as it would be with other bytes; what is handed down to it stays."""
    own = front_matter.read(source.text).data
    handed = {key: value for key, value in source.matter.data.items() if key not in own}
    text = raw.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")
    matter = front_matter.read(text)
    other = replace(source, text=text, matter=matter._replace(data={**handed, **matter.data}))
    other.key = None if other.is_resource else key_of(other, other.project)
    return other


def _same(one: Finding) -> tuple[str, str, str | None]:
    return one.code, one.message, one.url


def _as_before(one: Finding, was: Counter[tuple[str, str, str | None]]) -> Finding:
    if one.severity != "error" or not was[_same(one)]:
        return one
    was[_same(one)] -= 1
    return one._replace(severity="warning", message=f"{one.message}{_BEFORE}")


def _address(source: Source, tree: Tree) -> str | None:
    if source.key is None or not (tree.are_addresses_known or _is_given(source)):
        return None
    return _path(source.key)


def _is_given(source: Source) -> bool:
    return bool(given_address(source)) and source.key is not None


def _path(key: str) -> str:
    """As visitors write it: `posts/one/index.html` is /posts/one/."""
    return f"/{key.removesuffix('index.html') if f'/{key}'.endswith('/index.html') else key}"


def _finding(
    source: Source,
    code: str,
    message: str,
    line: int | None,
    hint: str,
    severity: Severity = "error",
) -> Finding:
    return Finding(code, source.path, message, line=line or 1, hint=hint, severity=severity)


def sentences(found: Iterable[Finding]) -> list[str]:
    """Each on one line: `content/posts/one.md:3: field-type: …`."""
    return [f"{one.page}:{one.line}: {one.code}: {one.message}" for one in found]
