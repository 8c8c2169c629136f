"""The tables of runs with other seeds: how a margin is read, and that the tables fit the labs."""

import ast
import re

import nbformat
import pytest
import seeds
from labs import COURSE, NOTEBOOKS, LabError, headline, read_lab, tags
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

PATHS = [
    path
    for path in sorted(NOTEBOOKS.glob("*.ipynb"))
    if any("claim" in tags(cell) for cell in read_lab(path).cells)
]
# A range over seeds, as the prose quotes it.
QUOTE = re.compile(r"`(\w+)` (?:was )?(-?[\d.]*\d) to (-?[\d.]*\d)")


def margins(code):
    """Run a claim as a lab would; return what it notes."""
    tree = ast.unparse(seeds.Noted().visit(ast.parse(code)))
    names = {}
    exec(seeds.NOTEBOOK_CODE + tree, names)
    return names["_margins"]


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("assert 1 < 3", {"1 < 3": 2}),
        ("assert 3 >= 1, 'text'", {"3 >= 1": 2}),
        ("assert 1 < 3 < 3.5", {"1 < 3": 2, "3 < 3.5": 0.5}),
        ("assert 1 < 3 and 'a' == 'a'", {"1 < 3": 2}),
        ("assert all(x < 9 for x in (5, 7))", {"x < 9": 2}),
        ("for x in (5, 7, 6):\n    assert x < 9", {"x < 9": 2}),
        ("assert (_numpy.array([1, 2]) <= 4).all()", {"_numpy.array([1, 2]) <= 4": 2}),
        ("assert _numpy.all(_numpy.array([1, 2]) <= 4)", {"_numpy.array([1, 2]) <= 4": 2}),
        ("assert {1} < {1, 2}", {}),
    ],
)
def test_the_margin_of_a_claim_is_its_distance_from_failing(claim, expected):
    assert margins(claim) == expected


def test_comparisons_are_read_from_the_source_as_they_are_noted():
    claim = new_code_cell("assert 1 < 3 < 4\nassert all(x > 0 for x in (1, 2))\nassert not 0")
    claim.metadata.tags = ["claim"]
    assert seeds.comparisons(new_notebook(cells=[claim])) == {"1 < 3", "3 < 4", "x > 0"}


def test_a_table_gains_rows_and_columns_and_loses_claims_that_are_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(seeds, "TABLES", tmp_path)
    for seed, margin in enumerate((1.0, 2.0, 3.0)):
        seeds.write_seeds("99", seed, {"mse": margin})
        seeds.write_margins("99", seed, {"a < b": margin, "c < d": 1.0})
    seeds.write_margins("99", 2, {"a < b": 4.0})
    (row,) = seeds.read_table(tmp_path / "99_margins.csv")
    assert row == {"claim": "a < b", "spreads": "1.5", "0": "1", "1": "2", "2": "4"}
    for seed in (2, 1):  # a claim that is new has no margin yet under the other seeds
        seeds.write_margins("99", seed, {"a < b": 4.0, "e < f": 1.0})
    row = seeds.read_table(tmp_path / "99_margins.csv")[1]
    assert row == {"claim": "e < f", "spreads": "", "0": "", "1": "1", "2": "1"}
    rows = seeds.read_table(tmp_path / "99_seeds.csv")
    assert [row["seed"] for row in rows] == ["0", "1", "2"]
    seeds.write_seeds("99", 5, {"other": 1.0})
    assert len(seeds.read_table(tmp_path / "99_seeds.csv")) == 1


def test_a_negative_seed_is_refused(monkeypatch):
    monkeypatch.setattr("sys.argv", ["seeds.py", "--seeds", "3", "-1"])
    monkeypatch.setattr(seeds, "measure", None)
    with pytest.raises(LabError, match="seeds from 0; got -1"):
        seeds.main()


def test_a_seed_whose_kernel_dies_is_counted_and_the_others_are_run(tmp_path, monkeypatch):
    def measure(path, seed):
        if seed == 0:
            raise DeadKernelError("Kernel died")
        return {"a": 1.0}, {}

    monkeypatch.setattr("sys.argv", ["seeds.py", "--seeds", "0", "1"])
    monkeypatch.setattr(seeds, "TABLES", tmp_path)
    monkeypatch.setattr(seeds, "find_labs", lambda names: [tmp_path / "99_lab.ipynb"])
    monkeypatch.setattr(seeds, "measure", measure)
    assert seeds.main() == 1
    assert [row["seed"] for row in seeds.read_table(tmp_path / "99_seeds.csv")] == ["1"]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_tables_are_of_the_lab_as_it_is_and_no_claim_fails(path):
    lab, number = read_lab(path), path.stem[:2]
    rows = seeds.read_table(seeds.TABLES / f"{number}_seeds.csv")
    noted = seeds.read_table(seeds.TABLES / f"{number}_margins.csv")
    if not rows:
        pytest.skip(f"no table yet: make evidence NAME={number}")
    # Who teaches may delete further sections, and their headline and claims with them.
    assert set(headline(lab)) <= {*rows[0]}
    assert seeds.comparisons(lab) <= {row["claim"] for row in noted}
    for row in noted:
        for seed in rows:
            assert float(row[seed["seed"]]) >= 0, (row["claim"], seed)


def ranges(text):
    """Yield (key, least, most, its table) for each range over seeds that a text quotes."""
    for line in text.splitlines():
        if table := re.search(r"evidence/(\d\d_seeds\.csv)", line):
            for key, low, high in QUOTE.findall(line):
                yield key, low, high, table[1]


def test_a_range_is_found_as_the_prose_quotes_it():
    text = "With [seeds](../evidence/05_seeds.csv) `a` -1 to 2.50; `b` was 0.1 to 0.3\n`c` 1 to 2"
    found = [("a", "-1", "2.50", "05_seeds.csv"), ("b", "0.1", "0.3", "05_seeds.csv")]
    assert list(ranges(text)) == found


def test_what_the_text_says_of_many_seeds_is_what_the_table_says():
    texts = [path.read_text(encoding="utf-8") for path in COURSE.glob("teaching/**/*.md")]
    for path in PATHS:
        cells = nbformat.read(path, as_version=4).cells
        texts += [cell.source for cell in cells if cell.cell_type == "markdown"]
    for key, low, high, table in ranges("\n".join(texts)):
        values = [float(row[key]) for row in seeds.read_table(seeds.TABLES / table)]
        decimals = len(low.partition(".")[2])
        quoted = round(min(values), decimals), round(max(values), decimals)
        assert (float(low), float(high)) == quoted, (table, key)
