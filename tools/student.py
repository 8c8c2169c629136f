"""Write a class's copy of the course to `build/student/`, and a zip of it.

It is a course of its own: labs without outputs, solutions, answers and claims, with a place for
each prediction; helpers, data, tests and the two commands.  With `--core`, without the further
sections.
"""

import argparse
import re
import shutil
import tempfile
from pathlib import Path

from copies import clean_copy
from labs import COURSE, LABS, NOTEBOOKS, LabError, as_bytes, cannot_write, read_lab

FILES = (
    "LICENSE",
    "Makefile",
    "requirements.txt",
    "constraints.txt",
    "pyproject.toml",
    "conftest.py",
    ".gitattributes",
    ".gitignore",
    ".github/copies.png",
    ".github/halves.png",
    ".github/beats.png",
    "notebooks/GLOSSARY.md",
)
FOLDERS = ("helpers", "data", ".jupyter", "tests", "tools")
# What only a teacher has, with its tests, and what use leaves behind.
LEFT_OUT = (
    "student.py",
    "assignments.py",
    "nbgrader_config.py",
    "seeds.py",
    "lecture.py",
    "classroom.py",
    "test_lecture.py",
    "test_seeds.py",
    "test_classroom.py",
    "test_deletions.py",
    "test_guide.py",
    "cut.py",
    "test_copies.py",
    "test_assignments.py",
    "test_browser.py",
    "__pycache__",
    ".decoded",
    "*.ipynb*",
)
# In the README: sections, and lines elsewhere, that lead to it, or to what stops at the first task
# without an answer.
SECTIONS = re.compile(
    r"^## (For a class|Contributing, citing)\n.*?(?=^## )"
    r"|^Without make, with the labs by name.*?^```\n\n",
    re.MULTILINE | re.DOTALL,
)
LINES = re.compile(
    r"^.*(teaching/|evidence[`/)]|`make (notebooks|bench|lecture)`).*\n", re.MULTILINE
)
NAME = "autoencoder_labs"


def build(target: Path, *, core_only: bool = False) -> Path:
    """Write the folder `target` and the zip beside it; return the path of the zip.

    What was there is replaced as a whole, or stays if something goes wrong.

    Raises
    ------
    LabError
        If something is missing, a lab is damaged, or there is no space or no permission.
    """
    archive = target.with_name(f"{target.name}.zip")
    for name in (*FOLDERS, *FILES):
        if not (COURSE / name).exists():
            raise LabError(f"{COURSE / name} is missing: get a fresh copy of the course.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".student-") as scratch:
            course = Path(scratch) / "student" / NAME
            fill(course, core_only=core_only)
            packed = shutil.make_archive(str(Path(scratch) / "pack"), "zip", course.parent)
            old = Path(scratch) / "old"  # goes with the scratch
            if target.exists():
                target.rename(old)
            try:
                course.parent.rename(target)
                Path(packed).replace(archive)
            except BaseException:  # also Ctrl+C
                put_back(old, target)
                raise
    except (OSError, shutil.Error) as error:
        raise LabError(cannot_write(target, error)) from error
    return archive


def put_back(old: Path, target: Path) -> None:
    """Let the folder be again what it was, or not be there."""
    shutil.rmtree(target, ignore_errors=True)
    if old.exists():
        old.rename(target)


def fill(course: Path, *, core_only: bool) -> None:
    """Write a class's copy of the course into a folder that does not exist yet."""
    for name in FOLDERS:
        ignored = shutil.ignore_patterns(*LEFT_OUT)
        shutil.copytree(COURSE / name, course / name, ignore=ignored, copy_function=copy)
    for name in FILES:
        (course / name).parent.mkdir(exist_ok=True)
        shutil.copy(COURSE / name, course / name)
    readme = (COURSE / "README.md").read_text(encoding="utf-8")
    (course / "README.md").write_text(LINES.sub("", SECTIONS.sub("", readme)), encoding="utf-8")
    # Of notebooks/ nothing else: a list of the class, or a lab as HTML, may lie there, too.
    for path in NOTEBOOKS.glob(LABS):
        lab = clean_copy(read_lab(path), core_only=core_only)
        (course / "notebooks" / path.name).write_bytes(as_bytes(lab))


def copy(source: str, target: str) -> None:
    """Copy a file; the first that fails ends it, where copytree would list them all."""
    try:
        shutil.copy2(source, target)
    except OSError as error:
        raise LabError(cannot_write(Path(target), error)) from error


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--core", action="store_true", help="without the further sections")
    archive = build(COURSE / "build" / "student", core_only=parser.parse_args().core)
    print(f"{archive} ({archive.stat().st_size / 1e6:.0f} MB) is for your class.")
