"""The lecture: how its slides are made, and that they can be read in a browser.

That its cells run is nbval's to test.  Pictures of the slides are left in `build/lecture/`.
"""

import re
import shutil
import sys
from importlib.util import find_spec

import lecture
import nbformat
import pytest
from cut import needed
from labs import COURSE, NOTEBOOKS, LabError, headline
from test_browser import CHROMIUM, FLAGS, TOKEN, served, wait_for_kernel
from test_notebooks import CLOCKS, code_cells, undefined_names

PICTURES = COURSE / "build" / "lecture"
MINUTES = re.compile(r"\*\*(\d+) minutes\.\*\* ")
if not lecture.LECTURE.exists():
    pytest.skip("the lecture was deleted", allow_module_level=True)
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium on this machine")
needs_pins = pytest.mark.skipif(
    not all(map(find_spec, ("playwright", "latex2mathml", "jupyterlab_slideshow"))),
    reason="what teaching/requirements.txt pins is not installed",
)


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(lecture.LECTURE, as_version=4)


@pytest.fixture(scope="module")
def slides(notebook):
    return lecture.slides_of(notebook)


def notes_of(slide):
    return [cell.source for cell in slide if lecture.slide_type(cell) == "notes"]


# --- how it is made


def test_each_slide_has_a_heading_and_one_cell_of_notes(slides):
    assert 20 <= len(slides) <= 32
    for slide in slides:
        assert re.match("##? ", slide[0].source), slide[0].source
        (notes,) = notes_of(slide)
        assert MINUTES.match(notes), notes


def test_the_minutes_add_up_to_90(slides):
    minutes = [int(MINUTES.match(*notes_of(slide))[1]) for slide in slides]
    assert sum(minutes) == 90


def test_the_notes_of_a_poll_speak_of_each_answer(slides):
    polls = [slide for slide in slides if slide[0].source.startswith("## Poll")]
    assert len(polls) >= 4
    for poll in polls:
        options = re.findall(r"^- (\([a-z]\)) ", poll[0].source, re.M)
        assert len(options) >= 3
        for option in options:
            assert option in notes_of(poll)[0], f"{poll[0].source}\n{option}"


def test_it_is_stored_as_one_clean_run_left_it(notebook):
    nbformat.validate(notebook)
    assert lecture.LECTURE.stat().st_size < 2_000_000
    cells = code_cells(notebook.cells)
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    for cell in cells:
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", cell.source
            if "image/png" in output.get("data", {}):
                text = output.metadata.get("image/png", {}).get("alt", "")
                assert len(text.split()) >= 4, f"no alternative text:\n{cell.source}"


def test_no_cell_reads_a_clock(notebook):
    for cell in code_cells(notebook.cells):
        assert not CLOCKS.search(cell.source), cell.source


def test_no_slide_needs_what_is_not_on_a_slide(notebook):
    """Who goes from slide to slide runs each cell that is on one, and no other."""
    on_slides = [cell for cell in notebook.cells if lecture.slide_type(cell) != "skip"]
    assert not undefined_names(on_slides)


def test_what_it_quotes_of_a_lab_is_stored_there(notebook):
    """Beside `key` stands what some lab's headline has under that key, rounded alike."""
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    known = {}
    for path in NOTEBOOKS.glob("*.ipynb"):
        for key, value in headline(nbformat.read(path, as_version=4)).items():
            known.setdefault(key, []).append(value)
    quoted = re.findall(r"`(\w+)` (-?[\d.]*\d)", prose)
    assert len(quoted) >= 10
    readme = (COURSE / "README.md").read_text(encoding="utf-8")
    labs = re.findall(r"\]\((notebooks/[^)]+\.ipynb)\)", readme)
    if not all((COURSE / lab).exists() for lab in labs):
        pytest.skip("a lab was deleted, and others have the same keys")
    for key, number in quoted:
        if key in known:  # further sections, and their headline, may be deleted
            decimals = len(number.partition(".")[2])
            rounded = [round(value, decimals) for value in known[key]]
            assert any(float(number) == pytest.approx(value) for value in rounded), (key, number)


