"""Says that what the one file unpacked is in use; every Python of that folder begins with this.

A lock on the mark is held for as long as the process lives, and the mark is touched once a day at
most. `unpack.py` removes other versions that are neither held nor touched lately. A line in a .pth
file imports this, for there are other ways to start than start.py: sweeps in the background, say.
"""

import fcntl
import os
import sys
import time

_DAY = 24 * 3600


def _hold() -> None:
    opened = os.open(os.path.join(sys.prefix, "made_for"), os.O_RDONLY)
    # Above 2: whoever starts us without an input must not be given this one.
    held = fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(opened)
    fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    if time.time() - os.fstat(held).st_mtime > _DAY:
        os.utime(held)


try:  # noqa: SIM105  # contextlib would be imported for that, at every start
    _hold()
except OSError:
    pass  # where nothing may be written or locked, the program runs all the same
