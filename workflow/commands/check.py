"""workflow check"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from workflow import layout
from workflow.cli import Place, command
from workflow.errors import Exit, WorkflowError, nearest
from workflow.figures import counted
from workflow.reply import Reply
from workflow.validator import reporting, settings
from workflow.validator.external.verdict import Options
from workflow.validator.grading import FailOn, Grade, Ignore
from workflow.validator.sources import hugo_site
from workflow.validator.validation import Report, Scope, Wish, validate

if TYPE_CHECKING:
    from workflow.config import Config

_GIVEN = "given with --ignore"


@command
def run(
    place: Place,
    folder: Annotated[str, typer.Argument(metavar="DIR", help="The built site, such as public.")],
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", metavar="URL", help="Where it will be; else as it says itself."),
    ] = None,
    environment: Annotated[
        str | None, typer.Option("--env", metavar="E", help="Whose rules count.")
    ] = None,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="A workflow.yaml to go by.")
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option("--rule", metavar="CODE=SEVERITY", help="error, warning, notice or off."),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            "--ignore", metavar="KEY=PATTERN,…", help="Let pass: rule=…, page=…, url=…, or several."
        ),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="FILE", help="Findings that are known.")
    ] = None,
    update_baseline: Annotated[
        bool, typer.Option("--update-baseline", help="Write what is found now into that file.")
    ] = False,
    fail_on: Annotated[
        str | None,
        typer.Option("--fail-on", metavar="SEVERITY", help="error, warning, notice or never."),
    ] = None,
    external: Annotated[
        bool, typer.Option("--external", help="Ask other hosts about links to them.")
    ] = False,
    scope: Annotated[
        str,
        typer.Option("--scope", help="site: the built pages; content: the Markdown of DIR's site."),
    ] = "site",
    sarif_file: Annotated[
        str | None, typer.Option("--sarif", metavar="FILE", help="Also write SARIF 2.1.0.")
    ] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Print annotations for GitHub Actions.")
    ] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Read every page anew, and keep nothing.")
    ] = False,
) -> Reply:
    """Check a built site: links, and what search engines and visitors need. Needs no exchange.

    Where DIR is the built folder of a site of a workflow.yaml around here, its rules count. Exit
    code 3 if something is as bad as --fail-on (default: error), 2 for wrong use.

    \b
    workflow check public
    workflow check public --base-url https://www.example.com/ --fail-on warning
    workflow check public --rule title-long=off --ignore "page=drafts/**" --github
    workflow check public --baseline known.json --update-baseline
    """
    public = Path(folder).expanduser()
    if not public.is_dir():
        raise WorkflowError(
            "no_such_folder",
            f"there is no folder {folder}",
            hint="name the folder of the built site; `hugo` writes it as public/",
        )
    wish = _configured(Path(os.path.realpath(public)), place, config, environment, external)
    wish = replace(
        wish,
        base_url=_url(base_url) or wish.base_url,
        **_scoped(_one_of("--scope", scope, get_args(Scope)), wish),
        grades={**wish.grades, **_grades(rule or [])},
        ignores=[*wish.ignores, *map(_ignored, ignore or [])],
        fail_on=_one_of("--fail-on", fail_on, get_args(FailOn)) if fail_on else wish.fail_on,
        baseline=Path(baseline).expanduser() if baseline else wish.baseline,
        update_baseline=update_baseline,
        cache=None if no_cache else cache_folder(),
        ask_hugo=_ask_hugo_anew if no_cache else _ask_hugo,
        # Whoever reads the first screen need not wait for the places of the ten thousandth page.
        in_full=bool(sarif_file or github) or _is_for_a_program(),
    )
    if update_baseline and wish.baseline is None:
        raise WorkflowError(
            "usage", "--update-baseline needs to know the file", hint="add --baseline FILE"
        )
    sarif = Path(sarif_file).expanduser() if sarif_file else None
    if sarif is not None and not sarif.parent.is_dir():
        raise WorkflowError(
            "usage", f"there is no folder {sarif.parent}", hint="make it, or name another --sarif"
        )
    gc.disable()  # the facts of a site are no garbage
    try:
        report = validate(wish)
    except FileNotFoundError as error:
        raise WorkflowError(
            "changed_meanwhile",
            f"{error.filename} is gone: the folder was changed while it was read",
            hint="check again when what builds it is done",
        ) from error
    finally:
        gc.freeze()  # nor need they be looked at while the answer is put together
        gc.enable()
    prefix, inside = _prefix(wish)
    if sarif is not None:
        _write_sarif(sarif, report, prefix, inside)
    if baseline and not report.has_baseline:
        report.notes.append(
            f"there is no {baseline}: nothing is known (--update-baseline writes it)"
        )
    told = list(reporting.github(report, prefix, inside)) if github else []
    return _reply(report, wish, told, folder)


def _is_for_a_program() -> bool:
    return any(word.partition("=")[0] in ("--json", "--field") for word in sys.argv)


def _configured(
    public: Path, place: Place, named: str | None, environment: str | None, external: bool
) -> Wish:
    """What workflow.yaml says to this folder: one that was named, or one around here that has the
    folder as a site's."""
    plain = Wish(
        public=public,
        environment=environment,
        is_production=settings.is_production(environment),
        external=Options() if external else None,
    )
    config = _config(place, named)
    if config is None:
        return plain
    from workflow.config import require_usable
    from workflow.hugo.record import read_record

    site = next((name for name in config.sites if _public(config, name) == public), None)
    if site is None and named is None:
        return plain
    require_usable(config)
    record = read_record(config.root, site) if site is not None else None
    if environment is not None:
        environment, _ = config.environment(environment)
    elif record is not None and record.environment in config.environments:
        environment = record.environment
    built_for = record.base_url if record is not None else None
    return settings.configured(config, site, environment, built_for, public, external=external)


