"""Tables of keys in docs/, made from the models that read the files, so that they cannot drift.

`python -m tests.doc_tables` writes them anew between their marks; tests/test_docs.py compares. What
a key means stands in its model; where its name says it all there, the words are here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workflow import yaml12
from workflow.config import ConfigFile
from workflow.schemas import RESULT
from workflow.task import TaskFile

DOCS = Path(__file__).parent.parent / "docs"
Schema = Mapping[str, Any]

MEANINGS = {
    "ConfigFile.version": "of this format",
    "ConfigFile.hugo": "which Hugo builds",
    "ConfigFile.sites": "the Hugo sites that tasks may touch; the first is the default",
    "ConfigFile.environments": "where a site lives; the first is the default for builds",
    "ConfigFile.policies": "how sweeps work",
    "ConfigFile.validate": "what `site-validate` finds, and how much it counts",
    "ConfigFile.content": "what the front matter of pages that tasks write has to have",
    "ConfigFile.jotform": "where JotForm's API is, and where its key is found",
    "ConfigFile.git": "where tasks may commit",
    "ConfigFile.report": "the page that `workflow report` writes",
    "Site.path": "its folder: relative to workflow.yaml, absolute, or from `~`",
    "Hugo.path": "the program, where it is not the one on PATH",
    "Environment.base_url": "its address, with which the site is built",
    "Environment.hugo_environment": "what Hugo calls it, if not by its name here",
    "Environment.phrase": "what a person types, for `approval: phrase`",
    "Environment.deploy": "where it is published to; without it, it is only built",
    "Waiver.max_deleted": "files deleted",
    "Deploy.strategy": "speak to S3 ourselves, or run the owner's script",
    "Deploy.bucket": "for `native`",
    "Deploy.region": "of the bucket; default: as boto3 finds it",
    "Deploy.cloudfront_id": "the distribution that is told what to forget",
    "Deploy.script": "the owner's own program: see [deploy-scripts.md](deploy-scripts.md)",
    "Deploy.script_options": "what it is given, and how what it prints is read",
    "Deploy.cloudfront_endpoint_url": "of a server that stands in for CloudFront",
    "Deploy.objects": "how single objects are stored",
    "Deploy.max_deletes": "how many objects a deploy may delete",
    "Deploy.min_files": "a site of fewer files is refused",
    "Deploy.allow": "paths for which a guard looks away",
    "Deploy.invalidate": "what CloudFront is told to forget",
    "Deploy.verify": "what is fetched from the site once it is published",
    "Deploy.releases": "what `workflow rollback` can go back to",
    "ObjectRule.content_type": "the header",
    "ObjectRule.cache_control": "the header",
    "ObjectRule.compress": "instead of the environment's own",
    "MaxDeletes.number": "objects",
    "Script.arguments": "of the script",
    "Policies.retry": "for passing faults, and for what was cut off and may be repeated",
    "Policies.archive": "whether sweeps move past months to archive/",
    "Retry.max_attempts": "attempts in all",
    "Retry.backoff_seconds": "before the second attempt; doubled for each further one",
    "Validate.ignore": "findings that somebody looked at and lets pass",
    "Validate.external": "links to other hosts",
    "Ignored.rule": "a rule of [validation.md](validation.md)",
    "External.retries": "after a passing fault",
    "Content.sections": '`"*"` or a folder below content/, then a path in the front matter',
    "FieldRule.type": "of the value",
    "FieldRule.required": "whether it has to be there",
    "Form.id": "JotForm's number",
    "JotForm.region": "where the account lives",
    "Command.parameters": "what a task may fill in",
    "Command.outputs": "what it tells; `pictures: integer` is short for a type alone",
    "Parameter.type": "of the value",
    "Parameter.min_length": "characters of a string",
    "Parameter.max_length": "characters of a string",
    "Parameter.minimum": "of a number",
    "Parameter.maximum": "of a number",
    "Parameter.choices": "of a choice: the values that it has",
    "Parameter.must_be": "of a path: what has to be there, or must not",
    "Output.type": "of the value",
    "TaskFile.created_by": "who wrote it: `claude-code`, or a user's name",
    "TaskFile.worker_type": "what results call the worker",
    "TaskFile.priority": "which of the tasks that can run begins first",
    "TaskFile.timeout_minutes": "for one attempt; default: the template's, then the policies'",
    "TaskFile.requires_approval": "a person is asked even where the environment asks for nobody",
    "TaskFile.approval_confirmation": "the phrase, where workflow.yaml says `accept_declared`",
    "TaskFile.approval_confirmed": "that it was given, there",
    "TaskFile.retry": "instead of the policies' `retry`",
    "TaskFile.idempotency_key": "one wish, one task: see `submit --key`",
    "Result.task_id": "the task's",
    "Result.task_type": "the task's; null where the file could not be read so far",
    "Result.status": "how it ended",
    "Result.environment": "the task's, if it has one",
    "Result.started_at": "UTC, of the first attempt",
    "Result.completed_at": "UTC; its day is the folder that the result lies in",
    "Result.duration_seconds": "of the last attempt",
    "Result.worker_id": "the worker's type and the machine",
    "Result.outputs": "what the type gives: `workflow types TYPE` lists it",
    "Result.error": "why it did not succeed; there for every status but `success`",
    "Result.verification": "each expectation, checked, and what to do now",
    "Result.attempts": "every run of the task",
    "Result.warnings": "what did not keep it from ending well",
    "Result.logs": "the end of what was printed; the whole lies in `.logs/`",
    "error.code": "stable: [troubleshooting.md](troubleshooting.md) lists them all",
    "error.category": "in a word, for grouping",
    "error.message": "what and why, in a sentence",
    "error.file": "relative to the site, or to the exchange",
    "error.line": "from 1",
    "error.column": "from 1",
    "error.excerpt": "the lines around the place, or the tool's own words",
    "error.hint": "how to mend it",
    "error.action": "who acts",
    "verification.verdict": "see below",
    "verification.reason": "in a sentence",
    "verification.checks": "one for each expectation",
    "checks.name": "of the output",
    "checks.expected": "the condition, as written",
    "checks.passed": "whether it holds",
    "attempts.number": "from 1",
    "attempts.started_at": "UTC",
    "attempts.status": "how it ended; `interrupted`: it was cut off",
    "attempts.duration_seconds": "how long it took",
    "attempts.error": "the code of its error",
    "attempts.worker_id": "who ran it",
}
"""The words for keys whose model says none."""
_MOST_CHOICES = 8
_WORDS = {"object": "mapping"}
"""Of JSON's types, as YAML has them."""


