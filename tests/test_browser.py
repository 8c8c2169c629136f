"""A reader's first hour in a real browser: `make lab`, a prediction, a task, a slider, a reload."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from importlib.util import find_spec

import nbformat
import psutil
import pytest
from cut import needed
from labs import COURSE, NOTEBOOKS, find_labs, read_lab, tags

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PICTURES = COURSE / "build" / "browser"
TOKEN = "a-token"
RIGHT = """def mean_squared_error(a, b):
    return ((a - b) ** 2).mean()"""
WRONG = RIGHT.replace(".mean()", ".sum()")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium on this machine"),
    pytest.mark.skipif(not find_spec("playwright"), reason="playwright is not installed"),
]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Return a course of lab 00 and of lab 07 as far as its slider needs it."""
    if not all(list(NOTEBOOKS.glob(f"{number}*.ipynb")) for number in ("00", "07")):
        pytest.skip("lab 00 or lab 07 was deleted")
    root = tmp_path_factory.mktemp("course")
    for name in ("Makefile", "requirements.txt", "README.md"):
        shutil.copy(COURSE / name, root)
    for name in ("tools", ".jupyter", "helpers"):
        shutil.copytree(COURSE / name, root / name)
    (root / "data").symlink_to(COURSE / "data")
    (root / "notebooks").mkdir()
    shutil.copy(*find_labs(["00"]), root / "notebooks")
    (path,) = find_labs(["07"])
    lab = read_lab(path)
    (slider,) = (cell.id for cell in lab.cells if cell.source.startswith("interact("))
    end = [cell.id for cell in lab.cells].index(slider) + 1
    # In a fresh copy, the check of a task that waits for its answer would end Run All.
    given = [cell for cell in lab.cells[:end] if not tags(cell) & {"exercise", "solution", "check"}]
    lab.cells = needed(given, {"parameters", slider})
    nbformat.write(lab, root / "notebooks" / path.name)
    return root


@contextmanager
def served(folder, command, **environment):
    """Start JupyterLab by `command`, a function of its flags; yield where it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = f"--no-browser --allow-root --port={port} --IdentityProvider.token={TOKEN}"
    log, url = folder / "log", f"http://127.0.0.1:{port}"
    with log.open("w", encoding="utf-8") as out:
        server = subprocess.Popen(
            command(flags), cwd=folder, env=os.environ | environment, stdout=out, stderr=out
        )
    try:
        wait_for(url, server, log)
        yield url
        stop = urllib.request.Request(f"{url}/api/shutdown?token={TOKEN}", method="POST")
        urllib.request.urlopen(stop, timeout=30).close()
        server.wait(30)
    finally:
        end(server)


def wait_for(url, server, log, seconds=120):
    """Return when the server answers; raise what it has said if it does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/api", timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    said = log.read_text(encoding="utf-8", errors="replace")
    raise TimeoutError(f"no answer from {url}:\n{said}")


