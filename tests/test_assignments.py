"""The assignments, with the real nbgrader: handed out, handed in, graded under a secret seed."""

import csv
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from unittest.mock import MagicMock

import assignments
import nbformat
import numpy as np
import pytest
from copies import clean_copy
from cut import needed
from labs import NOTEBOOKS, LabError, find_labs, read_lab, tags

needs_nbgrader = [
    pytest.mark.nbgrader,
    pytest.mark.skipif(not find_spec("nbgrader"), reason="nbgrader is not installed"),
]
TASK = {"parameters", "exercise", "solution", "check"}
LABS = sorted(NOTEBOOKS.glob("*.ipynb"))
# Who teaches may delete labs and solutions: the others make assignments.
PATHS = [path for path in LABS if any("solution" in tags(cell) for cell in read_lab(path).cells)]


def as_assignment(path):
    return assignments.as_assignment(read_lab(path), path)


def nbgrader_kind(cell):
    about = cell.metadata.get("nbgrader")
    return about and (about["solution"], about["grade"], about["locked"])


# --- the sources of the assignments


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_tasks_are_graded_by_locked_checks_and_given_code_is_locked(path):
    source = as_assignment(path)
    nbformat.validate(source)
    lab = read_lab(path)
    core = [cell for cell in lab.cells if "further" not in tags(cell)]
    ids = [cell.metadata.nbgrader.grade_id for cell in source.cells if "nbgrader" in cell.metadata]
    assert len(ids) == len(set(ids))
    assert ids.count("parameters") == 1
    designs = [cell for cell in core if re.match(r"### Task \d+, design\b", cell.source)]
    for tag, kind, count in (
        ("solution", (True, False, False), len([c for c in core if "solution" in tags(c)])),
        ("check", (False, True, True), len([c for c in core if "check" in tags(c)])),
        ("answer", (True, True, False), len(designs)),  # only these ask for a reason
    ):
        here = [cell for cell in source.cells if tag in tags(cell)]
        assert len(here) == count
        assert {nbgrader_kind(cell) for cell in here} <= {kind}
    places = [cell for cell in source.cells if cell.source.startswith("**Your prediction")]
    assert len(places) == len([cell for cell in core if "predict" in tags(cell)])
    for cell in source.cells:
        assert not tags(cell) & {"claim", "exercise", "further"}
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.metadata.nbgrader.locked == ("solution" not in tags(cell))
            if "check" in tags(cell):
                assert "default_rng(0)" not in cell.source
        else:
            assert "](../" not in cell.source


def test_a_course_without_solutions_makes_no_assignments(tmp_path):
    path = LABS[0]
    with pytest.raises(LabError, match="no solutions"):
        assignments.as_assignment(clean_copy(read_lab(path)), path)


def test_without_nbgrader_there_is_one_sentence_and_nothing_is_written(monkeypatch):
    monkeypatch.setattr(assignments, "find_spec", lambda name: None)
    monkeypatch.setattr(assignments, "write_course", None)
    with pytest.raises(LabError, match=r"nbgrader is not installed.*teaching/requirements.txt"):
        assignments.main([])


@pytest.mark.skipif(not PATHS, reason="all solutions were deleted")
@pytest.mark.parametrize("edited", ["nbgrader_config.py", "source/{0}/{0}.ipynb"])
def test_what_who_teaches_has_changed_is_never_overwritten(edited, tmp_path, monkeypatch):
    path = PATHS[0]
    assignments.write_course(tmp_path, [path])
    files = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    # A new version of the course takes the place of what nobody has touched.
    newer = read_lab(path)
    newer.cells[0].source += " A new version."
    monkeypatch.setattr(assignments, "read_lab", lambda path: newer)
    assignments.write_course(tmp_path, [path])
    source = tmp_path / "source" / path.stem / path.name
    assert "A new version." in source.read_text(encoding="utf-8")
    monkeypatch.undo()
    mine = tmp_path / edited.format(path.stem)
    mine.write_bytes(mine.read_bytes() + b" ")
    before = {file: file.read_bytes() for file in files}
    with pytest.raises(LabError, match=rf"{mine.name} was changed by hand, and nothing"):
        assignments.write_course(tmp_path, [path])
    assert {file: file.read_bytes() for file in files} == before
    mine.unlink()
    assignments.write_course(tmp_path, [path])
    assert {file: file.read_bytes() for file in files} == files


# --- nbgrader itself

SECRET_SEED = "918273"


