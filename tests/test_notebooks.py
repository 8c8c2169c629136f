"""How every notebook of the course is made; that it runs is nbval's to test.

A lab is a core, then sections for those who stay (`further`), then its references.  What else its
cells can be: TAGS.
"""

import ast
import itertools
import re
import subprocess
import sys

import nbformat
import pytest
from labs import NOTEBOOKS as FOLDER
from labs import headline, tags

PATHS = sorted(FOLDER.glob("*.ipynb"))
TAGS = {
    "parameters": "the one cell of constants, with SEED",
    "predict": "asks the reader for a prediction",
    "claim": "folded: the asserts behind what the text has just said",
    "exercise": "the stub of a task",
    "solution": "folded: the stub, answered",
    "check": "folded: fails on the stub, passes on any right answer",
    "answer": "text that tells the answer of the task before it",
    "headline": "the lab's main results, a dict of floats",
    "further": "not of the core: may be left out, and read without the other further sections",
    "raises-exception": "must raise",
    "nbval-check-output": "what is printed is compared with what is stored",
}
REMOVABLE = {"exercise", "solution", "check", "answer", "claim"}
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n(.*?)^ *### END SOLUTION$", re.M | re.S)
HEADING = re.compile(r"^(#+) (.*)", re.M)
CLOCKS = re.compile(r"\b(perf_counter|monotonic|process_time|timeit|time\.time)\b")


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture
def lab(notebook):
    return notebook.cells


def code_cells(cells, tag=None):
    cells = [cell for cell in cells if cell.cell_type == "code"]
    return [cell for cell in cells if tag is None or tag in tags(cell)]


def headings(cells):
    """Return (level, title) for each heading, code blocks in the prose left out."""
    prose = (cell.source for cell in cells if cell.cell_type == "markdown")
    found = (HEADING.findall(re.sub(r"```.*?```", "", source, flags=re.S)) for source in prose)
    return [(len(marks), title) for cell in found for marks, title in cell]


def core(cells):
    return [cell for cell in cells if "further" not in tags(cell)]


def further_sections(cells):
    """Return the cells of each further section, a list for each."""
    sections = []
    for cell in cells:
        if "further" in tags(cell):
            if cell.source.startswith("## ") or not sections:
                sections.append([])
            sections[-1].append(cell)
    return sections


def written_lines(cell):
    """Return the lines that the reader writes in the stub of this solution."""
    marked = "\n".join(lines for _, lines in SOLUTION.findall(cell.source))
    return [line for line in marked.splitlines() if line.strip() and line.strip()[0] != "#"]


def is_folded(cell):
    return cell.metadata.get("jupyter", {}).get("source_hidden", False)


def undefined_names(cells):
    """Return what ruff says of names that the joined code cells use and do not define."""
    source = "\n".join(
        re.sub(r"^[%!].*", "", cell.source, flags=re.M) for cell in code_cells(cells)
    )
    options = ["check", "--isolated", "--select", "F821", "--output-format", "concise", "-q", "-"]
    command = [sys.executable, "-m", "ruff", *options]
    run = subprocess.run(command, input=source, capture_output=True, text=True, encoding="utf-8")
    assert run.returncode in (0, 1), run.stderr
    return run.stdout


# --- every notebook


def test_the_readme_maps_each_lab():
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    mapped = re.findall(r"\]\(notebooks/([^)]+\.ipynb)\)", readme)
    # Who teaches may delete labs, not add one in secret.
    assert [name for name in mapped if (FOLDER / name).exists()] == [path.name for path in PATHS]


def test_the_readme_has_the_minutes_of_the_headings(path, lab):
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    (row,) = (line for line in readme.splitlines() if f"](notebooks/{path.name})" in line)
    core_told, further_told = map(int, re.search(r"\| (\d+), (\d+) \|", row).groups())
    assert abs(minutes(core(lab)) - core_told) <= 5, minutes(core(lab))
    further = minutes([cell for cell in lab if "further" in tags(cell)])
    assert further <= further_told + 5  # who teaches may delete some


def minutes(cells):
    return sum(int(n) for _, title in headings(cells) for n in re.findall(r"\((\d+) min", title))


def test_it_is_a_valid_notebook_under_2_mb(path, notebook):
    nbformat.validate(notebook)
    assert path.stat().st_size < 2_000_000


