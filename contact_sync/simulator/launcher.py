"""Run a command that ends when its starter does: `launcher.py STARTER_PID USER COMMAND...`, as a program of its own.

It changes to USER (none if empty), asks the kernel to end it together with its starter (Linux), and becomes COMMAND.
All this has to happen between fork and exec, where a program with threads must not run Python; this one has none.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become the command of the command line; exit with 1 when the starter is gone already."""
    starter, user, *command = sys.argv[1:]
    if user:
        account = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
    if os.getppid() != int(starter):
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - becoming another program is the point


if __name__ == "__main__":
    main()
