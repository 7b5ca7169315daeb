"""Read this first: what a person, Claude Code and the timer do, from the task to the archive."""

from __future__ import annotations

from tests.program import Program


def test_a_build_is_submitted_run_and_verified(program: Program) -> None:
    submitted = program("submit", "hugo-build", "--env", "staging", "--request", "Build it")
    task_id = submitted.out.strip()
    assert (submitted.code, program.states(task_id)) == (0, ["pending"])

    swept = program("sweep")

    assert swept.code == 0
    assert program.states(task_id) == ["completed"]
    result = program.result(task_id)
    assert result["status"] == "success"
    assert result["environment"] == "staging"
    assert result["outputs"]["build_success"] is True
    assert result["outputs"]["pages_generated"] >= 4
    assert result["verification"]["verdict"] == "proceed_to_deploy"
    assert "https://staging.example.com/" in result["outputs"]["base_url"]
    assert (program.root / "site/public/posts/one/index.html").is_file()
    assert program("verify", task_id).code == 0
    assert program("wait", task_id).code == 0
    assert program("show", task_id, "--field", "data.status").out == "success\n"
    latest = program.root / "results/latest/hugo-build.staging.result.md"
    assert latest.resolve().name == f"{task_id}.result.md"


def test_a_task_file_written_by_hand_is_run_and_kept_as_it_was_written(program: Program) -> None:
    written = (
        "---\n"
        "# by hand\n"
        "task_id: 2026-01-19-1430-hugo-build-dev\n"
        "task_type: hugo-build\n"
        "status: pending   # follows the folder\n"
        "mood: hopeful\n"
        "params:\n"
        "  environment: dev\n"
        "  base_url: http://dev.example.com/\n"
        "  minify: true\n"
        "---\n\nMy own words.\n"
    )
    program.write("2026-01-19-1430-hugo-build-dev.md", written)

    assert program("sweep").code == 0

    kept = (program.root / "tasks/completed/2026-01-19-1430-hugo-build-dev.md").read_text()
    assert kept == written.replace("status: pending", "status: completed")
    assert program.result("2026-01-19-1430-hugo-build-dev")["status"] == "success"


def test_a_broken_page_is_reported_as_something_to_fix_and_a_retry_succeeds(
    program: Program,
) -> None:
    page = program.root / "site/content/posts/three.md"
    page.write_text("---\ntitle: Three\n---\n{{< buton x >}}\n")
    task_id = program.submit("hugo-build", "--env", "dev")
    program("sweep")

    result = program.result(task_id)
    assert (result["status"], program.states(task_id)) == ("failed", ["failed"])
    assert result["error"]["action"] == "fix"
    assert (result["error"]["file"], result["error"]["line"]) == ("content/posts/three.md", 4)
    assert program("wait", task_id).code == 3
    assert program("verify", task_id).code == 3

    page.write_text("---\ntitle: Three\n---\n{{< button x >}}\n")
    again = program("retry", task_id).out.strip()
    program("sweep")

    assert program.result(again)["status"] == "success"
    assert program.states(task_id) == ["failed"], "the first one stays as it ended"


def test_a_chain_runs_in_order_and_stops_at_the_first_failure(program: Program) -> None:
    build, after = program.submit("hugo-build", "--env", "dev", "--then", "noop").split()
    program("sweep")
    assert [program.result(i)["status"] for i in (build, after)] == ["success", "success"]
    assert program.result(build)["completed_at"] <= program.result(after)["started_at"]

    (program.root / "site/hugo.toml").write_text("baseURL = [\n")
    build, after = program.submit("hugo-build", "--env", "dev", "--then", "noop").split()
    program("sweep")

    cancelled = program.result(after)
    assert cancelled["status"] == "cancelled"
    assert cancelled["error"]["code"] == "predecessor_failed"
    assert build in cancelled["error"]["message"]
    assert program.states(after) == ["failed"]


def test_ended_months_are_archived_and_still_found(program: Program) -> None:
    task_id = "2020-01-19-1430-noop-old"
    program.write(f"{task_id}.md", "---\ntask_type: noop\n---\n")
    program("sweep")
    day = next(program.root.glob("results/2???-??-??"))
    day.rename(program.root / "results/2020-01-20")

    moved = program("archive")

    assert moved.out.strip() == task_id
    assert (program.root / f"archive/2020-01/tasks/{task_id}.md").is_file()
    assert (program.root / f"archive/2020-01/results/2020-01-20/{task_id}.result.md").is_file()
    shown = program("show", task_id, "--json").data
    assert (shown["state"], shown["status"]) == ("archived", "success")
    assert (program.root / "results/latest/noop.result.md").resolve().is_file()
    assert program("archive").out == "", "a second call finds nothing to do"
