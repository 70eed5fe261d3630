"""Who may lean on whom: the design's layers, read from the sources themselves."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from judge.project import Project

PROJECT = Project.here()
ROOT = PROJECT.root
CORE = tuple(f"harness/pool/{name}.c" for name in ("pool", "pool_ask", "keys", "deadlines"))
PURE = (*CORE, "harness/load/schedule.c", "harness/load/histogram.c")
PURE_MAY_CALL = {  # memory, text, arithmetic; `__...` is the compiler's own
    "malloc", "calloc", "realloc", "free", "memcpy", "memmove", "memset", "memcmp", "strlen", "strcmp", "abort",
    "snprintf", "fprintf", "fputs", "fputc", "fwrite",
}  # fmt: skip


def includes(path: Path) -> list[str]:
    return re.findall(r'^#include [<"]([^>"]+)[>"]', path.read_text(), re.MULTILINE)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def symbols(source: str, which: str) -> set[str]:
    """What nm says of a source's object: "-u", what it calls; "-g --defined-only", what it offers."""
    compiled = PROJECT.build / Path(source.removeprefix("harness/")).with_suffix(".o")
    if not compiled.exists():
        compiled = PROJECT.build / Path(source).with_suffix(".o")
    listed = subprocess.run(["nm", *which.split(), compiled], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in listed.splitlines()}


@pytest.mark.parametrize("source", PURE)
def test_pure_c_calls_nothing_but_memory(source: str) -> None:
    called = {name for name in symbols(source, "-u") if not name.startswith("_")}
    ours = set().union(*(symbols(core, "-g --defined-only") for core in CORE)) if source in CORE else set()
    assert called <= PURE_MAY_CALL | ours


def test_servers_never_include_the_pool() -> None:
    sources = sorted((ROOT / "servers").rglob("*.[ch]"))
    assert sources
    for path in sources:
        assert not [name for name in includes(path) if name.startswith(("pool/", "client/", "load/"))], path


def test_a_behaviour_includes_only_its_interface() -> None:
    behaviours = sorted((ROOT / "servers" / "behaviours").glob("*.c"))
    assert behaviours
    for path in behaviours:
        ours = [name for name in includes(path) if (ROOT / "servers" / name).exists() or (ROOT / "harness" / name).exists()]
        assert [name for name in ours if not name.startswith("profiles/")] == ["behaviour.h"], path


def test_what_the_profiles_share_is_pure() -> None:
    shared = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "servers" / "profiles").glob("*.c"))]
    assert shared
    own = set().union(*(symbols(source, "-g --defined-only") for source in shared))
    for source in shared:
        called = {name for name in symbols(source, "-u") if not name.startswith("_")}
        assert called <= PURE_MAY_CALL | {"memchr", "memmem", "strchr", "strncasecmp"} | own, source


def test_a_checker_imports_only_the_trace() -> None:
    checkers = [path for path in sorted((ROOT / "harness/judge/checkers").glob("*.py")) if path.name != "__init__.py"]
    assert checkers
    for path in checkers:
        ours = {name for name in imports(path) if name.startswith(("judge", ".", "reports"))}
        assert ours and all(name.split(".")[:2] == ["judge", "trace"] for name in ours), path


def test_reports_read_only_files() -> None:
    modules = sorted((ROOT / "reports").glob("*.py"))
    assert modules
    for path in modules:
        assert not [name for name in imports(path) if name.split(".")[0] in ("judge", "servers")], path
