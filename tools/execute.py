"""Re-execute labs in place, all of them or those named; one that fails is left as it was."""

import os
import sys
from collections.abc import Callable

import nbformat
from labs import NOTEBOOKS, LabError, as_bytes, find_labs, read_lab, write_whole
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

# What a lab can do to its run: an error, a cell that takes too long, the death of the kernel.
RUN_ERRORS = (CellExecutionError, CellTimeoutError, DeadKernelError)
SLIDERS = "application/vnd.jupyter.widget-view+json"


def main(names: list[str]) -> None:
    """Run each lab from a fresh kernel and store what it printed and drew."""
    paths = find_labs(names)
    folder = paths[0].parent  # a file is replaced as a whole: its folder must allow that
    if not os.access(folder, os.W_OK):
        raise LabError(f"{folder} cannot be written to: you need the permission.")
    for path in paths:
        lab, as_read = read_lab(path), path.read_bytes()
        try:
            run(lab)
        except RUN_ERRORS as error:
            raise LabError(f"{path.stem} failed, and is as it was:\n{error}") from error
        # Sliders live in the kernel; their stored state and first picture would only weigh.
        lab.metadata.pop("widgets", None)
        for cell in lab.cells:
            outputs = cell.get("outputs", [])
            if sliders := [output for output in outputs if SLIDERS in output.get("data", {})]:
                cell.outputs = sliders
            for output in outputs:
                if "alt" in cell.metadata and "image/png" in output.get("data", {}):
                    output.metadata["image/png"] = {"alt": cell.metadata.alt}
        # The exact Python version is the machine's, not the course's.
        lab.metadata.language_info = {"name": "python"}
        if path.read_bytes() != as_read:
            raise LabError(f"{path} was changed while it ran, and is as you left it: start again.")
        write_whole(path, as_bytes(lab))
        print(f"executed {path.name}", flush=True)


def run(lab: nbformat.NotebookNode, **hooks: Callable) -> None:
    """Execute all cells of a lab, in a fresh kernel and in the folder of the labs.

    `hooks` are nbclient's, as `on_cell_executed`.
    """
    client = NotebookClient(
        lab,
        timeout=300,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": NOTEBOOKS}},
        **hooks,
    )
    # By default nbclient plays the browser for the pictures of sliders, and by talking back to
    # the kernel it may miss that the cell has ended, and wait until the timeout.
    client.widget_registry = {}
    client.execute()


if __name__ == "__main__":
    main(sys.argv[1:])
