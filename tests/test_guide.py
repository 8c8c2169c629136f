"""What the teachers' guide says of a lab is so: sections, tasks, minutes, points and numbers.

A page marks what is checked.  In its tables: sections with their minutes; keys of the headline
with their values.  *§ A heading* is one of the lab's.  What a lecturer has deleted, or has cleared
of results, is not checked.
"""

import csv
import re

import nbformat
import pytest
from assignments import as_assignment
from test_notebooks import FOLDER, code_cells, core, headings, headline, tags

GUIDE = FOLDER.parent / "teaching"
PAGES = sorted((GUIDE / "guide").glob("*.md"))
NUMBER = re.compile(r"(?<![\d.,])-?\d[\d,]*(?:\.\d+)?")
DECIMAL_OR_PERCENT = re.compile(r"(?<![\d.,])-?\d[\d,]*(?:\.\d+|(?:\.\d+)? ?%)")


@pytest.fixture(params=PAGES, ids=lambda path: path.stem)
def page(request):
    """Return the name and the text of a page whose lab is there."""
    if not (FOLDER / f"{request.param.stem}.ipynb").exists():
        pytest.skip("this lab was deleted")
    return request.param.stem, hyphens(request.param.read_text(encoding="utf-8"))


def lab_of(page):
    return nbformat.read(FOLDER / f"{page[0]}.ipynb", as_version=4)


def part(page, heading):
    """Return a section of the page, without its heading."""
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", page[1], re.M | re.S)[1]


def rows(text):
    """Return the cells of the rows of a table, without its head."""
    lines = [line.strip("| ") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split(" | ")] for line in lines[2:]]


def minutes(cells):
    """Return {heading: minutes} of all headings that say theirs."""
    found = (re.fullmatch(r"(.+) \((\d+) minutes?\)", title) for _, title in headings(cells))
    return {match[1]: int(match[2]) for match in found if match}


def is_whole(page, lab):
    """Tell whether the lab is as it was made: all sections, solutions, results, and seed 0."""
    names = {row[0] for row in rows(part(page, "Minutes")) if not row[0].startswith("**")}
    (parameters,) = code_cells(lab.cells, "parameters")
    return (
        names <= set(minutes(lab.cells))
        and {"solution", "claim"} <= set().union(*map(tags, lab.cells))
        and bool(headline(lab))
        and bool(re.search(r"^SEED = 0\b", parameters.source, re.M))
    )


def hyphens(text):
    """Return the text with minus signs as Python reads them."""
    return text.replace("\N{MINUS SIGN}", "-")


def number(text):
    return float(re.sub(r"[,%\s]", "", text))


def is_rounded_from(quoted, known):
    """Tell whether a number as it is quoted is one of these, rounded to the digits shown."""
    value, decimals = number(quoted), len(quoted.strip("% ").partition(".")[2])
    if "%" in quoted and not decimals:
        known = [*known, *(100 * x for x in known)]
    return any(abs(value - x) <= 0.500001 * 10**-decimals for x in known)


def test_sections_and_minutes_are_those_of_the_lab(page):
    lab = lab_of(page)
    table = {row[0]: row[1] for row in rows(part(page, "Minutes"))}
    sums = {name: int(table.pop(f"**{name}**").strip("*")) for name in ("Core", "Further")}
    first = next((i for i, name in enumerate(table) if name.startswith("Further: ")), len(table))
    counted = [int(said) for said in table.values()]
    assert sums == {"Core": sum(counted[:first]), "Further": sum(counted[first:])}
    in_lab, in_core = minutes(lab.cells), minutes(core(lab.cells))
    assert list(in_core) == list(table)[:first]
    # Further sections may be deleted.
    assert list(in_lab)[len(in_core) :] == [name for name in list(table)[first:] if name in in_lab]
    assert in_lab == {name: int(table[name]) for name in in_lab}
    readme = (GUIDE / "README.md").read_text(encoding="utf-8")
    (row,) = (row for row in rows(readme) if f"(guide/{page[0]}.md)" in row[0])
    assert [int(cell) for cell in row[1:3]] == list(sums.values())
    if is_whole(page, lab):
        cells = as_assignment(lab, page[0]).cells
        assert int(row[3]) == sum(c.metadata.get("nbgrader", {}).get("points", 0) for c in cells)


