"""./run.sh explain: a clause with its source and scenarios; a scenario as a timeline in text; what the documents say, judged."""

from __future__ import annotations

import json
import textwrap
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from judge import checkers, claims
from judge.arguments import Parser, add_variant
from judge.clauses import LEVELS, Clause
from judge.deaf import DEAF
from judge.errors import UsageError
from judge.names import nearest
from judge.network.network import WIRE_EVENTS
from judge.network.spec import FORGETS, KINDS, NetworkSpec
from judge.project import Project
from judge.scenario import Scenario, Server, load_scenarios
from judge.steps import Step

SUMMARY = "what a clause says, what a scenario does, or what became of each sentence of the documents"
EXAMPLE = "explain idle/stray-byte"


def arguments(parser: Parser) -> None:
    parser.add_argument("name", metavar="CLAUSE|SCENARIO|DOCUMENT", nargs="?")
    parser.add_argument("--claims", action="store_true", help="what became of each sentence of the documents (or of DOCUMENT)")
    parser.add_argument("--json", action="store_true", help="with --claims: as JSON")
    add_variant(parser)


def run(args: Namespace) -> int:
    project = Project.here(args.variant)
    scenarios = load_scenarios(project)
    if args.claims:
        return print_claims(claims.documents(project, scenarios), args.name, args.json)
    if args.name is None or args.json:
        raise UsageError("./run.sh explain: a clause or a scenario, or --claims; ./run.sh explain --help tells more")
    lines: list[str] = []
    if args.name in project.clauses:
        lines += explain_clause(project.clauses[args.name], scenarios)
    if args.name in scenarios:
        lines += ([""] if lines else []) + list(explain_scenario(scenarios[args.name], project))
    if not lines:
        raise UsageError(f'no clause and no scenario is called "{args.name}"{nearest(args.name, [*project.clauses, *scenarios])}')
    print("\n".join(lines))
    return 0


def print_claims(documents: list[dict[str, Any]], name: str | None, as_json: bool) -> int:
    if name is not None:
        known = [one["name"] for one in documents]
        if name not in known:
            raise UsageError(f'no document is called "{name}"{nearest(name, known)}; they are {", ".join(known)}')
        documents = [one for one in documents if one["name"] == name]
    print(json.dumps(documents, ensure_ascii=False, indent=1) if as_json else "\n".join(claims.text(documents)))
    return 0


def explain_clause(clause: Clause, scenarios: dict[str, Scenario]) -> list[str]:
    lines = [f"clause {clause.id}", *wrapped(clause.text), "", f"  source  {clause.source}"]
    lines += [f"  level   {clause.level}: {LEVELS[clause.level]}", f"  since   {clause.since}"]
    lines += [f"  says    {clause.says}: {clause.happens}"] if clause.says else []
    lines += [f"  test    {clause.test}"] if clause.test else []
    if clause.id in checkers.universal():
        return [*lines, f"  checked on every trace, by {checkers.universal()[clause.id]}"]
    cited = [one for one in scenarios.values() if any(check.clause == clause.id for check in one.checks)]
    lines += ["", "  checked by" if cited else "  checked by no scenario"]
    return lines + [f"    {one.name:<36} {one.summary}" for one in cited]


def explain_scenario(scenario: Scenario, project: Project) -> Iterator[str]:
    yield f"scenario {scenario.name}: {scenario.summary}"
    yield from wrapped(scenario.expect)
    for word, values in (("needs", scenario.needs), ("tags", scenario.tags), ("control", scenario.depends_on)):
        if values:
            yield f"  {word:<8}{', '.join(values)}"
    yield ""
    if scenario.real:
        yield f"  server  a real {fields(scenario.real)}"
    else:
        for server in scenario.servers:
            yield f"  server  {server.name}: {server_text(server)}"
    if scenario.network:
        yield f"  network {network_text(scenario.network)}"
    if scenario.pool:
        yield f"  pool    {fields(scenario.pool)}"
    yield ""
    if scenario.load is not None:
        yield f"  load    {fields(scenario.load)}"
    if scenario.sweep is not None:
        yield f"  sweep   {fields(scenario.sweep)}"
    for number, step in enumerate(scenario.steps, 1):
        yield f"  {number:>4}  {step_text(step)}" + (" (not waited for)" if step.pending else "")
        for command in step.commands:
            yield f"        - {step_text(command)}"
    yield ""
    for check in scenario.checks:
        clause = project.clauses[check.clause]
        yield f"  check   {clause.id} ({clause.level}), by {check.checker}"
        yield f"            {fields(check.params)}"
        yield from wrapped(clause.text, "            ")


