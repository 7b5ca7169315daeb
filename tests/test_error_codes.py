"""docs/troubleshooting.md has every error code that the program can emit, and no other."""

from __future__ import annotations

import ast
import re
import textwrap
from collections import Counter
from pathlib import Path

import pytest

import workflow
from tests.error_codes import UNKNOWN, Found, Reader
from workflow.errors import Exit

REPOSITORY = Path(__file__).parent.parent
PACKAGE = Path(workflow.__file__).parent
PAGE = REPOSITORY / "docs/troubleshooting.md"
ONE_FILE = REPOSITORY / "deploy/onefile"

ROWS = {
    "workflow.deploy.refusals.Kind",
    "workflow.deploy.guards.Unfit",
    "workflow.git.refusals._Reason",
    "workflow.hugo.rules.Rule",
}
"""Classes of tables from which errors are made: `TaskError(row.code, …)`."""

PASSED_ON = {
    ("workflow/commands/plan.py", "came.error.code"): "a WorkflowError",
    ("workflow/commands/retry.py", "error.code"): "a WorkflowError",
    ("workflow/commands/rollback.py", "error.code"): "a WorkflowError",
    ("workflow/commands/waiting.py", "error.code"): "an InvalidTask",
    ("workflow/content/place.py", "error.code"): "a WorkflowError",
    ("workflow/content/refusals.py", "first.code"): "an EditFailed",
    ("workflow/deploy/failures.py", "kind.code"): "a Kind",
    ("workflow/deploy/guards.py", "first.code"): "an Unfit",
    ("workflow/forms/wanted.py", "error.code"): "a WorkflowError",
    ("workflow/git/refusals.py", "reason.code"): "a _Reason",
    ("workflow/handlers/declared.py", "first.code"): "a TaskError",
    ("workflow/handlers/form_create.py", "error.code"): "a TaskError",
    ("workflow/handlers/site_validate.py", "error.code"): "a WorkflowError",
    ("workflow/hugo/errors.py", "UNKNOWN.code"): "a Rule",
    ("workflow/hugo/errors.py", "rule.code"): "a Rule",
    ("workflow/hugo/site.py", "error.code"): "a WorkflowError",
    ("workflow/runner.py", "error.code"): "a WorkflowError",
    ("workflow/submission.py", "error.code"): "an InvalidTask",
    ("workflow/task.py", "error.code"): "a WorkflowError",
    ("workflow/unrun.py", "error.code"): "an InvalidTask",
}
"""Where a code is another error's, and whose: what is read at its birth needs no second reading."""

NO_CODES = {
    ("workflow/admission.py", "cast(Action, error['action'])"): "the action of the one before",
    ("workflow/handlers/declared.py", "self.command.exit_codes.get(str(code), 'escalate')"): (
        "the action that the owner gave an exit code"
    ),
}
"""Expressions that no code comes from."""


ALSO = {
    "no_such_site": {"fix", "escalate"},
    "no_such_environment": {"fix", "escalate"},
}
"""Codes of commands that results have too, with who acts there: they are passed on."""


@pytest.fixture(scope="module")
def found() -> Found:
    return Reader(PACKAGE, ROWS).read()


def of_the_one_file() -> dict[str, set[str]]:
    """The codes with which deploy/onefile refuses, before there is any program."""
    tree = ast.parse((ONE_FILE / "unpack.py").read_text())
    calls = [
        call
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Refused"
    ]
    codes = [call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)]
    assert len(codes) == len(calls) > 3
    in_shell = re.findall(r'"code": "(\w+)"', (ONE_FILE / "head.sh").read_text())
    assert in_shell
    return {str(code): {"USAGE"} for code in [*codes, *in_shell]}


def emitted(found: Found) -> dict[str, set[str]]:
    codes = {code: set(acts) for code, acts in found.codes.items()}
    for code, acts in [*of_the_one_file().items(), *ALSO.items()]:
        codes.setdefault(code, set()).update(acts)
    return codes


def documented() -> dict[str, set[str]]:
    """Each code of the page with who acts, as the sources have it: `fix`, or an exit's name."""
    numbers = {str(int(one)): one.name for one in Exit}
    codes = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        row = re.match(r"\| `(\w+)` \|[^|]+\| ([^|]+) \|[^|]+\|$", line)
        if row:
            words = re.findall(r"exit (\d+)|(fix|retry|escalate)", row[2])
            codes[row[1]] = {numbers[number] if number else action for number, action in words}
            assert codes[row[1]], f"who acts on {row[1]}?"
    return codes


