"""Signals before the first training step, and worker processes whose parent has died."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

GRACE = 5.0  # seconds for Python to react: waiting for other processes happens in C++, which knows no signals
POLL = 1.0  # seconds
PARENT = "POSE_CORE_TRAIN_PID"  # of the process that the others of a run were started by

_started = threading.Event()


def stop_while_starting() -> None:
    """Makes SIGTERM, until the first step, end this process as Ctrl-C does, and a child end with its parent.

    The processes that Lightning starts for further devices would else wait for minutes for one that is gone. To be
    called once, by a command, in the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    _started.clear()
    signal.signal(signal.SIGTERM, _interrupt)
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    ours.setblocking(True)
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch_signals, args=(ours, theirs), daemon=True).start()
    if "LOCAL_RANK" not in os.environ:
        os.environ[PARENT] = str(os.getpid())
    elif sys.platform != "win32":  # where a process keeps the number of a parent that has gone
        parent = int(os.environ.get(PARENT, os.getppid()))
        threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()


def training_started() -> None:
    """Signals are the training loop's from now on."""
    if not _started.is_set() and threading.current_thread() is threading.main_thread():
        _started.set()
        signal.set_wakeup_fd(-1)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _watch_signals(ours: socket.socket, theirs: socket.socket) -> None:
    """Ends the process some seconds after a signal to stop if it is still there, and has not begun to train.

    Args:
        ours: gives the number of each signal; theirs: its other end, which has to stay open.
    """
    while number := ours.recv(1):
        if number[0] in (signal.SIGINT, signal.SIGTERM):
            time.sleep(GRACE)
            if not _started.is_set():
                print("Error: interrupted", file=sys.stderr, flush=True)
                os._exit(130)


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL)
    os._exit(130)
