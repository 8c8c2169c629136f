"""The copies that are made of the labs: the reader's own, and a class's."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import copies
import lab
import labs
import nbformat
import pytest
import student
from contents import STORED, swap
from copies import clean_copy
from ipykernel.ipkernel import IPythonKernel
from labs import COURSE, NOTEBOOKS, LabError, tags
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PATHS = sorted(labs.NOTEBOOKS.glob("*.ipynb"))
README = (labs.COURSE / "README.md").read_text(encoding="utf-8")


def tagged(source, *names):
    make = new_markdown_cell if names[0] in {"predict", "answer"} else new_code_cell
    return make(source, metadata={"tags": list(names)})


@pytest.fixture
def small_lab():
    cells = [
        new_markdown_cell("# 99 A lab"),
        new_code_cell("print(1)", outputs=[nbformat.v4.new_output("stream", text="1")]),
        tagged("**Predict:** one or two?", "predict"),
        tagged("assert 1 < 2", "claim"),
        tagged("def double(x):\n    pass  # your turn", "exercise"),
        tagged(
            "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
            "solution",
        ),
        tagged("assert double(2) == 4", "check"),
        tagged("It is twice the number.", "answer"),
        tagged("**Predict:** and here?", "predict", "further"),
    ]
    return new_notebook(cells=cells)


@pytest.fixture
def course(tmp_path, small_lab):
    """A course of one lab, and a function that renews its reader's copies."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    nbformat.write(small_lab, folder / "99_lab.ipynb")
    (folder / "GLOSSARY.md").write_text("words\n", encoding="utf-8")
    return tmp_path


def renew(course):
    return lab.renew(course / "notebooks", course / "my_labs")


def replace(path, old, new):
    """Change a text in a file, as the reader does in a copy."""
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def publish(course, old, new):
    """Change the lab in the course."""
    replace(course / "notebooks" / "99_lab.ipynb", old, new)


def names(course):
    return sorted(path.name for path in (course / "my_labs").glob("[!.]*"))


# --- what a copy holds


def test_a_copy_has_the_stubs_and_the_checks_and_a_place_for_each_prediction(small_lab):
    before = nbformat.writes(small_lab)
    copy = clean_copy(small_lab)
    assert nbformat.writes(small_lab) == before
    nbformat.validate(copy)
    kept = [
        " ".join(tags(cell)) or cell.source[:11] for cell in copy.cells if "pred" not in cell.id
    ]
    assert kept[:5] == ["# 99 A lab", "print(1)", "predict", "exercise", "check"]
    assert len(kept) == 6
    places = [i for i, cell in enumerate(copy.cells) if "**Your prediction" in cell.source]
    assert [tags(copy.cells[i - 1]) >= {"predict"} for i in places] == [True, True]
    assert [tags(copy.cells[i]) for i in places] == [set(), {"further"}]
    assert not any(cell.get("outputs") for cell in copy.cells)
    assert clean_copy(copy) == copy


def test_the_core_alone_has_nothing_further(small_lab):
    copy = clean_copy(small_lab, core_only=True)
    assert not any("further" in tags(cell) for cell in copy.cells)


def told_lines(path):
    """Return what only the solutions, answers and claims of a lab say, line by line."""
    cells = nbformat.read(path, as_version=4).cells
    told = {line.strip() for c in cells if tags(c) & copies.TOLD for line in c.source.splitlines()}
    kept = {
        line.strip() for c in cells if not tags(c) & copies.TOLD for line in c.source.splitlines()
    }
    return told - kept


def is_deleted_lab(target):
    """Tell whether a link leads to a lab of the README that who teaches has deleted."""
    name = Path(target).name
    return not (labs.NOTEBOOKS / name).exists() and f"](notebooks/{name})" in README


