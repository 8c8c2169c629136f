"""Run labs under other seeds and write what came out to `evidence/`, two tables a lab.

`NN_seeds.csv` has the headline of each seed.  `NN_margins.csv` has each comparison that a claim
asserts, and how far it was from failing under each seed, in the units of what is compared; where
a claim makes one comparison several times, the least.  `spreads` divides the mean of a row by its
standard deviation over the seeds: below three, the claim is thin.

Columns and rows of seeds that are not run again stay.  A seed for which an assert fails is
written to no table; the script goes on with the next, and ends with an error.
"""

import argparse
import ast
import csv
import io
import json
import math
import statistics
import sys
from collections.abc import Iterable
from pathlib import Path

import execute
import nbformat
from bench import with_seed
from labs import COURSE, LabError, find_labs, headline, tags, write_whole
from nbformat.v4 import new_code_cell

TABLES = COURSE / "evidence"
# What the labs get to note their margins with.  A comparison of texts or sets has none.
NOTEBOOK_CODE = """
import json as _json
import numpy as _numpy
_margins = {}
def _note(text, low, high):
    try:
        gap = float(_numpy.min(_numpy.asarray(high, float) - _numpy.asarray(low, float)))
    except (TypeError, ValueError):
        return
    _margins[text] = min(gap, _margins.get(text, gap))
"""


def main() -> int:
    """Read the command line, run the labs, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labs", nargs="*", metavar="NAME", help="default: all of them")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(10)))
    options = parser.parse_args()
    if min(options.seeds) < 0:
        raise LabError(f"expected seeds from 0; got {min(options.seeds)}.")
    failed = 0
    for path in find_labs(options.labs):
        for seed in options.seeds:
            print(f"{path.stem}, seed {seed}: ", end="", flush=True)
            try:
                figures, margins = measure(path, seed)
            except execute.RUN_ERRORS as error:
                failed += 1
                print(f"failed\n{error}", flush=True)
            else:
                write_seeds(path.stem[:2], seed, figures)
                write_margins(path.stem[:2], seed, margins)
                print("  ".join(f"{key}={value:.4g}" for key, value in figures.items()), flush=True)
    return failed


def measure(path: Path, seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """Run a lab with this seed; return its headline and the margins of its claims."""
    lab = with_seed(path, seed)
    for cell in lab.cells:
        if "claim" in tags(cell):
            cell.source = ast.unparse(Noted().visit(ast.parse(cell.source)))
    lab.cells.insert(0, new_code_cell(NOTEBOOK_CODE))
    lab.cells.append(new_code_cell("print(_json.dumps(_margins))"))
    execute.run(lab)
    return headline(lab), json.loads(lab.cells[-1].outputs[0].text)


class Noted(ast.NodeTransformer):
    """Before each assert, note the margin of each of its comparisons."""

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        """Return the notes and the assert."""
        notes = [ast.parse(note).body[0] for note in notes_of(node.test)]
        return [*notes, node]


def notes_of(test: ast.expr) -> list[str]:
    """Return the statements that note the margins of what an assert tests."""
    match test:
        case ast.BoolOp(op=ast.And(), values=parts):
            return [note for part in parts for note in notes_of(part)]
        case ast.Call(func=ast.Name(id="all"), args=[ast.GeneratorExp(elt=each, generators=loops)]):
            heads = " ".join(map(ast.unparse, loops))
            return [f"[{note} {heads}]" for note in notes_of(each)]
        case ast.Call(func=ast.Attribute(value=inner, attr="all"), args=[]):
            return notes_of(inner)
        case ast.Call(func=ast.Attribute(attr="all"), args=[inner]):
            return notes_of(inner)
        case ast.Compare(left=left, ops=signs, comparators=others):
            pairs = zip([left, *others], signs, others, strict=False)
            return [note for pair in pairs for note in note_of(*pair)]
    return []


def note_of(left: ast.expr, sign: ast.cmpop, right: ast.expr) -> list[str]:
    """Return the statement that notes the margin of one comparison, if it has a margin."""
    text = ast.unparse(ast.Compare(left, [sign], [right]))
    low, high = ast.unparse(left), ast.unparse(right)
    if isinstance(sign, ast.Gt | ast.GtE):
        low, high = high, low
    elif not isinstance(sign, ast.Lt | ast.LtE):
        return []
    return [f"_note({text!r}, {low}, {high})"]


def comparisons(lab: nbformat.NotebookNode) -> set[str]:
    """Return the comparisons of a lab's claims that a table of margins can have."""
    claims = [ast.parse(cell.source) for cell in lab.cells if "claim" in tags(cell)]
    asserts = [node for tree in claims for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    notes = [ast.parse(note) for node in asserts for note in notes_of(node.test)]
    calls = [node for tree in notes for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {c.args[0].value for c in calls if isinstance(c.func, ast.Name) and c.func.id == "_note"}


def read_table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table; none if there is no table yet."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_table(path: Path, rows: list[dict]) -> None:
    """Write rows that have the same columns, if there are any."""
    if not rows:
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode())


def write_seeds(number: str, seed: int, figures: dict[str, float]) -> None:
    """Put the row of a seed into a lab's table of headlines; other keys start a new table."""
    path = TABLES / f"{number}_seeds.csv"
    new = {"seed": seed} | figures
    rows = {int(row["seed"]): row for row in read_table(path) if list(row) == list(new)}
    rows[seed] = new
    write_table(path, [rows[key] for key in sorted(rows)])


def write_margins(number: str, seed: int, margins: dict[str, float]) -> None:
    """Put the column of a seed into a lab's table of margins; claims that are gone leave it."""
    path = TABLES / f"{number}_margins.csv"
    old = {row["claim"]: row for row in read_table(path)}
    rows = []
    for claim, margin in margins.items():
        kept = old.get(claim, {}).items()
        given = {int(key): text for key, text in kept if key.isdigit() and text}
        given[seed] = f"{margin:.4g}"
        columns = {str(key): given[key] for key in sorted(given)}
        rows.append({"claim": claim, "spreads": spreads(map(float, given.values()))} | columns)
    seeds = sorted({key for row in rows for key in row if key.isdigit()}, key=int)
    write_table(path, [{k: row.get(k, "") for k in ("claim", "spreads", *seeds)} for row in rows])


def spreads(margins: Iterable[float]) -> str:
    """Return the mean of margins in their standard deviations, if there are three or more."""
    margins = list(margins)
    if len(margins) < 3:
        return ""
    spread = statistics.stdev(margins)
    return f"{statistics.mean(margins) / spread:.1f}" if spread else str(math.inf)


if __name__ == "__main__":
    sys.exit(main())
