"""Three machines and one server: each task is done once, whatever happens to one of them.

The long form, with 20 rounds of 100 tasks: `python -m tests.endurance.machines`.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from tests.endurance.machines import play, tasks
from tests.sync.machines import CONFIG, make_machines


def test_three_machines_racing_over_100_tasks_do_each_once_and_all_learn_how_it_ended(
    tmp_path: Path,
) -> None:
    # No claim runs out, however busy the machine is that all this happens on.
    three = make_machines(tmp_path, config=CONFIG.replace("grace_seconds: 1", "grace_seconds: 90"))
    wanted = tasks(100)
    three.push(wanted)
    running = [machine.start("sweep", "--sync") for machine in three.clones]
    assert [process.wait(180) for process in running] == [0, 0, 0]

    assert three.ended() == sorted(wanted)
    assert three.files("tasks", "claims") == []
    done = {task_id for task_id in wanted if "noop" not in task_id}
    assert three.effects() == Counter(done)
    assert sum(1 for machine in three.clones if machine.effects()) >= 2, "only one did all of it"
    for machine in three.clones:
        machine.sync()
        for task_id in wanted:
            assert machine.states(task_id) == ["completed"]
            assert machine.result(task_id)["status"] == "success"


def test_a_machine_killed_at_random_moments_loses_and_doubles_nothing(tmp_path: Path) -> None:
    for number, comes_back in enumerate((True, False)):
        folder = tmp_path / str(number)
        folder.mkdir()
        came = play(folder, 24, random.Random(number), comes_back=comes_back)
        assert came.sound, came
        assert came.kills
