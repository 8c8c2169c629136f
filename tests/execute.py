"""Re-execute notebooks in place, all of them or those named; one that fails is left as it was."""

import sys

import nbformat
from nbclient import NotebookClient
from test_notebooks import FOLDER

SLIDERS = "application/vnd.jupyter.widget-view+json"


def main(names: list[str]) -> None:
    """Run each notebook from a fresh kernel and store what it printed and drew."""
    for name in names or sorted(path.stem for path in FOLDER.glob("*.ipynb")):
        path = FOLDER / f"{name.removesuffix('.ipynb')}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        run(notebook)
        # Sliders live in the kernel; their stored state and first picture would only weigh.
        notebook.metadata.pop("widgets", None)
        for cell in notebook.cells:
            outputs = cell.get("outputs", [])
            if sliders := [output for output in outputs if SLIDERS in output.get("data", {})]:
                cell.outputs = sliders
            for output in outputs:
                if "alt" in cell.metadata and "image/png" in output.get("data", {}):
                    output.metadata["image/png"] = {"alt": cell.metadata.alt}
        # The exact Python version is the machine's, not the course's.
        notebook.metadata.language_info = {"name": "python"}
        nbformat.write(notebook, path)
        print(f"executed {path.name}", flush=True)


def run(notebook: nbformat.NotebookNode) -> None:
    """Execute all cells of a notebook, in a fresh kernel and in the folder of the labs."""
    client = NotebookClient(
        notebook,
        timeout=300,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": FOLDER}},
    )
    # By default nbclient plays the browser for the pictures of sliders, and by talking back to
    # the kernel it may miss that the cell has ended, and wait until the timeout.
    client.widget_registry = {}
    client.execute()


if __name__ == "__main__":
    main(sys.argv[1:])
