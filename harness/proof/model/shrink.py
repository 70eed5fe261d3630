"""Makes a program smaller as long as it still fails: ever smaller runs of its steps are left out, then commands of its batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from proof.model.program import Batch, Program, Step


def shrink(program: Program, fails: Callable[[Program], bool]) -> Program:
    """`fails` may say no to everything once it has had enough."""
    while smaller := next((candidate for candidate in candidates(program) if fails(candidate)), None):
        program = smaller
    return program


def candidates(program: Program) -> Iterator[Program]:
    steps = program.steps
    run = len(steps) // 2
    while run:
        for at in range(len(steps) - run, -1, -run):
            yield replace(program, steps=steps[:at] + steps[at + run :])
        run //= 2
    for at, step in enumerate(steps):
        for other in simpler(step):
            yield replace(program, steps=(*steps[:at], *other, *steps[at + 1 :]))


def simpler(step: Step) -> Iterator[tuple[Step, ...]]:
    if not isinstance(step, Batch):
        return
    if step.fault:
        yield (replace(step, fault=None),)
    if len(step.commands) > 1:
        for at in range(len(step.commands)):
            yield (replace(step, commands=step.commands[:at] + step.commands[at + 1 :]),)
    yield step.commands
