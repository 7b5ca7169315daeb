"""An exchange with four weeks behind it: results as sweeps write them, and tasks that wait."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.program import CONFIG, Program, make_exchange
from workflow import layout
from workflow.agreement import parameters
from workflow.approval import digest
from workflow.config import load_config
from workflow.errors import Status, TaskError
from workflow.expectations import Check, Verification
from workflow.handler import Planned
from workflow.plans import write_plan
from workflow.result import Attempt, Result, render, utc
from workflow.task import load_task

WITH_DEPLOYS = CONFIG.replace(
    'approval: approve}', 'approval: approve, deploy: {strategy: native, bucket: harbor-staging}}'
).replace(
    'approval: phrase}', 'approval: phrase, deploy: {strategy: native, bucket: harbor-live}}'
)  # fmt: skip
BROKEN = TaskError(
    code="hugo_missing_shortcode",
    category="template",
    message="the shortcode 'ofer' does not exist",
    file="content/posts/boat-week.md",
    line=5,
    column=1,
    excerpt="       4 | \n  >    5 | {{< ofer >}}\n       6 | ",
    hint="write layouts/shortcodes/ofer.html, or correct the name (did you mean offer?)",
    action="fix",
)
DENIED = TaskError(
    code="access_denied",
    category="credentials",
    message="s3://harbor-live refuses PutObject: the credentials of profile deploy lack the right",
    hint="give s3:PutObject on arn:aws:s3:::harbor-live/*; `workflow doctor --iam` prints all",
    action="escalate",
)
CAUSES = [
    {
        "code": "link-broken", "severity": "error", "message": "/about/team/ is not there",
        "hint": "Correct the address, or write the page.", "source": "layouts/nav.html:12",
        "template": True, "findings": 41, "pages": 41, "page": "index.html",
    },
    {
        "code": "title-long", "severity": "warning",
        "message": "the title has 84 characters, of which a search result shows about 60",
        "hint": "Say what matters first.", "source": "content/posts/spring-rates.md",
        "template": False, "findings": 1, "pages": 1, "page": "posts/spring-rates/index.html",
    },
    {
        "code": "og-missing", "severity": "notice", "message": "the page has no Open Graph data",
        "hint": "In Hugo, the partial opengraph.html writes all of it.",
        "source": "layouts/_default/baseof.html:3", "template": True, "findings": 42, "pages": 42,
        "page": "index.html",
    },
]  # fmt: skip


def add(
    program: Program,
    task_id: str,
    task_type: str,
    ended: datetime,
    *,
    status: Status = "success",
    environment: str | None = None,
    seconds: float = 1.0,
    verdict: str = "It was done.",
    outputs: Mapping[str, Any] | None = None,
    error: TaskError | None = None,
    checks: Sequence[Check] = (),
    logs: str = "",
    summary: str = "",
) -> Path:
    """An ended task: its file, its result and its log, as `settle` leaves them."""
    state = "completed" if status == "success" else "failed"
    began = utc(ended - timedelta(seconds=seconds))
    result = Result(
        task_id=task_id,
        task_type=task_type,
        status=status,
        verdict=verdict,
        started_at=began,
        completed_at=utc(ended),
        duration_seconds=seconds,
        worker_id="builder-harbor",
        environment=environment,
        outputs=outputs or {},
        error=error,
        verification=Verification("failed" if error else "proceed", "so it was found", list(checks))
        if checks
        else None,
        attempts=[Attempt(1, began, status, seconds, error.code if error else None)],
        summary=summary,
        next_steps=["Look at it: `workflow show latest`"],
        logs=logs,
    )
    params = f"params: {{environment: {environment}}}\n" if environment else ""
    program.write(
        f"{task_id}.md",
        f"---\ntask_type: {task_type}\nstatus: {state}\n{params}---\n\nAs it was asked for.\n",
        f"tasks/{state}",
    )
    day = program.root / layout.RESULTS / f"{ended:%Y-%m-%d}"
    day.mkdir(exist_ok=True)
    path = day / (task_id + layout.RESULT_SUFFIX)
    path.write_bytes(render(result))
    if logs:
        folder = day / (task_id + layout.LOGS_SUFFIX)
        folder.mkdir()
        (folder / "attempt-1.log").write_text(logs)
    return path


def wait_for_approval(program: Program, environment: str = "staging") -> str:
    """A deploy that has planned and waits for a person."""
    kind = f"hugo-deploy-{environment}"
    task_id = f"{datetime.now(UTC):%Y-%m-%d-%H%M}-{kind}"
    program.write(f"{task_id}.md", f"---\ntask_type: {kind}\n---\n", "tasks/waiting")
    task, _ = load_task(
        os.fspath(program.root / "tasks/waiting" / f"{task_id}.md"),
        task_id,
        load_config(program.root),
    )
    given = parameters(task)
    kinds = {"new": ["images/summer.webp", "summer-auto-promo-2026/index.html"],
             "changed": ["index.html", "posts/index.html", "sitemap.xml"],
             "delete": ["posts/winter-offer/index.html"], "keep": ["about/index.html"]}  # fmt: skip
    actions = [
        {"action": action, "path": path, "reason": "it was so planned"}
        for action, paths in kinds.items()
        for path in paths
    ]
    planned = Planned(
        digest=digest(kind, environment, {}, given, ()),
        environment=environment,
        target="s3://harbor-staging, CloudFront E3HA8770RGET6T",
        summary="2 new, 3 changed, 1 to delete, 240 unchanged (31.2 kB to send)",
        changed=5,
        deleted=1,
        details={"actions": actions},
    )
    write_plan(program.exchange, task_id, kind, given, planned)
    return task_id


def deploy_outputs(environment: str) -> dict[str, Any]:
    return {
        "uploaded_files": 3, "deleted_files": 1, "unchanged_files": 240, "bytes": 31_200,
        "deployment_id": f"{environment}-0007-5cd28c6c", "http_status": 200, "live": "complete",
        "site_url": f"https://{environment}.example.com/",
        "approval": {"way": "approved", "by": "mark", "through": "witnessed"},
    }  # fmt: skip


def busy_exchange(folder: Path) -> Program:
    """Four weeks of builds, checks and deploys, most of them well; today something waits."""
    program = make_exchange(folder, WITH_DEPLOYS)
    chance = random.Random(7)
    now = datetime.now(UTC)
    for back in range(27, -1, -1):
        day = now - timedelta(days=back)
        if back and day.weekday() > 4 and chance.random() < 0.7:
            continue
        _one_day(program, day, chance, last=back == 0)
    (program.root / ".workflow/last-sweep").touch()
    return program


def _one_day(program: Program, day: datetime, chance: random.Random, *, last: bool) -> None:
    for number in range(3 if last else chance.randrange(1, 7)):
        ended = day - timedelta(minutes=7 * number + 5)
        mark = f"{ended:%Y-%m-%d-%H%M}"
        ill = chance.random() < 0.12 and not last
        add(
            program, f"{mark}-hugo-build-staging", "hugo-build", ended, environment="staging",
            seconds=round(chance.lognormvariate(1.1, 0.25), 3),
            status="failed" if ill else "success", error=BROKEN if ill else None,
            verdict="hugo-build failed: the shortcode 'ofer' does not exist." if ill
            else "Built main for staging: 48 pages, 96 files, 1.2 MB in 3.1 s.",
            logs="Start building sites …\nTotal in 22 ms\n",
            checks=[Check("build_success", "== true", not ill, not ill)],
        )  # fmt: skip
        add(
            program, f"{mark}-site-validate-staging", "site-validate",
            ended + timedelta(seconds=9), environment="staging",
            seconds=round(chance.lognormvariate(-0.8, 0.3), 3),
            verdict="41 errors, 1 warning and 42 notices on 42 pages: main for staging.",
            outputs={"pages": 42, "files": 96, "error_count": 41, "warning_count": 1,
                     "notice_count": 42, "new": 84, "causes": CAUSES},
        )  # fmt: skip
        if number == 0:
            add(
                program, f"{mark}-hugo-deploy-staging", "hugo-deploy-staging",
                ended + timedelta(seconds=20), environment="staging",
                seconds=round(chance.lognormvariate(0.4, 0.3), 3),
                verdict="Published main to staging: 3 files sent (31.2 kB), 1 deleted, "
                "240 unchanged; https://staging.example.com/ serves it.",
                outputs=deploy_outputs("staging"),
                summary="- changed: `index.html` (its content differs)\n"
                "- new: `images/summer.webp` (not there yet)\n"
                "- delete: `posts/old/index.html` (not in the site)",
            )  # fmt: skip
    if last:
        ended = day - timedelta(minutes=2)
        mark = f"{ended:%Y-%m-%d-%H%M}"
        add(
            program, f"{mark}-hugo-build-dev", "hugo-build", ended, environment="dev",
            status="failed", error=BROKEN, seconds=0.151,
            verdict="hugo-build failed: the shortcode 'ofer' does not exist "
            "(content/posts/boat-week.md:5:1).",
            checks=[Check("build_success", "== true", False, False),
                    Check("file_count", "integer (>0)", None, False)],
            logs="Start building sites …\nhugo v0.168.0+extended linux/amd64\n\n"
            'ERROR failed to extract shortcode: template for shortcode "ofer" not found\n',
        )  # fmt: skip
