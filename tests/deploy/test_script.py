"""The owner's script as a way to deploy: real scripts, real processes."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from tests.deploy.script_bench import TASK, Bench
from workflow import printed
from workflow.deploy import script, script_output

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    # The Python below our virtual environment, as a machine's own python3.
    monkeypatch.setenv("PATH", f"{sys.base_prefix}/bin:/usr/bin:/bin")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    return Bench(tmp_path)


# -- what is run -------------------------------------------------------------------------------


def test_a_python_script_runs_in_its_own_folder_with_the_python3_of_the_path(bench: Bench) -> None:
    bench.write("import os, sys\nprint(os.getcwd(), sys.argv, sys.executable)")
    command = bench.command
    assert command.argv == (f"{sys.base_prefix}/bin/python3", str(bench.script))
    bench.run()
    assert f"{bench.script.parent} ['{bench.script}']" in bench.printed


def test_the_virtual_environment_beside_a_script_is_the_one_it_was_written_for(
    bench: Bench,
) -> None:
    python = bench.root / "own/.venv/bin/python"
    bench.write("print('hello')").write("#!/bin/sh\necho from the venv: $@\n", python, 0o755)
    bench.run()
    assert bench.printed == f"from the venv: {bench.script}\n"


def test_our_own_virtual_environment_is_not_the_scripts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sys.prefix != sys.base_prefix
    monkeypatch.setenv("PATH", f"{sys.prefix}/bin:{sys.base_prefix}/bin")
    bench.write("import sys\nprint(sys.prefix)")
    bench.run()
    assert bench.printed == f"{sys.base_prefix}\n"


def test_an_executable_runs_by_itself_with_arguments_and_a_working_folder(bench: Bench) -> None:
    bench.shell('echo "$PWD: $1 $2"', arguments=["--all", "a b; $(c)"], working_folder=".")
    bench.run()
    assert bench.printed == f"{bench.root}: --all a b; $(c)\n"


@pytest.mark.parametrize("named", ["sh", "/bin/sh"])
def test_an_interpreter_is_named_by_its_name_or_its_path(bench: Bench, named: str) -> None:
    bench.write("echo hello from sh").configure(interpreter=named)
    bench.run()
    assert bench.printed == "hello from sh\n"


def test_a_link_runs_as_it_is_named_and_is_shown_as_what_it_is(bench: Bench) -> None:
    real = bench.root / "elsewhere/real.py"
    bench.write("import sys\nprint(sys.argv[0])", real)
    bench.script.parent.mkdir()
    bench.script.symlink_to(real)
    assert script.identity(bench.command)["script"] == str(real)
    bench.run()
    assert bench.printed == f"{bench.script}\n"


def test_a_script_that_is_not_there_is_named(bench: Bench) -> None:
    error = bench.refuse()
    assert (error.code, error.action) == ("script_missing", "escalate")
    assert f"{bench.script} does not exist" in error.message
    bench.script.parent.mkdir()
    bench.script.symlink_to("nothing")
    assert "link to nothing" in bench.refuse().message


def test_what_cannot_be_run_is_told_before_anything_is_begun(bench: Bench) -> None:
    bench.script.mkdir(parents=True)
    assert "is no file" in bench.refuse().message
    bench.shell("echo").configure("own/publish.sh", working_folder="nowhere")
    assert "there is no folder" in bench.refuse().message
    bench.configure("own/publish.sh")
    (bench.root / "own/publish.sh").chmod(0o644)
    error = bench.refuse()
    assert error.code == "script_not_runnable"
    assert "chmod +x" in error.message


def test_a_missing_interpreter_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write("")
    for named in ("no-such-python", "/no/such/python", ".", "own/publish.py"):
        error = bench.configure(interpreter=named).refuse()
        assert error.code == "interpreter_missing"
        assert "script_options.interpreter" in (error.hint or "")
    bench.configure()
    monkeypatch.setenv("PATH", str(bench.root))
    monkeypatch.setattr("workflow.hugo.program.PLACES", ())
    assert "python3 is not on PATH" in bench.refuse().message


def test_a_script_whose_first_line_names_nothing_leaves_the_site_untouched(bench: Bench) -> None:
    bench.write("#!/no/such/program\n", bench.root / "own/publish.sh", 0o755)
    failure = bench.configure("own/publish.sh").fail()
    assert failure.error.code == "program_not_found"
    assert failure.outputs["live"] == "untouched"


def test_a_script_gets_the_profile_of_its_environment_and_no_other_credentials(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "everyday")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    bench.write("import json, os\nprint(json.dumps(dict(os.environ)))")
    bench.configure(profile="publish-www").run()
    given = json.loads(bench.printed)
    aws = {name: value for name, value in given.items() if name.startswith("AWS_")}
    assert aws.items() >= {"AWS_PROFILE": "publish-www", "AWS_REGION": "eu-west-1"}.items()
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} & aws.keys()


def test_a_script_gets_what_it_needs_and_nothing_of_ours(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "ANTHROPIC_API_KEY", "WORKFLOW_ROOT"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PYTHONPATH", "/ours")
    monkeypatch.setenv("AWS_PROFILE", "klm")
    monkeypatch.setenv("SSL_CERT_DIR", "/certs")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    bench.write("import json, os\nprint(json.dumps(dict(os.environ)))")
    bench.run()
    given = json.loads(bench.printed)
    assert {name for name in given if name.startswith(("CLAUDE", "ANTHROPIC"))} == set()
    assert {name: given[name] for name in given if name.startswith("WORKFLOW_")} == {
        "WORKFLOW_ENVIRONMENT": "production",
        "WORKFLOW_SITE": str(bench.root / "site"),
        "WORKFLOW_PUBLIC": str(bench.root / "site/public"),
        "WORKFLOW_BASE_URL": "https://www.example.org/",
        "WORKFLOW_TASK_ID": TASK,
        "WORKFLOW_RUN": given["WORKFLOW_RUN"],
    }
    assert "PYTHONPATH" not in given
    assert (given["AWS_PROFILE"], given["SSL_CERT_DIR"]) == ("klm", "/certs")
    assert given["HTTPS_PROXY"] == "http://proxy:3128"
    assert given["PYTHONUNBUFFERED"] == "1"
    assert given["HOME"] == str(bench.root / "home")
    assert "/usr/local/bin" in given["PATH"].split(":")


# -- what an approval binds --------------------------------------------------------------------


def test_whatever_changes_the_script_changes_its_identity(bench: Bench) -> None:
    helper = bench.root / "own/helper.py"
    package = bench.root / "own/tools/__init__.py"
    deep = bench.root / "own/tools/deep.py"
    bench.write("import os.path, helper\nfrom tools import s3 as _\n")
    bench.write("", helper).write("from .deep import it\nfrom . import s3\n", package)
    bench.write("it = 1\n", deep).write("s3 = 1\n", bench.root / "own/tools/s3.py")
    bench.write("not python", bench.root / "own/unused.py")
    first = script.identity(bench.command)
    assert first["sha256"] == bench.command.sha256
    assert [Path(path).name for path in first["imports"]] == [
        "helper.py",
        "__init__.py",
        "deep.py",
        "s3.py",
    ]
    seen = [first]

    def changed() -> None:
        now = script.identity(bench.command)
        assert now not in seen
        seen.append(now)

    bench.write("import helper, tools\nprint()\n")
    changed()
    for path in (helper, package, deep):
        bench.write(path.read_text() + "# changed\n", path)
        changed()
    bench.configure(arguments=["--force"])
    changed()
    bench.configure(answers=["yes"])
    changed()
    bench.configure(working_folder=".")
    changed()
    bench.configure(interpreter="/bin/sh")
    changed()
    bench.configure()
    bench.write("print()", bench.root / "own/unused.py")
    assert script.identity(bench.command) == seen[4]


def test_a_script_that_python_cannot_read_has_an_identity_too(bench: Bench) -> None:
    assert "imports" not in script.identity(bench.write("def (").command)


@pytest.mark.parametrize("what", ["script", "import", "arguments"])
def test_a_script_that_changed_after_its_approval_is_not_run(bench: Bench, what: str) -> None:
    helper = bench.root / "own/helper.py"
    bench.write("import helper\nopen('ran', 'w')").write("", helper)
    agreed = bench.command
    if what == "script":
        bench.write("import helper\nopen('ran', 'w') # other")
    elif what == "import":
        bench.write("open('ran', 'w')", helper)
    else:
        bench.configure(arguments=["--other"])
    failure = bench.fail(agreed)
    assert failure.error.code == "stale_plan"
    assert failure.outputs["live"] == "untouched"
    assert not (bench.root / "own/ran").exists()
    assert bench.recorded == []


def test_a_task_sets_nothing_of_what_is_run(bench: Bench) -> None:
    class Wishes:
        script = "/bin/false"
        interpreter = "/bin/false"
        arguments = answers = ("mine",)
        working_folder = "/"
        outputs: Mapping[str, str] = {"uploaded_files": "x"}

    bench.params = Wishes()
    bench.write("import os, sys\nprint(sys.argv[1:], os.getcwd(), sys.stdin.read())")
    run = bench.run()
    assert bench.printed == f"[] {bench.script.parent} \n"
    assert "uploaded_files" not in run.outputs


# -- questions ---------------------------------------------------------------------------------

ASKING = """
if input("Type 'DEPLOY TO PRODUCTION' to continue: ") != 'DEPLOY TO PRODUCTION':
    raise SystemExit('Aborted.')