def test_a_number_on_a_slide_stands_in_its_notes_with_its_key(slides):
    """What is computed on the slide is printed there; what is typed comes from a lab."""
    for slide in slides:
        prose = [cell.source for cell in slide if cell.cell_type == "markdown"]
        shown = "\n".join(source for source in prose if source not in notes_of(slide))
        for number in re.findall(r"(?<![\d.])\d+\.\d+", shown):
            assert re.search(rf"`\w+` -?{re.escape(number)}\b", notes_of(slide)[0]), number


def test_links_lead_to_labs(notebook):
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    readme = (COURSE / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(\.\./([^)]+)\)", prose)
    assert targets
    assert all(f"]({target})" in readme for target in targets)


def test_what_the_slides_need_and_is_not_there_is_named(notebook, tmp_path, monkeypatch):
    monkeypatch.setattr(lecture, "PAGE", tmp_path / "slides.html")
    monkeypatch.setattr(lecture, "find_spec", lambda name: True)
    with pytest.raises(LabError, match=r"slides\.html cannot be read: No such file"):
        lecture.export(notebook)
    monkeypatch.setattr(lecture, "find_spec", lambda name: None)
    with pytest.raises(LabError, match=r"latex2mathml is not installed.*teaching/requirements"):
        lecture.export(notebook)


