# SPDX-License-Identifier: MIT
"""Gate calls that are under way, and what Python raises in the middle of them.

An exception cannot pass through a module: its C frames lie in between. So what
a service raises is kept with the innermost gate call of its thread, and raised
when that has come back.
"""

import threading

from ._abi import lib

_threads = threading.local()


class Call:
    """One gate call of this thread, from its beginning to its end.

    raised: what a service or a landing raised.
    status: of the call. It is the thread's, and one question clears it. A
            Python signal handler can run between the thunk's return and that
            question, and call a gate: then that call finds the status of the
            one that it interrupted, and puts it here.
    """

    def __enter__(self):
        self.raised = None
        self.status = 0
        self.stack = _threads.__dict__.setdefault("stack", [])
        found = lib.modiso_gate_status()
        if found != 0 and self.stack:
            self.stack[-1].status = found
        self.stack.append(self)
        return self

    def ask(self):
        """Learn the status, when the thunk has returned."""
        own = lib.modiso_gate_status()
        if own != 0:
            self.status = own

    def __exit__(self, *_):
        self.ask()
        self.stack.remove(self)


def guarded(function, *arguments):
    """Call a Python function from C; None when it raises.

    On a thread that has no gate call from Python (one that a module has made)
    the exception goes on: ctypes hands it to sys.unraisablehook().
    """
    stack = getattr(_threads, "stack", None)
    if not stack:
        return function(*arguments)
    inner = stack[-1]
    try:
        return function(*arguments)
    except BaseException as why:  # KeyboardInterrupt has to come out as well
        if inner.raised is None:
            inner.raised = why
        return None