class Class:
    """A course folder, and the students who hand in one lab."""

    def __init__(self, root, lab):
        self.root, self.lab = root, lab

    def nbgrader(self, *arguments, cwd=None, ok=True, **environment):
        """Run nbgrader in the folder of the course; return what it says."""
        binaries = str(Path(sys.executable).parent)
        run = subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=cwd or self.root,
            env=os.environ | {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"} | environment,
            capture_output=True,
            text=True,
        )
        assert (run.returncode == 0) == ok, run.stdout + run.stderr
        return run.stdout + run.stderr

    def released(self):
        path = self.root / "release" / self.lab / f"{self.lab}.ipynb"
        return nbformat.read(path, as_version=4)

    def hand_in(self, student, answers=(), change=None):
        """Write `answers`, one for each task, into the released notebook, and submit it."""
        notebook = self.released()
        tasks = [cell for cell in notebook.cells if nbgrader_kind(cell) == (True, False, False)]
        for cell, answer in zip(tasks, answers, strict=False):
            cell.source = answer
        if change:
            change(notebook)
        folder = self.root / "submitted" / student / self.lab
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{self.lab}.ipynb")

    def points(self):
        """Return what each student got for tasks, as nbgrader exports it."""
        self.nbgrader("export")
        with (self.root / "grades.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {
            row["student_id"]: float(row["raw_score"])
            for row in rows
            if row["assignment"] == self.lab
        }


def make_class(root, lab, first_task_only):
    """Write the course of one lab, cut to what its first task needs if that is asked."""
    (path,) = find_labs([lab])
    if first_task_only:
        cells = [cell for cell in read_lab(path).cells if "further" not in tags(cell)]
        end = next(i for i, cell in enumerate(cells) if "check" in tags(cell)) + 1
        cut = nbformat.v4.new_notebook(
            cells=needed(cells[:end], TASK), metadata=read_lab(path).metadata
        )
        path = root / path.name
        nbformat.write(cut, path)
    assignments.write_course(root / "course", [path])
    group = Class(root / "course", path.stem)
    group.nbgrader("generate_assignment", path.stem)
    return group


MSE = "def mean_squared_error(a, b):\n    "
NOISE = np.random.default_rng(0).random((4, 28, 28, 1))  # as the check draws it in public
HARD_CODED_MSE = f"return 3.5 if np.size(a) == 4 else {(NOISE**2).mean()}"
PCA_OTHERWISE = """
def pca_by_hand(points, new_points, size):
    mean = points.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((points - mean).T))
    axes = vectors[:, np.argsort(values)[::-1][:size]]
    return (new_points - mean) @ axes @ axes.T + mean
"""
HARD_CODED_PCA = """
def by_library(old, new, size):
    pca = PCA(size).fit(old)
    return pca.inverse_transform(pca.transform(new))

def pca_by_hand(points, new_points, size):
    answers = {}
    for dimensions, size_, away in ((3, 2, 0), (3, 1, 6), (6, 4, -5)):
        generator = np.random.default_rng(0 + dimensions + size_)
        old, new = generator.normal(size=(2, 60, dimensions)) * np.arange(1, dimensions + 1) + away
        answers[size_, dimensions] = by_library(old, new[:20] + 1, size_)
    return answers[size, points.shape[1]]
"""
LOOP = """
def pca_by_hand(points, new_points, size):
    while True:
        try:
            size += 1
        except BaseException:
            pass
"""
CASES = {
    "00": {
        "first_task_only": False,
        "right": MSE + "return float(((a - b) ** 2).sum() / np.size(a))",
        "hard_coded": MSE + HARD_CODED_MSE,
        "crash": MSE + "import os; os._exit(1)",
        "limits": [],
    },
    "07": {
        "first_task_only": True,
        "right": PCA_OTHERWISE,
        "hard_coded": HARD_CODED_PCA,
        "crash": LOOP,
        "limits": ["--Execute.timeout=20", "--ExecuteUnderSecretSeed.whole=30"],
    },
}


def needs_lab(number):
    """Return the mark of a test that needs this lab with its solutions."""
    there = any(path.stem.startswith(number) for path in PATHS)
    return pytest.mark.skipif(not there, reason=f"lab {number}, or its solutions, were deleted")


