"""What must never be sent: looked for before anything is, and told all at once.

`fix` is what whoever builds the site can mend; a secret, or what the owner has set in
workflow.yaml, is `escalate`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from workflow import config
from workflow.deploy.content import Content
from workflow.deploy.credentials import has_secret_name
from workflow.deploy.patterns import matches
from workflow.deploy.releases import Release
from workflow.errors import Action, TaskError, TaskFailed
from workflow.figures import differing
from workflow.hugo.record import BuildRecord
from workflow.hugo.site import is_local
from workflow.layout import CONFIG

MOST_LISTED = 50
_MOST_SHOWN = 10
"""Problems in the result's text, besides the first."""
LONGEST_KEY = 1024
"""Bytes of an object's key in S3, the prefix included."""

_ORDER = (
    "empty_site",
    "secrets_found",
    "bad_link",
    "special_file",
    "bad_name",
    "build_missing",
    "wrong_build",
    "changed_since_build",
    "drafts_included",
    "localhost_links",
    "no_index",
    "too_few_files",
)
"""The codes, the most serious first: that one names the failure."""

_BAD_NAME = re.compile(r"[\x00-\x1f\x7f\\]|(?:^|/)\.{0,2}(?:/|$)")


@dataclass(frozen=True, slots=True)
class Unfit:
    """One reason for which a site must not be published."""

    code: str
    what: str
    """A sentence without its full stop."""
    path: str | None = None
    line: int | None = None
    hint: str | None = None

    def sentence(self) -> str:
        place = "" if self.path is None else shown(self.path)
        place += "" if self.line is None else f", line {self.line}"
        return f"{place}: {self.what}" if place else self.what

    def as_dict(self) -> dict[str, Any]:
        path = None if self.path is None else shown(self.path)
        said = {"code": self.code, "path": path, "line": self.line, "what": self.what}
        return {key: value for key, value in said.items() if value is not None}