def _config(place: Place, named: str | None) -> Config | None:
    """The configuration that was named, else that of the exchange around here, if there is one.

    Raises WorkflowError `no_exchange` or `bad_config` for one that was named.
    """
    if named is not None:
        path = Path(named).expanduser()
        if path.name != layout.CONFIG:
            path = path / layout.CONFIG
        root = os.path.realpath(path.parent)
    else:
        try:
            root = place.root
        except WorkflowError:
            return None
    from workflow.config import load_config

    return load_config(root)


def _public(config: Config, site: str) -> Path:
    found = config.sites[site]
    return Path(os.path.realpath(config.path(found.path / found.public)))


def _scoped(scope: Scope, wish: Wish) -> dict[str, Any]:
    """What DIR is: the built site, or content of the Hugo site around it."""
    if scope == "site":
        return {}
    site = wish.hugo_site or hugo_site(wish.public / "content")
    built = site / "public" if site is not None else wish.public
    return {"scope": scope, "public": built, "hugo_site": site}


def _url(written: str | None) -> str | None:
    if written is None or re.match(r"https?://[^/\s]+", written):
        return written
    raise WorkflowError(
        "usage", f"{written!r} is no address", hint="such as --base-url https://www.example.com/"
    )


def _one_of(option: str, written: str, known: tuple[str, ...]) -> Any:
    if written in known:
        return written
    raise WorkflowError(
        "usage",
        f"{option} cannot be {written!r}",
        hint="it can be: " + ", ".join(known),
        did_you_mean=nearest(written, known),
    )


def _grades(written: list[str]) -> dict[str, Grade]:
    grades: dict[str, Grade] = {}
    for one in written:
        code, _, grade = one.partition("=")
        grades[code.strip()] = _one_of(f"--rule {code}", grade.strip(), get_args(Grade))
    return grades


def _ignored(written: str) -> Ignore:
    """`page=blog/**,url=/old/*`; a comma inside of a pattern is no mark of a next one."""
    said: dict[str, str] = {}
    for part in re.split(r",(?=\w+=)", written):
        key, _, pattern = part.partition("=")
        _one_of("the key of --ignore", key.strip(), ("rule", "page", "url"))
        if not pattern:
            raise WorkflowError(
                "usage", f"--ignore {written} has no pattern", hint='such as "page=drafts/**"'
            )
        said[key.strip()] = pattern
    return Ignore(_GIVEN, **said)


def cache_folder(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Where facts are kept from one check to the next: the user's folder for such things."""
    named = environ.get("XDG_CACHE_HOME")
    if named and os.path.isabs(named):
        above = Path(named)
    else:
        above = Path.home() / ("Library/Caches" if platform == "darwin" else ".cache")
    return above / "workflow" / "validator"


def _ask_hugo(folder: Path) -> Mapping[str, str]:
    from workflow.hugo import listing

    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return listing.kept_content_files(
        listing.program, folder, cache_folder() / f"{name}.listing.json"
    )


def _ask_hugo_anew(folder: Path) -> Mapping[str, str]:
    from workflow.hugo import listing

    hugo = listing.program()
    return listing.content_files(hugo, folder) if hugo is not None else {}


def _prefix(wish: Wish) -> tuple[str, str]:
    """What stands before a path of the sources, and before one of the built site, as seen from
    here: the root of the repository, where programs for CI are started."""
    site = wish.hugo_site or hugo_site(wish.public) or wish.public
    from_here = os.path.relpath(site, os.path.realpath(".")).replace(os.sep, "/")
    inside = os.path.relpath(wish.public, site).replace(os.sep, "/")
    return _folder(from_here), _folder(inside)


def _folder(path: str) -> str:
    return "" if path == "." else f"{path}/"


def _write_sarif(path: Path, report: Report, prefix: str, inside: str) -> None:
    from workflow.validator import sarif
    from workflow.validator.rules import all_rules

    said = sarif.document(
        report.new,
        report.known,
        all_rules(),
        base_url=report.base_url,
        prefix=prefix,
        public=inside,
    )
    path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _reply(report: Report, wish: Wish, annotations: list[str], folder: str) -> Reply:
    headline = f"{reporting.headline(report)} in {folder}."
    more = reporting.details(report)
    reply = Reply(
        make_data=partial(reporting.in_full, report),
        text="\n".join([*annotations, headline, *reporting.lines(report)]),
        notes=[f"{more}."] if more else [],
        warnings=list(report.notes),
        rest=f"workflow check {folder} --json",
        whole=bool(annotations),
    )
    if wish.update_baseline:
        reply.notes.append(f"{wish.baseline} now says what is known.")
    failing = report.failing
    if failing:
        worst = failing[0]
        reply.exit = Exit.TASK_FAILED
        reply.error = WorkflowError(
            "findings",
            f"{counted(len(failing), 'cause')} to mend; the worst: {worst.code}: {worst.message}",
            Exit.TASK_FAILED,
            hint=worst.hint,
        )
    return reply
