"""Open the course in JupyterLab, in the reader's own copies of the labs: `my_labs/`.

A copy is made when there is none, and never overwritten once its reader has changed it: if the
course has a newer version by then, that is put beside it.  Flags are JupyterLab's.  With `--copy`
alone, the copies are made and JupyterLab is not started.

Where the course's folder cannot be written to, the copies go to `autoencoder_labs` in the home of
the reader; LABS_DATA says where the data lie, for kernels that have the helpers from elsewhere.
A JupyterHub starts this script as the server of a student (teaching/jupyterhub_config.py).
"""

import contextlib
import itertools
import json
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from copies import clean_copy
from labs import (
    COURSE,
    LABS,
    NOTEBOOKS,
    LabError,
    as_bytes,
    cannot_write,
    digest,
    read_lab,
    tags,
    write_whole,
)
from nbformat.v4 import new_markdown_cell

# What the labs refer to as ../README.md and the like.
REFERRED_TO = (
    "README.md",
    "requirements.txt",
    "data",
    "notebooks",
    "evidence",
    "helpers",
    ".github",
)


def main(arguments: list[str]) -> None:
    """Make the copies that are missing; start JupyterLab with these flags."""
    find_helpers()
    os.environ.setdefault("LABS_DATA", str(COURSE / "data"))
    root = reader_root()
    try:
        said = renew(NOTEBOOKS, root / "my_labs")
    except OSError as error:
        raise LabError(f"{error.filename} cannot be read: {error.strerror}.") from error
    print(*said, sep="\n", end="\n" if said else "", flush=True)
    if arguments == ["--copy"]:
        return
    first = min((root / "my_labs").glob("*.ipynb"), default=root / "my_labs").relative_to(root)
    if "JUPYTERHUB_API_TOKEN" in os.environ:  # a hub starts this as its student's server
        from jupyterhub.singleuser.extension import JupyterHubSingleUser as Server
    else:
        from jupyterlab.labapp import LabApp as Server

    Server.launch_instance(
        [
            f"--ServerApp.root_dir={root}",
            "--ServerApp.contents_manager_class=contents.LabContents",
            f"--LabApp.default_url=/lab/tree/{first.as_posix()}",
            f"--LabApp.app_settings_dir={COURSE / '.jupyter'}",
            *arguments,
        ]
    )


def find_helpers() -> None:
    """See that the labs will find the helpers of this course.

    Raises
    ------
    LabError
        If they will find none, or those of another folder though nobody has set LABS_DATA.
    """
    spec = find_spec("helpers")
    there = Path(spec.origin).parent.parent if spec and spec.origin else None
    # An installation knows where the course lay then, not where it has been moved or copied to.
    if there is None or not ("LABS_DATA" in os.environ or there.samefile(COURSE)):
        raise LabError(
            f"The labs would find {f'the helpers of {there}' if there else 'no helpers'} and not "
            f"those of {COURSE}, which was moved or copied since, or is not installed: run `make "
            "clean`, then this again; without make, `python -m pip install -r requirements.txt`."
        )


def reader_root() -> Path:
    """Return the folder for `my_labs`: the course's, or one in the reader's home."""
    if is_writable(COURSE):
        return COURSE
    root = Path.home() / "autoencoder_labs"
    try:
        root.mkdir(exist_ok=True)
        for name in REFERRED_TO:
            link = root / name
            if (COURSE / name).exists() and not link.exists():
                link.unlink(missing_ok=True)  # it led to a place that is no more
                # Only prose needs the links, and Windows gives few the right to make one.
                with contextlib.suppress(OSError, NotImplementedError):
                    link.symlink_to(COURSE / name)
    except OSError as error:
        raise LabError(cannot_write(root, error)) from error
    return root


def is_writable(folder: Path) -> bool:
    """Tell whether a file can be made in a folder."""
    # Not by tempfile, which on Windows tries name after name in a folder that is read-only.
    probe = folder / f".probe-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def renew(notebooks: Path, mine: Path) -> list[str]:
    """Bring the reader's copies up to date; return what there is to say about it.

    `mine/.made.json` notes from which version of each file a copy was made, and what each copy
    was when it was made: any other content is the reader's.

    Raises
    ------
    LabError
        If there are no labs, or there is no space or no permission for a copy.
    """
    if not notebooks.is_dir():
        raise LabError(f"There is no folder {notebooks}: get a fresh copy of the course.")
    note = mine / ".made.json"
    try:
        made = json.loads(note.read_text(encoding="utf-8"))
        sources, copies = dict(made["sources"]), dict(made["copies"])
    except (OSError, ValueError, KeyError, TypeError):
        sources, copies = {}, {}
    files = sorted([*notebooks.glob(LABS), *notebooks.glob("GLOSSARY.md")])
    digests = {path: digest(path.read_bytes()) for path in files}
    stale = [
        path
        for path in files
        if sources.get(path.name) != digests[path] or not (mine / path.name).exists()
    ]
    if not stale:
        return []

    first_time = not mine.exists()
    said = []
    for path in stale:
        try:
            content = copy_of(path)
        except LabError as error:  # the other labs can be read all the same
            said.append(str(error))
            continue
        target = place_for(content, mine / path.name, copies)
        if target:
            write_whole(target, content)
            copies[target.name] = digest(content)
            if target.name != path.name:
                said.append(
                    f"The course has a new version of {path.name}. Your copy stays as you left "
                    f"it; the new one is {mine.name}/{target.name}."
                )
        sources[path.name] = digests[path]
        made = {"sources": sources, "copies": copies}
        write_whole(note, (json.dumps(made, indent=1) + "\n").encode())
    if first_time:
        said.append(f"Your own copies of the labs are in {mine}: nothing overwrites your work.")
    return said


def copy_of(path: Path) -> bytes:
    """Return the reader's copy of a file in `notebooks/`, which says where the original lies."""
    if path.suffix != ".ipynb":
        return path.read_bytes()
    lab = read_lab(path)
    worked = any("solution" in tags(cell) for cell in lab.cells)
    copy = clean_copy(lab)
    what = "The worked lab, with results and solutions" if worked else "The lab as you got it"
    note = (
        f"> **This copy is yours**: write in it, break it. {what}, "
        f"is [notebooks/{path.name}](../notebooks/{path.name})."
    )
    if copy.cells and copy.cells[0].cell_type == "markdown":
        copy.cells[0].source += f"\n\n{note}"
    else:  # a notebook of the reader's own, without a title
        copy.cells.insert(0, new_markdown_cell(note, id="whose-copy"))
    return as_bytes(copy)


def place_for(content: bytes, target: Path, copies: dict[str, str]) -> Path | None:
    """Return where to write a new copy, or None if its reader has got it already.

    `copies` gives the digest of each copy as it was made.
    """
    for place in places(target):
        if not place.exists():
            return place
        as_made, now = copies.get(place.name), digest(place.read_bytes())
        if digest(content) in (as_made, now):
            return None
        if as_made == now:  # untouched by its reader
            return place


def places(target: Path) -> Iterator[Path]:
    """Yield the path of a copy, then those beside it for newer versions."""
    yield target
    for number in itertools.count(1):
        suffix = "_new_version" if number == 1 else f"_new_version_{number}"
        yield target.with_name(f"{target.stem}{suffix}{target.suffix}")


if __name__ == "__main__":
    main(sys.argv[1:])