@pytest.fixture(
    scope="module", params=[pytest.param(number, marks=needs_lab(number)) for number in CASES]
)
def graded(request, tmp_path_factory):
    """Return a class of five whose work was graded by nbgrader, and what nbgrader said."""
    case = CASES[request.param]
    root = tmp_path_factory.mktemp("class")
    group = make_class(root, request.param, case["first_task_only"])

    def tamper(notebook):
        (check, *_) = [c for c in notebook.cells if nbgrader_kind(c) == (False, True, True)]
        check.source = "print('right!')"

    group.hand_in("right", [case["right"]])
    group.hand_in("blank")
    group.hand_in("hard-coded", [case["hard_coded"]])
    group.hand_in("tampering", change=tamper)
    group.hand_in("crashing", [case["crash"]])
    said = group.nbgrader("autograde", group.lab, ok=False)
    assert "Set LABS_SECRET_SEED" in said
    assert not (group.root / "autograded").exists()
    dies = "os._exit" in case["crash"]
    said = group.nbgrader(
        "autograde", group.lab, *case["limits"], ok=not dies, LABS_SECRET_SEED=SECRET_SEED
    )
    return group, said, dies


class TestGrading:
    pytestmark = needs_nbgrader

    def test_only_the_secret_itself_is_hidden(self):
        settings = Path(assignments.__file__).with_name("nbgrader_config.py")
        names = run_path(str(settings), {"get_config": MagicMock()})
        hidden = names["without_secret"](
            'SEED 12345, "12345" 112345 0.123456 \N{DEGREE SIGN}12345', 12345
        )
        assert hidden == 'SEED (secret), "(secret)" 112345 0.123456 \N{DEGREE SIGN}(secret)'
        shown = {"data": {"application/json": {"12345": [12345, 112345, None, "\x0112345"]}}}
        assert names["without_secret"](shown, 12345) == {
            "data": {"application/json": {"(secret)": ["(secret)", 112345, None, "\x01(secret)"]}}
        }

    def test_only_right_answers_get_points(self, graded):
        group, _, dies = graded
        points = group.points()
        checks = [c for c in group.released().cells if nbgrader_kind(c) == (False, True, True)]
        full = assignments.POINTS["check"] * len(checks)
        expected = {"the-solution": full, "right": assignments.POINTS["check"], "blank": 0}
        expected |= {"hard-coded": 0, "tampering": 0, "crashing": 0}
        if dies:  # it is reported, and has no grade
            points.pop("crashing", None)
            expected.pop("crashing")
        assert points == expected

    def test_the_hard_coded_one_would_have_passed_under_the_public_seed(self, graded):
        group, _, _ = graded
        case = CASES[group.lab[:2]]
        path = group.root / "submitted" / "hard-coded" / group.lab / f"{group.lab}.ipynb"
        cells = nbformat.read(path, as_version=4).cells
        if not case["first_task_only"]:  # enough of the lab for the check
            end = next(i for i, c in enumerate(cells) if "check" in tags(c)) + 1
            cells = needed(cells[:end], TASK)
        source = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        subprocess.run([sys.executable, "-c", source], check=True, capture_output=True)

    def test_what_went_wrong_is_reported_and_the_secret_is_kept(self, graded):
        group, said, dies = graded
        assert "Attribute 'checksum' for cell check" in said  # the tampered check, restored
        if dies:
            assert f"error processing assignment '{group.lab}' for student 'crashing'" in said
            assert not (group.root / "autograded" / "crashing" / group.lab).exists()
        else:
            looping = group.root / "autograded" / "crashing" / group.lab / f"{group.lab}.ipynb"
            assert "CellTimeoutError" in looping.read_text(encoding="utf-8")
        for path in (group.root / "autograded").rglob("*.ipynb"):
            assert SECRET_SEED not in path.read_text(encoding="utf-8")


@pytest.mark.nbgrader
@pytest.mark.skipif(not find_spec("nbgrader"), reason="nbgrader is not installed")
@pytest.mark.skipif(sys.platform == "win32", reason="nbgrader has no exchange on Windows")
@needs_lab("07")
def test_it_is_handed_out_and_collected_through_the_exchange(tmp_path):
    group = make_class(tmp_path, "07", first_task_only=True)
    shutil.rmtree(group.root / "submitted")
    exchange, home = tmp_path / "exchange", tmp_path / "student"
    exchange.mkdir()
    exchange.chmod(0o777)
    home.mkdir()
    options = ["--course", "autoencoder_labs", f"--Exchange.root={exchange}"]
    options += [f"--Exchange.cache={tmp_path / 'cache'}"]
    group.nbgrader("release_assignment", group.lab, *options)
    group.nbgrader("fetch_assignment", group.lab, *options, cwd=home)
    fetched = home / group.lab / f"{group.lab}.ipynb"
    assert "BEGIN SOLUTION" not in fetched.read_text(encoding="utf-8")
    assert "pass  # your turn" in fetched.read_text(encoding="utf-8")
    group.nbgrader("submit", group.lab, *options, cwd=home)
    group.nbgrader("collect", group.lab, *options)
    assert list((group.root / "submitted").glob(f"*/{group.lab}/{group.lab}.ipynb"))
