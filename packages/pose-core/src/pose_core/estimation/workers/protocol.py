"""The worker's side of the protocol over pipes; see `estimation.worker_process` for the other.

A message is a byte for its kind, four bytes for its length (little-endian), and its content.

| kind | to the worker | | kind | from the worker |
|---|---|---|---|---|
| S | settings, JSON; the first message | | H | the answer to S: what its poses are, JSON |
| V | a video begins: width and height, JSON | | | |
| F | a frame of it, uint8 RGB (height, width, 3) | | R | the answer to F: float32 (P, K, D + 1), confidence last |
| | | | X | it cannot go on: `error`, in one line, JSON; `kind` is "user", "module" or "defect"; the last message |

The end of its standard input ends a worker at once.
"""

from __future__ import annotations

import json
import os
import queue
import struct
import sys
import threading

HEAD = struct.Struct("<cI")
AHEAD = 2  # frames that are received while one is worked at


def serve(load):
    """Answers messages until standard input ends.

    Args:
        load: takes the settings and returns an estimator: `poses`, a dictionary that describes them (`keypoints`: K,
            `dims`: D, `people`: true if it detects all people instead of following one, and what else its caller wants
            to know); `begin(width, height)`, called before the first frame of a video; and `estimate(image)`, of uint8
            RGB (height, width, 3), the pose (K, D + 1) in pixels, or those of the people (P, K, D + 1), a missing
            keypoint all 0. A `ValueError` of its is an error of the user's, in one line.
    """
    source, sink = _private_pipes()
    messages = queue.Queue(AHEAD)
    try:
        _, content = _receive(source)
        estimator = load(json.loads(content))
        _send(sink, b"H", json.dumps(estimator.poses).encode())
        threading.Thread(target=_listen, args=(source, messages), daemon=True).start()
        _answer(estimator, messages, sink)
    except (BrokenPipeError, EOFError):  # nobody listens any more
        os._exit(0)
    except ImportError as error:
        _send_error(sink, "module", error)
    except ValueError as error:
        _send_error(sink, "user", error)
    except Exception as error:  # whatever it is, the other process has to be told
        _send_error(sink, "defect", f"{type(error).__name__}: {error}")
    sys.stderr.flush()
    os._exit(1)  # without waiting for threads of libraries


def _private_pipes():
    """Standard input and output, for messages alone: what libraries print goes to standard error."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, sink


def _listen(source, messages):
    try:
        while True:
            messages.put(_receive(source))
    except EOFError:  # whoever asked has gone, and so has the use of an answer
        os._exit(0)


def _answer(estimator, messages, sink):
    import numpy as np

    shape = (0, 0, 3)
    while True:
        kind, content = messages.get()
        if kind == b"V":
            video = json.loads(content)
            shape = (video["height"], video["width"], 3)
            estimator.begin(video["width"], video["height"])
        else:
            pose = estimator.estimate(np.frombuffer(content, np.uint8).reshape(shape))
            _send(sink, b"R", np.ascontiguousarray(pose, "<f4").tobytes())


def _receive(source):
    kind, length = HEAD.unpack(_exactly(source, HEAD.size))
    return kind, _exactly(source, length)


def _exactly(source, length):
    content = source.read(length)
    if len(content) < length:
        raise EOFError
    return content


def _send_error(sink, kind, error):
    _send(sink, b"X", json.dumps({"error": " ".join(str(error).split())[:500], "kind": kind}).encode())


def _send(sink, kind, content):
    sink.write(HEAD.pack(kind, len(content)))
    sink.write(content)
    sink.flush()