def wrapped(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, 110, initial_indent=indent, subsequent_indent=indent)


def fields(values: dict[str, Any]) -> str:
    return " ".join(f"{key}={value!r}" for key, value in values.items()).replace("None", "nil")


def server_text(server: Server) -> str:
    if server.listen == DEAF:
        return "accepts nobody: its queue is full, and a connect stays under way"
    parts = []
    for behaviour in server.behaviours:
        options = fields({key: value for key, value in behaviour.items() if key not in ("name", "repeat")})
        times = f"{behaviour['repeat']} times " if behaviour.get("repeat", 1) > 1 else ""
        parts.append(f"{times}{behaviour['name']}" + (f" ({options})" if options else ""))
    last = "then from the start" if server.cycle else "for every " + ("further " if len(parts) > 1 else "") + server.on
    address = {"tcp": "", "tcp6": " over IPv6", "unix": " on a unix socket"}[server.listen]
    return ", ".join(parts) + f", {last}{address}"


def network_text(network: NetworkSpec) -> str:
    kept = f"; it keeps a quiet connection for {network.entry_s} s" if network.entry_s else ""
    return KINDS[network.kind] + (f"; {FORGETS[network.forgets]}{kept}" if network.kind == "nat" else "")


def step_text(step: Step) -> str:
    """What a step does, as a phrase."""
    label = f'  -> "{step.label}"' if step.label else ""
    on = f"connection {step.conn}" if step.conn else "any connection"
    on = f'the connection of "{step.conn}"' if isinstance(step.conn, str) else on
    times = f" {step.count} times" if step.count > 1 else ""
    bound = f", at most {step.within_ms:g} ms" if step.within_ms else ""
    match step.verb:
        case "exchange":
            return exchange_text(step)
        case "op" if step.about == "batch":
            return f"in one turn of the event loop:{label}"
        case "op":
            where = f" to {step.to}" if step.to else ""
            return f"{step.about}{where} {fields(step.fields)}".rstrip() + label
        case "act":
            data = f" {step.fields['data']!r}" if step.fields["data"] is not None else ""
            return f"the server does {step.about}{data} on {on}{label}"
        case "await":
            who = "the wire shows" if set(step.about) & set(WIRE_EVENTS) else "the server sees"
            return f"wait until {who} {' or '.join(step.about)}{times} on {on}{bound}"
        case "release":
            return f'the server lets {step.count} pass at gate "{step.about}"'
        case "pass_ms":
            return f"let {step.about:g} ms pass"
        case "net":
            return f"the network: {step.about}"
        case "mark":
            return f'--- "{step.about}"'
        case "unlisten":
            return f"server {step.about} stops listening"
        case "order":
            return f'server {step.to} is told to "{step.about}"{label}'
        case _:
            return f'wait for the answer to "{step.about}"{bound}'


def exchange_text(step: Step) -> str:
    back = {key: step.fields[key] for key in ("timeout_ms", "size") if key in step.fields}
    parts = [f"connect to {step.to}"] if step.fields["connect"] else []
    parts += [f"{step.fields['method']} {step.fields['path']}", "read the response"]
    parts += [f"setkeepalive {fields(back)}".rstrip()] if step.fields["keep"] else ["keep the connection in hand"]
    return f'exchange "{step.about}" on {step.fields["sock"]}: ' + ", ".join(parts)
