"""How nbgrader hands out and grades the labs; `make assignments` puts this file into the course.

Grading runs every submission under a seed that no student has seen:

    LABS_SECRET_SEED=918273 nbgrader autograde 01_basic_autoencoder
"""

import os
import re
import sys
import time

import nbformat
from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader import preprocessors
from nbgrader.converters.base import NbGraderException
from traitlets import Integer

SEED = re.compile(r"^SEED = .*$", re.M)


class ExecuteUnderSecretSeed(preprocessors.Execute):
    """Run a submission with the secret seed, each cell and the whole within a time.

    The seed is in the notebook only while it runs, and in nothing that students get back.
    """

    whole = Integer(1_200, help="Seconds for a notebook; `timeout` is for a cell.").tag(config=True)

    def preprocess(self, nb, resources):
        """Run all cells; the checks find the secret seed also where a student has set another."""
        seed = secret_seed()
        line = f"SEED = {seed}"
        parameters = [cell for cell in nb.cells if grade_id(cell) == "parameters"]
        if not parameters:
            raise NbGraderException("its cell with the parameters is gone, put it back")
        sources = [(cell, cell.source) for cell in nb.cells]
        for cell in nb.cells:
            if cell in parameters:
                cell.source = SEED.sub(line, cell.source)
            elif is_check(cell):
                cell.source = f"{line}\n{cell.source}"
        end = time.monotonic() + self.whole
        self.timeout_func = lambda cell: max(1, min(self.timeout, int(end - time.monotonic())))
        try:
            nb, resources = super().preprocess(nb, resources)
        finally:
            for cell, source in sources:
                cell.source = source
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = nbformat.from_dict(without_secret(cell.outputs, seed))
            if is_check(cell):  # nbgrader takes a warning in a check for an error
                cell.outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
        return nb, resources


def secret_seed() -> int:
    """Return the seed to grade with."""
    given = os.environ.get("LABS_SECRET_SEED", "")
    if not re.fullmatch(r"[1-9]\d{4,8}", given):
        raise NbGraderException(
            "Set LABS_SECRET_SEED to a number of five to nine digits that no student knows, and "
            f"grade again; it is {given!r}."
        )
    return int(given)


def without_secret(output, seed: int):
    """Return outputs without the seed; the same digits within a longer number are not it."""
    if isinstance(output, dict):
        return {without_secret(k, seed): without_secret(v, seed) for k, v in output.items()}
    if isinstance(output, list):
        return [without_secret(item, seed) for item in output]
    hidden = re.sub(rf"(?<!\d){seed}(?!\d)", "(secret)", str(output))
    return output if hidden == str(output) else hidden


def grade_id(cell):
    """Return nbgrader's name of a cell, if it has one."""
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def is_check(cell):
    """Tell whether this is the check of a task."""
    return cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade", False)


if sys.argv[1:2] == ["autograde"]:
    try:
        secret_seed()
    except NbGraderException as error:
        sys.exit(str(error))

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "autoencoder_labs"
c.ClearSolutions.code_stub = {"python": "pass  # your turn"}
c.ClearSolutions.text_stub = "*Write your answer here.*"
c.Execute.timeout = 300
c.Autograde.autograde_preprocessors = [
    ExecuteUnderSecretSeed,
    preprocessors.IgnorePattern,
    ClearMetadataPreprocessor,
    preprocessors.LimitOutput,
    preprocessors.SaveAutoGrades,
    preprocessors.AssignLatePenalties,
    preprocessors.CheckCellMetadata,
]