# --- the slides for any browser


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(chromium):
    """Return a page that notes what it logs and what it asks for."""
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(60_000)
    page.errors, page.requests = [], []
    page.on("console", lambda m: page.errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("request", lambda request: page.requests.append(request.url))
    yield page
    page.close()


# What the slide on the screen holds: the boxes of its parts, and what is wrong with them.
MEASURE = """() => {
  const slide = document.querySelector("section.now .slide");
  const inside = [...slide.querySelectorAll("h1, h2, p, li, pre, table, img, math")];
  const boxes = inside.map((part) => part.getBoundingClientRect());
  return {
    top: Math.min(...boxes.map((box) => box.top)),
    bottom: Math.max(...boxes.map((box) => box.bottom)),
    right: Math.max(...boxes.map((box) => box.right)),
    cut: inside.filter((part) => part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0
      && part.matches("pre, p, li, h1, h2")).map((part) => part.innerText),
    small: inside.filter((part) => parseFloat(getComputedStyle(part).fontSize) < 19
      && part.innerText).map((part) => part.innerText),
    flat: [...slide.querySelectorAll("math")].filter((part) => {
      const box = part.getBoundingClientRect();
      return box.width < 4 || box.height < 8;
    }).length,
    raw: slide.innerText.includes("$"),
    blank: [...slide.querySelectorAll("img")].filter((part) => !part.naturalWidth).length,
  };
}"""


@pytest.mark.browser
@needs_chromium
@needs_pins
class TestSlides:
    @pytest.fixture
    def file(self, notebook, tmp_path):
        file = tmp_path / "lecture.slides.html"
        file.write_text(lecture.export(notebook), encoding="utf-8")
        return file

    def test_every_slide_fits_and_nothing_comes_from_a_network(self, file, page, slides):
        page.goto(file.as_uri())
        assert page.locator("section").count() == len(slides)
        wrong = {}
        for number in range(1, len(slides) + 1):
            assert page.locator("nav").inner_text() == f"{number} / {len(slides)}"
            page.screenshot(path=PICTURES / f"{number:02d}.png")
            found = page.evaluate(MEASURE)
            fits = found.pop("top") >= 12 and found.pop("bottom") <= 708
            if not fits or found.pop("right") > 1270 or any(found.values()):
                wrong[number] = found | {"fits": fits}
            page.keyboard.press("ArrowRight")
        assert not wrong
        assert page.locator("math").count() >= 10
        assert not page.errors
        assert all(url.startswith(("file:", "data:")) for url in page.requests), page.requests

    def test_the_notes_are_under_a_key(self, file, page, slides):
        page.goto(f"{file.as_uri()}#3")
        notes = page.locator("section.now aside")
        assert not notes.is_visible()
        page.keyboard.press("n")
        assert "minutes." in notes.inner_text()
        page.screenshot(path=PICTURES / "notes.png")
        page.keyboard.press("End")
        assert page.locator("nav").inner_text() == f"{len(slides)} / {len(slides)}"


# --- the lecture in JupyterLab


# Top and bottom of the cells that are on the screen.
LIVE_BOX = """() => {
  const cells = [...document.querySelectorAll(".jp-Notebook .jp-Cell")];
  const boxes = cells.map((cell) => cell.getBoundingClientRect()).filter((box) => box.height);
  return [Math.min(...boxes.map((box) => box.top)), Math.max(...boxes.map((box) => box.bottom))];
}"""


@pytest.fixture(scope="module")
def address(notebook, tmp_path_factory):
    """Start `make lecture` with a lecture of its title and its first slider."""
    root = tmp_path_factory.mktemp("course")
    for name in ("tools", "teaching", "helpers", ".jupyter"):
        shutil.copytree(COURSE / name, root / name)
    (root / "data").symlink_to(COURSE / "data")
    (slider,) = (c.id for c in notebook.cells if c.source.startswith("interact(show_bott"))
    ids = [cell.id for cell in notebook.cells]
    short = nbformat.from_dict(notebook)
    cells = needed(short.cells[: ids.index(slider) + 1], {"parameters", slider})
    short.cells = cells
    (parameters,) = code_cells(short.cells, "parameters")
    parameters.source += "\nIMAGES = 2_000"
    nbformat.write(short, root / "teaching" / "lecture.ipynb")

    def open_lecture(flags):
        return [sys.executable, root / "tools" / "lecture.py", *flags.split()]

    with served(root, open_lecture, JUPYTERLAB_WORKSPACES_DIR=str(root / "workspaces")) as url:
        # With its results, to be looked at without running it.
        nbformat.write(lecture.on_slides(notebook), root / "build" / "whole.ipynb")
        yield url


@pytest.mark.browser
@needs_chromium
@needs_pins
class TestLive:
    def open(self, page, url):
        """Open a notebook and wait for its kernel."""
        page.goto(f"{url}?token={TOKEN}&reset")
        wait_for_kernel(page)

    def start_deck(self, page):
        title = page.locator(".jp-Notebook h1").first
        title.click()  # it begins with the cell that is marked
        page.locator("[data-command='deck:toggle']").first.click()
        page.locator(".jp-Deck-Remote").wait_for()
        title.click()

    def stop_deck(self, page):
        """Leave the deck: JupyterLab remembers it, and would start the next notebook in it."""
        page.locator(".jp-deck-mod-stop").click()
        page.get_by_role("menuitem", name="Run", exact=True).wait_for()
        page.wait_for_timeout(3_000)  # until it has noted that

    def title(self, page):
        """Return the heading on the screen."""
        heading = page.locator(".jp-Notebook :is(h1, h2):visible").first
        return heading.inner_text().removesuffix("\N{PILCROW SIGN}").strip()

    def test_every_slide_fits_in_jupyterlab(self, address, page, slides):
        self.open(page, f"{address}/lab/tree/build/whole.ipynb")
        self.start_deck(page)
        titles = [re.sub("^#+ ", "", slide[0].source.splitlines()[0]) for slide in slides]
        seen, wrong = [], {}
        for _ in range(sum(map(len, slides))):
            title = self.title(page)
            if title not in seen:
                page.wait_for_timeout(150)
                seen.append(title)
                page.screenshot(path=PICTURES / f"live_{len(seen):02d}.png")
                top, bottom = page.evaluate(LIVE_BOX)
                if top < 0 or bottom > 720:
                    wrong[title] = top, bottom
            if title == titles[-1]:
                break
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(30)
        self.stop_deck(page)
        assert seen == titles
        assert not wrong
        assert not page.errors

    def test_a_slider_lives_in_the_deck(self, address, page):
        from playwright.sync_api import expect

        self.open(page, f"{address}/lab/tree/build/lecture.ipynb")
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.locator(".noUi-handle").first.wait_for(state="attached", timeout=120_000)
        page.locator("[data-status=idle].jp-Notebook-ExecutionIndicator").wait_for()
        self.start_deck(page)
        for _ in range(60):
            if self.title(page).startswith("Live:"):
                break
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(30)
        picture = page.locator(".jp-OutputArea img:visible").last
        picture.wait_for()
        before = picture.get_attribute("src")
        page.locator(".noUi-handle:visible").first.focus()
        page.keyboard.press("ArrowUp")
        expect(picture).not_to_have_attribute("src", before)
        page.screenshot(path=PICTURES / "slider.png")
        assert not page.errors
