"""The labs as files: found by their names or numbers, read, and written wholly or not at all."""

import ast
import contextlib
import errno
import hashlib
import os
from pathlib import Path

import nbformat

COURSE = Path(__file__).resolve().parent.parent
NOTEBOOKS = COURSE / "notebooks"
LABS = "[!.]*.ipynb"  # what begins with a point was left by an editor, or by macOS


class LabError(SystemExit):
    """Something that whoever called the script can mend: it ends with this one sentence."""


def tags(cell: nbformat.NotebookNode) -> set[str]:
    """Return the tags of a cell."""
    return set(cell.metadata.get("tags", []))


def headline(lab: nbformat.NotebookNode) -> dict[str, float]:
    """Return what the headline cells of a lab show, as it was stored, as one dict."""
    figures = {}
    for cell in lab.cells:
        if "headline" in tags(cell):
            results = [out for out in cell.outputs if out.output_type == "execute_result"]
            if results:
                figures |= ast.literal_eval(results[-1].data["text/plain"])
    return figures


def read_lab(path: Path) -> nbformat.NotebookNode:
    """Read a notebook.

    Raises
    ------
    LabError
        If the file is not there, cannot be read or is not a notebook.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        # Before 4.5 cells had no ids; a teacher's own notebook may be older.
        notebook = nbformat.v4.upgrade(notebook, from_minor=notebook.nbformat_minor)
    except OSError as error:
        raise LabError(f"{path} cannot be read: {error.strerror}.") from error
    except Exception as error:  # nbformat raises errors of many kinds
        raise LabError(
            f"{path} is damaged, it is no notebook: restore it with `git checkout -- {path}`, "
            "or get a fresh copy of the course."
        ) from error
    return notebook


def find_labs(names: list[str]) -> list[Path]:
    """Return the notebooks of these names or numbers, of all labs if there are none.

    Raises
    ------
    LabError
        If there is no lab of one of the names.
    """
    paths = sorted(NOTEBOOKS.glob(LABS))
    if not paths:
        raise LabError(f"There is no lab in {NOTEBOOKS}: get a fresh copy of the course.")
    wanted = {name: [p for p in paths if name in (p.stem, p.name, p.stem[:2])] for name in names}
    for name, found in wanted.items():
        if not found:
            raise LabError(f"There is no lab {name}; there are {', '.join(p.stem for p in paths)}.")
    return sorted({path for found in wanted.values() for path in found}) or paths


def as_bytes(lab: nbformat.NotebookNode) -> bytes:
    """Return a notebook as it lies on the disk."""
    return (nbformat.writes(lab) + "\n").encode()


def digest(content: bytes) -> str:
    """Return the SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file wholly or not at all.

    Raises
    ------
    LabError
        If there is no space or no permission; what was there is still there.
    """
    half = path.with_name(f".{path.name}.{os.getpid()}.half")  # two starts do not meet
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_bytes(content)
        half.replace(path)
    except OSError as error:
        raise LabError(cannot_write(path, error)) from error
    finally:
        with contextlib.suppress(OSError):  # what went wrong before is what matters
            half.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> str:
    """Return what went wrong and what to do about it, in a sentence."""
    cure = {
        errno.ENOSPC: "make space on that disk",
        errno.EDQUOT: "make space in your quota",
        errno.EACCES: "you need the permission to write there",
        errno.EROFS: "that disk is read-only",
    }.get(error.errno, "mend that")
    return f"{path} cannot be written ({error.strerror or error}): {cure}, and start again."
