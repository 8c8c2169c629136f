"""What `make` does to an environment, with a Python that only pretends to install."""

import os
import shutil
import subprocess
import sys

import pytest
from labs import COURSE

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not shutil.which("make"), reason="there is no make here"
)
# Notes how it is called; `-m venv` makes a folder with itself in it, and pip does as PIP says.
FAKE = """#!/bin/sh
echo "$*" >> {log}
case "$*" in
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    *--dry-run*) [ "$PIP" != offline ] ;;
    "-m pip "*) [ "$PIP" != broken ] ;;
esac
"""


class Course:
    """A course with nothing but its Makefile and pins, and a pretended Python."""

    def __init__(self, root):
        self.root, self.log, self.python = root / "course", root / "log", root / "python"
        self.ready = self.root / ".venv" / ".ready"
        self.unfinished = self.root / ".venv" / ".unfinished"
        self.root.mkdir()
        for name in ("Makefile", "requirements.txt", "constraints.txt"):
            shutil.copy(COURSE / name, self.root)
        self.python.write_text(FAKE.format(log=self.log), encoding="utf-8")
        self.python.chmod(0o755)

    def make(self, *targets, pip="works", **environment):
        """Run make; return its exit status, what it says, and what Python was asked for."""
        self.log.write_text("", encoding="utf-8")
        run = subprocess.run(
            ["make", *(targets or ["lab"]), f"PYTHON={self.python}"],
            cwd=self.root,
            # Without what a make around this sets.
            env={"PATH": os.environ["PATH"], "PIP": pip} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        return run.returncode, run.stdout, self.log.read_text(encoding="utf-8")

    def change_pins(self):
        """Let the pins be newer than what was installed, and mark the environment."""
        os.utime(self.ready, (0, 0))
        (self.root / ".venv" / "mine").touch()

    def is_as_it_was(self):
        return (self.root / ".venv" / "mine").exists()


@pytest.fixture
def course(tmp_path):
    return Course(tmp_path)


def test_it_installs_once(course):
    status, _, asked = course.make()
    assert status == 0
    assert "-m venv" in asked
    assert "install" in asked
    assert asked.endswith("tools/lab.py\n")
    assert course.ready.exists()
    assert not course.unfinished.exists()
    assert course.make()[::2] == (0, "tools/lab.py\n")
    (course.root / "pyproject.toml").touch()  # nothing that is installed stands there
    assert course.make()[::2] == (0, "tools/lab.py\n")


def test_a_broken_install_is_started_afresh(course):
    assert course.make(pip="broken")[0] != 0
    (course.root / ".venv" / "half_unpacked").touch()
    status, said, _ = course.make()
    assert status == 0
    assert "broken off; starting afresh" in said
    assert not (course.root / ".venv" / "half_unpacked").exists()


def test_a_second_make_leaves_the_first_ones_install_alone(course):
    assert course.make(pip="broken")[0] != 0
    (course.root / ".venv" / "of_the_first").touch()
    course.unfinished.write_text(f"{os.getpid()}\n", encoding="utf-8")  # it lives, as we do
    status, said, asked = course.make()
    assert status != 0
    assert f"Another make (process {os.getpid()}) seems to be installing into .venv" in said
    assert "install" not in asked
    assert (course.root / ".venv" / "of_the_first").exists()


def test_new_pins_that_cannot_be_had_leave_the_environment_as_it_was(course):
    course.make()
    course.change_pins()
    for _ in range(2):
        status, said, _ = course.make(pip="offline")
        assert status != 0
        assert ".venv stays as it was" in said
        assert course.is_as_it_was()
    assert course.make()[0] == 0
    assert course.is_as_it_was()
    assert course.make()[2] == "tools/lab.py\n"
    course.change_pins()
    course.make(pip="offline")
    course.ready.touch()  # as the sentence advises
    assert course.make(pip="offline")[2] == "tools/lab.py\n"


def test_variables_of_the_environment_delete_and_choose_nothing(course):
    theirs = course.root.parent / "theirs"
    theirs.mkdir()
    course.make()
    environment = {"NAME": "my-laptop", "SEED": "7", "ARGS": "--flag"}
    assert course.make("bench", "lab", **environment)[2] == "tools/bench.py\ntools/lab.py\n"
    assert course.make("bench", "NAME=05", "SEED=3")[2] == "tools/bench.py --seed 3 05\n"
    assert course.make("clean", VENV=str(theirs))[0] == 0
    assert theirs.exists()
    assert not course.ready.exists()
