"""One exchange on several machines: they meet on a branch of a git server.

The protocol
------------
The branch holds what is open, and how everything ended; no work tree ever shows it:

    tasks/pending/ID.md          to be done by whoever takes it
    tasks/in-progress/ID.md      taken; claims/ID.json says by whom and until when
    claims/ID.json               of a task that was given back: what was made of it so far
    plans/ID.jsonl               what a task that waits for approval is about to do
    approvals/ID.json            that somebody agreed to that
    ended/DAY/ID.md, ID.result.md, ID.json, ID.log      how it ended, and who had it

1.  Every step is one commit on top of the newest, pushed with `--force-with-lease` of exactly that
    one: git takes it whole or not at all, and of two that were made at once it takes one. So all
    machines see the same steps in the same order, and what a step assumes still holds when it
    counts. Whoever loses fetches, looks again, and makes another commit.
2.  A push without an answer is no failure: what the server has, the next fetch tells.
3.  A task is run on no machine but the one that the newest commit says has taken it.
4.  A claim lasts as long as the task may take, and is renewed before an attempt that would outlast
    it. When it has run out, and the grace besides, another machine takes the task over: it runs
    again where it may be repeated, else it ends as interrupted.
5.  A task ends where its machine says so in one commit: result in, claim out. A machine that was
    taken for dead finds its claim gone, and keeps its own result aside.
6.  What ended on one machine is brought to all the others, under the rules of the exchange there.
7.  An approval is used up by the commit by which its task passes the point of no return.
8.  Owner of a claim is an installation (a number in .workflow/, bound to that very file), not a
    name: a copied or emptied .workflow/ owns nothing.
9.  When the branch begins anew, its past is in an archive ref by the same push; whoever cannot
    prove that what it saw is in there stops (`restart`).

Nothing but tasks and how they ended is ever taken from the branch: no configuration, no template,
no program; and of names and kinds of files only those above.
"""
