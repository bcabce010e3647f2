"""Rules of the house that a machine can check: documented, small, nothing left over."""

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("flows", "tasks", "models", "regen3d")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
LONGEST, MEDIAN = 500, 180

# Written in two halves, so that this file does not name what it looks for.
LEFTOVERS = [rf"\b{a}{b}\b" for a, b in (("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("NotImplemented", "Error"))]
LEFTOVERS += [
    rf"(?<![\w.]){a}{b}/" for a, b in (("/wo", "rk"), ("/ro", "ot"), ("/ho", "me"), ("/t", "mp"), ("/Us", "ers"))
]
LEFTOVER = re.compile("|".join(LEFTOVERS))
WRITTEN = (".cfg", ".ini", ".j2", ".json", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml")
WRITTEN_IN = (*PACKAGES, "tests", "benchmarks", "docs", "examples", "deploy", "docker", "infra")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def public_definitions(tree: ast.AST, owner: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Public classes, functions and methods with their dotted names."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        yield owner + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from public_definitions(node, f"{owner}{node.name}.")


def undocumented_fields(node: ast.ClassDef) -> Iterator[str]:
    """Fields of a dataclass without a string below them."""
    for k, field in enumerate(node.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and field.target.id[0] != "_":
            below = node.body[k + 1] if k + 1 < len(node.body) else None
            documented = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            if not documented:
                yield field.target.id


def is_dataclass(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(item) for item in node.decorator_list)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_everything_public_is_documented(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = [] if ast.get_docstring(tree) else ["the module"]
    for name, node in public_definitions(tree):
        silent += [] if ast.get_docstring(node) else [name]
        silent += [f"{name}.{field}" for field in undocumented_fields(node)] if is_dataclass(node) else []
    assert silent == []


def test_modules_are_small() -> None:
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}
    assert statistics.median(count for name, count in lines.items() if not name.endswith("__init__.py")) < MEDIAN


def test_nothing_is_left_over() -> None:
    """No notes to oneself, no stubs, no paths of one machine."""
    files = [path for path in ROOT.iterdir() if path.is_file()]
    files += [path for folder in WRITTEN_IN for path in (ROOT / folder).rglob("*") if path.is_file()]
    found = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in files
        if path.suffix in WRITTEN or path.name in ("Makefile", "Dockerfile")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if LEFTOVER.search(line)
    ]
    assert found == []


def test_folders_say_what_they_do() -> None:
    vague = {"utils", "util", "helpers", "helper", "misc", "common", "manager", "managers"}
    assert [name_of(path) for path in MODULES if vague & {*path.with_suffix("").relative_to(ROOT).parts}] == []


def test_every_package_is_a_package() -> None:
    folders = {path.parent for path in MODULES}
    assert [name_of(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []
