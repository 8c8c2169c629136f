"""How the server of `make lab` reads and saves notebooks: a look at a lab leaves it as it was."""

from typing import Any

from ipykernel.ipkernel import IPythonKernel
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

# The labs say that they are Python.  JupyterLab notes the version of this machine in each that
# it opens, and then takes it for changed.
STORED = {"name": "python"}


class LabContents(AsyncLargeFileManager):
    """JupyterLab's file manager, but the version of Python is put in on reading, out on saving."""

    async def get(self, path: str, content: bool = True, **options: Any) -> dict:
        """Return a file; a notebook with what JupyterLab would add to it."""
        model = await super().get(path, content=content, **options)
        if content:
            swap(model, STORED, IPythonKernel.language_info)
        return model

    async def save(self, model: dict, path: str = "") -> dict:
        """Save a file; a notebook without what is of this machine."""
        swap(model, IPythonKernel.language_info, STORED)
        return await super().save(model, path)


def swap(model: dict, old: dict, new: dict) -> None:
    """Put `new` in place of the note on the language in a notebook, if it is `old`."""
    if model.get("type") == "notebook" and isinstance(model.get("content"), dict):
        metadata = model["content"].get("metadata", {})
        if metadata.get("language_info") == old:
            metadata["language_info"] = dict(new)
