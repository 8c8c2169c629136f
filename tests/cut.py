"""Cut a lab to what some of its cells need, so that a test of the tools runs in seconds."""

import ast

import nbformat
from copies import tags


def needed(cells: list[nbformat.NotebookNode], wanted: set[str]) -> list[nbformat.NotebookNode]:
    """Return the prose, the code cells of these ids or tags, and the code that these need."""
    names, kept = set(), []
    for cell in reversed(cells):
        if cell.cell_type == "code":
            lines = ast.parse(cell.source).body
            if not {cell.id, *tags(cell)} & wanted:
                lines = [line for line in lines if names & defined(line)]
                cell.source = "\n".join(map(ast.unparse, lines))
            nodes = [node for line in lines for node in ast.walk(line)]
            names |= {
                n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
            }
        if cell.source:
            kept.append(cell)
    return kept[::-1]


def defined(line: ast.stmt) -> set[str]:
    """Return the names that a statement defines."""
    nodes = list(ast.walk(line))
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    named = {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    imports = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
    aliases = {(a.asname or a.name).split(".")[0] for n in imports for a in n.names}
    return stored | named | aliases