def test_stored_outputs_are_of_one_clean_run(notebook):
    cells = code_cells(notebook.cells)
    counts = [cell.execution_count for cell in cells if cell.execution_count is not None]
    # With gaps where somebody deleted cells, without any where outputs were cleared.
    assert counts == sorted(set(counts))
    assert len(counts) in (0, len(cells))
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
        # Of a Windows path, JSON and Python double the backslashes.
        private = r"/(home|root|Users|tmp)/|[A-Za-z]:\\+Users\\"
        assert not re.search(private, str(cell.get("outputs", ""))), cell.source


def test_parameters_have_a_seed(notebook):
    (parameters,) = code_cells(notebook.cells, "parameters")
    constants = {
        target.id: ast.literal_eval(node.value)
        for node in ast.parse(parameters.source).body
        if isinstance(node, ast.Assign)
        for target in node.targets
    }
    assert isinstance(constants.get("SEED"), int)
    # A further section sets its own, so that it can be deleted with all that is its.
    sources = "\n".join(cell.source for cell in code_cells(core(notebook.cells)))
    unused = [name for name in constants if len(re.findall(rf"\b{name}\b", sources)) < 2]
    assert not unused, f"set and not used in the core: {unused}"


def test_headline_is_one_dict_of_floats_in_the_core_and_at_most_one_further(notebook):
    cells = code_cells(notebook.cells, "headline")
    assert len(core(cells)) == 1
    assert len(cells) <= 2
    if cells[0].execution_count is not None:
        figures = headline(notebook)
        assert figures
        assert {type(value) for value in figures.values()} == {float}


def test_each_task_is_a_stub_a_folded_solution_and_a_check(notebook):
    cells = code_cells(notebook.cells)
    stubs = [i for i, cell in enumerate(cells) if "exercise" in tags(cell)]
    assert stubs, "a lab has tasks"
    for i in stubs:
        stub, *rest = cells[i : i + 3]
        ast.parse(stub.source)
        if "solution" in tags(rest[0]):
            solution = rest.pop(0)
            assert is_folded(solution)
            assert SOLUTION.search(solution.source)
            # One source: the stub is the solution with its marked lines taken out.
            assert stub.source == SOLUTION.sub(r"\1pass  # your turn", solution.source)
        assert "check" in tags(rest[0])
        assert "assert" in rest[0].source
    assert len(code_cells(cells, "check")) == len(stubs)
    assert len(code_cells(cells, "solution")) in (0, len(stubs))


def test_every_tag_is_a_known_one(notebook):
    assert set().union(*map(tags, notebook.cells)) <= set(TAGS)


