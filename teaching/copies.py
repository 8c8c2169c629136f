"""The labs as their readers get them, made from `notebooks/`: the tags of the cells say what stays.

The one source of the copies in `my_labs/` (lab.py), of a class's copies (student.py) and of its
assignments (assignments.py).
"""

import errno
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell

COURSE = Path(__file__).resolve().parent.parent
NOTEBOOKS = COURSE / "notebooks"
# The cells in which the course answers its own questions.
TOLD = {"solution", "answer", "claim"}


class LabError(SystemExit):
    """Something that whoever called the script can mend: it ends with this one sentence."""


def tags(cell: nbformat.NotebookNode) -> set[str]:
    """Return the tags of a cell."""
    return set(cell.metadata.get("tags", []))


def read_lab(path: Path) -> nbformat.NotebookNode:
    """Read a notebook.

    Raises
    ------
    LabError
        If the file is not there, cannot be read or is not a notebook.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except OSError as error:
        raise LabError(f"{path} cannot be read: {error.strerror}.") from error
    except Exception as error:  # nbformat raises errors of many kinds
        raise LabError(
            f"{path} is damaged, it is no notebook: restore it with `git checkout -- notebooks`, "
            "or get a fresh copy of the course."
        ) from error
    return notebook


def find_labs(names: list[str]) -> list[Path]:
    """Return the notebooks of these names or numbers, of all labs if there are none.

    Raises
    ------
    LabError
        If there is no lab of one of the names.
    """
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    if not paths:
        raise LabError(f"There is no lab in {NOTEBOOKS}: get a fresh copy of the course.")
    wanted = {name: [p for p in paths if name in (p.stem, p.name, p.stem[:2])] for name in names}
    for name, found in wanted.items():
        if not found:
            raise LabError(f"There is no lab {name}; there are {', '.join(p.stem for p in paths)}.")
    return sorted({path for found in wanted.values() for path in found}) or paths


def clean_copy(lab: nbformat.NotebookNode, *, core_only: bool = False) -> nbformat.NotebookNode:
    """Return a lab without outputs, solutions, answers and claims.

    After each question for a prediction stands a place to write it in.  A copy of a copy is the
    same copy.

    Parameters
    ----------
    lab
        A notebook of the course; it stays as it is.
    core_only
        Leave out what is tagged `further`.
    """
    lab = deepcopy(lab)
    unwanted = TOLD | ({"further"} if core_only else set())
    ids = {cell.id for cell in lab.cells}
    cells = []
    for cell in lab.cells:
        if tags(cell) & unwanted:
            continue
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cells.append(cell)
        if "predict" in tags(cell) and prediction_id(cell) not in ids:
            cells.append(place_for_prediction(cell))
    lab.cells = cells
    return lab


def prediction_id(question: nbformat.NotebookNode) -> str:
    """Return the id of the cell for the reader's answer to a `predict` cell."""
    return f"prediction-{question.id}"[:64]


def place_for_prediction(question: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a cell to write a prediction in; it is of the core if its question is."""
    metadata = {"tags": ["further"]} if "further" in tags(question) else {}
    source = "**Your prediction:** *(double-click here, and write)*"
    return new_markdown_cell(source, id=prediction_id(question), metadata=metadata)


def as_bytes(lab: nbformat.NotebookNode) -> bytes:
    """Return a notebook as it lies on the disk."""
    return (nbformat.writes(lab) + "\n").encode()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file wholly or not at all.

    Raises
    ------
    LabError
        If there is no space or no permission; what was there is still there.
    """
    half = path.with_name(f".{path.name}.half")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_bytes(content)
        half.replace(path)
    except OSError as error:
        raise LabError(cannot_write(path, error)) from error
    finally:
        if half.exists():
            half.unlink()


def cannot_write(path: Path, error: OSError) -> str:
    """Return what went wrong and what to do about it, in a sentence."""
    cure = {
        errno.ENOSPC: "make space on that disk",
        errno.EDQUOT: "make space in your quota",
        errno.EACCES: "you need the permission to write there",
        errno.EROFS: "that disk is read-only",
    }.get(error.errno, "mend that")
    return f"{path} cannot be written ({error.strerror or error}): {cure}, and start again."
