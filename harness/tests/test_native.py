"""What is written in C: its unit tests under the sanitizers, and a second compiler that must find nothing to warn of."""

from __future__ import annotations

import subprocess

import pytest
from judge.project import Project

PROJECT = Project.here()
UNITS = sorted(path.stem for path in (PROJECT.root / "harness" / "tests").glob("test_*.c"))


def make(*targets: str) -> None:
    made = subprocess.run(["make", "-s", *targets], cwd=PROJECT.root, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr


def test_there_are_unit_tests() -> None:
    assert "test_pool_many" in UNITS


@pytest.mark.parametrize("name", UNITS)
def test_unit(name: str) -> None:
    make("VARIANT=san", f"build/san/tests/{name}")
    ran = subprocess.run([PROJECT.root / "build" / "san" / "tests" / name], capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "[  PASSED  ]" in ran.stderr + ran.stdout, "a program that ran no test proves nothing"


def test_clang_has_no_warning() -> None:
    make("CC=clang", "BUILD=build/clang")


def test_a_warning_fails_the_build(tmp_path) -> None:
    """The flags that the test above relies on are really there."""
    source = tmp_path / "careless.c"
    source.write_text("int careless(long wide); int careless(long wide) { int narrow = wide; return narrow; }\n")
    flags = subprocess.run(["make", "-s", "print-cflags"], cwd=PROJECT.root, capture_output=True, text=True, check=True).stdout.split()
    compiled = subprocess.run(["gcc", *flags, "-c", "-o", tmp_path / "careless.o", source], capture_output=True, text=True, check=False)
    assert compiled.returncode != 0 and "-Werror=conversion" in compiled.stderr