print('{"uploaded_files": 3}')
"""


def test_a_confirmation_is_answered(bench: Bench) -> None:
    bench.write(ASKING).configure(answers=["DEPLOY TO PRODUCTION"])
    assert bench.run().outputs["uploaded_files"] == 3


def test_several_questions_get_a_line_each(bench: Bench) -> None:
    bench.write("print([input(), input()])").configure(answers=["yes", "größer"])
    bench.run()
    assert bench.printed == "['yes', 'größer']\n"


def test_a_refused_confirmation_fails_with_the_scripts_own_word(bench: Bench) -> None:
    failure = bench.write(ASKING).configure(answers=["deploy"]).fail()
    assert failure.error.code == "script_failed"
    assert "publish.py ended with 1" in failure.error.message
    assert "Aborted." in failure.error.message
    assert "uploaded_files" not in failure.outputs


@pytest.mark.parametrize(
    ("answers", "says"), [([], "does not answer"), (["yes"], "more than the 1 given")]
)
def test_a_question_without_an_answer_is_told_with_the_way_to_answer_it(
    bench: Bench, answers: list[str], says: str
) -> None:
    bench.write("input('a? ') if len('x') else 0\ninput('b? ')").configure(answers=answers)
    error = bench.fail().error
    assert error.code == "script_asked"
    assert "script_options.answers" in error.message
    assert says in error.message
    assert "EOFError" in (error.excerpt or "")


def test_a_shells_question_is_told_too(bench: Bench) -> None:
    assert bench.shell("printf 'Go on? [y/N] '; read x").fail().error.code == "script_asked"


# -- what it told ------------------------------------------------------------------------------


def test_the_last_json_line_with_our_keys_counts(bench: Bench) -> None:
    told = {
        "uploaded_files": ["index.html", "a.css"],
        "deleted_files": [],
        "unchanged_files": 240,
        "bytes": 1234,
        "invalidation_id": "I2J0I21PCUYOIK",
        "deployment_id": "d-1",
        "site_url": "https://www.example.org",
        "http_status": 200,
        "colour": "blue",
    }
    bench.write(
        "import json\n"
        "print(json.dumps({'uploaded_files': 99}))\n"
        f"print(json.dumps({told!r}))\n"
        "print(json.dumps({'elapsed': 3}))\nprint('{broken')\nprint('{' * 100000 + '}')\n"
    )
    run = bench.run()
    told.pop("colour")
    assert run.outputs == {**told, "uploaded_files": 2, "deleted_files": 0, "live": "complete"}
    assert run.warnings == []


def test_values_of_the_wrong_kind_are_warnings(bench: Bench) -> None:
    wrong = {
        "uploaded_files": "many",
        "deleted_files": True,
        "unchanged_files": -1,
        "bytes": 1.5,
        "invalidation_id": 7,
        "site_url": "www.example.org",
    }
    run = bench.write(f"import json\nprint(json.dumps({wrong!r}))").run()
    assert run.outputs == {
        "deployment_id": TASK,
        "site_url": "https://www.example.org/",
        "live": "complete",
    }
    for name, value in wrong.items():
        assert any(f"says {value!r} for {name}" in warning for warning in run.warnings)


def test_what_a_script_does_not_tell_is_left_out_and_a_warning_says_how_to_teach_it(
    bench: Bench,
) -> None:
    run = bench.write("print('Done.')").run()
    assert run.outputs == {
        "deployment_id": TASK,
        "site_url": "https://www.example.org/",
        "live": "complete",
    }
    (warning,) = run.warnings
    for name in (*script_output.WANTED, "script_options.outputs", "docs/deploy-scripts.md"):
        assert name in warning


def test_the_owners_patterns_give_values_and_counts(bench: Bench) -> None:
    bench.shell(
        "printf 'PUT a\\nPUT b\\r\\n PUT no\\nsent 1,204 files\\nsent 1,205 files\\n'\n"
        "printf '\\033[32mrelease 0042\\033[0m\\nversion: 17\\ntotal unknown\\n'",
        outputs={
            "uploaded_files": "^PUT .*$",
            "deleted_files": "^DELETE ",
            "unchanged_files": r"^sent (\S+) files$",
            "deployment_id": r"^release (\d+)$",
            "version": r"^version: (.*)$",
            "bytes": r"^total (\w+)$",
            "invalidation_id": "^nothing like this (.*)$",
        },
    )
    run = bench.run()
    assert run.outputs == {
        "uploaded_files": 2,
        "deleted_files": 0,
        "unchanged_files": 1205,
        "deployment_id": "0042",
        "version": 17,
        "site_url": "https://www.example.org/",
        "live": "complete",
    }
    assert any("says 'unknown' for bytes" in warning for warning in run.warnings)


def test_the_json_line_is_believed_before_a_pattern_and_that_before_the_rest(bench: Bench) -> None:
    bench.shell(
        "echo 'Uploaded 1 files, deleted 1, 1 unchanged'\necho '{\"uploaded_files\": 3}'",
        outputs={"uploaded_files": r"Uploaded (1)", "deleted_files": "echo|deleted"},
    )
    outputs = bench.run().outputs
    assert [outputs[name] for name in script_output.COUNTS] == [3, 1, 1]


def test_a_pattern_that_is_none_is_told_before_anything_is_begun(bench: Bench) -> None:
    bench.write("").configure(outputs={"bytes": "(unclosed"})
    error = bench.refuse()
    assert error.code == "bad_config"
    assert "script_options.outputs.bytes" in error.message


def test_a_pattern_that_takes_for_ever_is_given_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script_output, "PATTERN_SECONDS", 0.2)
    slow = r"^(?:a|aa)+$"
    bench.write("print('a' * 60 + 'b')\nprint('Uploaded 4 files')")
    bench.configure(outputs={"uploaded_files": slow, "bytes": f"({slow})"})
    run = bench.run()
    assert run.outputs["uploaded_files"] == 4
    given_up = [warning for warning in run.warnings if "was given up" in warning]
    assert len(given_up) == 2


AWS = """\
Completed 5 Bytes/~10 Bytes (3.2 KiB/s) with ~2 file(s) remaining\\r\
upload: public/a b.html to s3://klmcrm.com/a b.html      \\n\
Completed 10 Bytes/10 Bytes (3.2 KiB/s) with 1 file(s) remaining\\r\
upload: public/index.html to s3://klmcrm.com/index.html\\n\
copy: s3://other/c.css to s3://klmcrm.com/c.css\\n\
(dryrun) upload: public/never.html to s3://klmcrm.com/never.html\\n\
delete: s3://klmcrm.com/old.html\\n\
"""


def test_aws_s3_sync_is_understood(bench: Bench) -> None:
    outputs = bench.shell(f"printf '{AWS}'").run().outputs
    assert (outputs["uploaded_files"], outputs["deleted_files"]) == (3, 1)
    assert "unchanged_files" not in outputs


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("Uploaded 12 files", {"uploaded_files": 12}),
        ("12 files uploaded, 3 objects deleted", {"uploaded_files": 12, "deleted_files": 3}),
        ("uploaded: 1,204\nremoved: 0", {"uploaded_files": 1204, "deleted_files": 0}),
        (
            "3 uploaded, 2 deleted, 240 unchanged.",
            {"uploaded_files": 3, "deleted_files": 2, "unchanged_files": 240},
        ),
        (
            "Uploaded: 0 (0 bytes), deleted: 1, unchanged: 3.",
            {"uploaded_files": 0, "bytes": 0, "deleted_files": 1, "unchanged_files": 3},
        ),
        ("deleted: 1 unchanged: 3", {"unchanged_files": 3}),
        ("Done: 2 removed, 1,000 skipped", {"deleted_files": 2, "unchanged_files": 1000}),
        ("uploaded_files = 7", {"uploaded_files": 7}),
        ("Uploaded 3 files (12,345 bytes)", {"uploaded_files": 3, "bytes": 12345}),
        ("Uploaded 1 file\nUploaded 2 files", {"uploaded_files": 2}),
        ("Uploaded 2024-report.pdf\nchapter-3 uploaded\nUploaded 3 of 12 files", {}),
        ("Uploading 12 files to s3://klmcrm.com\nCompleted 5 bytes", {}),
        ("Invalidation created: I2J0I21PCUYOIK", {"invalidation_id": "I2J0I21PCUYOIK"}),
        ("CloudFront invalidation ID: I2J0I21PCUYOIK.", {"invalidation_id": "I2J0I21PCUYOIK"}),
        ("INVALIDATION IN PROGRESS: COMPLETED", {}),
        (
            '{\n  "Location": "https://cloudfront.amazonaws.com/x/E3HA8770RGET6T",\n'
            '  "Invalidation": {\n    "Id": "I2J0I21PCUYOIK",\n    "Status": "InProgress"\n  }\n}',
            {"invalidation_id": "I2J0I21PCUYOIK"},
        ),
        (
            "{'Location': 'https://cloudfront.amazonaws.com/x/invalidation/PJAFGOXWZGO2K',",
            {"invalidation_id": "PJAFGOXWZGO2K"},
        ),
        ("{'Id': 'I2J0I21PCUYOIK', 'Distribution': {'Id': 'E3HA8770RGET6T'}}",
         {"invalidation_id": "I2J0I21PCUYOIK"}),
    ],
)  # fmt: skip
def test_a_summary_in_plain_words_is_understood_and_progress_is_not_taken_for_one(
    tmp_path: Path, printed: str, expected: dict[str, object]
) -> None:
    log = tmp_path / "log"
    log.write_text(f"an earlier program: Uploaded 99 files\n{printed}\n")
    before = log.read_bytes().index(b"\n") + 1
    told = script_output.read(log, before, {})
    assert told.outputs == expected
    assert told.warnings == []


def test_all_of_a_huge_output_is_counted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script_output, "TAIL_BYTES", 1 << 20)
    monkeypatch.setattr(printed, "_BLOCK", 1 << 16)
    bench.write(
        "print('{\"unchanged_files\": 1}')\n"
        "for n in range(60_000): print(f'upload: public/{n} to s3://bucket/{n:060}')\n"
        "print('x' * 3_000_000)\n"
        "print('delete: s3://bucket/old')\n"
    ).configure(outputs={"lines": "^upload:"})
    outputs = bench.run().outputs
    assert (outputs["uploaded_files"], outputs["deleted_files"]) == (60_000, 1)
    assert outputs["lines"] == 60_000
    assert "unchanged_files" not in outputs, "it was said too long before the end"


def test_bytes_that_are_no_text_do_not_matter(bench: Bench) -> None:
    bench.write(
        "import sys\n"
        "sys.stdout.buffer.write(b'\\xff\\xfe\\x00 upload: \\n\\x1b[1mupload: \\xe9 to s3://b/\\xe9\\n')\n"
    )
    assert bench.run().outputs["uploaded_files"] == 1


def test_what_cannot_be_logged_is_read_from_its_end_and_not_counted(bench: Bench) -> None:
    bench.write("print('upload: a to s3://b/a\\nSent.\\nDeleted 5 files')")
    bench.configure(outputs={"bytes": "Sent"})
    bench.log.mkdir(parents=True)
    run = bench.run()
    assert run.outputs["deleted_files"] == 5
    assert not {"uploaded_files", "bytes"} & run.outputs.keys()
    assert "the log is not whole: nothing that it lists was counted" in run.warnings


def test_a_log_that_is_gone_tells_nothing(tmp_path: Path) -> None:
    told = script_output.read(tmp_path / "gone", 0, script_output.compile_patterns({"bytes": "x"}))
    assert "uploaded_files" not in told.outputs


# -- failures ----------------------------------------------------------------------------------


def test_what_a_script_did_before_it_failed_is_told_as_far_as_it_is_known(bench: Bench) -> None:
    bench.shell(f"printf '{AWS}'; echo 'the disk is on fire' >&2; exit 7")
    failure = bench.fail()
    assert failure.error.code == "script_failed"
    assert failure.error.action == "escalate"
    assert failure.error.message == "publish.sh ended with 7: the disk is on fire"
    assert "delete: s3://klmcrm.com/old.html" in (failure.error.excerpt or "")
    assert failure.outputs == {
        "uploaded_files": 3,
        "deleted_files": 1,
        "site_url": "https://www.example.org/",
        "live": "unknown",
    }, "what failed is no deployment, and has no id"


def test_that_it_may_have_published_is_noted_before_it_starts(bench: Bench) -> None:
    bench.write("raise SystemExit")
    bench.run()
    assert [noted["live"] for noted in bench.recorded] == ["unknown"]


def test_trouble_with_aws_is_told_as_such(bench: Bench) -> None:
    bench.write(
        "raise SystemExit('botocore.exceptions.ClientError: An error occurred (ExpiredToken) when "
        "calling the PutObject operation: The provided token has expired.')"
    )
    error = bench.fail().error
    assert (error.code, error.action) == ("aws_token_expired", "escalate")
    assert error.message.startswith("publish.py failed: ")
    assert "ExpiredToken" in (error.excerpt or "")


def test_a_script_that_says_nothing_is_told_as_silent(bench: Bench) -> None:
    failure = bench.shell("exit 1").fail()
    assert "it said nothing" in failure.error.message
    assert failure.error.excerpt is None


def test_a_script_that_is_killed_is_told_with_the_signal(bench: Bench) -> None:
    failure = bench.shell("kill -9 $$").fail()
    assert failure.error.code == "script_killed"
    assert "SIGKILL" in failure.error.message
    assert failure.outputs["live"] == "unknown"
    number = signal.SIGRTMIN + 3
    assert f"killed by {number}" in bench.shell(f"kill -{number} $$").fail().error.message


def test_a_script_that_hangs_is_ended_with_its_children(bench: Bench) -> None:
    bench.timeout = 2.0
    bench.shell("echo 'Uploaded 8 files'; sleep 600 & echo $! >child; wait")
    failure = bench.fail()
    assert failure.status == "timeout"
    assert failure.error.code == "timeout"
    assert failure.outputs["live"] == "unknown"
    assert failure.outputs["uploaded_files"] == 8
    child = int((bench.root / "own/child").read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_secrets_that_a_script_prints_reach_neither_log_nor_result(bench: Bench) -> None:
    key = "AKIA" + "IOSFODNN7EXAMPLE"
    bench.write(
        "import os, sys\n"
        "secret = os.environ['AWS_SECRET_ACCESS_KEY']\n"
        f"print(secret, '{key}')\n"
        "print('{\"invalidation_id\": \"' + secret + '\"}')\n"
        "sys.exit(f'denied: {secret}')\n"
    )
    failure = bench.fail()
    everything = f"{bench.printed} {failure.error} {failure.outputs} {bench.recorded}"
    assert "[redacted]" in failure.error.message
    assert SECRET not in everything
    assert key not in everything
