"""Run each notebook once by itself: wall seconds, peak memory and headline figures, a row each.

Also written to ``build/bench.json``; the executed notebooks lie beside it.
"""

import argparse
import json
import threading
import time

import execute
import nbformat
import papermill
import psutil
from test_notebooks import FOLDER, headline

BUILD = FOLDER.parent / "build"


def main() -> None:
    """Read the command line, run the notebooks, print and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", metavar="NAME", help="default: all of them")
    parser.add_argument("--seed", type=int, help="in place of each notebook's own SEED")
    options = parser.parse_args()
    names = options.notebooks or sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    parameters = {} if options.seed is None else {"SEED": options.seed}

    BUILD.mkdir(exist_ok=True)
    rows = {}
    for name in names:
        rows[name] = row = run(name.removesuffix(".ipynb"), parameters)
        figures = "  ".join(f"{key}={value:.4g}" for key, value in row["headline"].items())
        print(f"{row['seconds']:6.1f} s {row['peak_gb']:5.2f} GB  {name}  {figures}", flush=True)
    print(f"{sum(row['seconds'] for row in rows.values()):6.1f} s           in all")
    (BUILD / "bench.json").write_text(json.dumps(rows, indent=2) + "\n")


def run(name: str, parameters: dict[str, int]) -> dict:
    """Execute a notebook with `parameters` in place of its own, and measure the run."""
    path = BUILD / f"{name}.ipynb"
    papermill.execute_notebook(
        FOLDER / path.name, path, parameters=parameters, prepare_only=True, progress_bar=False
    )
    notebook = nbformat.read(path, as_version=4)
    peak = PeakMemory()
    start = time.perf_counter()
    with peak:
        execute.run(notebook)
    seconds = time.perf_counter() - start
    nbformat.write(notebook, path)
    figures = headline(notebook)
    return {"seconds": seconds, "peak_gb": peak.bytes / 1e9, "headline": figures} | parameters


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