def end(server):
    """Kill what is left of a server and of the processes that it started."""
    try:
        parent = psutil.Process(server.pid)
        family = [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        return
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    server.wait(30)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def address(course, home):
    """Start `make lab` as its reader does; return where it answers."""
    # All cells of a notebook on the page, also those out of sight, for the tests to find them.
    settings = home / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    (settings / "tracker.jupyterlab-settings").write_text(
        json.dumps({"windowingMode": "none"}), encoding="utf-8"
    )
    # By a link, because make takes a path with spaces for several.
    (course / ".venv").symlink_to(sys.prefix, target_is_directory=True)

    def make_lab(flags):
        return ["make", "lab", "-o", ".venv/.ready", f"ARGS={flags}"]

    settings, workspaces = (str(home / name) for name in ("settings", "workspaces"))
    environment = {"JUPYTERLAB_SETTINGS_DIR": settings, "JUPYTERLAB_WORKSPACES_DIR": workspaces}
    environment["PYTHONPATH"] = str(course)  # its helpers, as if they were installed from there
    with served(course, make_lab, **environment) as url:
        yield url


@pytest.fixture(scope="module")
def page():
    from playwright.sync_api import sync_playwright

    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(60_000)
        yield page
        browser.close()


@pytest.fixture(autouse=True)
def _last_picture(page, home, request):
    """Keep what was on the screen when a test ended, or failed; leave no open tabs to the next."""
    yield
    page.screenshot(path=PICTURES / f"end_of_{request.node.name}.png")
    page.goto("about:blank")
    shutil.rmtree(home / "workspaces", ignore_errors=True)


def wait_for_kernel(page):
    """Return when the notebook on the screen can run its cells.

    Its own sign says idle before there is a kernel, and what is run then is lost; the status bar
    says "No Kernel" till there is one.
    """
    status = page.locator(".jp-StatusBar-Left").get_by_text(re.compile(r"(?<!No Kernel) \| Idle$"))
    status.wait_for()


class Notebook:
    """A notebook that is open in the browser."""

    def __init__(self, page, path):
        self.page = page
        self.source = nbformat.read(path, as_version=4)
        self.panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        self.cells = self.panel.locator(".jp-Notebook .jp-Cell")
        self.dirty = page.locator(".lm-mod-current.jp-mod-dirty")
        wait_for_kernel(page)

    def wait_until_idle(self):
        self.panel.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()

    def cell(self, holds):
        """Return the first cell whose source holds this text."""
        (i, *_) = [i for i, cell in enumerate(self.source.cells) if holds in cell.source]
        return self.cells.nth(i)

    def show(self, part):
        """Scroll to a part; Playwright's own way waits for a page on which nothing moves."""
        part.evaluate("part => part.scrollIntoView({block: 'center'})")

    def write(self, cell, text):
        """Replace the source of a cell."""
        self.show(cell)
        if cell.locator(".jp-RenderedMarkdown").is_visible():
            cell.locator(".jp-RenderedMarkdown").dblclick()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def run_all(self):
        """Run all cells by the menu; return when the last one has run or one has failed."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_text("Run All Cells", exact=True).click()
        self.page.wait_for_timeout(500)
        self.wait_until_idle()

    def errors(self):
        kinds = ("application/vnd.jupyter.stderr", "application/vnd.jupyter.error")
        return self.panel.locator(", ".join(f"[data-mime-type='{kind}']" for kind in kinds))

    def picture(self, name):
        self.page.screenshot(path=PICTURES / f"{name}.png")


def test_a_lab_that_was_only_looked_at_stays_as_it_was(page, address, course):
    name = next((course / "notebooks").glob("00*")).name
    before = (course / "notebooks" / name).read_bytes()
    page.goto(f"{address}/lab/tree/notebooks/{name}?token={TOKEN}")
    lab = Notebook(page, course / "notebooks" / name)
    page.wait_for_timeout(1_500)
    assert lab.dirty.count() == 0
    lab.picture("worked_lab")
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1_000)
    assert (course / "notebooks" / name).read_bytes() == before


def test_a_prediction_and_a_task_then_all_runs_and_is_kept(page, address, course):
    page.goto(f"{address}/?token={TOKEN}")  # where `make lab` leads
    mine = course / "my_labs" / next((course / "notebooks").glob("00*")).name
    lab = Notebook(page, mine)
    lab.picture("my_copy")
    question = lab.cell("Your prediction")
    lab.write(question, "**Your prediction:** a half, and four fifths")
    page.keyboard.press("Shift+Enter")
    question.locator(".jp-RenderedMarkdown").get_by_text("a half, and").wait_for()

    task = lab.cell("pass  # your turn")
    lab.write(task, WRONG)
    lab.run_all()
    lab.errors().get_by_text("AssertionError").first.wait_for()
    assert "got 14.0" in lab.errors().last.inner_text()
    lab.show(lab.errors().last)
    lab.picture("wrong_answer")

    lab.write(task, RIGHT)
    lab.run_all()
    code = [i for i, cell in enumerate(lab.source.cells) if cell.cell_type == "code"]
    lab.panel.get_by_text("right! The MSE between a 9 and", exact=True).wait_for()
    lab.cells.nth(code[-1]).locator(".jp-OutputArea-output").first.wait_for()
    lab.wait_until_idle()
    assert lab.errors().count() == 0
    lab.show(task)
    lab.picture("right_answer")

    page.keyboard.press("Control+s")
    page.wait_for_timeout(1_000)
    page.reload()
    lab = Notebook(page, mine)
    prediction = lab.cell("Your prediction").locator(".jp-RenderedMarkdown")
    prediction.get_by_text("a half, and").wait_for()
    assert "** 2).mean()" in lab.cell("mean_squared_error(a, b)").inner_text()
    lab.picture("reloaded")


def test_a_slider_changes_its_picture(page, address, course):
    from playwright.sync_api import expect

    name = next((course / "notebooks").glob("07*")).name
    page.goto(f"{address}/lab/tree/my_labs/{name}?token={TOKEN}")
    lab = Notebook(page, course / "my_labs" / name)
    lab.run_all()
    live = lab.cell("interact(")
    # The kernel starts and all cells above run first: minutes, on a machine that does other work.
    live.locator(".noUi-handle").first.wait_for(timeout=240_000)
    picture = live.locator("img").last
    picture.wait_for()
    live.locator(".noUi-handle").first.focus()
    seconds = []
    for _ in range(4):
        before, start = picture.get_attribute("src"), time.perf_counter()
        page.keyboard.press("ArrowRight")
        expect(picture).not_to_have_attribute("src", before, timeout=60_000)
        seconds.append(time.perf_counter() - start)
    lab.show(live)
    lab.picture("slider")
    # Printed with -s: how fast depends on what else the machine does.
    print("seconds from key to picture:", *(f"{s:.2f}" for s in seconds))
    assert lab.errors().count() == 0
