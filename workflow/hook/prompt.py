"""UserPromptSubmit: the phrase of a deploy, as the person wrote it.

The prompt that comes here is what the person typed. A whole message that is the phrase is kept by
`witness`, and counts if exactly one task waits for it.
"""

from __future__ import annotations

import os

from workflow import layout
from workflow.hook import plain, where

_LONGEST = 1_000


def answer(told: dict[str, object]) -> str:
    """What Claude is told beside the prompt; empty for a prompt that is no phrase of ours."""
    prompt = told.get("prompt")
    # What one assistant writes to another is no person's message.
    if not isinstance(prompt, str) or told.get("agent_id") is not None:
        return ""
    phrase = prompt.strip()
    root = where(told)
    if root is None or not phrase or len(phrase) > _LONGEST or not _may_be_phrase(root, phrase):
        return ""
    return _witnessed(root, phrase)


def _may_be_phrase(root: str, phrase: str) -> bool:
    """Whether workflow.yaml could mean it: by its letters, without reading the YAML."""
    if phrase == "DEPLOY TO PRODUCTION":
        return True
    with open(os.path.join(root, layout.CONFIG), encoding="utf-8", errors="replace") as file:
        text = file.read(1_000_000)
    letters = _letters(phrase)
    return "phrase" in text and letters in _letters(text) and (bool(letters) or phrase in text)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _witnessed(root: str, phrase: str) -> str:
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    from workflow.approval import approve_command
    from workflow.config import load_config
    from workflow.exchange import Exchange
    from workflow.plans import read_plan
    from workflow.witness import witness

    wanted = [e.phrase for e in load_config(root).environments.values() if e.approval == "phrase"]
    if phrase not in wanted:
        return ""
    task_id = witness(root, phrase)
    if task_id is None:
        return (
            f"The person wrote {plain(phrase)}. It counts for nothing: it does so only while"
            " exactly one task waits for it with a plan. `workflow status` says which tasks wait."
        )
    stored = read_plan(Exchange(root), task_id)
    command = approve_command(task_id, stored.planned) if stored else f"workflow plan {task_id}"
    return (
        f"The person wrote {plain(phrase)}. It was witnessed for {task_id}, for its plan as it is"
        f" now, once. The next command is `{command}`, by itself."
    )