def tables() -> dict[str, str]:
    """Each generated part of the documents by its name, as Markdown."""
    return {
        "configuration": "\n\n".join(_models(ConfigFile.model_json_schema())),
        "task": _table("TaskFile", TaskFile.model_json_schema(), {}, link=False),
        "result": _table("Result", RESULT, {}, link=False),
        "error": _table("error", RESULT["properties"]["error"], {}, link=False),
        "verification": _table(
            "verification", RESULT["properties"]["verification"], {}, link=False
        ),
        "checks": _table(
            "checks",
            RESULT["properties"]["verification"]["properties"]["checks"]["items"],
            {},
            link=False,
        ),
        "attempts": _table("attempts", RESULT["properties"]["attempts"]["items"], {}, link=False),
    }


def replaced(text: str) -> str:
    """A document with its generated parts as they should be."""
    for name, table in tables().items():
        begin, end = f"<!-- made from the models: {name} -->", "<!-- end -->"
        if begin in text:
            before, rest = text.split(begin, 1)
            text = f"{before}{begin}\n\n{table}\n\n{end}{rest.split(end, 1)[1]}"
    return text


def _models(root: Schema) -> Iterator[str]:
    """A heading and a table for each model that may stand in workflow.yaml, from the top down."""
    ahead: list[tuple[str, str, Schema]] = [("", "ConfigFile", root)]
    places: dict[str, str] = {}
    queue = list(ahead)
    while queue:
        path, name, schema = queue.pop(0)
        below = []
        for key, value in schema["properties"].items():
            for suffix, inner in _inside(value):
                if inner not in places:
                    places[inner] = f"{path}.{key}{suffix}".removeprefix(".")
                    below.append((places[inner], inner, root["$defs"][inner]))
        ahead += below
        queue = [*below, *queue]
    for path, name, schema in sorted(ahead, key=lambda one: _order(one[0], root)):
        title = f"### `{path}`" if path else "### At the top"
        said = " ".join(schema.get("description", "").split())
        lead = said if path and not said.endswith("workflow.yaml.") else ""
        parts = [title, lead, _table(name, schema, places, link=True)]
        yield "\n\n".join(part for part in parts if part)


