"""Who teaches may delete labs, further sections and solutions: the other tests stay green."""

import shutil

import nbformat
import pytest
import student
from labs import COURSE, tags
from test_notebooks import further_sections

# What reads the labs, or what is said of them.
TESTS = ("notebooks", "copies", "assignments", "guide", "seeds", "lecture")
HEAVY = shutil.ignore_patterns("*.tfrecord*", ".decoded", "__pycache__")


@pytest.fixture
def course(pytester, monkeypatch):
    """A copy of the course, without the weight of the data."""
    monkeypatch.setenv("LABS_DATA", str(COURSE / "data"))
    for name in (*student.FOLDERS, "notebooks", "evidence", "teaching"):
        shutil.copytree(COURSE / name, pytester.path / name, ignore=HEAVY, dirs_exist_ok=True)
    for name in (*student.FILES, "README.md"):
        target = pytester.path / name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(COURSE / name, target)
    return pytester.path


def strip_labs(folder):
    for path in sorted(folder.glob("*.ipynb"))[1::2]:
        path.unlink()


def strip_all_labs_but_the_last(folder):
    for path in sorted(folder.glob("*.ipynb"))[:-1]:
        path.unlink()


def strip_further(folder):
    for path in folder.glob("*.ipynb"):
        edit(path, lambda cell: "further" not in tags(cell))


def strip_one_section(folder):
    for path in folder.glob("*.ipynb"):
        sections = further_sections(nbformat.read(path, as_version=4).cells)
        gone = [cell.id for section in sections[:1] for cell in section]
        edit(path, lambda cell, gone=gone: cell.id not in gone)


def strip_solutions(folder):
    for path in folder.glob("*.ipynb"):
        edit(path, lambda cell: not tags(cell) & {"solution", "answer", "claim"})


def edit(path, keep):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if keep(cell)]
    nbformat.write(notebook, path)


@pytest.mark.parametrize(
    "change",
    [
        strip_labs,
        strip_all_labs_but_the_last,
        strip_further,
        strip_one_section,
        strip_solutions,
    ],
    ids=lambda f: f.__name__,
)
def test_who_teaches_may_delete_parts(change, course, pytester):
    change(course / "notebooks")
    files = [f"tests/test_{name}.py" for name in TESTS]
    if change is strip_solutions:  # one lab is run as well: its checks have nothing to check
        files.append(min((course / "notebooks").glob("*.ipynb")))
    # What starts kernels, servers or browsers takes minutes; our data are too light for a disk.
    options = ["-q", "-m", "not nbgrader and not browser", "-p", "no:cacheprovider"]
    options += ["-k", "not run_as_a_course and not disk_that_is_full"]
    assert pytester.runpytest_subprocess(*files, *options).ret == 0
