"""Two names in a file system trade places in one step, where the system can do that."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable

_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
_AT_FDCWD = -100
_RENAME_EXCHANGE = _RENAME_SWAP = 2


def trade(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Let two files or folders trade names: whoever looks sees the one or the other, never none.

    False where the system or the disk cannot. Raises OSError for all other reasons.
    """
    call = _renamex_np() if sys.platform == "darwin" else _renameat2()
    number = errno.ENOSYS if call is None else call(os.fsencode(one), os.fsencode(other))
    if number in _UNSUPPORTED:
        return False
    if number:
        raise OSError(number, os.strerror(number), os.fspath(one), None, os.fspath(other))
    return True


def _renameat2() -> Callable[[bytes, bytes], int] | None:
    """Linux (glibc 2.28, musl 1.2.4): gives the error number, 0 for done."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is None:
        return None
    here, flag = ctypes.c_int(_AT_FDCWD), ctypes.c_uint(_RENAME_EXCHANGE)
    return lambda one, other: ctypes.get_errno() if function(here, one, here, other, flag) else 0


def _renamex_np() -> Callable[[bytes, bytes], int] | None:
    """macOS 10.12, APFS."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "renamex_np", None)
    if function is None:
        return None
    flag = ctypes.c_uint(_RENAME_SWAP)
    return lambda one, other: ctypes.get_errno() if function(one, other, flag) else 0
