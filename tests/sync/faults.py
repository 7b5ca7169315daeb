"""A git that fails in the middle of a push, as networks, servers and power cuts make it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.sync.machines import Machine

WRAPPER = """\
#!/bin/sh
# Does what is wanted at the first push of a step that says the wanted word of itself.
here={here}
case " $* " in
*" push "*)
  said=$({git} log -1 --format=%s refs/workflow/next/site-tasks)
  what=
  case "$said" in *"$(cat $here/at)"*) what=$(cat $here/what); : > $here/what;; esac
  [ "$what" = other-first ] && . $here/other
  [ "$what" = kill-before ] && {{ kill -9 $PPID; sleep 1; exit 1; }}
  {git} "$@"; code=$?
  [ "$what" = kill-after ] && kill -9 $PPID
  [ "$what" = lose-answer ] && {{ echo "fatal: the remote end hung up" >&2; exit 128; }}
  exit $code;;
*" ls-remote "*|*" fetch "*) echo "$*" >> $here/asked;;
esac
exec {git} "$@"
"""


def with_fault(machine: Machine, what: str = "", at: str = "") -> Machine:
    """The machine with a git that does `what` (kill-before, kill-after, lose-answer) at the push of
    a step: `took`, `ended`, `began anew`. With `other-first` another's push comes first, as the
    lines in fault/other make it."""
    here = machine.root.parent / "fault"
    (here / "bin").mkdir(parents=True, exist_ok=True)
    real = shutil.which("git")
    assert real is not None
    program = here / "bin/git"
    program.write_text(WRAPPER.format(here=here, git=real))
    program.chmod(0o755)
    (here / "at").write_text(at)
    (here / "what").write_text(what)
    path = os.pathsep.join([str(here / "bin"), os.environ["PATH"]])
    return Machine(machine.root, {**machine.more, "PATH": path})


def asked(machine: Machine) -> int:
    """How often git has asked the server for news."""
    log = machine.root.parent / "fault/asked"
    return len(log.read_text().splitlines()) if log.exists() else 0


def refuse_pushes(server: Path) -> Path:
    """Let a server refuse every push until the file that is given back is removed."""
    hook = server / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'down for maintenance' >&2\nexit 1\n")
    hook.chmod(0o755)
    return hook