def shown(path: str) -> str:
    """The path as it can be printed in one line and written as UTF-8, whatever is in it."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def refuse_absent(public: Path, environment: str) -> None:
    """Raises TaskFailed `empty_site` if there is no built site at all."""
    if not public.is_dir():
        what = "is no folder" if os.path.lexists(public) else "is not there"
        raise _failed(
            [Unfit("empty_site", f"the built site {public} {what}", hint=_rebuild(environment))],
            public,
        )


def refuse_unfit(
    content: Content,
    deploy: config.Deploy,
    *,
    environment: str,
    base_url: str,
    build: BuildRecord | None,
    is_dev: bool,
    built_files: Callable[[BuildRecord], Mapping[str, str] | None] = lambda _: None,
) -> None:
    """Raises one TaskFailed that lists everything for which the content must not be published.

    `build` is the record of the site's last build, `base_url` where the site will be;
    `built_files` gives what that build made (path -> sha256), asked only where it has changed.
    """
    found = [
        *_too_little(content, deploy, environment),
        *_misbuilt(
            content, deploy, environment, base_url, build, is_dev=is_dev, built_files=built_files
        ),
        *_entries(content, deploy),
        *_given_away(content, deploy, environment, base_url, is_dev=is_dev),
    ]
    if found:
        raise _failed(found, content.folder)


def refuse_shrunk(local: int, live: int, deploy: config.Deploy) -> None:
    """Raises TaskFailed `site_shrunk` if far fewer files would be there than are live now."""
    if live and local < live * deploy.min_share:
        raise TaskFailed(
            TaskError(
                "site_shrunk",
                f"the site has {local:,} files and {live:,} are live: less than the "
                f"{deploy.min_share:.0%} that may be left",
                "escalate",
                "content",
                hint="is the build whole, the release the right one? If the site is meant to be so "
                f"small, lower deploy.min_share in {CONFIG} for this once",
            )
        )


def refuse_foreign(release: Release, *, site: str, base_url: str) -> None:
    """Raises TaskFailed `wrong_build` for a release whose pages are made for another address."""
    if (release.site, _address(release.base_url)) != (site, _address(base_url)):
        raise TaskFailed(
            TaskError(
                "wrong_build",
                f"{release.release_id} is {release.site} as built for {release.base_url}; what is "
                f"published here is {site} at {base_url}",
                "fix",
                "content",
                hint="choose a release made since the address changed, or build that commit again",
            )
        )


def _too_little(content: Content, deploy: config.Deploy, environment: str) -> Iterator[Unfit]:
    count = len(content.facts)
    if not count:
        yield Unfit(
            "empty_site", f"there is nothing in {content.folder}", hint=_rebuild(environment)
        )
        return
    if "index.html" not in content.facts:
        yield Unfit(
            "no_index",
            "the site has no home page: index.html is missing",
            hint="see why Hugo made no home page (layouts/index.html or home.html), build again",
        )
    if count < deploy.min_files:
        yield Unfit(
            "too_few_files",
            f"the site has {count:,} files, and at least {deploy.min_files:,} are asked for",
            hint=f"is the build whole? The limit is deploy.min_files in {CONFIG}",
        )


def _misbuilt(
    content: Content,
    deploy: config.Deploy,
    environment: str,
    base_url: str,
    build: BuildRecord | None,
    *,
    is_dev: bool,
    built_files: Callable[[BuildRecord], Mapping[str, str] | None],
) -> Iterator[Unfit]:
    if not deploy.require_build:
        return  # public/ comes from elsewhere: an old record says nothing of it
    again = _rebuild(environment)
    if build is None:
        yield Unfit("build_missing", "no hugo-build task has built this site", hint=again)
        return
    if build.environment != environment:
        yield Unfit(
            "wrong_build",
            f"the site was built for {build.environment}, not for {environment}",
            hint=again,
        )
    elif _address(build.base_url) != _address(base_url):
        yield Unfit(
            "wrong_build",
            f"the site was built for {build.base_url}, and {environment} is {base_url}",
            hint=f"{again}, without a base_url of its own",
        )
    if content.manifest.digest != build.digest:
        yield Unfit(
            "changed_since_build",
            "the site is not what the last hugo-build task built: something changed it since"
            + _what_changed(content, built_files(build)),
            hint=again,
        )
    included = [
        what
        for what, is_in in (
            ("drafts", build.build_drafts),
            ("pages dated in the future", build.build_future),
            ("expired pages", build.build_expired),
        )
        if is_in
    ]
    if included and not is_dev:
        yield Unfit(
            "drafts_included",
            f"the site was built with {' and '.join(included)}",
            hint=f"{again}, without build_drafts, build_future and build_expired",
        )


def _entries(content: Content, deploy: config.Deploy) -> Iterator[Unfit]:
    """What is wrong with names, links and things that are no files."""
    prefix = deploy.prefix.strip("/")
    room = LONGEST_KEY - (len(prefix) + 1 if prefix else 0)
    for path in content.facts:
        if _BAD_NAME.search(path) or path.startswith(deploy.private_prefix):
            yield Unfit("bad_name", _what_is_bad(path, deploy), path)
        elif not path.isascii() or len(path) > room:
            try:
                if len(path.encode()) > room:
                    yield Unfit("bad_name", f"its path is longer than {room} bytes", path)
            except UnicodeEncodeError:
                yield Unfit("bad_name", "its name is not UTF-8", path)
    for path, target in content.manifest.links:
        if path not in content.facts:
            yield Unfit("bad_link", _what_is_bad_with(content.folder, path, target), path)
    for path in content.manifest.others:
        yield Unfit("special_file", "it is a pipe, a socket or a device, not a file", path)


def _what_is_bad(path: str, deploy: config.Deploy) -> str:
    if path.startswith(deploy.private_prefix):
        return f"{deploy.private_prefix} is where deploys keep their own objects"
    return "its name has a control character, a backslash or an empty part"


def _what_is_bad_with(folder: Path, path: str, target: str) -> str:
    real = os.path.realpath(folder / path)
    if not os.path.exists(real):
        what = "to nothing"
    elif not Path(real).is_relative_to(folder):
        what = "out of the site"
    else:
        what = "to a folder" if os.path.isdir(real) else "to what is no file"
    return f"the symbolic link leads {what}: {shown(target)}"


def _what_changed(content: Content, built: Mapping[str, str] | None) -> str:
    """The files, to stand at the end of a sentence; empty if it is not known what was built."""
    if built is None:
        return ""
    now = {path: one.sha256 for path, one in content.facts.items()}
    told = differing(built, now)
    return f" ({shown(told)})" if told else ""


def _given_away(
    content: Content, deploy: config.Deploy, environment: str, base_url: str, *, is_dev: bool
) -> Iterator[Unfit]:
    """Secrets, by name and by content; and outside dev, links to this machine."""
    local_hint = None
    if is_local(base_url):
        local_hint = (
            f"the base URL of {environment} in {CONFIG} is this machine itself ({base_url}): "
            "correct it there, build again"
        )
    for path, facts in content.facts.items():
        named = has_secret_name(path)
        if not (named or facts.findings):
            continue
        if not _allowed(path, deploy.allow.secrets):
            if named:
                yield Unfit("secrets_found", "files of this name hold secrets", path)
            for finding in facts.findings:
                if finding.kind == "secret":
                    yield Unfit("secrets_found", f"it holds {finding.what}", path, finding.line)
        if not is_dev and not _allowed(path, deploy.allow.localhost):
            for finding in facts.findings:
                if finding.kind == "localhost":
                    what = f"it holds {finding.what}"
                    yield Unfit("localhost_links", what, path, finding.line, local_hint)


def _allowed(path: str, patterns: tuple[str, ...]) -> bool:
    return any(matches(pattern, path) for pattern in patterns)


_HINTS = {
    "secrets_found": "take it out of the site's sources, build again, and replace what was "
    f"published before; if it is no secret, list its path under deploy.allow.secrets in {CONFIG}",
    "bad_link": "put a copy of the file in the link's place, or take the link out of static/",
    "special_file": "remove it from the site's sources, build again",
    "bad_name": "rename it in the site's sources, build again",
    "localhost_links": "correct the address in the content, the templates or hugo.toml, build "
    f"again; pages that may say it are listed under deploy.allow.localhost in {CONFIG}",
}


def _failed(found: list[Unfit], folder: Path) -> TaskFailed:
    # A feed names each page twice, by one line: that is one thing to mend.
    found = sorted(dict.fromkeys(found), key=lambda unfit: _ORDER.index(unfit.code))
    codes = list(dict.fromkeys(unfit.code for unfit in found))
    # Of each kind some: thousands of one must not hide the only one of another.
    share = max(1, MOST_LISTED // len(codes))
    listed = [
        unfit
        for code in codes
        for unfit in [unfit for unfit in found if unfit.code == code][:share]
    ]
    first, more = found[0], len(found) - 1
    message = first.sentence()
    if more:
        others = ", ".join(code for code in codes if code != first.code)
        message += f" ({more:,} more problem{'s' if more > 1 else ''}"
        message += f", also {others})" if others else " of this kind)"
    # A hint of its own: the address in workflow.yaml is the cause, and that is the owner's.
    is_owners = first.code == "secrets_found" or (first.code == "localhost_links" and first.hint)
    action: Action = "escalate" if is_owners else "fix"
    return TaskFailed(
        TaskError(
            first.code,
            message,
            action,
            "content",
            file=None if first.path is None else f"{folder.name}/{shown(first.path)}",
            line=first.line,
            hint=first.hint or _HINTS[first.code],
            excerpt=_excerpt(listed[1:], more),
        ),
        outputs={
            "problems": [unfit.as_dict() for unfit in listed],
            "problem_count": len(found),
        },
    )


def _excerpt(others: Sequence[Unfit], of: int) -> str | None:
    """The problems besides the first, a line each; of each kind some, as far as there is room."""
    if not others:
        return None
    codes = list(dict.fromkeys(unfit.code for unfit in others))
    share = max(1, _MOST_SHOWN // len(codes))
    picked = [
        unfit
        for code in codes
        for unfit in [unfit for unfit in others if unfit.code == code][:share]
    ]
    lines = [f"{unfit.code}: {unfit.sentence()}" for unfit in picked]
    if of > len(lines):
        lines.append(f"and {of - len(lines):,} more: outputs.problems lists {MOST_LISTED} at most")
    return "\n".join(lines)


def _rebuild(environment: str) -> str:
    return f"build it: `workflow submit hugo-build --env {environment}`"


def _address(url: str) -> tuple[str, str, str]:
    """What of a base URL makes a difference."""
    parts = urlsplit(url)
    port = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return parts.scheme, parts.netloc.lower().removesuffix(port), parts.path.rstrip("/")
