"""Commits for tasks: named paths, on the branches that the owner allows, with the owner's hooks.

    program     git itself: found, and run with nothing of ours that leads it astray
    repository  which one it is, and whether anybody may commit in it now
    branches    which branch, and how it is made or entered
    paths       what the task names, and what has changed there
    changes     what a commit would hold, worked out beside the repository
    secrets     what no commit may hold
    message     subject, body, trailers; by the trailer a commit is found again
    index       the owner's list of what is staged, kept as it was but for our paths
    commit      the one step that is seen by others on this machine
    push        the one step that is seen by all others
    rebase      our commit, put on top of what came first
    refusals    why a push was refused, in one table
    report      what the result tells people

The order is that of a task's way through them.
"""
