"""How this program is called: for timers, which start it, and for people, who link to it.

Installed by pip it is a script beside its interpreter. `make binary` makes one file of it, which
unpacks itself into a cache (see deploy/onefile): what has to outlive the cache calls the file.
"""

from __future__ import annotations

import os
import sys

_BEGIN = "start.py"
"""Lies in the virtual environment that the one file unpacks, and in no other."""


def one_file() -> str | None:
    """The absolute path of the one file that was started; None for an installed program.

    A link to it stays a link: it may be led to a newer file one day.
    """
    if not os.path.isfile(os.path.join(sys.prefix, _BEGIN)):
        return None
    called = os.path.abspath(sys.argv[0])
    # `python -m workflow` of the unpacked one, say, knows nothing of the file.
    is_inside = os.path.realpath(called).startswith(os.path.realpath(sys.prefix) + os.sep)
    return None if is_inside or not os.access(called, os.X_OK) else called
