"""Show the lecture: slides for any browser, without a network, and JupyterLab to compute live.

Writes `build/lecture.slides.html`, one file with all that it needs, from the results that are
stored in `teaching/lecture.ipynb`; then opens a copy without results and notes, which the next
start overwrites, in JupyterLab: `build/lecture.ipynb`.  There *Start Deck* shows its slides, with
live sliders.  Flags are JupyterLab's; with `--export` alone, JupyterLab is not started.
"""

import json
import os
import re
import shutil
import sys
from copy import deepcopy
from importlib.util import find_spec
from string import Template

import nbformat
from labs import COURSE, LabError, as_bytes, read_lab, tags, write_whole
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

LECTURE = COURSE / "teaching" / "lecture.ipynb"
SLIDES = COURSE / "build" / "lecture.slides.html"
LIVE = COURSE / "build" / "lecture.ipynb"
OWN = COURSE / "build" / "lecture_settings"
PAGE = COURSE / "teaching" / "slides.html"
SETTINGS = {
    "@jupyterlab/apputils-extension/themes": {
        "overrides": {"code-font-size": "17px", "content-font-size1": "25px"}
    },
    # All slides on the page, also those out of sight: the deck shows one after the other.
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}
# Code stays as it is; between dollars is mathematics.
MATHEMATICS = re.compile(r"(`[^`]*`)|\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.S)


def main(arguments: list[str]) -> None:
    """Write the slides; open the live copy in JupyterLab with these flags."""
    lecture = read_lab(LECTURE)
    write_whole(SLIDES, export(lecture).encode())
    print(f"Slides that need no network, with notes under the key n: {SLIDES}", flush=True)
    if arguments == ["--export"]:
        return
    write_whole(LIVE, as_bytes(to_compute(lecture)))
    # Settings of the lecture's own, which leave those of the reader's JupyterLab alone.
    shutil.rmtree(OWN, ignore_errors=True)
    for name, values in SETTINGS.items():
        write_whole(OWN / f"{name}.jupyterlab-settings", json.dumps(values).encode())
    os.environ["JUPYTERLAB_SETTINGS_DIR"] = str(OWN)
    from jupyterlab.labapp import LabApp

    LabApp.launch_instance(
        [
            f"--ServerApp.root_dir={COURSE}",
            f"--LabApp.default_url=/lab/tree/{LIVE.relative_to(COURSE).as_posix()}",
            f"--LabApp.app_settings_dir={COURSE / '.jupyter'}",
            *arguments,
        ]
    )


def slide_type(cell: nbformat.NotebookNode) -> str | None:
    """Return what a cell is for the slides; None if it stands under the cell before it."""
    return cell.metadata.get("slideshow", {}).get("slide_type")


def slides_of(lecture: nbformat.NotebookNode) -> list[list[nbformat.NotebookNode]]:
    """Return the cells of each slide, its notes among them."""
    slides = []
    for cell in lecture.cells:
        if slide_type(cell) == "slide":
            slides.append([])
        slides[-1].append(cell)
    return slides


def to_compute(lecture: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a copy in which nothing has been run, and only what is on a slide.

    In JupyterLab the slides stop at a cell of notes.
    """
    lecture = on_slides(lecture)
    for cell in lecture.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return lecture


def on_slides(lecture: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a copy without the cells that are on no slide: notes, stills, claims."""
    lecture = deepcopy(lecture)
    lecture.cells = [cell for cell in lecture.cells if slide_type(cell) in (None, "slide")]
    return lecture


def export(lecture: nbformat.NotebookNode) -> str:
    """Return the page with all slides, as their results are stored.

    Raises
    ------
    LabError
        If what teaching/requirements.txt pins is not installed, or the page's frame is not there.
    """
    if not find_spec("latex2mathml"):
        raise LabError(
            "latex2mathml is not installed: python -m pip install -r teaching/requirements.txt, "
            "with the python of the course."
        )
    try:
        page = PAGE.read_text(encoding="utf-8")
    except OSError as error:
        raise LabError(f"{PAGE} cannot be read: {error.strerror}.") from error
    exporter = HTMLExporter(
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True
    )

    def html(cells: list[nbformat.NotebookNode]) -> str:
        part = nbformat.v4.new_notebook(cells=[as_shown(cell) for cell in cells])
        return exporter.from_notebook_node(part)[0]

    sections = []
    for cells in slides_of(lecture):
        notes = [cell for cell in cells if slide_type(cell) == "notes"]
        # A slide with a slider shows a still of it, which is not on the live slide.
        shown = [
            cell for cell in cells if slide_type(cell) in (None, "slide") or "still" in tags(cell)
        ]
        slide, aside = f"<div class='slide'>{html(shown)}</div>", f"<aside>{html(notes)}</aside>"
        sections.append(f"<section>{slide}\n{aside}</section>")
    return Template(page).substitute(
        title=lecture.cells[0].source.splitlines()[0].lstrip("# "),
        colors=HtmlFormatter(style="friendly").get_style_defs(".highlight"),
        sections="\n".join(sections),
    )


def as_shown(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a copy of a cell as a page without a kernel shows it."""
    cell = deepcopy(cell)
    if cell.cell_type == "markdown":
        cell.source = MATHEMATICS.sub(mathml, cell.source)
        return cell
    if cell.metadata.get("jupyter", {}).get("source_hidden"):
        cell.metadata["transient"] = {"remove_source": True}
    cell.outputs = [
        output
        for output in cell.outputs
        if not any("widget" in kind for kind in output.get("data", {}))
    ]
    return cell


def mathml(found: re.Match) -> str:
    """Return code as it is, and mathematics in the language that browsers draw by themselves."""
    from latex2mathml.converter import convert

    code, display, inline = found.groups()
    if code:
        return code
    return convert(display or inline, display="block" if display else "inline")


if __name__ == "__main__":
    main(sys.argv[1:])