def _order(path: str, root: Schema) -> tuple[int, str]:
    """Under each key of the top what belongs to it, in the order of the top."""
    tops = ["", *root["properties"]]
    return tops.index(path.split(".")[0].removesuffix("[]")), path


def _table(name: str, schema: Schema, places: Mapping[str, str], *, link: bool) -> str:
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    needed = schema.get("required", ())
    for key, value in schema["properties"].items():
        default = "needed" if key in needed else _default(value)
        if name in ("Result", "error", "verification", "checks", "attempts"):
            default = "always" if key in needed else "–"
        cells = (f"`{key}`", _kind(value, places, link), default, _meaning(name, key, value))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _meaning(name: str, key: str, value: Schema) -> str:
    said = value.get("description") or MEANINGS.get(f"{name}.{key}")
    if said is None:
        raise KeyError(f"what {name}.{key} means: say it in the model, or in MEANINGS")
    return " ".join(str(said).split())


def _default(value: Schema) -> str:
    default = value.get("default")
    if default in (None, "", [], {}) or isinstance(default, dict):
        return "–"
    return f"`{yaml12.dump_inline(default)}`"


def _choices(value: Schema) -> Iterator[Schema]:
    """The schemas of which one holds, without that of null."""
    for one in value.get("anyOf", value.get("allOf", [value])):
        if one.get("type") != "null":
            yield one


def _inside(value: Schema) -> Iterator[tuple[str, str]]:
    """The models in a value, with what stands between."""
    for one in _choices(value):
        if "$ref" in one:
            yield "", one["$ref"].rsplit("/", 1)[-1]
        elif one.get("type") == "array":
            yield from ((f"[]{rest}", name) for rest, name in _inside(one.get("items", {})))
        elif isinstance(one.get("additionalProperties"), dict):
            inner = _inside(one["additionalProperties"])
            yield from ((f".NAME{rest}", name) for rest, name in inner)


def _kind(value: Schema, places: Mapping[str, str], link: bool) -> str:
    return " or ".join(dict.fromkeys(_one(one, places, link) for one in _choices(value)))


def _one(value: Schema, places: Mapping[str, str], link: bool) -> str:
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[-1]
        if name not in places:
            return "mapping"
        anchor = places[name].lower().translate({ord(sign): None for sign in ".[]"})
        return f"[mapping](#{anchor})" if link else "mapping"
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        listed = value["enum"]
        if len(listed) > _MOST_CHOICES:
            return "name of a rule"
        return ", ".join(f"`{one}`" for one in listed)
    kinds = value.get("type")
    if isinstance(kinds, list):
        return " or ".join(str(_WORDS.get(kind, kind)) for kind in kinds if kind != "null")
    if kinds == "array":
        inner = value.get("items", {})
        of = _kind(inner, places, link) if inner else ""
        return f"list of ({of})" if " or " in of else f"list of {of}".removesuffix(" of ")
    if kinds == "object":
        inner = value.get("additionalProperties")
        return f"names: {_kind(inner, places, link)}" if isinstance(inner, dict) else "mapping"
    if value.get("format") == "path":
        return "path"
    if value.get("format") == "date-time":
        return "UTC time"
    return f"{kinds or 'any'}{_bounds(value)}"


def _bounds(value: Schema) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    said = [f"{sign} {value[key]:,g}" for key, sign in signs.items() if key in value]
    return f" ({', '.join(said)})" if said else ""


def main() -> None:
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        new = replaced(text)
        if new != text:
            path.write_text(new, encoding="utf-8")
            print(path)


if __name__ == "__main__":
    main()