def test_every_code_that_can_be_emitted_is_documented_and_no_other(found: Found) -> None:
    told, there = documented(), emitted(found)
    missing = {code: sorted(found.places.get(code, ())) for code in there if code not in told}
    assert missing == {}, f"add them to {PAGE.name}"
    assert [code for code in told if code not in there] == [], "they are emitted no more"


def test_the_page_says_of_each_code_who_acts_as_the_sources_do(found: Found) -> None:
    there = emitted(found)
    wrong = {
        code: (sorted(acts), sorted(there[code]))
        for code, acts in documented().items()
        if UNKNOWN not in there[code] and not acts <= there[code]
    }
    assert wrong == {}


def test_no_code_stands_in_the_page_twice() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [code for code, times in Counter(rows).items() if times > 1] == []


def test_every_row_of_the_page_is_one_that_is_read() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) == len(documented()) > 200


def test_wherever_a_code_is_passed_on_it_is_known_whose_it_is(found: Found) -> None:
    assert found.passed_on == PASSED_ON.keys()


def test_no_code_is_made_in_a_way_that_cannot_be_read(found: Found) -> None:
    assert found.unread == NO_CODES.keys(), "write codes as literals, or in a table of ROWS"


def test_codes_are_words_with_underscores(found: Found) -> None:
    assert [code for code in found.codes if not re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", code)] == []


SAMPLE = {
    "errors.py": """
        class TaskError:
            code: str
            message: str
            action: str
        class WorkflowError(Exception):
            code: str
            message: str
            exit: object = Exit.USAGE
        """,
    "words.py": """
        IN_A_CONSTANT = "in_a_constant"
        """,
    "tables.py": """
        from typing import NamedTuple
        class Row(NamedTuple):
            code: str
            action: str
        ROWS = (Row("in_a_row", "retry"), Row(action="fix", code="by_keyword"))
        NAMES = {"a": "in_a_table", "b": "in_it_too"}
        """,
    "far/__init__.py": "from sample.far.away import refused as refused\n",
    "far/away.py": """
        from sample.errors import TaskError
        def refused(message, code="by_default", *, action="escalate"):
            return _made(code, message, action)
        def _made(code, message, action):
            return TaskError(code, message, action)
        """,
    "use.py": """
        from sample import tables
        from sample.errors import TaskError, WorkflowError
        from sample.far import refused
        from sample.tables import NAMES
        from sample.words import IN_A_CONSTANT
        TABLE = {"a": "in_a_table", "b": "in_it_too"}
        class Thing:
            def own(self, code):
                raise WorkflowError(code, "", Exit.CONFLICT)
            def run(self, x):
                self.own("by_a_method")
                raise WorkflowError("plainly", "")
        def run(x, rows):
            TaskError("one" if x else "other", "", "fix")
            code, hint = ("in_a_tuple", 1) if x else ("in_another", 2)
            TaskError(code, "", "fix")
            TaskError(TABLE.get(x, "if_not_there"), "", "fix")
            TaskError(IN_A_CONSTANT, "", action="fix")
            refused("through two functions", "far_away")
            refused("with nothing said")
            refused("", action="retry", code="named")
            TaskError(*told(x), "fix")
            for row in rows:
                TaskError(row.code, "", row.action)
            TaskError(x.lower() + "_hidden", "", "fix")
        def told(x):
            if x:
                return "returned", "message"
            return "returned_too", "message"
        """,
}


def test_a_code_is_seen_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in SAMPLE.items():
        path = tmp_path / "sample" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    classes = {
        "sample.errors.TaskError": ("code", "action"),
        "sample.errors.WorkflowError": ("code", "exit"),
    }
    monkeypatch.setattr("tests.error_codes.CLASSES", classes)
    seen = Reader(tmp_path / "sample", {"sample.tables.Row"}).read()
    assert seen.codes == {
        "in_a_row": {"retry"},
        "by_keyword": {"fix"},
        "one": {"fix"},
        "other": {"fix"},
        "in_a_tuple": {"fix"},
        "in_another": {"fix"},
        "in_a_table": {"fix"},
        "in_it_too": {"fix"},
        "if_not_there": {"fix"},
        "in_a_constant": {"fix"},
        "far_away": {"escalate"},
        "by_default": {"escalate"},
        "named": {"retry"},
        "returned": {UNKNOWN},
        "returned_too": {UNKNOWN},
        "by_a_method": {"CONFLICT"},
        "plainly": {"USAGE"},
    }
    assert seen.passed_on == {("sample/use.py", "row.code")}
    assert seen.unread == {("sample/use.py", "x.lower() + '_hidden'")}
