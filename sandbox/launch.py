"""Becomes another program that dies with its parent, even when the parent is killed.

Run as `python -I -S launch.py <parent pid> <signal number> <as root: 0 or 1> -- program args…`;
without site packages, so that it costs a few milliseconds. `<as root>` 0 means: when root runs the
sandbox, show the program an ordinary user, because PostgreSQL refuses to run as root. With the lone
argument `can-rename-root` it tells by its exit code whether root can be shown as an ordinary user.
"""

import ctypes
import os
import pwd
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
UNPRIVILEGED_USER = "nobody"
CAN_RENAME_ROOT = "can-rename-root"


def die_with_parent(parent: int, signal_number: int) -> None:
    """Ask the kernel for `signal_number` when the parent dies; leave at once if it has."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def _can_rename_root() -> bool:
    """Tell whether this machine lets a process enter a user namespace of its own."""
    if sys.platform != "linux":
        return False
    child = os.fork()
    if child == 0:
        os._exit(0 if _enter_user_namespace() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _enter_user_namespace() -> bool:
    """Give this process a namespace in which root is called `nobody`; false where forbidden.

    Files keep their owner and their path needs no wider permissions: to the kernel it is root.
    """
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
        return False
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    try:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user.pw_uid} 0 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{user.pw_gid} 0 1", encoding="ascii")
    except OSError:
        return False
    return True


def _stop_being_root() -> None:
    """Become an ordinary user: by another name where possible, else really."""
    if os.geteuid() != 0:
        return
    if _can_rename_root():
        _enter_user_namespace()
        return
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def main(arguments: list[str]) -> None:
    """Replace this process by the program behind `--`."""
    if arguments == [CAN_RENAME_ROOT]:
        sys.exit(0 if _can_rename_root() else 1)
    parent, signal_number, as_root, separator, *program = arguments
    if separator != "--":
        sys.exit("usage: launch.py <parent pid> <signal> <as root> -- program args…")
    if as_root == "0":
        _stop_being_root()
    die_with_parent(int(parent), int(signal_number))
    os.execvp(program[0], program)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
