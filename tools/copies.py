"""The labs as their readers get them, made from `notebooks/`: the tags of the cells say what stays.

The one source of the copies in `my_labs/` (lab.py), of a class's copies (student.py) and of its
assignments (assignments.py).
"""

from copy import deepcopy

import nbformat
from labs import tags
from nbformat.v4 import new_markdown_cell

# The cells in which the course answers its own questions.
TOLD = {"solution", "answer", "claim"}


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
