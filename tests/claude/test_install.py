"""`workflow init --claude`: what it writes, what it merges, what it leaves alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.program import CONFIG, Program, Ran, make_exchange
from workflow.claude import install
from workflow.claude.permissions import rules
from workflow.claude.verbs import VERBS
from workflow.cli import COMMANDS
from workflow.config import load_config
from workflow.handlers import TASK_TYPES

NAMES = [install.GUIDE, install.SKILL, install.SETTINGS, install.MEMORY]


def init(program: Program, *words: str, **environ: str) -> Ran:
    ran = program("init", ".", "--claude", *words, **environ)
    assert ran.code == 0, ran.err
    return ran


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".workflow" not in path.parts
    }


def test_all_files_are_made_and_a_second_time_changes_nothing(program: Program) -> None:
    ran = init(program, "--site", "site")
    for name in NAMES:
        assert f"made        {name}" in ran.out
        assert (program.root / name).is_file()
    assert (program.root / "site/CLAUDE.md").is_file()
    before = tree(program.root)
    again = init(program, "--site", "site", "--strict")
    assert "changed     .claude/settings.json" in again.out, "the sandbox is new"
    third = init(program, "--site", "site", "--strict")
    assert "made  " not in third.out and "changed  " not in third.out
    assert {n: b for n, b in tree(program.root).items() if "settings" not in n} == {
        n: b for n, b in before.items() if "settings" not in n
    }


def test_without_claude_there_is_the_guide_alone(tmp_path: Path) -> None:
    program = make_exchange(tmp_path)
    assert f"made        {install.GUIDE}" in program("init", ".").out
    assert not (program.root / install.SETTINGS).exists()
    (program.root / install.GUIDE).write_text("mine\n")
    assert f"left alone  {install.GUIDE}" in program("init", ".").out
    assert (program.root / install.GUIDE).read_text() == "mine\n"


def test_each_change_to_a_persons_file_is_shown_and_all_of_theirs_is_kept(program: Program) -> None:
    (program.root / ".claude").mkdir()
    settings = program.root / install.SETTINGS
    theirs = {"model": "opus", "permissions": {"allow": ["Bash(npm test)"]}}
    settings.write_text(json.dumps(theirs, indent=2) + "\n")
    settings.chmod(0o600)
    memory = program.root / install.MEMORY
    memory.write_text("# Mine\n\nkeep me\n")
    memory.chmod(0o664)
    ran = init(program)
    assert "changed     .claude/settings.json" in ran.out and "changed     CLAUDE.md" in ran.out
    assert '+      "Bash(workflow submit *)",' in ran.out
    assert "+## Site tasks" in ran.out and "+++ CLAUDE.md" in ran.out
    assert '-  "model"' not in ran.out
    assert json.loads(settings.read_text())["model"] == "opus"
    assert memory.read_text().startswith("# Mine\n\nkeep me\n")
    assert settings.stat().st_mode & 0o777 == 0o600
    assert memory.stat().st_mode & 0o777 == 0o664


def test_a_dry_run_shows_everything_and_writes_nothing(program: Program) -> None:
    (program.root / install.MEMORY).write_text("# Mine\n")
    before = tree(program.root)
    ran = init(program, "--dry-run", "--site", "site", "--strict")
    assert tree(program.root) == before
    assert "would be made        .claude/settings.json" in ran.out
    assert "would be changed     CLAUDE.md" in ran.out
    assert '+    "failIfUnavailable": true,' in ran.out
    data = program("init", ".", "--claude", "--dry-run", "--json").data
    assert data["dry_run"] and data["changed"] == ["CLAUDE.md"]


def test_wrong_use_is_said(program: Program, tmp_path: Path) -> None:
    for words in (["--strict"], ["--dry-run"]):
        ran = program("init", ".", *words)
        assert ran.code == 2 and "go with --claude" in ran.err
    ran = program("init", str(tmp_path / "none"), "--claude", "--dry-run")
    assert ran.code == 2 and not (tmp_path / "none").exists()
    ran = program("init", ".", "--claude", "--dry-run", "--site", "nowhere")
    assert ran.code == 2 and "there is no folder nowhere" in ran.err


# -- left alone ----------------------------------------------------------------------------------


def _json_with_comments(path: Path) -> None:
    path.write_text('{\n  // mine\n  "model": "opus"\n}\n')


def _not_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe{}")


def _folder(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link_away(path: Path) -> None:
    target = path.parents[2] / "dotfiles.json"
    target.write_text("{}\n")
    path.symlink_to(target)


def _link_to_nothing(path: Path) -> None:
    path.symlink_to("nothing")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_json_with_comments, "it is not JSON: line 2"),
        (_not_text, "it is not UTF-8"),
        (_folder, "it is no plain file"),
        (_pipe, "it is no plain file"),
        (_link_away, "it is a link to another place"),
        (_link_to_nothing, "it is a link to another place"),
    ],
)
def test_what_cannot_be_merged_is_left_alone_and_said(
    program: Program, make: object, said: str
) -> None:
    path = program.root / install.SETTINGS
    path.parent.mkdir()
    assert callable(make)
    make(path)
    before = path.lstat()
    ran = init(program)
    assert f"left alone  {install.SETTINGS}: {said}" in ran.out
    after = path.lstat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (
        before.st_ino, before.st_size, before.st_mtime_ns,
    )  # fmt: skip
    assert (program.root / install.SKILL).is_file(), "the others are made"


def test_a_linked_settings_folder_is_left_alone(program: Program, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (program.root / ".claude").symlink_to(tmp_path / "shared")
    ran = init(program)
    assert ran.out.count("its folder .claude is a link to another place") == 3
    assert list((tmp_path / "shared").iterdir()) == []


def test_a_memory_that_is_a_link_to_its_neighbour_is_written_through(program: Program) -> None:
    agents = program.root / "AGENTS.md"
    agents.write_text("# For all\n")
    (program.root / install.MEMORY).symlink_to("AGENTS.md")
    init(program)
    assert (program.root / install.MEMORY).is_symlink()
    assert agents.read_text().startswith("# For all\n") and "## Site tasks" in agents.read_text()


def test_a_broken_pair_of_marks_is_left_alone(program: Program) -> None:
    init(program)
    memory = program.root / install.MEMORY
    memory.write_text(memory.read_text().rsplit("\n", 2)[0] + "\n")
    text = memory.read_text()
    ran = init(program)
    assert "left alone  CLAUDE.md: the marks of our section" in ran.out
    assert memory.read_text() == text


def test_an_edited_guide_is_the_persons_and_an_unedited_one_is_renewed(program: Program) -> None:
    init(program)
    guide, skill = program.root / install.GUIDE, program.root / install.SKILL
    skill.write_text(skill.read_text() + "\nMine.\n")
    text = CONFIG + "  preview: {base_url: 'https://preview.example.com/'}\n"
    (program.root / "workflow.yaml").write_text(text)
    assert install.outdated(program.root, load_config(program.root)) == [install.GUIDE]
    ran = init(program)
    assert f"left alone  {install.SKILL}: it was edited" in ran.out
    assert "changed     .claude/task-system-guide.md" in ran.out
    assert "+- `preview`: https://preview.example.com/" in ran.out
    assert "hugo-deploy-preview" in guide.read_text()
    assert "changed" not in init(program).out


def test_a_file_that_changes_meanwhile_is_left_alone(program: Program) -> None:
    memory = program.root / install.MEMORY
    memory.write_text("# Mine\n")
    found = install.plan(program.root, load_config(program.root))
    memory.write_text("# Mine, newer\n")
    (program.root / install.SKILL).parent.mkdir(parents=True)
    (program.root / install.SKILL).write_text("somebody else's\n")
    install.carry_out(found)
    assert memory.read_text() == "# Mine, newer\n"
    assert (program.root / install.SKILL).read_text() == "somebody else's\n"
    assert set(found.left) == {install.MEMORY, install.SKILL}


# -- the site ------------------------------------------------------------------------------------


def test_the_sites_own_memory_is_found_however_it_is_written(program: Program) -> None:
    site = program.root / "site"
    (site / "claude.md").write_text("# Site\n")
    ran = init(program, "--site", "site")
    assert [p.name for p in site.iterdir() if p.name.lower() == "claude.md"] == ["claude.md"]
    assert (site / "claude.md").read_text().startswith("# Site\n")
    if not (site / "CLAUDE.md").exists():
        assert "Claude Code reads CLAUDE.md" in ran.err
    section = (site / "claude.md").read_text()
    assert "## Task Orchestration System" in section
    assert str(program.root) not in section, (
        "the site's repository learns no folder of this machine"
    )


def test_the_site_learns_where_its_exchange_is(program: Program) -> None:
    ran = init(program, "--site", "site")
    assert f"site/{install.LOCAL_SETTINGS} names a folder of this machine" in ran.err
    assert "keep it out of git" not in init(program, "--site", "site").err
    local = json.loads((program.root / "site" / install.LOCAL_SETTINGS).read_text())
    assert local["env"] == {"WORKFLOW_ROOT": str(program.root)}
    assert local["permissions"]["additionalDirectories"] == [str(program.root)]
    assert f"Edit(/{program.root}/results/**)" in local["permissions"]["deny"]


def test_a_site_that_was_told_once_is_kept_up_to_date(program: Program) -> None:
    init(program, "--site", "site")
    other = program.root / "other"
    (other / ".claude").mkdir(parents=True)
    (other / install.LOCAL_SETTINGS).write_text('{"env": {"WORKFLOW_ROOT": "/elsewhere"}}\n')
    text = CONFIG.replace("main: {path: site}", "main: {path: site}\n  other: {path: other}")
    text = text.replace("https://staging.example.com/", "https://new.example.com/")
    (program.root / "workflow.yaml").write_text(text)
    memory = program.root / "site/CLAUDE.md"
    told = {one["subject"]: one for one in program("doctor", "--json").data["findings"]}
    assert told[str(memory)]["mend"] == "workflow init --claude"
    ran = init(program)
    assert f"changed     {memory}" in ran.out
    assert "https://new.example.com/" in memory.read_text()
    assert str(memory) not in program("doctor").out
    assert not (other / "CLAUDE.md").exists(), "another exchange's, or nobody's"


def test_a_site_that_is_the_exchange_itself_gets_no_second_set(program: Program) -> None:
    (program.root / "hugo.toml").write_text("baseURL = 'https://example.org/'\n")
    init(program, "--site", ".")
    assert not (program.root / install.LOCAL_SETTINGS).exists()
    assert (program.root / install.MEMORY).read_text().count("## ") == 1


# -- nothing is forgotten ------------------------------------------------------------------------


def test_each_command_has_a_row_that_says_what_claude_may_do_with_it() -> None:
    assert [name for name in COMMANDS if name not in VERBS] == []


def test_each_rule_has_its_reason_and_none_is_there_twice(program: Program) -> None:
    found = rules(load_config(program.root))
    assert all(rule.why for rule in found)
    assert len({(rule.answer, rule.text) for rule in found}) == len(found)


def test_every_command_of_claudes_and_every_type_stands_in_guide_and_skill(
    program: Program,
) -> None:
    init(program, "--site", "site")
    guide = (program.root / install.GUIDE).read_text()
    skill = (program.root / install.SKILL).read_text()
    memory = (program.root / "site/CLAUDE.md").read_text()
    shown = [name for name in COMMANDS if VERBS[name].answer == "allow"] + ["approve"]
    for text in (guide, skill):
        assert [name for name in shown if f"`workflow {name}`" not in text] == []
    for text in (guide, skill, memory):
        assert [name for name in TASK_TYPES if f"- `{name}`: " not in text] == []
        assert "CLAUDE_CODE_REMOTE" in text and "@" not in text.replace("@type", "")
    assert all(name in guide for name in load_config(program.root).environments)


def test_the_texts_are_short(program: Program) -> None:
    init(program)
    memory = (program.root / install.MEMORY).read_text().splitlines()
    assert len(memory) == 2 + 1 + 4, "marks, heading, four lines"
    assert len((program.root / install.GUIDE).read_text()) < 12_000
    skill = (program.root / install.SKILL).read_text()
    assert len(skill) < 6_000
    description = skill.split("description: ")[1].split("\n")[0]
    assert len(description) < 1_000
    assert "workflow" not in skill.split("name: ")[1].split("\n")[0]


def test_paths_with_spaces_and_signs_are_kept_whole(tmp_path: Path) -> None:
    folder = tmp_path / "my site's [work]"
    folder.mkdir()
    program = make_exchange(folder)
    init(program, "--site", "site")
    before = tree(program.root)
    init(program, "--site", "site")
    assert tree(program.root) == before
