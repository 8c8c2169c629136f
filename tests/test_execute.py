"""What `make notebooks` and `make bench` store, and what they leave alone, with a tiny lab."""

import json

import bench
import execute
import labs
import nbformat
import pytest
from labs import LabError, headline, read_lab
from nbformat.v4 import new_code_cell, new_notebook


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """The only lab of a course: its seed, its headline, and a cell to be replaced."""
    sources = {"SEED = 1": "parameters", "{'seed': SEED}": "headline", "2 + 2": "further"}
    cells = [new_code_cell(source, metadata={"tags": [tag]}) for source, tag in sources.items()]
    path = tmp_path / "notebooks" / "99_lab.ipynb"
    path.parent.mkdir()
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    for module in (labs, execute):
        monkeypatch.setattr(module, "NOTEBOOKS", path.parent)
    monkeypatch.setattr(bench, "BUILD", tmp_path / "build")
    return path


def change(lab, old, new):
    lab.write_text(lab.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def run_bench(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["bench.py", *arguments])
    bench.main()


def test_what_a_lab_shows_is_stored_in_it(lab):
    execute.main(["99"])
    assert headline(read_lab(lab)) == {"seed": 1}
    assert [cell.execution_count for cell in read_lab(lab).cells] == [1, 2, 3]


@pytest.mark.parametrize(
    ("source", "error"), [("1 / 0", "ZeroDivisionError"), ("import os; os._exit(1)", "Kernel died")]
)
def test_a_lab_that_fails_stays_as_it_was(lab, source, error):
    change(lab, "2 + 2", source)
    before = lab.read_bytes()
    with pytest.raises(LabError, match=rf"99_lab failed, and is as it was:[\s\S]*{error}"):
        execute.main([])
    assert lab.read_bytes() == before


def test_what_is_saved_while_a_lab_runs_stays(lab):
    change(lab, "2 + 2", "open('99_lab.ipynb', 'a').write(' ')")
    before = lab.read_bytes()
    with pytest.raises(LabError, match=r"99_lab\.ipynb was changed while it ran"):
        execute.main([])
    assert lab.read_bytes() == before + b" "


def test_bench_runs_a_lab_with_its_seed_or_another_and_leaves_it_as_it_was(lab, monkeypatch):
    before = lab.read_bytes()
    for arguments, seed in (([], 1), (["99", "--seed", "3"], 3)):
        run_bench(monkeypatch, *arguments)
        rows = json.loads((bench.BUILD / "bench.json").read_text(encoding="utf-8"))
        assert rows["99_lab"]["headline"] == {"seed": seed}
        assert 0 < rows["99_lab"]["core_seconds"] < rows["99_lab"]["seconds"]
        assert headline(read_lab(bench.BUILD / lab.name)) == {"seed": seed}
    assert lab.read_bytes() == before


def test_bench_keeps_the_figures_of_the_labs_before_one_that_fails(lab, monkeypatch):
    failing = lab.with_name("99_more.ipynb")
    failing.write_bytes(lab.read_bytes())
    change(failing, "2 + 2", "import os; os._exit(1)")
    with pytest.raises(LabError, match=r"99_more failed[\s\S]*Kernel died"):
        run_bench(monkeypatch)
    rows = json.loads((bench.BUILD / "bench.json").read_text(encoding="utf-8"))
    assert list(rows) == ["99_lab"]


def test_a_notebook_from_before_cells_had_ids_can_be_read(lab):
    old = nbformat.read(lab, as_version=4)
    old.nbformat_minor = 4
    for cell in old.cells:
        del cell["id"]
    lab.write_text(json.dumps(old), encoding="utf-8")
    assert all(cell.id for cell in read_lab(lab).cells)