def lines_of(text):
    """Return the lines of a text file, or of all cells of a notebook, stripped."""
    if text.startswith("{") and '"cells"' in text:
        text = "\n".join(cell.source for cell in nbformat.reads(text, as_version=4).cells)
    return [line.strip() for line in text.splitlines()]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_no_line_of_a_solution_an_answer_or_a_claim_survives(path):
    told = told_lines(path)
    if not told:
        pytest.skip("its solutions, answers and claims were deleted")
    copy = lab.copy_of(path).decode()
    assert not told & set(lines_of(copy))
    assert '"output_type"' not in copy


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_headings_and_pictures_are_intact_and_links_lead_somewhere(path):
    original, copy = (
        nbformat.read(path, as_version=4),
        nbformat.reads(lab.copy_of(path), as_version=4),
    )
    kept = [cell for cell in original.cells if not tags(cell) & copies.TOLD]
    ours = [cell for cell in copy.cells if not cell.id.startswith("prediction-")]
    assert [cell.id for cell in kept] == [cell.id for cell in ours]
    assert [cell.source for cell in kept[1:]] == [cell.source for cell in ours[1:]]
    assert ours[0].source.startswith(kept[0].source)
    assert [cell.get("attachments") for cell in kept] == [cell.get("attachments") for cell in ours]
    prose = "\n".join(cell.source for cell in copy.cells if cell.cell_type == "markdown")
    assert f"(../notebooks/{path.name})" in copy.cells[0].source
    # my_labs/ has what notebooks/ has, under the same names and at the same depth.
    for target in re.findall(r"\]\((?!https?:|#|attachment:)([^)#]+)", prose):
        assert (labs.NOTEBOOKS / target).exists() or is_deleted_lab(target), target


@pytest.mark.parametrize("cells", [[], [new_code_cell("a = 1", id="a")]])
def test_a_notebook_without_a_title_says_in_a_cell_of_its_own_whose_it_is(tmp_path, cells):
    nbformat.write(new_notebook(cells=cells), tmp_path / "plain.ipynb")
    first, *others = nbformat.reads(lab.copy_of(tmp_path / "plain.ipynb"), as_version=4).cells
    assert first.cell_type == "markdown"
    assert "This copy is yours" in first.source
    assert others == cells


# --- the reader's own copies


def test_they_are_made_once_and_a_second_start_costs_nothing(course, monkeypatch):
    (said,) = renew(course)
    assert "nothing overwrites your work" in said
    assert names(course) == ["99_lab.ipynb", "GLOSSARY.md"]
    monkeypatch.setattr(lab, "copy_of", None)  # would be called for a new copy
    assert renew(course) == []


def test_of_what_lies_beside_the_labs_no_copy_is_made(course):
    for name in ("class_list.csv", "99_lab.html", "._99_lab.ipynb"):
        (course / "notebooks" / name).touch()
    renew(course)
    assert names(course) == ["99_lab.ipynb", "GLOSSARY.md"]


def test_what_its_reader_has_changed_is_never_overwritten(course):
    renew(course)
    mine = course / "my_labs" / "99_lab.ipynb"
    replace(mine, "your turn", "my work")
    publish(course, "one or two", "one or three")
    (said,) = renew(course)
    assert "new version of 99_lab.ipynb" in said
    assert "my_labs/99_lab_new_version.ipynb" in said
    assert "my work" in mine.read_text(encoding="utf-8")
    newer = course / "my_labs" / "99_lab_new_version.ipynb"
    assert "one or three" in newer.read_text(encoding="utf-8")
    assert renew(course) == []
    # A still newer one takes the place of the new one, unless the reader has begun to work there.
    publish(course, "one or three", "one or four")
    renew(course)
    assert "one or four" in newer.read_text(encoding="utf-8")
    replace(newer, "your turn", "my work")
    publish(course, "one or four", "one or five")
    renew(course)
    assert names(course)[:3] == [
        "99_lab.ipynb",
        "99_lab_new_version.ipynb",
        "99_lab_new_version_2.ipynb",
    ]
    assert "one or four" in newer.read_text(encoding="utf-8")


def test_an_untouched_copy_is_replaced_by_the_new_version(course):
    renew(course)
    publish(course, "one or two", "one or three")
    assert renew(course) == []
    assert names(course) == ["99_lab.ipynb", "GLOSSARY.md"]
    assert "one or three" in (course / "my_labs" / "99_lab.ipynb").read_text(encoding="utf-8")


