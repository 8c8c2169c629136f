"""Cut a lab to what some of its cells need, so that a test of the tools runs in seconds."""

import ast

import nbformat
from labs import tags

CHANGES = {"append", "extend", "add", "update", "fit", "compile"}


def needed(cells: list[nbformat.NotebookNode], wanted: set[str]) -> list[nbformat.NotebookNode]:
    """Return the prose, the code cells of these ids or tags, and the code that these need."""
    names, kept = set(), []
    for cell in reversed(cells):
        if cell.cell_type == "code":
            whole = bool({cell.id, *tags(cell)} & wanted)
            lines = []
            for line in reversed(ast.parse(cell.source).body):
                if whole or names & changed(line):
                    lines.append(line)
                    names |= used(line)
            if not whole:
                cell.source = "\n".join(map(ast.unparse, reversed(lines)))
        if cell.source:
            kept.append(cell)
    return kept[::-1]


def used(line: ast.stmt) -> set[str]:
    """Return the names that a statement reads."""
    nodes = (node for node in ast.walk(line) if isinstance(node, ast.Name))
    return {node.id for node in nodes if isinstance(node.ctx, ast.Load)}


def changed(line: ast.stmt) -> set[str]:
    """Return the names that a statement defines, and those of what it appends to or fits."""
    if isinstance(line, ast.FunctionDef | ast.ClassDef):
        return {line.name}
    nodes = list(ast.walk(line))
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    imports = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
    aliases = {(a.asname or a.name).split(".")[0] for n in imports for a in n.names}
    methods = [n for n in nodes if isinstance(n, ast.Attribute) and n.attr in CHANGES]
    return stored | aliases | {n.value.id for n in methods if isinstance(n.value, ast.Name)}
