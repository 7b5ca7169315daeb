"""python -m workflow.notify ROOT: what a sweep starts to send messages."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from workflow.errors import WorkflowError
from workflow.notify.sending import run

if __name__ == "__main__":
    # What could not be sent is in the outbox; a disk that is full is the next sweep's to tell.
    with suppress(WorkflowError, OSError):
        run(sys.argv[1])
    # A service that hangs has a thread of ours: it must not keep the process alive.
    os._exit(0)
