"""What a fork waits for: imports on threads that the application does not know of.

A child that is forked while a thread imports inherits a module that stays half made, and locked: whoever
imports it there, the application included, fails or waits for ever.
"""

import os
import threading

_imports = threading.RLock()


def importing() -> "threading.RLock":
    """To be held around an import that may happen on a thread of ours. A fork waits for its end."""
    return _imports


def _begin_anew() -> None:
    global _imports
    _imports = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: _imports.acquire(),
        after_in_parent=lambda: _imports.release(),
        after_in_child=_begin_anew,
    )
