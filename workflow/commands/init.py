"""workflow init"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workflow import figures, itself, layout
from workflow.cli import Place, command
from workflow.errors import WorkflowError
from workflow.reply import Reply

if TYPE_CHECKING:
    from workflow.claude.install import Installation
    from workflow.initialise import Made


@command
def run(
    place: Place,
    folder: Annotated[str, typer.Argument(metavar="[DIR]", help="Where; made if missing.")] = ".",
    site: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="The Hugo site that tasks work on; with --claude, its CLAUDE.md and its local"
            " settings too.",
        ),
    ] = None,
    claude: Annotated[
        bool,
        typer.Option(
            "--claude", help="Also Claude Code's skill, settings, hooks and CLAUDE.md section."
        ),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="With --claude: the sandbox's settings too.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --claude: show the changes and write nothing.")
    ] = False,
) -> Reply:
    """Make an exchange: folders, workflow.yaml with comments, templates, the guide for Claude Code.

    Never overwrites: says what it left alone. With --claude, settings are merged, sections stand
    between marks, and each change to a file of yours is shown; a second time changes nothing.

    \b
    workflow init ~/site-tasks --site ~/my-hugo-site
    workflow init ~/site-tasks --site ~/my-hugo-site --claude
    """
    if (strict or dry_run) and not claude:
        raise WorkflowError(
            "usage", "--strict and --dry-run go with --claude", hint="see `workflow init --help`"
        )
    from workflow.claude import install
    from workflow.config import load_config
    from workflow.initialise import Made, initialise

    root = Path(folder).expanduser().resolve()
    beside = Path(site).expanduser() if site else None
    if dry_run:
        _refuse_missing(root, beside)
    made = Made(root) if dry_run else initialise(root, beside)
    config = load_config(root)
    if claude:
        found = install.plan(root, config, site=beside, strict=strict)
    else:
        found = install.plan_guide(root, config)
    if not dry_run:
        install.carry_out(found)
    inside = "" if root == Path.cwd() else f"--root {shlex.quote(folder)} "
    reply = _told(made, found, dry_run=dry_run)
    reply.next = [
        (f"workflow {inside}doctor", "see whether all is there"),
        (f"workflow {inside}service install", "have tasks run by themselves: once"),
        (f"workflow {inside}submit hugo-build --env dev", "build the site"),
    ]
    if claude:
        reply.notes.append(
            "Claude Code asks once whether you trust a folder: what is allowed counts from then on."
        )
        reply.notes += _only_here(found)
        reply.warnings += _not_on_path()
    return reply


def _refuse_missing(root: Path, site: Path | None) -> None:
    """What is made otherwise has to be there to be looked at."""
    if not (root / layout.CONFIG).is_file():
        raise WorkflowError(
            "no_exchange",
            f"there is no {layout.CONFIG} in {root}",
            hint="without --dry-run it is made",
        )
    if site is not None and not site.is_dir():
        raise WorkflowError(
            "no_such_site", f"there is no folder {site}", hint="name the Hugo site's folder"
        )


def _told(made: Made, found: Installation, *, dry_run: bool) -> Reply:
    would = "would be " if dry_run else ""
    new = [change.name for change in found.changes if change.before is None]
    templates = [name for name in made.made if name.startswith(f"{layout.TEMPLATES}/")]
    told = [name for name in made.made if name not in templates]
    if templates:
        told.append(f"{layout.TEMPLATES}/: {figures.counted(len(templates), 'template')}")
    changed = [change for change in found.changes if change.before is not None]
    diffs = [change.diff() for change in (found.changes if dry_run else changed)]
    lines = [f"{would}made        {name}" for name in (*told, *new)]
    lines += [f"{would}changed     {change.name}" for change in changed]
    lines += [f"left alone  {name}" for name in made.left]
    lines += [f"left alone  {name}: {why}" for name, why in found.left.items()]
    return Reply(
        data={
            "root": str(made.root),
            "dry_run": dry_run,
            "made": [*made.made, *new],
            "changed": [change.name for change in changed],
            "left_alone": [*made.left, *found.left],
            "reasons": found.left,
            "diffs": diffs,
        },
        text="\n".join([*lines, *diffs]) or "Nothing to change.",
        notes=[_first_step(made)],
        warnings=[*made.notes, *found.notes],
        whole=True,
        verbatim=True,
    )


def _first_step(made: Made) -> str:
    said = f"The exchange is in {made.root}."
    if layout.CONFIG not in made.made:
        return said
    return f"{said} Say in its {layout.CONFIG} where the site is published: docs/aws.md tells how."


def _only_here(found: Installation) -> list[str]:
    """Settings that were made inside of a site's repository and are no use elsewhere."""
    from workflow.claude.install import LOCAL_SETTINGS

    return [
        f"{change.name} names a folder of this machine: keep it out of git."
        for change in found.changes
        if change.before is None and change.name.endswith(LOCAL_SETTINGS)
    ]


def _not_on_path() -> list[str]:
    """Claude Code calls both by their names."""
    missing = [name for name in ("workflow", "workflow-hook") if shutil.which(name) is None]
    if not missing:
        return []
    file = itself.one_file()
    if file is None:
        how = "put the folder of the program on your PATH, or link both into ~/.local/bin"
    else:
        links = [f"ln -s {shlex.quote(file)} ~/.local/bin/{name}" for name in missing]
        how = f"with ~/.local/bin on your PATH, run {' and '.join(f'`{link}`' for link in links)}"
    return [
        f"{' and '.join(missing)} cannot be found by name, and Claude Code calls them so: {how}"
    ]
