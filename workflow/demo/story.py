"""What the demonstration tells: a page is built, broken, mended, published, changed, taken back."""

from __future__ import annotations

import shlex
import shutil

from workflow.demo.place import BROKEN_POST
from workflow.demo.show import Show
from workflow.errors import Exit, WorkflowError
from workflow.initialise import data_folder

PAGE = "content/summer-auto-promo.md"
PAGE_PATH = "/summer-auto-promo/"
BEFORE, AFTER = "15 % lighter", "20 % lighter"
DEPLOY = "hugo-deploy-staging"


def tell(show: Show) -> bool:
    """The whole story. False if the person did not want the site published.

    Raises WorkflowError `demo_failed` if anything goes otherwise than it should.
    """
    _end_what_an_earlier_one_left(show)
    _build(show)
    _mend(show)
    if not _publish(show):
        return False
    _change(show)
    _roll_back(show)
    return True


def _end_what_an_earlier_one_left(show: Show) -> None:
    for state in ("pending", "waiting"):
        for task in sorted((show.stage.root / "tasks" / state).glob("*.md")):
            show.answer("cancel", task.stem)


def _build(show: Show) -> None:
    show.say(
        "1. You say: build the site for staging. Claude Code writes a task, a timer runs the "
        "sweep, which builds the site and writes a result. Claude Code reads the verdict."
    )
    request = "Build it for staging"
    show.command("submit", "hugo-build", "--env", "staging", "--request", request)
    show.command("sweep")
    show.command("verify", "latest")


def _mend(show: Show) -> None:
    show.say(f"2. Somebody adds a post that uses a shortcode which is not there: {BROKEN_POST}")
    post = show.stage.site / BROKEN_POST
    shutil.copyfile(data_folder() / "demo" / "broken-post.md", post)
    show.command("submit", "hugo-build", "--env", "staging", "--description", "boat week")
    show.command("sweep")
    show.command("show", "latest", until="## Verification")
    built = show.stage.site / "public" / "index.html"
    kept = "still the one built before" if built.is_file() else "missing"
    show.say(
        f"The public/ folder is {kept}: a failed build changes nothing. And the error says who "
        "acts. Claude Code mends the shortcode's name and submits the task again."
    )
    _replace(show, BROKEN_POST, "ofer", "offer")
    show.command("retry", "latest")
    show.command("sweep")


def _publish(show: Show) -> bool:
    show.say(
        "3. You say: publish it. The sweep makes a plan, and parks the task: staging asks for an "
        "approval."
    )
    task_id = show.command("submit", DEPLOY)
    show.command("sweep")
    show.command("plan", task_id, cut=True)
    approve = shlex.split(show.answer("plan", task_id)["data"]["approve"])[1:]
    show.say(
        "4. Here a person decides. The digest stands for exactly these files and this bucket: "
        "should either change meanwhile, nothing is published."
    )
    if show.asks:
        if show.ask("Publish it? [Y/n]", "y").lower().startswith("n"):
            show.command("reject", task_id)
            return False
    else:
        show.say("(Nobody is there to ask, so the demonstration agrees by itself.)")
    show.command(*approve)
    show.command("sweep")
    show.command("verify", "latest")
    _require(BEFORE in show.page(PAGE_PATH), "the published page is not the one that was built")
    return True


def _change(show: Show) -> None:
    show.say(
        f'5. One headline changes, in {PAGE}: now "{AFTER}". It is built and published again; '
        "only what differs is sent. For so small a change workflow.yaml asks nobody (`waive: "
        "{max_changed: 10, max_deleted: 0}`), and the result says so."
    )
    _replace(show, PAGE, BEFORE, AFTER)
    show.command("submit", "hugo-build", "--env", "staging", "--then", DEPLOY)
    show.command("sweep")
    show.command("show", "latest", until="## Statistics")
    _require(AFTER in show.page(PAGE_PATH), "the changed page is not on the site")


def _roll_back(show: Show) -> None:
    show.say(
        "6. It was a mistake. The last releases are kept, and going back is a task like any other: "
        "planned, agreed to (this one is small again), published, verified."
    )
    show.command("rollback", "--env", "staging")
    show.command("sweep")
    show.command("verify", "latest")
    _require(BEFORE in show.page(PAGE_PATH), "the page is not the one of the release before")


def _replace(show: Show, name: str, old: str, new: str) -> None:
    path = show.stage.site / name
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise WorkflowError(
            "demo_failed", f"the demo did not go as it should: {otherwise}", Exit.TASK_FAILED
        )