def test_a_new_version_that_only_solves_or_prints_otherwise_is_none(course):
    renew(course)
    mine = course / "my_labs" / "99_lab.ipynb"
    replace(mine, "your turn", "my work")
    publish(course, "return 2 * x", "return x + x")
    assert renew(course) == []
    assert names(course) == ["99_lab.ipynb", "GLOSSARY.md"]


@pytest.mark.parametrize("note", [None, "", "[1]", '{"sources": 3}'])
def test_without_the_note_of_what_was_made_all_is_the_readers(course, note):
    renew(course)
    mine = course / "my_labs" / "99_lab.ipynb"
    replace(mine, "your turn", "my work")
    made = course / "my_labs" / ".made.json"
    made.unlink() if note is None else made.write_text(note, encoding="utf-8")
    renew(course)
    assert "my work" in mine.read_text(encoding="utf-8")
    assert "99_lab_new_version.ipynb" in names(course)
    assert renew(course) == []


def test_a_copy_that_its_reader_deleted_is_made_again(course):
    renew(course)
    (course / "my_labs" / "99_lab.ipynb").unlink()
    renew(course)
    assert names(course) == ["99_lab.ipynb", "GLOSSARY.md"]


def without_right(*args, **kwargs):
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize("may_link", [True, False])
def test_in_a_folder_that_cannot_be_written_to_the_copies_go_home(may_link, tmp_path, monkeypatch):
    monkeypatch.setattr(lab, "is_writable", lambda folder: False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    if not may_link:
        monkeypatch.setattr(Path, "symlink_to", without_right)
    assert lab.reader_root() == lab.reader_root() == tmp_path / "autoencoder_labs"
    lab.renew(labs.NOTEBOOKS, lab.reader_root() / "my_labs")
    assert (tmp_path / "autoencoder_labs" / "my_labs" / PATHS[0].name).exists()
    try:
        (tmp_path / "link").symlink_to(labs.COURSE / "README.md")
    except OSError:  # as on Windows, for most
        return
    for name in ("README.md", "data/README.md", "requirements.txt", f"notebooks/{PATHS[0].name}"):
        assert (tmp_path / "autoencoder_labs" / "my_labs" / ".." / name).exists()


def test_a_look_whether_a_folder_can_be_written_to_leaves_nothing(tmp_path, monkeypatch):
    assert lab.is_writable(tmp_path)
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(Path, "touch", without_right)
    assert not lab.is_writable(tmp_path)


def test_an_environment_variable_says_where_the_data_lie(tmp_path):
    source = "from helpers.data import DATA_DIR; print(DATA_DIR)"
    command = [sys.executable, "-c", source]
    options = {"capture_output": True, "text": True, "check": True, "cwd": labs.COURSE}
    run = subprocess.run(command, env=os.environ | {"LABS_DATA": str(tmp_path)}, **options)
    assert run.stdout.strip() == str(tmp_path)


# --- bad input: one sentence, and nothing half-written


def test_a_damaged_notebook_is_named_with_its_cure_and_the_others_are_copied(course):
    (course / "notebooks" / "99_lab.ipynb").write_text('{"cells": [', encoding="utf-8")
    damaged, _ = renew(course)
    path = course / "notebooks" / "99_lab.ipynb"
    assert f"{path} is damaged" in damaged
    assert f"`git checkout -- {path}`" in damaged
    assert names(course) == ["GLOSSARY.md"]


def test_without_labs_there_is_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(LabError, match="no folder"):
        renew(tmp_path)
    monkeypatch.setattr(labs, "NOTEBOOKS", tmp_path)
    with pytest.raises(LabError, match="no lab in"):
        labs.find_labs([])


def test_an_unknown_lab_is_named_with_those_that_there_are():
    with pytest.raises(LabError, match=rf"no lab 99; there are {PATHS[0].stem}"):
        labs.find_labs(["99"])
    assert labs.find_labs([PATHS[0].stem[:2]]) == PATHS[:1]
    assert labs.find_labs([]) == PATHS


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    def full(path, content):
        path.touch()
        raise OSError(28, "No space left on device")

    (tmp_path / "a").write_text("old", encoding="utf-8")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(LabError, match=r"a cannot be written \(No space.*make space"):
        labs.write_whole(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text(encoding="utf-8") == "old"


def test_what_cannot_be_cleared_away_does_not_hide_what_went_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "replace", without_right)
    monkeypatch.setattr(Path, "unlink", without_right)
    with pytest.raises(LabError, match=r"a cannot be written .*you need the permission"):
        labs.write_whole(tmp_path / "a", b"new")


@pytest.fixture
def full_disk(tmp_path):
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by root only")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_on_a_disk_that_is_full_nothing_is_lost_or_half_written(full_disk):
    (full_disk / "a").write_text("old", encoding="utf-8")
    sentence = r"cannot be written \(No space.*\): make space on that disk, and start again\.$"
    with pytest.raises(LabError, match=sentence):
        labs.write_whole(full_disk / "a", bytes(5_000_000))
    with pytest.raises(LabError, match=sentence):
        student.build(full_disk / "student")
    assert [path.name for path in full_disk.iterdir()] == ["a"]
    assert (full_disk / "a").read_text(encoding="utf-8") == "old"


# --- what the server of `make lab` does to notebooks


def test_a_notebook_that_was_only_looked_at_is_saved_as_it_was():
    for path in PATHS:
        stored = path.read_text(encoding="utf-8")
        model = {"type": "notebook", "content": nbformat.reads(stored, as_version=4)}
        swap(model, STORED, IPythonKernel.language_info)  # as it is read
        assert model["content"].metadata.language_info["version"]
        swap(model, IPythonKernel.language_info, STORED)  # as it is saved
        assert nbformat.writes(model["content"]) + "\n" == stored


# --- a class's copies


def test_the_copies_of_a_class_hold_no_line_of_an_answer(tmp_path):
    archive = student.build(tmp_path / "student", core_only=True)
    told = set().union(*map(told_lines, PATHS))
    # What one lab asks for, another one may show.
    kept = set()
    for path in PATHS:
        for cell in nbformat.read(path, as_version=4).cells:
            if not tags(cell) & copies.TOLD:
                kept |= {line.strip() for line in cell.source.splitlines()}
    texts = {}
    with zipfile.ZipFile(archive) as pack:
        assert pack.testzip() is None
        for name in pack.namelist():
            if Path(name).suffix in {".ipynb", ".md", ".py", ".txt", ".json"}:
                texts[name] = pack.read(name).decode()
    notebooks = {name: text for name, text in texts.items() if name.endswith(".ipynb")}
    assert len(notebooks) == len(PATHS)
    for name, text in texts.items():
        assert not {line for line in told - kept if len(line) > 25} & set(lines_of(text)), name
    for text in notebooks.values():
        for cell in json.loads(text)["cells"]:
            assert not {"further", *copies.TOLD} & set(cell["metadata"].get("tags", []))


@pytest.fixture
def class_course(tmp_path):
    """The course as a class unpacks it."""
    archive = student.build(tmp_path / "student")
    assert not list(tmp_path.glob(".*"))
    with zipfile.ZipFile(archive) as pack:
        pack.extractall(tmp_path / "elsewhere")
    (course,) = (tmp_path / "elsewhere").iterdir()
    return course


@pytest.mark.parametrize(
    ("helpers", "found"), [("elsewhere", "the helpers of .*elsewhere"), (None, "no helpers")]
)
def test_a_course_that_was_moved_after_its_installation_says_so(
    tmp_path, monkeypatch, helpers, found
):
    spec = helpers and SimpleNamespace(origin=str(tmp_path / helpers / "helpers" / "__init__.py"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(lab, "find_spec", lambda name: spec)
    monkeypatch.setattr(lab, "reader_root", None)
    monkeypatch.delenv("LABS_DATA", raising=False)
    with pytest.raises(LabError, match=rf"{found} and not those of .* `make clean`"):
        lab.main([])


def test_what_the_copies_of_a_class_refer_to_is_there(class_course):
    readme = (class_course / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", readme) if "://" not in link]
    assert len(links) > 15
    for link in links:
        assert (class_course / link).exists() or is_deleted_lab(link), link
    assert "tools/lab.py" in readme
    for command in ("make notebooks", "make bench", "tools/execute.py", "tools/bench.py"):
        assert command not in readme  # it would stop at the first task
    commands = (class_course / "Makefile").read_text(encoding="utf-8")
    for script in set(re.findall(r"tools/\w+\.py", readme + commands)):
        assert (class_course / script).exists(), script
    for command in set(re.findall(r"`make (\w+)", readme)):
        assert re.search(rf"^{command}:", commands, re.M), command
    assert not list(class_course.rglob("*_margins.csv"))  # they hold the claims


def test_the_copies_of_a_class_run_as_a_course_of_their_own(class_course):
    course = class_course
    env = os.environ | {"PYTHONPATH": str(course)}
    # What `make lab` does before JupyterLab starts, and of `make test` what is quick.
    run = subprocess.run(
        [sys.executable, "tools/lab.py", "--copy"],
        cwd=course,
        env=env,
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (0, "")
    copy = (course / "my_labs" / PATHS[0].name).read_text(encoding="utf-8")
    assert "The lab as you got it" in copy
    # No test of the copy needs what only a teacher has.
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only"],
        cwd=course,
        env=env,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    options = ["-q", "-p", "no:cacheprovider"]
    options += ["tests/test_notebooks.py", f"notebooks/{PATHS[0].name}"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=course,
        env=env,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    ("error", "raised"),
    [(OSError(28, "No space left on device"), LabError), (KeyboardInterrupt, KeyboardInterrupt)],
)
def test_a_pack_that_cannot_be_finished_leaves_the_one_before(tmp_path, monkeypatch, error, raised):
    monkeypatch.setattr(student, "FOLDERS", ("helpers",))
    target = tmp_path / "student"
    archive = student.build(target)
    before = archive.read_bytes()

    def damaged(path):
        raise LabError("damaged")

    monkeypatch.setattr(student, "read_lab", damaged)
    with pytest.raises(LabError):
        student.build(target)
    monkeypatch.undo()
    assert archive.read_bytes() == before
    (target / "old").touch()
    replace_file = Path.replace

    def broken_off(path, to):
        if to == archive:
            raise error
        return replace_file(path, to)

    monkeypatch.setattr(student, "FOLDERS", ("helpers",))
    monkeypatch.setattr(Path, "replace", broken_off)
    with pytest.raises(raised):
        student.build(target)
    assert (target / "old").exists()
    assert archive.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["student", "student.zip"]


@pytest.fixture
def small_course(tmp_path, monkeypatch):
    """A course of one lab for `student` to build from."""
    course = tmp_path / "course"
    (course / "notebooks" / "old").mkdir(parents=True)
    (course / "helpers").mkdir()
    for name in ("README.md", "notebooks/GLOSSARY.md"):
        shutil.copy(COURSE / name, course / name)
    shutil.copy(min(NOTEBOOKS.glob("*.ipynb")), course / "notebooks" / "lab.ipynb")
    monkeypatch.setattr(student, "COURSE", course)
    monkeypatch.setattr(student, "NOTEBOOKS", course / "notebooks")
    monkeypatch.setattr(student, "FOLDERS", ("helpers",))
    monkeypatch.setattr(student, "FILES", ("README.md", "notebooks/GLOSSARY.md"))
    return course


STRAY = ("lab.ipynb~", "lab.html", "class_list.csv", "._lab.ipynb", "old/lab.ipynb")


def test_what_lies_beside_the_labs_is_not_packed(small_course, tmp_path):
    for name in STRAY:
        shutil.copy(small_course / "notebooks" / "lab.ipynb", small_course / "notebooks" / name)
    student.build(tmp_path / "student")
    (notebooks,) = (tmp_path / "student").rglob("notebooks")
    assert sorted(path.name for path in notebooks.rglob("*")) == ["GLOSSARY.md", "lab.ipynb"]


def test_what_is_missing_is_named(small_course, tmp_path):
    (small_course / "README.md").unlink()
    with pytest.raises(SystemExit, match=r"README\.md is missing"):
        student.build(tmp_path / "student")
    assert not (tmp_path / "student").exists()
