"""The command line: results on standard output, progress on standard error on a terminal only, an example in each help."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest
from judge import VERSION, commands
from judge.commands.list import clauses_of
from judge.project import PYTHON
from judge_kit import ROOT, environment, judge, subject
from terminal import needs_terminal

HEALTHY = "setkeepalive/returned-is-reused"


def test_version_needs_nothing_but_a_shell(tmp_path: Path) -> None:
    """So it is quick everywhere: no set-up, no build, no Python."""
    for tool in ("bash", "dirname", "sed"):
        (tmp_path / tool).symlink_to(Path("/bin") / tool)
    ran = subprocess.run([ROOT / "run.sh", "version"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"poolspec {VERSION}\n", "")
    assert judge("version").out == ran.stdout


@pytest.mark.parametrize("command", [name for name in commands.all_names() if not hasattr(commands.module_of(name), "PASSES_ON")])
def test_help_with_an_example(command):
    ran = judge(command, "--help")
    assert ran.code == 0 and ran.err == ""
    assert f"example: ./run.sh {commands.module_of(command).EXAMPLE}" in ran.out
    assert judge("help", command).out == ran.out


def test_help_names_every_command():
    for args in ([], ["help"], ["--help"]):
        assert all(f"\n  {name} " in judge(*args).out for name in commands.all_names())


@pytest.mark.parametrize("what", ["scenarios", "behaviours", "subjects", "clauses"])
def test_lists(what):
    rows = json.loads(judge("list", what, "--json").out)
    assert rows
    lines = judge("list", what).out.splitlines()
    assert [line.split()[0] for line in lines] == [row["name"] for row in rows]


def test_subjects_are_listed_with_their_last_verdicts():
    told = judge("list", "subjects").out
    assert re.search(r"^reference +clauses, when it was last recorded: \d+ pass", told, re.M)
    assert clauses_of({"a/a": {"verdict": "pass"}, "a/b": {"verdict": "fail (known)"}, "a/c": {"verdict": "pass"}}) == (
        "clauses, when it was last recorded: 2 pass, 1 fail (known)"
    )
    assert clauses_of(None) == "not recorded"


def test_explain_scenario_and_clause():
    told = judge("explain", HEALTHY).out
    assert f"scenario {HEALTHY}: " in told
    assert 'exchange "' in told and "check   setkeepalive/immediate (required), by " in told
    told = judge("explain", "setkeepalive/immediate").out
    assert "source  lua-nginx-module manual" in told and HEALTHY in told
    assert "checked on every trace, by right_caller" in judge("explain", "trace/right-caller").out


def test_explain_claims():
    told = judge("explain", "--claims").out
    documents = json.loads(judge("explain", "--claims", "--json").out)
    rows = [row for document in documents for sentence in document["sentences"] for row in sentence["clauses"]]
    assert rows and all(document["title"] in told for document in documents) and all(row["clause"] in told for row in rows)
    assert all(row["happens"] for row in rows if row["says"])
    one = judge("explain", "--claims", documents[0]["name"]).out
    assert one.strip() == told.partition(documents[1]["title"])[0].strip()
    assert 'did you mean "manual-close"?' in judge("explain", "--claims", "manual-cloze").err


def test_every_scenario_can_be_explained():
    from judge.commands.explain import explain_scenario
    from judge.project import Project
    from judge.scenario import load_scenarios

    project = Project.here()
    for scenario in load_scenarios(project).values():
        text = "\n".join(explain_scenario(scenario, project))
        assert scenario.summary in text and "None" not in text, text


def test_a_run_leaves_everything(tmp_path):
    ran = judge("scenario", HEALTHY, "--json", tmp_path / "r.json", "--junit", tmp_path / "j.xml", "--markdown", tmp_path / "s.md",
                out=tmp_path / "out")
    assert ran.code == 0 and ran.err == ""
    assert HEALTHY in ran.out and "pass" in ran.out
    for name in ("results.json", "junit.xml", "summary.md", "index.html", f"traces/{HEALTHY.replace('/', '_')}__reference__1.jsonl"):
        assert (tmp_path / "out" / name).stat().st_size > 0, name
    assert json.loads((tmp_path / "r.json").read_text()) == ran.results
    assert (tmp_path / "j.xml").read_text() == (tmp_path / "out" / "junit.xml").read_text()
    assert (tmp_path / "s.md").stat().st_size > 0
    assert ran.results["schema"] == "results/1"
    clauses = {one["clause"] for one in ran.results["results"]}
    assert {"setkeepalive/immediate", "trace/right-caller", "scenario/steps-answered"} <= clauses


def test_shorthand_and_controls(tmp_path):
    ran = judge("idle/fin", out=tmp_path / "out")
    assert ran.code == 0
    assert {run["scenario"] for run in ran.results["runs"]} == {"idle/fin", HEALTHY}, "its control is run with it"


def test_list_runs_nothing(tmp_path):
    ran = judge("scenario", "idle/*", "--list", out=tmp_path / "out")
    assert ran.code == 0 and not (tmp_path / "out").exists()
    names = [line.split()[0] for line in ran.out.splitlines()]
    assert names.index(HEALTHY) < names.index("idle/fin"), "controls first"
    assert "timeout/default-60s" not in judge("scenario", "--list").out
    assert "timeout/default-60s" in judge("scenario", "--list", "--full").out
    assert "timeout/default-60s" in judge("scenario", "timeout/default-60s", "--list").out


def test_repetitions_side_by_side(tmp_path):
    ran = judge("scenario", HEALTHY, "--repeat", 3, "--jobs", 2, out=tmp_path / "out")
    assert ran.code == 0
    assert sorted(run["repeat"] for run in ran.results["runs"]) == [1, 2, 3]
    assert len(list((tmp_path / "out" / "traces").iterdir())) == 3


def test_failure_text(tmp_path):
    wrong = subject(tmp_path, "wrong", "NoIdleWatch")
    ran = judge("scenario", "idle/fin", "--subject", wrong, out=tmp_path / "out")
    assert ran.code == 1
    for part in (
        "fail idle/fin with NoIdleWatch: idle/fin-closes (required)", "clause:   ", "expected: ", "seen:     ", "around it:", "<<",
        "traces/idle_fin__NoIdleWatch__1.jsonl", f"again:    ./run.sh scenario idle/fin --seed 1 --subject {wrong}",
    ):
        assert part in ran.out, part
    failed = next(one for one in ran.results["results"] if one["clause"] == "idle/fin-closes")
    assert failed["violation_t"] and failed["violation_conn"] == 1 and failed["excerpt"]


def test_known_failing(tmp_path):
    wrong = subject(tmp_path, "wrong", "NoIdleWatch")
    listed = wrong.with_suffix(".known-failing")
    listed.write_text("idle/fin | it does not look | https://example.org/1\n")
    ran = judge("scenario", "idle/fin", "--subject", wrong, out=tmp_path / "out")
    assert ran.code == 0, ran.out
    assert "known" in ran.out
    listed.write_text(f"idle/fin | it does not look | https://example.org/1\n{HEALTHY} | never reuses | https://example.org/2\n")
    ran = judge("scenario", "idle/fin", "--subject", wrong, out=tmp_path / "out")
    assert ran.code == 1
    assert "listed as failing (never reuses), but passes: take the entry out" in ran.out


def test_two_subjects(tmp_path):
    right, wrong = subject(tmp_path, "wrong", "NeverReuses"), subject(tmp_path, "wrong", "HidesReuse")
    ran = judge("scenario", HEALTHY, "--subject", f"{right},{wrong}", out=tmp_path / "out")
    assert ran.code == 1
    assert {run["subject"] for run in ran.results["runs"]} == {"NeverReuses", "HidesReuse"}
    head, row = ran.out.splitlines()[:2]
    assert head.split() == ["HidesReuse", "NeverReuses"] and row.split()[0] == HEALTHY
    one, other = row[head.index("HidesReuse") : head.index("NeverReuses")], row[head.index("NeverReuses") :]
    assert "fail" in one and "fail" in other and "pass" in one and "pass" in other
    assert re.search(r"^NeverReuses beside HidesReuse: \d+ clauses agree, 0 differ and are known, 0 skipped, \d+ DIFFER", ran.out, re.M)
    assert judge("scenario", HEALTHY, "--subject", f"{right},{tmp_path}/../{tmp_path.name}/{right.name}").code == 2


def test_judge_again(tmp_path):
    wrong = subject(tmp_path, "wrong", "NoIdleWatch")
    first = judge("scenario", "idle/fin", "--subject", wrong, out=tmp_path / "out")
    again = judge("judge", tmp_path / "out", "--json", tmp_path / "again.json")
    assert again.code == 1
    found = json.loads((tmp_path / "again.json").read_text())
    assert [(one["clause"], one["verdict"]) for one in found["results"]] == [
        (one["clause"], one["verdict"]) for one in first.results["results"]
    ]
    one = next((tmp_path / "out" / "traces").glob("idle_fin*"))
    assert "idle/fin-closes" in judge("judge", one).out
    one.write_text("no trace\n")
    assert "not a trace" in judge("judge", one).err


def test_a_file_as_scenario(tmp_path):
    (tmp_path / "mine").mkdir()
    path = tmp_path / "mine" / "one.toml"
    path.write_text((ROOT / "scenarios" / "idle" / "fin.toml").read_text())
    ran = judge("scenario", path, out=tmp_path / "out")
    assert ran.code == 0
    assert "mine/one" in {run["scenario"] for run in ran.results["runs"]}
    assert str(path) in next(one["reproduce"] for one in ran.results["results"] if one["scenario"] == "mine/one")
    assert judge("judge", tmp_path / "out").code == 0


@pytest.mark.parametrize(("args", "env", "colored"), [
    ([], {}, False), (["--color", "always"], {}, True), (["--color", "always"], {"NO_COLOR": "1"}, True), (["--color", "never"], {}, False),
])
def test_color_without_a_terminal(args, env, colored, tmp_path):
    ran = judge("scenario", HEALTHY, *args, out=tmp_path / "out", **env)
    assert ("\x1b[" in ran.out) is colored


@pytest.mark.parametrize(("env", "colored"), [({}, True), ({"NO_COLOR": "1"}, False)])
@needs_terminal
def test_on_a_terminal(env, colored, tmp_path):
    """Progress on standard error, colors on standard output unless NO_COLOR is set."""
    ends = [pty.openpty() for _ in range(2)]
    process = subprocess.Popen(
        [PYTHON, "-m", "judge", "scenario", HEALTHY, "--out", str(tmp_path / "out")], cwd=ROOT, env=environment(**env),
        stdout=ends[0][1], stderr=ends[1][1],
    )
    process.wait(30)
    out, err = (os.read(end[0], 1 << 20).decode() for end in ends)
    for pair in ends:
        for fd in pair:
            os.close(fd)
    assert f"1/1  {HEALTHY}" in err
    assert ("\x1b[32m" in out) is colored
    assert HEALTHY in out


def test_quiet_and_verbose(tmp_path):
    assert HEALTHY not in judge("scenario", HEALTHY, "-q", out=tmp_path / "out").out
    assert "pass setkeepalive/immediate: " in judge("scenario", HEALTHY, "-v", out=tmp_path / "out").out


def test_gate_on_the_command_line(tmp_path):
    ran = judge("scenario", HEALTHY, "--fail-on", "reuse<0.95", out=tmp_path / "out")
    assert ran.code == 1 and "there is no load run that it looks at" in ran.out
    ran = judge("scenario", "load/healthy", "--fail-on", "reuse<0.5,errors>0", out=tmp_path / "out")
    assert ran.code == 0, ran.out
    ran = judge("scenario", "load/healthy", "--fail-on", "requests>1", out=tmp_path / "out")
    assert ran.code == 1 and "gate requests>1: " in ran.out
