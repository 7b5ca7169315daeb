"""The template of a command, made from what workflow.yaml says of it."""

from __future__ import annotations

from typing import Any

from workflow import templates, yaml12
from workflow.config import Command
from workflow.settings.commands.parameter import Parameter

_EXPECTED = {"number": "float"}
"""Types of outputs that expected_outputs call otherwise."""


def text(name: str, command: Command) -> str:
    """A template's file: what is open in it, and which outputs are expected."""
    lines = ["---", f"task_type: {name}", f"worker_type: {name}", "priority: normal"]
    written = {
        key: value
        for key, parameter in command.parameters.items()
        if (value := _written(key, parameter, command)) is not None
    }
    lines.append("params:" if written else "params: {}")
    lines += [f"  {key}: {yaml12.dump_inline(value)}" for key, value in written.items()]
    lines.append("expected_outputs:")
    lines += [
        f"  - {key}: {_EXPECTED.get(output.type, output.type)}"
        for key, output in command.outputs.items()
    ]
    lines += ["  - exit_code: integer", "requires_approval: false", "---", ""]
    lines += ["## Task Description", "", f"{command.summary or f'Run {command.program}'}.", ""]
    lines += ["## Success Criteria", "", "- It ends with an exit code that stands for success.", ""]
    lines += ["## Rollback Plan", "", "What it changes is its own: see its documentation.", ""]
    return "\n".join(lines)


def _written(key: str, parameter: Parameter, command: Command) -> Any:
    """What stands in the template; None if nothing can, and what counts is known without it."""
    if parameter.type == "choice" and parameter.default is None:
        listed = " | ".join(parameter.choices)
        return listed if templates.choices(listed) == list(parameter.choices) else None
    if parameter.has_default:
        value = parameter.default if parameter.default is not None else False
        is_open = templates.is_hint(value) or templates.choices(value) is not None
        return None if is_open else value
    said = parameter.description or f"a {parameter.type}"
    left_out = "" if command.is_needed(key) else "; may be left out"
    hint = f"<{' '.join(said.translate({ord(sign): ' ' for sign in '<>'}).split())}{left_out}>"
    return hint if templates.is_hint(hint) else None
