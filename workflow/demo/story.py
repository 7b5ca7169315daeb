"""What the demonstration tells: a landing page, from the wish for it to the production site.

It is made with its form, built, checked, committed, published to staging past a broken template,
published to production with the phrase, changed, and the change taken back.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from workflow.demo.place import PAGE
from workflow.demo.show import Show
from workflow.errors import Exit, WorkflowError
from workflow.witness import witness

PAGE_PATH = "/summer-auto-promo-2026/"
BEFORE, AFTER = "15 % lighter", "20 % lighter"
LAYOUT = "layouts/_default/landing.html"
PHRASE = "DEPLOY TO PRODUCTION"
WAIT = ("--wait", "110")


def tell(show: Show) -> bool:
    """The whole story. False if the person did not want the site published.

    Raises WorkflowError `demo_failed` if anything goes otherwise than it should.
    """
    _end_what_an_earlier_one_left(show)
    form_id = _make_form(show)
    _write_page(show, form_id)
    _build_and_check(show)
    _commit(show)
    if not (_publish_to_staging(show) and _publish_to_production(show)):
        return False
    _change(show)
    _roll_back(show)
    return True


def _end_what_an_earlier_one_left(show: Show) -> None:
    for state in ("pending", "waiting"):
        for task in sorted((show.stage.root / "tasks" / state).glob("*.md")):
            show.answer("cancel", task.stem)


def _make_form(show: Show) -> str:
    show.say(
        'You, on a phone: "Create a new landing page for the summer auto insurance promo."',
        "1. Claude Code designs it and writes the words. What is to be done then, it writes down "
        "as tasks. First the page's form, from a definition:",
    )
    show.file(show.stage.root / "forms/summer-auto-2026.yaml")
    show.command("submit", "form-create", "definition=summer-auto-2026")
    show.say("A timer runs the sweep every few seconds; here it is run by hand, once.")
    show.command("sweep")
    outputs = show.answer("show", "latest")["data"]["result"]["outputs"]
    show.say(
        "The result holds the lines for workflow.yaml, which is yours: it says which forms a page "
        "may embed. Say you have added them."
    )
    config = show.stage.root / "workflow.yaml"
    config.write_text(config.read_text(encoding="utf-8") + "\n" + outputs["workflow_yaml"])
    return str(outputs["form_id"])


def _write_page(show: Show, form_id: str) -> None:
    show.say(
        "2. The page. A task is a Markdown file, and can be written with any editor. With --wait, "
        "the same command starts the sweep and tells how it ended."
    )
    show.file(show.stage.write("summer-page.md", FORM_ID=form_id))
    show.command("submit", "content-create", "--from", _here(show, "summer-page.md"), *WAIT)


def _here(show: Show, name: str) -> str:
    """A file of the exchange, as the command finds it that is run where we are."""
    return os.path.relpath(show.stage.root / name)


def _build_and_check(show: Show) -> None:
    show.say(
        "3. Built for a look at it, and checked: links, what search engines need, and whether the "
        "form that the page embeds is there, asks what it should and is tracked."
    )
    show.command("submit", "hugo-build", "--env", "dev", "--then", "site-validate", *WAIT)
    show.command("verify", "latest")
    show.command("submit", "form-check", "--env", "dev", *WAIT)


def _commit(show: Show) -> None:
    if not show.stage.has_git:
        show.say("4. Here the page would be committed, but there is no git on this machine.")
        return
    show.say(
        "4. Committed to a branch of its own, and pushed. Only what is named goes into it; main is "
        "out of reach of tasks."
    )
    show.command(
        "submit", "git-commit", f"paths=[{PAGE}]", "branch=claude/summer-auto-promo",
        "create=true", "push=true", "message=Add the summer auto promo", *WAIT,
    )  # fmt: skip


def _publish_to_staging(show: Show) -> bool:
    layout = show.stage.site / LAYOUT
    show.say(
        '5. You: "Deploy to staging." One command builds, checks and publishes. But somebody has '
        f"just broken a template, {LAYOUT}:"
    )
    _replace(layout, "{{ end }}", "{{ end")
    request = ("--request", "Deploy to staging")
    failed = show.command(
        "publish", "--env", "staging", *request, *WAIT, until="next:", ends=Exit.TASK_FAILED
    )
    show.command("show", failed, until="## Next")
    show.say(
        "The site is as it was, and the error says who acts. Claude Code mends the template and "
        "lets the chain run once more. Now there is a plan, which waits for you."
    )
    _replace(layout, "{{ end", "{{ end }}")
    task_id = show.command("retry", failed, *WAIT, until="next:", ends=Exit.NEEDS_APPROVAL)
    show.command("plan", task_id, cut=True)
    show.say(
        "6. The one question that a deploy asks. The digest stands for exactly these files and "
        "this bucket: should either change meanwhile, nothing is published."
    )
    if show.asks:
        if show.ask("Publish it to staging? [Y/n]", "y").lower().startswith("n"):
            show.command("reject", task_id)
            return False
    else:
        show.say("(Nobody is there to ask, so the demonstration agrees by itself.)")
    _approve(show, task_id)
    _require(BEFORE in show.page(PAGE_PATH), "the published page is not the one that was built")
    return True


def _publish_to_production(show: Show) -> bool:
    show.say(
        "7. Production wants more: you write its phrase yourself. Claude Code's hook sees your own "
        "message, and that exactly one deploy waits for it."
    )
    task_id = show.command(
        "publish", "--env", "production", *WAIT, until="next:", ends=Exit.NEEDS_APPROVAL
    )
    show.command("plan", task_id, cut=True, until="  index.html")
    said = show.ask(f'Write "{PHRASE}" to publish it, or anything else to leave it:', PHRASE)
    if not show.asks:
        show.say(f"You: {PHRASE}")
    if witness(show.stage.root, said) != task_id:
        show.command("reject", task_id)
        return False
    _approve(show, task_id)
    page = show.page(PAGE_PATH, "production")
    _require(BEFORE in page, "the page is not on the production site")
    return True


def _approve(show: Show, task_id: str) -> None:
    words = shlex.split(show.answer("plan", task_id)["data"]["approve"])[1:]
    show.command(*words, *WAIT)


def _change(show: Show) -> None:
    show.say(
        f'8. The headline changes, to "{AFTER}". Everything else in the file stays as it is, byte '
        "for byte. For so small a change workflow.yaml asks nobody (`waive: {max_changed: 3, "
        "max_deleted: 0}`), and the result says so."
    )
    headline = f"set={{headline: 'Drive into summer, {AFTER}'}}"
    path = f"path={PAGE.removeprefix('content/')}"
    show.command("submit", "content-edit", path, headline, *WAIT)
    show.command("publish", "--env", "staging", *WAIT)
    _require(AFTER in show.page(PAGE_PATH), "the changed page is not on the site")


def _roll_back(show: Show) -> None:
    show.say(
        "9. It was a mistake. The last releases are kept, and going back is a task like any other: "
        "planned, agreed to (this one is small again), published, verified."
    )
    show.command("rollback", "--env", "staging", *WAIT)
    _require(BEFORE in show.page(PAGE_PATH), "the page is not the one of the release before")


def _replace(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise WorkflowError(
            "demo_failed", f"the demo did not go as it should: {otherwise}", Exit.TASK_FAILED
        )
