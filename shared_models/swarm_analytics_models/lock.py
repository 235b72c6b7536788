"""The lock by which a file's owner is known to live: on a home for its daemon, on a journal for its app."""

import errno
import os
import sys
from typing import Final

if sys.platform == "win32":
    import msvcrt

    LOCK_BYTE: Final = 1 << 62
    """Locks on Windows are mandatory: the byte that is locked lies past the end of every file."""

    def try_lock(descriptor: int) -> bool:
        """Take the lock on an open file without waiting, if it is free. It ends with the descriptor."""
        os.lseek(descriptor, LOCK_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EDEADLK):
                return False
            raise
        return True
else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Take the lock on an open file without waiting, if it is free. It ends with the descriptor."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise
        return True
