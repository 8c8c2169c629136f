"""Start TensorFlow without a page of log lines."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Import TensorFlow in this block, and its C++ start-up lines are not shown.

    They are written straight to file descriptor 2, some of them before TensorFlow reads its own
    log level, so no setting of its own hides all of them.  Python's warnings and errors go
    through `sys.stderr` in a notebook and stay visible.  To see every line, when a GPU is not
    found for example, set the environment variable ``TF_CPP_MIN_LOG_LEVEL=0`` before the start.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0":
        yield
        return
    stderr_copy = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr_copy, 2)
        os.close(stderr_copy)
