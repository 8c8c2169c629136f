"""Run each lab once by itself: wall seconds, peak memory and headline figures, a row each.

Also written to ``build/bench.json``, with the seconds of the core and of each slow cell; the
executed labs lie beside it.
"""

import argparse
import json
import threading
import time
from pathlib import Path

import execute
import nbformat
import psutil
from labs import COURSE, LabError, as_bytes, find_labs, headline, read_lab, tags, write_whole
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

BUILD = COURSE / "build"


def main() -> None:
    """Read the command line, run the labs, print and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labs", nargs="*", metavar="NAME", help="default: all of them")
    parser.add_argument("--seed", type=int, help="in place of each lab's own SEED, from 0")
    options = parser.parse_args()
    if options.seed is not None and options.seed < 0:
        raise LabError(f"expected a seed from 0; got {options.seed}.")

    rows = {}
    for path in find_labs(options.labs):
        lab = read_lab(path) if options.seed is None else with_seed(path, options.seed)
        try:
            rows[path.stem] = row = run(lab)
        except execute.RUN_ERRORS as error:
            write_whole(BUILD / path.name, as_bytes(lab))
            raise LabError(f"{path.stem} failed, see {BUILD / path.name}:\n{error}") from error
        figures = "  ".join(f"{key}={value:.4g}" for key, value in row["headline"].items())
        print(
            f"{row['seconds']:6.1f} s, core {row['core_seconds']:5.1f} s, "
            f"{row['peak_gb']:4.2f} GB  {path.stem}  {figures}",
            flush=True,
        )
        write_whole(BUILD / path.name, as_bytes(lab))
        write_whole(BUILD / "bench.json", (json.dumps(rows, indent=2) + "\n").encode())
    whole, core = (sum(row[key] for row in rows.values()) for key in ("seconds", "core_seconds"))
    print(f"{whole:6.1f} s, core {core:5.1f} s           in all")


def with_seed(path: Path, seed: int) -> nbformat.NotebookNode:
    """Read a lab, and put another seed in place of its own."""
    read_lab(path)  # which says what is wrong with a damaged one
    return parameterize_notebook(load_notebook_node(str(path)), {"SEED": seed})


def run(lab: nbformat.NotebookNode) -> dict:
    """Execute a lab and measure the run, from the kernel's start to the end of the last cell."""
    ends = []
    with PeakMemory() as peak:
        start = time.perf_counter()
        execute.run(lab, on_cell_executed=lambda **_: ends.append(time.perf_counter() - start))
    code = [cell for cell in lab.cells if cell.cell_type == "code"]
    took = [end - before for before, end in zip([0, *ends], ends, strict=False)]
    further = sum(s for cell, s in zip(code, took, strict=True) if "further" in tags(cell))
    slow = {cell.id: s for cell, s in zip(code, took, strict=True) if s > 5}
    return {
        "seconds": ends[-1],
        "core_seconds": ends[-1] - further,
        "slow_cells": slow,
        "peak_gb": peak.bytes / 1e9,
        "headline": headline(lab),
    }


class PeakMemory:
    """The most resident memory, in bytes, of this process's children while the block runs."""

    def __enter__(self):
        self.bytes = 0
        self.done = threading.Event()
        self.watcher = threading.Thread(target=self.watch)
        self.watcher.start()
        return self

    def __exit__(self, *exception):
        self.done.set()
        self.watcher.join()

    def watch(self):
        """Look five times a second, until the block has ended."""
        while not self.done.wait(0.2):
            resident = 0
            for child in psutil.Process().children(recursive=True):
                try:
                    resident += child.memory_info().rss
                except psutil.Error:  # it has just ended
                    continue
            self.bytes = max(self.bytes, resident)


if __name__ == "__main__":
    main()
