"""Fetches what visitors sent with a form, into files for this user alone.

Results, logs and tasks hold counts and times, never what somebody wrote: they are kept, committed
and shown. Safe to repeat: the same task writes the same files, and starts from where it started.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from workflow import handler
from workflow.config import Config
from workflow.errors import TaskFailed
from workflow.figures import counted
from workflow.forms import clock, listing, submissions
from workflow.forms.client import JotForm
from workflow.forms.private import PrivateFolder, private_folder, root_of
from workflow.forms.spreadsheet import table
from workflow.handler import Context, Outcome

__all__ = ["EXAMPLE", "OUTPUTS", "Params", "resources", "run"]

OUTPUTS: Mapping[str, str] = {
    "form_id": "string: the form's id",
    "submissions": "integer: how many were fetched",
    "left": "integer: how many more there are, beyond `limit`",
    "newest": "string: when the newest of them was sent, in UTC; null if there is none",
    "json_file": "string: all that JotForm says of them; null if there is none",
    "csv_file": "string: a row a submission, for spreadsheets; null if there is none",
}
EXAMPLE: tuple[str, ...] = ("--set", "form=contact", "--set", "since=2026-01-19T00:00:00Z")


def _since(written: str) -> str:
    if written not in ("last", "all"):
        _moment(written)
    return written


def _moment(written: str) -> datetime:
    """A time without a zone is one in UTC, as all times in tasks are."""
    if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])", written):
        try:
            moment = datetime.fromisoformat(written)
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            if 2000 <= aware.year < 3000:
                return aware.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise ValueError("must be last, all, or a time in UTC such as 2026-01-19T14:30:00Z")


class Params(handler.Params):
    form: listing.FormName = Field(description="its name in workflow.yaml, or its id")
    since: Annotated[str, Field(max_length=40), AfterValidator(_since)] = Field(
        default="last",
        description="last: since the fetch before this one; all; or a time in UTC",
    )
    limit: int | None = Field(
        default=None, ge=1, le=100_000, description="at most so many, the oldest first"
    )


def resources(params: Params, config: Config) -> Sequence[str]:
    """The form's files: two fetches at once would both move the mark."""
    try:
        return (f"submissions:{listing.form_id(params.form, config)}",)
    except TaskFailed:
        return ()  # `run` says what is wrong


def run(context: Context) -> Outcome:
    params: Params = context.params
    config = context.config
    form_id = listing.form_id(params.form, config)
    root = root_of(config)
    with private_folder(root, form_id) as folder, JotForm.open(config, context.check) as api:
        zone = clock.account_zone(api, config.jotform)
        mark = submissions.read_mark(folder, context.task_id)
        if params.since == "last":
            found = submissions.since_mark(api, form_id, mark)
        elif params.since == "all":
            found = submissions.every(api, form_id)
        else:
            found = submissions.since_moment(api, form_id, _moment(params.since), zone)
        fetched = found[: params.limit]
        context.say(f"{form_id}: {counted(len(fetched), 'submission')}")

        def sent(one: Mapping[str, Any]) -> str:
            at = clock.to_utc(one.get("created_at"), zone)
            return clock.shown(at) or str(one.get("created_at") or "")

        files = _write(folder, context.task_id, fetched, table(fetched, sent)) if fetched else {}
        if params.since == "last" and fetched:
            submissions.write_mark(folder, mark, fetched, context.task_id)
        moments = [clock.to_utc(one.get("created_at"), zone) for one in fetched]
    newest = max((moment for moment in moments if moment is not None), default=None)
    left = len(found) - len(fetched)
    outputs = {
        "form_id": form_id,
        "submissions": len(fetched),
        "left": left,
        "newest": clock.shown(newest),
        "json_file": _shown(files.get("json"), config),
        "csv_file": _shown(files.get("csv"), config),
    }
    return Outcome(
        outputs=outputs,
        verdict=_verdict(params.form, outputs),
        statistics={"Submissions": len(fetched), "Left for the next time": left},
        next_steps=_next(params, outputs),
    )


def _write(
    folder: PrivateFolder, task_id: str, fetched: Sequence[Mapping[str, Any]], rows: bytes
) -> dict[str, Path]:
    raw = json.dumps(list(fetched), indent=1, ensure_ascii=False)
    return {
        # JSON knows the escapes that stand in for half a character.
        "json": folder.write(f"{task_id}.json", raw.encode("utf-8", "backslashreplace") + b"\n"),
        "csv": folder.write(f"{task_id}.csv", rows),
    }


def _shown(path: Path | None, config: Config) -> str | None:
    """Relative to the exchange where it lies in it."""
    if path is None:
        return None
    within = os.path.relpath(path, config.root)
    return str(path) if within.startswith("..") else within


def _verdict(form: str, outputs: Mapping[str, Any]) -> str:
    if not outputs["submissions"]:
        return f"The form {form} has no new submissions."
    left = f"; {outputs['left']:,} more are left for the next time" if outputs["left"] else ""
    newest = f", the newest of {outputs['newest']}" if outputs["newest"] else ""
    return (
        f"{counted(outputs['submissions'], 'submission')} of the form {form} fetched{newest}{left}."
    )


def _next(params: Params, outputs: Mapping[str, Any]) -> list[str]:
    if outputs["left"] and params.since == "last":
        return [f"Fetch the rest: `workflow submit form-submissions --set form={params.form}`"]
    if outputs["csv_file"]:
        return [f"Open {outputs['csv_file']}; it holds personal data, so it stays out of git"]
    return ["Nothing is to be done"]
