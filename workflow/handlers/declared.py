"""A command that workflow.yaml declares, as a task type: every type of its own handler.

paths are looked up → arguments → the program runs → its exit code → what it told
"""

from __future__ import annotations

import functools
import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from typing import Any

from workflow import handler
from workflow.config import Command, Config
from workflow.declared import outputs, program, template, values
from workflow.declared.arguments import arguments
from workflow.declared.paths import resolve, site_folder
from workflow.errors import TaskError, TaskFailed
from workflow.figures import counted
from workflow.handler import Context, Outcome
from workflow.layout import CONFIG
from workflow.process import Finished
from workflow.settings.commands import EXIT_CODE, SITE

_EXCERPT_LINES = 12
_LONGEST_LINE = 2_000
_NAMED = 3


class Declared:
    """The handler of one command: what a module is for a type of ours."""

    def __init__(self, name: str, command: Command) -> None:
        self.name = name
        self.command = command
        self.Params: type[handler.Params] = values.model(name, command)

    @property
    def OUTPUTS(self) -> Mapping[str, str]:
        told = {key: (o.type, o.description) for key, o in self.command.outputs.items()}
        return {
            EXIT_CODE: "integer: what the program ended with",
            **{key: f"{kind}: {said}" if said else kind for key, (kind, said) in told.items()},
        }

    @property
    def EXAMPLE(self) -> tuple[str, ...]:
        """Whatever a task has to say."""
        return tuple(
            word
            for name, parameter in self.command.parameters.items()
            if self.command.is_needed(name)
            for word in ("--set", f"{name}={parameter.sample()}")
        )

    @property
    def TEMPLATE(self) -> str:
        return template.text(self.name, self.command)

    def resources(self, params: Any, config: Config) -> Sequence[str]:
        """The site's real path and the command's own locks, as `exclusive` says."""
        return [
            site_folder(self.command, config) if lock == SITE else f"command:{lock}"
            for lock in self.command.exclusive
        ]

    def run(self, context: Context) -> Outcome:
        command, config = self.command, context.config
        given = {key: value for key, value in context.params if value is not None}
        for key, parameter in command.parameters.items():
            if parameter.type == "path" and key in given:
                given[key] = resolve(key, given[key], parameter, command, config)
        argv = [program.find(command, config), *arguments(command, given)]
        cwd = program.folder(command, config)
        log = context.folder / f"attempt-{context.attempt}.log"
        before = log.stat().st_size if log.exists() else 0
        context.check()
        context.say(f"running {shlex.join([command.program, *argv[1:]])[:_LONGEST_LINE]}")
        finished = context.run_program(argv, cwd=cwd, env=program.environment(command))
        told = outputs.read(
            command,
            self.name,
            log,
            before,
            check=context.check,
            instead=finished.tail if finished.log_error else None,
        )
        known = {EXIT_CODE: finished.returncode, **told.outputs}
        error = self._failure(finished)
        if error is None and told.faults:
            first, others = told.faults[0], len(told.faults) - 1
            more = f"; and {counted(others, 'more fault')} in what it told" if others else ""
            error = TaskError(
                first.code, f"{first.message}{more}", first.action, first.category,
                excerpt=_last_words(finished), hint=first.hint,
            )  # fmt: skip
        if error is not None:
            raise TaskFailed(error, outputs=known)
        return Outcome(
            outputs=known,
            verdict=self._verdict(known),
            summary=f"It ran, in `{os.fspath(cwd)}`:\n\n    {shlex.join(argv)[:_LONGEST_LINE]}",
            statistics={"Duration": f"{finished.duration:.1f} seconds"},
        )

    def _failure(self, finished: Finished) -> TaskError | None:
        """What its end means; None if it is a success."""
        code = finished.returncode
        if code < 0:
            known = {int(one): one.name for one in signal.Signals}
            name = known.get(-code, str(-code))
            memory = ", as the system does when memory runs out" if name == "SIGKILL" else ""
            return TaskError(
                "command_killed",
                f"{self.name} was killed by {name}{memory}",
                "escalate",
                "command",
                excerpt=_last_words(finished),
                hint="what it did before is not known: look at it, then run it again",
            )
        action = "success" if code == 0 else self.command.exit_codes.get(str(code), "escalate")
        if action == "success":
            return None
        last = (_last_words(finished) or "it said nothing").splitlines()[-1].strip()[:300]
        hint = {
            "fix": "mend what it complains of, then submit the task again",
            "retry": "it is tried again by itself, as often as the retry policy says",
            "escalate": "read what it printed; what an exit code means can be said under "
            f"exit_codes in {CONFIG}",
        }[action]
        return TaskError(
            "command_failed",
            f"{self.name} ended with {code}: {last}",
            action,
            "command",
            excerpt=_last_words(finished),
            hint=hint,
        )

    def _verdict(self, known: Mapping[str, Any]) -> str:
        told = [
            f"{key} {value}"
            for key, value in known.items()
            if key != EXIT_CODE and not isinstance(value, (list, dict)) and len(str(value)) <= 60
        ]
        code = known[EXIT_CODE]
        ended = f" with exit code {code}" if code else ""
        said = f": {', '.join(told[:_NAMED])}" if told else ""
        return " ".join(f"{self.name} ended well{ended}{said}.".split())


def _last_words(finished: Finished) -> str | None:
    lines = [line.rstrip() for line in finished.tail.splitlines() if line.strip()]
    return "\n".join(lines[-_EXCERPT_LINES:])[-_LONGEST_LINE:] or None


@functools.lru_cache(maxsize=128)
def handler_of(name: str, command: Command) -> Declared:
    """The handler of a command. A sweep asks for it with every task."""
    return Declared(name, command)
