"""How every notebook of the course is made; that it runs is nbval's to test."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION$", re.M | re.S)


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


def tags(cell):
    return cell.metadata.get("tags", [])


def code_cells(notebook, tag=None):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell for cell in cells if tag is None or tag in tags(cell)]


def only_cell(notebook, tag):
    cells = code_cells(notebook, tag)
    assert len(cells) == 1, f"expected one cell tagged {tag}; got {len(cells)}"
    return cells[0]


def headline(notebook):
    """Return the value of the headline cell, as it was stored."""
    results = [
        output.data["text/plain"]
        for output in only_cell(notebook, "headline").outputs
        if output.output_type == "execute_result"
    ]
    return ast.literal_eval(results[-1])


def test_the_labs_are_numbered_without_a_gap_at_the_start():
    assert [path.stem[:3] for path in PATHS[:3]] == ["00_", "01_", "02_"]


def test_the_readme_maps_each_lab():
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    mapped = re.findall(r"\]\(notebooks/([^)]+\.ipynb)\)", readme)
    assert mapped == [path.name for path in PATHS]


def test_it_is_a_valid_notebook_under_1_mb(path, notebook):
    nbformat.validate(notebook)
    assert path.stat().st_size < 1_000_000


def test_stored_outputs_are_of_one_clean_run(notebook):
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        assert cell.source.strip()
        for output in cell.outputs:
            assert output.get("name") != "stderr", f"{cell.source}\n->\n{output.text}"
            if output.output_type == "error":
                assert "raises-exception" in tags(cell), f"{cell.source}\n->\n{output.ename}"


def test_nothing_of_one_machine_is_stored(notebook):
    assert "widgets" not in notebook.metadata
    for cell in notebook.cells:
        assert "execution" not in cell.metadata
        assert not re.search(r"/(home|root|Users|tmp)/", str(cell.get("outputs", ""))), cell.source


def test_parameters_have_a_seed(notebook):
    tree = ast.parse(only_cell(notebook, "parameters").source)
    constants = {
        target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
    }
    assert isinstance(constants.get("SEED"), int)
    sources = "\n".join(cell.source for cell in code_cells(notebook))
    unused = [name for name in constants if len(re.findall(rf"\b{name}\b", sources)) < 2]
    assert not unused, f"set and never used: {unused}"


def test_headline_is_a_dict_of_floats(notebook):
    figures = headline(notebook)
    assert figures
    assert {type(value) for value in figures.values()} == {float}


def test_each_exercise_is_a_stub_a_folded_solution_and_a_check(notebook):
    cells = code_cells(notebook)
    solutions = [i for i, cell in enumerate(cells) if "solution" in tags(cell)]
    assert solutions, "a lab has exercises"
    for i in solutions:
        stub, solution, check = cells[i - 1 : i + 2]
        assert "exercise" in tags(stub)
        assert "check" in tags(check)
        assert solution.metadata.jupyter.source_hidden
        assert SOLUTION.search(solution.source)
        # One source: the stub is the solution with its marked lines taken out.
        assert stub.source == SOLUTION.sub(r"\1pass  # your turn", solution.source)
        ast.parse(stub.source)
        assert "assert" in check.source
    for tag in ("exercise", "check"):
        assert len(code_cells(notebook, tag)) == len(solutions)


def test_every_tag_is_a_known_one(notebook):
    known = {
        "parameters",
        "headline",
        "exercise",
        "solution",
        "check",
        "raises-exception",
        "nbval-check-output",
    }
    assert {tag for cell in notebook.cells for tag in tags(cell)} <= known


def test_a_link_to_another_file_leads_somewhere(notebook):
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\((?!https?:|#|attachment:)([^)#]+)", prose):
        assert (FOLDER / target).exists(), f"{target} is linked and does not exist"