def test_a_link_to_another_file_leads_somewhere(notebook):
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\((?!https?:|#|attachment:)([^)#]+)", prose):
        # Who teaches may delete labs: a link to one that the README names is not an error.
        known = f"](notebooks/{target})" in readme
        assert known or (FOLDER / target).exists(), f"{target} is linked and does not exist"


def test_no_assert_compares_times(notebook):
    """Follow what was read from a clock through assignments and functions to the asserts."""
    tree = ast.parse("\n".join(cell.source for cell in plain_python(notebook.cells)))
    timed, before = set(), None
    while before != len(timed):
        before = len(timed)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and node.value:
                if reads_clock(node.value, timed):
                    timed |= {name.id for name in ast.walk(node) if is_stored_name(name)}
            elif isinstance(node, ast.FunctionDef) and returns_time(node, timed):
                timed.add(node.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            assert not reads_clock(node.test, timed), ast.unparse(node)


def plain_python(cells):
    return [cell for cell in code_cells(cells) if not re.match(r"[%!]", cell.source)]


def is_stored_name(node):
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def reads_clock(node, timed):
    names = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
    return bool(names & timed or CLOCKS.search(ast.unparse(node)))


def returns_time(function, timed):
    returned = [node for node in ast.walk(function) if isinstance(node, ast.Return) and node.value]
    inside = timed | {
        name.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and reads_clock(node.value, timed)
        for name in ast.walk(node)
        if is_stored_name(name)
    }
    return any(reads_clock(node.value, inside) for node in returned)


def test_lab_00_quotes_the_numbers_that_the_labs_measured():
    """In a row of lab 01, `key` 0.0085 is what that lab's headline has, rounded alike."""
    path = FOLDER / "00_start_here.ipynb"
    if not path.exists():
        pytest.skip("lab 00 was deleted")
    prose = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    rows = re.findall(r"^\| (\d\d)\b(.*)", prose, re.M)
    if not rows:
        pytest.skip("the table was taken out")
    quotes = [
        (lab, *quote) for lab, row in rows for quote in re.findall(r"`(\w+)` (-?[\d.]*\d)", row)
    ]
    assert len(quotes) >= 5
    for lab, key, number in quotes:
        for path in FOLDER.glob(f"{lab}*.ipynb"):  # none, if it was deleted
            figures = headline(nbformat.read(path, as_version=4))
            decimals = len(number.partition(".")[2])
            if key in figures:  # a further section, and its headline, may be deleted
                assert float(number) == pytest.approx(round(figures[key], decimals)), (lab, key)


def test_lab_00_finds_the_packages_as_tested():
    for path in FOLDER.glob("00*.ipynb"):  # none, if it was deleted
        printed = "".join(
            output.get("text", "")
            for cell in nbformat.read(path, as_version=4).cells
            for output in cell.get("outputs", [])
        )
        assert "NOT as tested" not in printed, "wrong packages, or a check that misreads the pins"


# --- the contract of a lab


def test_the_core_stands_before_further_and_references_end_the_lab(lab):
    assert lab[-1].source.startswith("## References")
    assert "further" not in tags(lab[-1])
    is_further = ["further" in tags(cell) for cell in lab[:-1]]
    assert is_further == sorted(is_further)
    for section in further_sections(lab):
        assert re.match(r"## Further: .+ \(\d+ minutes\)\n", section[0].source + "\n")


def test_a_heading_opens_its_cell_and_levels_are_in_order(lab):
    for cell in lab:
        if found := headings([cell]):
            assert len(found) == 1, cell.source
            assert cell.source.startswith("#"), cell.source
    levels = [level for level, _ in headings(lab)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_the_core_needs_no_further_section_and_no_answer_to_a_task(lab):
    assert not undefined_names(core(lab))
    without_tasks = [cell for cell in core(lab) if not tags(cell) & REMOVABLE]
    assert not undefined_names(without_tasks)
    for section in further_sections(lab):
        assert not undefined_names(core(lab) + section), section[0].source
        mine = [cell for cell in section if not tags(cell) & REMOVABLE]
        assert not undefined_names(without_tasks + mine), section[0].source


def test_no_prediction_is_given_away_by_an_assert(lab):
    asked = [i for i, cell in enumerate(lab) if "predict" in tags(cell)]
    assert len(asked) >= (1 if lab[0].source.startswith("# 00") else 3)
    for cell in lab:
        assert ("predict" in tags(cell)) == ("**Predict" in cell.source), cell.source
    for i in asked:
        following = code_cells(lab[i + 1 :])[0]
        assert not tags(following) & {"claim", "check", "solution"}, following.source
        asserts = [n for n in ast.walk(ast.parse(following.source)) if isinstance(n, ast.Assert)]
        assert not asserts, following.source


def test_claims_and_checks_are_folded(lab):
    for cell in lab:
        if tags(cell) & {"claim", "check", "solution"}:
            assert is_folded(cell), cell.source
        if "claim" in tags(cell):
            assert "assert" in cell.source


def test_each_picture_has_an_alternative_text(lab):
    for cell in code_cells(lab):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                text = output.metadata.get("image/png", {}).get("alt", "")
                assert len(text.split()) >= 4, f"no alternative text:\n{cell.source}"


def test_the_core_is_an_hour_in_which_the_reader_builds(lab):
    first_steps = lab[0].source.startswith("# 00")
    cells = core(lab)
    solutions = code_cells(cells, "solution")
    if not solutions:
        return  # a copy without solutions, with places to write in
    prose = "\n".join(cell.source for cell in cells[:-1] if cell.cell_type == "markdown")
    assert len(re.findall(r"\w+", prose)) <= 1_600  # references not counted
    first = next(i for i, cell in enumerate(cells) if "exercise" in tags(cell))
    further = next((i for i, cell in enumerate(lab) if "further" in tags(cell)), len(lab) - 1)
    assert first_steps or first <= further / 3
    lines = [len(written_lines(cell)) for cell in solutions]
    assert first_steps or (sum(lines) >= 20 and max(lines) >= 8)
