"""Write an nbgrader course to `assignments/`: the core of each lab as an assignment.

A task is graded by its check, which is locked as all given code is; predictions, and the reason
for what a *design* task decided, are graded by hand.  What a check draws at random, it draws by
SEED.  Our own solution is handed in by the student `the-solution`: where it gets less than all
points, the seed or the check is at fault and not the class.  Labs can be chosen by name or number.
"""

import json
import re
import sys
from collections.abc import Iterator
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path

import nbformat
from copies import place_for_prediction
from labs import COURSE, LabError, as_bytes, digest, find_labs, read_lab, tags, write_whole

POINTS = {"check": 5, "answer": 2, "predict": 1}
TASK = re.compile(r"### Task \d+, ([\w ]+):")
# An assignment lies alone: what it links to in the course is not there.
LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#|attachment:)[^)]*\)")
# A generator with a seed of its own; with SEED = 0, nothing changes when SEED is added.
FIXED_SEED = re.compile(r"default_rng\((?![^()]*SEED)([^()\[\]]+)\)")
SOLUTION = "the-solution"


def write_course(target: Path, paths: list[Path]) -> None:
    """Write labs as the sources of assignments, and nbgrader's settings, into `target`.

    What nbgrader has put there, submissions and grades, stays.  `target/.made.json` notes each
    file as it was written: any other content is the teacher's.

    Raises
    ------
    LabError
        If a lab is damaged or has a task without a solution, a file to be written was changed by
        hand, or there is no space or permission.
    """
    settings = Path(__file__).with_name("nbgrader_config.py")
    files = {settings.name: settings.read_bytes()}
    for path in paths:
        content = as_bytes(as_assignment(read_lab(path), path))
        for folder in ("source", f"submitted/{SOLUTION}"):
            files[f"{folder}/{path.stem}/{path.stem}.ipynb"] = content
    note = target / ".made.json"
    made = read_note(note)
    digests = {name: digest(content) for name, content in files.items()}
    # All are looked at before one is written.
    for name in files:
        file = target / name
        if file.exists() and digest(file.read_bytes()) not in (made.get(name), digests[name]):
            raise LabError(
                f"{file} was changed by hand, and nothing was written: move it away, or delete "
                "it, and start again."
            )
    for name, content in files.items():
        write_whole(target / name, content)
    write_whole(note, (json.dumps(made | digests, indent=1) + "\n").encode())


def read_note(path: Path) -> dict[str, str]:
    """Return the digest of each file as it was written; nothing if that was not noted."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def as_assignment(lab: nbformat.NotebookNode, path: Path) -> nbformat.NotebookNode:
    """Return the core of a lab as the source of an assignment, solutions in, for nbgrader.

    Raises
    ------
    LabError
        If a task has no solution; `path` is the lab's, to name it.
    """
    lab = deepcopy(lab)
    core = [cell for cell in lab.cells if "further" not in tags(cell)]
    stubs, solutions = ([c for c in core if t in tags(c)] for t in ("exercise", "solution"))
    if not stubs or len(stubs) != len(solutions):
        raise LabError(f"{path} has no solutions to make an assignment of: take the whole course.")
    # nbgrader makes the stub of a task from its solution.
    lab.cells = [
        c
        for cell in without_needless_answers(core)
        if not tags(cell) & {"exercise", "claim"}
        for c in marked(cell)
    ]
    return lab


def without_needless_answers(
    cells: list[nbformat.NotebookNode],
) -> Iterator[nbformat.NotebookNode]:
    """Yield the cells but those answers that become no reason: only a *design* task has one."""
    kind = ""
    for cell in cells:
        if heading := TASK.match(cell.source):
            kind = heading[1]
        if "answer" not in tags(cell) or kind == "design":
            yield cell


def marked(cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Return a cell of a lab with the metadata that tell nbgrader what it is.

    After a question for a prediction comes the cell for it.
    """
    if cell.cell_type == "markdown":
        cell.source = LINK.sub(r"\1", cell.source)
    else:
        cell.outputs, cell.execution_count = [], None
    kind = next(iter(tags(cell) & {"parameters", "solution", *POINTS}), cell.cell_type)
    if kind == "predict":
        answer = place_for_prediction(cell)
        return [cell, mark(answer, answer.id, solution=True, points=POINTS[kind])]
    if kind == "solution":
        cell.metadata.pop("jupyter", None)  # unfolded: the student writes here
        return [mark(cell, f"task-{cell.id}", solution=True)]
    if kind == "answer":
        return [mark(cell, f"reason-{cell.id}", solution=True, points=POINTS[kind])]
    if kind == "check":
        cell.source = FIXED_SEED.sub(r"default_rng(SEED + \1)", cell.source)
        return [mark(cell, f"check-{cell.id}", points=POINTS[kind])]
    if kind == "markdown":
        return [cell]
    return [mark(cell, kind if kind == "parameters" else f"given-{cell.id}")]


def mark(
    cell: nbformat.NotebookNode, grade_id: str, *, solution: bool = False, points: int | None = None
) -> nbformat.NotebookNode:
    """Put nbgrader's metadata into a cell: the student's to write in, or locked."""
    graded = points is not None
    cell.metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": grade_id,
        "solution": solution,
        "locked": not solution,
        "grade": graded,
        "task": False,
    } | ({"points": points} if graded else {})
    return cell


def main(names: list[str]) -> None:
    """Write the course; say what to do with it."""
    if not find_spec("nbgrader"):
        raise LabError(
            "nbgrader is not installed: python -m pip install -r teaching/requirements.txt, "
            "with the python of the course."
        )
    target, paths = COURSE / "assignments", find_labs(names)
    write_course(target, paths)
    print(f"{len(paths)} assignments for nbgrader are in {target}.")
    print(f"Next, there, and with {Path(sys.executable).parent} on your PATH:")
    print(f"nbgrader generate_assignment {paths[0].stem}")


if __name__ == "__main__":
    main(sys.argv[1:])