def test_sections_and_tasks_named_in_the_text_are_there(page):
    titles = {re.sub(r" \(\d+ minutes?\)$", "", title) for _, title in headings(lab_of(page).cells)}
    table = [row[0] for row in rows(part(page, "Minutes"))]
    deleted = {name for name in table if name.startswith("Further: ")} - titles
    for name in re.findall(r"\*§ (.+?)\*", page[1]):
        # What is not there may stand in a section that was deleted.
        assert name in titles or name in deleted or (deleted and name not in table), name
    for task in re.findall(r"\bTask \d", page[1]):
        assert any(name.startswith(f"{task},") for name in table), task


def test_a_page_has_all_its_parts(page):
    polls = re.split(r"^### Poll.*\n", part(page, "Polls"), flags=re.M)[1:]
    assert len(polls) == 3
    for poll in polls:
        options = re.findall(r"^- \([a-d]\) (.*)", poll, re.M)
        assert len(options) >= 3
        assert sum("**Right.**" in option for option in options) == 1, poll
    for heading, count, mark in (
        ("Misconceptions", 4, r"\*§ |Task \d"),
        ("Discussion", 3, r"\*Answer:\*"),
        ("Quiz", 5, r"\*Answer:\*"),
    ):
        items = re.findall(r"^\d\. .*", part(page, heading), re.M)
        assert len(items) == count, heading
        assert all(re.search(mark, item) for item in items), heading
    for heading in ("Live, and before", "What goes wrong on the day"):
        assert len(part(page, heading).split()) > 30, heading


def test_headline_numbers_are_the_stored_ones(page):
    lab = lab_of(page)
    if not is_whole(page, lab):
        pytest.skip("with another seed, or without results, other numbers are right")
    figures, claims = headline(lab), "\n".join(c.source for c in code_cells(lab.cells, "claim"))
    bounds = {abs(number(found)) for found in NUMBER.findall(claims)}
    for key, stored, elsewhere in rows(part(page, "Expected figures")):
        assert is_rounded_from(stored, [figures[key.strip("`")]]), (key, stored)
        table = FOLDER.parent / "evidence" / f"{page[0][:2]}_seeds.csv"
        if "seeds" in elsewhere:
            with table.open(newline="", encoding="utf-8") as file:
                values = [float(row[key.strip("`")]) for row in csv.DictReader(file)]
            low, high = NUMBER.findall(elsewhere)[:2]
            assert is_rounded_from(low, [min(values)]), (key, elsewhere)
            assert is_rounded_from(high, [max(values)]), (key, elsewhere)
        asserted = re.sub("`.*?`", "", elsewhere.partition("asserted: ")[2])
        for bound in NUMBER.findall(asserted):
            assert abs(number(bound)) in bounds, (key, elsewhere)


def test_each_decimal_and_percentage_is_in_the_lab_or_its_evidence(page):
    lab = lab_of(page)
    if not is_whole(page, lab):
        pytest.skip("with another seed, or without results, other numbers are right")
    tables = (FOLDER.parent / "evidence").glob(f"{page[0][:2]}_*.csv")
    sources = [path.read_text(encoding="utf-8").replace(",", " ") for path in tables]
    for cell in lab.cells:
        outputs = cell.get("outputs", [])
        sources += [cell.source, *(out.get("text", "") for out in outputs)]
        sources += [out.get("data", {}).get("text/plain", "") for out in outputs]
    known = [number(found) for found in NUMBER.findall(hyphens("\n".join(sources)))]
    known += [-value for value in known]
    for quoted in DECIMAL_OR_PERCENT.findall(page[1]):
        assert is_rounded_from(quoted, known), f"{quoted} is not in the lab"
