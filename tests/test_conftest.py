"""Each rule that conftest.py adds to nbval, tried on a notebook that breaks it."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

CONFTEST = Path(__file__).resolve().parent.parent / "conftest.py"
STUB = "def double(x):\n    pass  # your turn"
SOLUTION = "def double(x):\n    return 2 * x"
CHECK = "assert double(2) == 4, 'two times two is four'"


@pytest.fixture
def run_notebook(pytester):
    """Run cells, given as sources or (source, tag) pairs, as a notebook of the course."""
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))

    def run(*cells):
        notebook = new_notebook()
        for cell in cells:
            source, *tags = (cell,) if isinstance(cell, str) else cell
            notebook.cells.append(new_code_cell(source, metadata={"tags": tags}))
        nbformat.write(notebook, pytester.path / "lab.ipynb")
        options = ("--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=60")
        return pytester.runpytest_subprocess(*options, "-p", "no:cacheprovider")

    return run


def test_a_failed_cell_ends_its_notebook(run_notebook):
    result = run_notebook("a = 1", "1 / 0", "a", "a")
    result.assert_outcomes(passed=1, failed=1, skipped=2)


def test_a_dead_kernel_is_noticed_at_once(run_notebook):
    result = run_notebook("import os; os._exit(1)", "2")
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*the kernel died*"])


@pytest.mark.parametrize("answer", [[], [(SOLUTION, "solution")]])
def test_a_kernel_that_dies_of_a_check_is_noticed_too(run_notebook, answer):
    result = run_notebook((STUB, "exercise"), *answer, ("import os; os._exit(1)", "check"))
    result.assert_outcomes(passed=1, failed=1, skipped=len(answer))
    result.stdout.fnmatch_lines(["*the kernel died*"])  # and not that there was no answer in time


def test_a_cell_that_must_raise_raises(run_notebook):
    run_notebook(("1 / 0", "raises-exception")).assert_outcomes(passed=1)
    result = run_notebook(("1 / 1", "raises-exception"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*tagged raises-exception and raised nothing*"])


def test_an_unknown_magic_is_an_error(run_notebook):
    run_notebook("%no_such_magic").assert_outcomes(failed=1)


def test_a_check_that_fails_on_the_stub_only_is_fine(run_notebook):
    cells = ((STUB, "exercise"), (SOLUTION, "solution"), (CHECK, "check"))
    run_notebook(*cells).assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("check", "message"), [("assert True", "*and passed*"), ("double(2) + 1", "*raised TypeError*")]
)
def test_a_check_that_does_not_refuse_the_stub_is_an_error(run_notebook, check, message):
    result = run_notebook((STUB, "exercise"), (SOLUTION, "solution"), (check, "check"))
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    result.stdout.fnmatch_lines([message])


def test_without_solutions_an_answer_is_checked_and_a_stub_is_skipped(run_notebook):
    run_notebook((STUB, "exercise"), (CHECK, "check")).assert_outcomes(passed=1, skipped=1)
    run_notebook((SOLUTION, "exercise"), (CHECK, "check")).assert_outcomes(passed=2)
    wrong = SOLUTION.replace("2 *", "3 *")
    run_notebook((wrong, "exercise"), (CHECK, "check")).assert_outcomes(passed=1, failed=1)
    typo = CHECK.replace("double(2)", "duoble(2)")
    run_notebook((STUB, "exercise"), (typo, "check")).assert_outcomes(passed=1, failed=1)


def test_a_wrong_solution_is_an_error(run_notebook):
    wrong = SOLUTION.replace("2 *", "3 *")
    result = run_notebook((STUB, "exercise"), (wrong, "solution"), (CHECK, "check"))
    result.assert_outcomes(passed=2, failed=1)


def test_the_table_shows_seconds_and_memory(run_notebook):
    # In a process of the kernel's, as on Windows, where python.exe may start the real one.
    hoard = "import time; hoard = bytearray(700_000_000); time.sleep(1.5)"
    result = run_notebook(
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hoard!r}])"
    )
    result.stdout.fnmatch_lines(["*seconds, peak memory*", "*lab.ipynb"])
    seconds, _, gigabytes, *_ = result.stdout.lines[-2].split()
    assert float(seconds) > 1
    assert 0.7 < float(gigabytes) < 1.2
