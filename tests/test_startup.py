import os
import subprocess
import sys

import pytest

from helpers.startup import quiet_tensorflow

START = """
import os
from helpers.startup import quiet_tensorflow
with quiet_tensorflow():
    os.write(2, b"noise ")
    import tensorflow as tf
tf.constant(1.0) + 1
os.write(2, b"after")
"""


def stderr_of_start(**environment):
    run = subprocess.run(
        [sys.executable, "-c", START],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stderr


def test_tensorflow_starts_in_silence_and_stderr_works_afterwards():
    assert stderr_of_start() == "after"


def test_its_log_can_be_asked_for():
    assert stderr_of_start(TF_CPP_MIN_LOG_LEVEL="0").startswith("noise ")


def test_an_error_in_the_import_is_not_hidden():
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), quiet_tensorflow():
        import no_such_module  # noqa: F401
