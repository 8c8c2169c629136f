"""What nbval does not do by itself, for each notebook that pytest runs.

- After a cell fails, the rest of its notebook is skipped.
- A kernel that dies is noticed within a second, not at the cell's timeout.
- A cell tagged `raises-exception` must raise, and an unknown %magic is an error.
- A task's check must fail on the unanswered stub, with an AssertionError.
- Where solutions were taken out, a check that waits for its answer is skipped.
- At the end a table gives seconds and peak memory for each notebook.
"""

import time
from queue import Empty

import nbval.plugin
import psutil
import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell

pytest_plugins = ["pytester"]
FIGURES = pytest.StashKey[dict[str, tuple[float, float]]]()


class WatchedKernel(RunningKernel):
    """A kernel that measures itself, and says so when it has died."""

    def __init__(self, *args, **kwargs):
        self.started = time.perf_counter()
        self.peak_memory = 0
        super().__init__(*args, **kwargs)

    def get_message(self, stream, timeout=None):
        """Wait for a message as nbval does, with an eye on the kernel all the while."""
        deadline = time.monotonic() + (timeout or float("inf"))
        while True:
            try:
                return super().get_message(stream, timeout=0.2)
            except Empty:
                if not self.is_alive():
                    raise RuntimeError(
                        "the kernel died; out of memory, or a crash in a library?"
                    ) from None
                self.measure_memory()
                if time.monotonic() > deadline:
                    raise

    def measure_memory(self):
        """Note the resident memory of the kernel, in bytes, if it is the largest so far.

        With its children: on Windows the python.exe of an environment starts the real one.
        """
        try:
            kernel = psutil.Process(self.km.provisioner.pid)
            family = [kernel, *kernel.children(recursive=True)]
            resident = sum(process.memory_info().rss for process in family)
        except psutil.Error:  # one has just ended
            return
        self.peak_memory = max(self.peak_memory, resident)

    def raised(self, source):
        """Run `source` out of the notebook's sight; return the name of the error, or None."""
        msg_id = self.kc.execute(source, silent=True, store_history=False)
        while (reply := self.get_message("shell", timeout=60))["parent_header"]["msg_id"] != msg_id:
            pass
        return reply["content"].get("ename")


def pytest_configure(config):
    nbval.plugin.RunningKernel = WatchedKernel
    config.stash[FIGURES] = {}


def tags(item):
    return item.cell.metadata.get("tags", [])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    failed = getattr(item.parent, "failed_cell", None)
    if isinstance(item, IPyNbCell) and failed is not None:
        pytest.skip(f"cell {failed} of this notebook failed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    if isinstance(item, IPyNbCell) and "solution" in tags(item):
        refuse_unanswered(item)
    if isinstance(item, IPyNbCell) and waits_for_an_answer(item):
        pytest.skip("this task has neither a solution nor an answer here")
    result = yield
    if isinstance(item, IPyNbCell):
        check_outputs(item)
    return result


def refuse_unanswered(solution):
    """Run the check that follows this solution while only the stub has been run."""
    check = next((cell for cell in code_cells(solution) if is_tagged(cell, "check")), None)
    assert check is not None, "a solution must have a check after it"
    error = solution.parent.kernel.raised(check.source)
    assert error == "AssertionError", (
        f"the check of an unanswered task must raise an AssertionError, and "
        f"{f'raised {error}' if error else 'passed'}:\n{check.source}"
    )


def waits_for_an_answer(check):
    """Tell whether this is the check of a stub without a solution or an answer, right or wrong."""
    if "check" not in tags(check):
        return False
    cells = check.parent.nb.cells
    before = [cell for cell in cells[: cells.index(check.cell)] if cell.cell_type == "code"]
    if not before or "pass  # your turn" not in before[-1].source:
        return False
    return check.parent.kernel.raised(check.cell.source) == "AssertionError"


def is_tagged(cell, tag):
    return tag in cell.metadata.get("tags", [])


def code_cells(item):
    """Return the code cells that follow this one."""
    cells = item.parent.nb.cells
    return [cell for cell in cells[cells.index(item.cell) + 1 :] if cell.cell_type == "code"]


def check_outputs(item):
    outputs = item.test_outputs or []
    if "raises-exception" in tags(item):
        raised = any(output.output_type == "error" for output in outputs)
        assert raised, "this cell is tagged raises-exception and raised nothing"
    stderr = "".join(output.text for output in outputs if output.get("name") == "stderr")
    assert "UsageError" not in stderr, stderr


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if isinstance(item, IPyNbCell):
        if report.failed:
            item.parent.failed_cell = item.cell_num
        kernel = item.parent.kernel
        if kernel is not None:
            if call.when == "call" and kernel.is_alive():
                kernel.measure_memory()
            seconds = time.perf_counter() - kernel.started
            item.config.stash[FIGURES][item.path.name] = (seconds, kernel.peak_memory / 1e9)
    return report


def pytest_terminal_summary(terminalreporter, config):
    if figures := config.stash[FIGURES]:
        terminalreporter.section("notebooks: seconds, peak memory")
        for name, (seconds, gigabytes) in figures.items():
            terminalreporter.write_line(f"{seconds:7.1f} s  {gigabytes:5.2f} GB  {name}")
