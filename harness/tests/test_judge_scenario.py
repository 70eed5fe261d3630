"""Scenario and clause files are read strictly: each thing that is wrong is told in a sentence with file, place and nearest match."""

from __future__ import annotations

from pathlib import Path

import pytest
from judge import checkers
from judge.clauses import load_clauses
from judge.errors import UsageError
from judge.name_server import Record
from judge.project import Project
from judge.scenario import load_scenarios, read_scenario
from judge.sources import read_document
from judge_kit import PROJECT, ROOT

GOOD = """
summary = "s"
expect = "e"
step = [{ exchange = "a" }, { op = "connect", sock = "b", to = "origin", label = "b" }]
check = [{ clause = "setkeepalive/immediate", checker = "served_by", same = [["a", "b"]] }]
"""
ON_REAL = """
summary = "s"
expect = "e"
network = { kind = "pair" }
real = { kind = "nginx" }
step = [{ exchange = "a" }, { pass_ms = 1 }]
check = [{ clause = "tcp/probes-while-quiet", checker = "wire_saw", ev = "probe" }]
"""
GOOD_LOAD = """
summary = "s"
expect = "e"
load = { users = 1, requests = 1 }
check = [{ clause = "load/reuse-as-predicted", checker = "load_figures", expect = { failed = 0 } }]
"""


def read(text: str, folder: Path, name: str = "family/slug"):
    path = folder / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return read_scenario(path, PROJECT)


def test_good_ones(tmp_path):
    assert read(GOOD, tmp_path).name == "family/slug"
    assert read(GOOD, tmp_path).level == "socket"
    assert read(GOOD_LOAD, tmp_path).load == {"users": 1, "requests": 1}


def test_names_and_the_deaf(tmp_path):
    told = 'dns = { "a.test" = ["127.0.0.1"], "b.test" = "not found", "c.test" = { addresses = ["127.0.0.2"], after_ms = 3 } }'
    servers = 'server = [{}, { name = "d", listen = "deaf" }]'
    found = read(GOOD.replace('expect = "e"', f'expect = "e"\n{servers}\n{told}'), tmp_path)
    assert [server.listen for server in found.servers] == ["tcp", "deaf"]
    assert found.names == {
        "a.test": Record(("127.0.0.1",)), "b.test": Record(word="not found"), "c.test": Record(("127.0.0.2",), after_ms=3),
    }


def test_filled_data(tmp_path):
    steps = '{ exchange = "a" }, { act = "send", conn = "a", fill = 5 }, { op = "send", sock = "a", fill = 7 },'
    found = read(GOOD.replace('{ exchange = "a" },', steps), tmp_path)
    assert found.steps[1].fields == {"data": "....."}
    assert found.steps[2].fields == {"sock": "a", "fill": 7}


BAD = [  # (replace this, by that): part of the sentence
    (GOOD, 'summary = "s"', "", 'the key "summary" is missing'),
    (GOOD, 'summary = "s"', 'summary = ""', '"summary" is empty'),
    (GOOD, 'summary = "s"', "summary = 1", '"summary" must be a string, not 1'),
    (GOOD, 'summary = "s"', 'summary = "s"\nsumary = "s"', 'unknown key "sumary"; did you mean "summary"?'),
    (GOOD, 'summary = "s"', 'summary = "s', "not a TOML file"),
    (GOOD, 'summary = "s"', 'summary = "s"\nsummary = "t"', "not a TOML file"),
    (GOOD, 'expect = "e"', 'expect = "e"\nneeds = ["pool_sice"]', 'unknown needs "pool_sice"; did you mean "pool_size"?'),
    (GOOD, 'expect = "e"', 'expect = "e"\ntags = ["slo"]', 'unknown tags "slo"; did you mean "slow"?'),
    (GOOD, 'expect = "e"', 'expect = "e"\npool = { max_idel = 1 }', '[pool]: unknown key "max_idel"; did you mean "max_idle"?'),
    (GOOD, 'expect = "e"', 'expect = "e"\nserver = [{ listen = "udp" }]', '[[server]] 1: unknown listen "udp"'),
    (GOOD, 'expect = "e"', 'expect = "e"\nserver = [{ listen = "deaf", on = "request" }]',
     "[[server]] 1: a deaf server accepts nobody"),
    (GOOD, 'expect = "e"', 'expect = "e"\ndns = { "a.test" = "not fond" }', 'unknown a.test "not fond"; did you mean "not found"?'),
    (GOOD, 'expect = "e"', 'expect = "e"\ndns = { "a.test" = ["::1"] }', 'a.test: "::1" is no IPv4 address'),
    (GOOD, 'expect = "e"', 'expect = "e"\ndns = { "a.test" = { after = 1 } }', 'unknown key "after"; did you mean "after_ms"?'),
    (GOOD, '{ exchange = "a" },', '{ exchange = "a" }, { op = "cancel", target = "aa" },',
     '[[step]] 2: no step has the label "aa"; did you mean'),
    (GOOD, 'expect = "e"', 'expect = "e"\nserver = [{ }, { }]', '[[server]] 2: a second server "origin"'),
    (GOOD, 'expect = "e"', 'expect = "e"\nserver = [{ behaviours = [{ name = "close-idel" }] }]',
     '[[behaviours]] 1: unknown name "close-idel"; did you mean "close-idle"?'),
    (GOOD, 'expect = "e"', 'expect = "e"\nserver = [{ behaviours = [{ name = "close-idle", aftr_ms = 1 }] }]',
     'unknown key "aftr_ms"; did you mean "after_ms"?'),
    (GOOD, 'expect = "e"', 'expect = "e"\nserver = [{ behaviours = [{ name = "close-idle", after_ms = "x" }] }]',
     '"after_ms" must be a whole number or a number, not \'x\''),
    (GOOD, 'expect = "e"', 'expect = "e"\nserver = [{ behaviours = [{ name = "stray-idle", what = "bite" }] }]',
     'unknown what "bite"; did you mean "byte"?'),
    (GOOD, '{ exchange = "a" }', '{ exchang = "a" }', 'a step has exactly one verb'),
    (GOOD, '{ exchange = "a" }', '{ exchang = "a" }', 'did you mean "exchange"?'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a", mark = "m" }', "this one has exchange and mark"),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a", lable = "m" }', '[[step]] 1: unknown key "lable"'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a", to = "orign" }', '[[step]] 1: unknown to "orign"; did you mean "origin"?'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { exchange = "a" }', '[[step]] 2: a second "a"'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "fin_seen" }', "is the name of a server's event"),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { op = "conect", sock = "x" }', 'unknown op "conect"; did you mean "connect"?'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { op = "connect", sock = "x" }', 'connect needs "to"'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { op = "send", data = "x" }', 'the key "sock" is missing'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { op = "send", sock = "x", size = 1 }', 'unknown key "size"'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { op = "batch" }', "a batch needs commands"),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { op = "batch", commands = [{ op = "sent", sock = "x" }] }',
     'unknown op "sent"; did you mean "send"?'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { act = "finn", conn = 1 }', 'unknown act "finn"; did you mean "fin"?'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { act = "fin", conn = "aa" }', 'no step has the label "aa"; did you mean "a"?'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { await = "fin_see" }', 'unknown await "fin_see"; did you mean "fin_seen"?'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { reply_of = "x" }', 'no step has the label "x"'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { pass_ms = -1 }', '"pass_ms" must be at least 0'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { unlisten = "orign" }', 'unknown unlisten "orign"'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { net = "cut" }', '"cut" happens to a network of kind "pair" or "nat"'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { await = "probe" }', "probe can be seen only where there is a [network]"),
    (ON_REAL, 'real = { kind = "nginx" }\nstep = [{ exchange = "a" }', 'step = [{ bind = "origin" }', "which is not in the [network]"),
    (GOOD, 'expect = "e"', 'expect = "e"\nnetwork = { kind = "nap" }', 'unknown kind "nap"; did you mean "nat"?'),
    (GOOD, 'expect = "e"', 'expect = "e"\nnetwork = { kind = "pair", entry_s = 2 }', '"entry_s" is of a nat'),
    (GOOD, 'expect = "e"', 'expect = "e"\nnetwork = { kind = "pair" }\nserver = [{ listen = "unix" }]', "servers that listen on tcp"),
    (GOOD_LOAD, 'expect = "e"', 'expect = "e"\nnetwork = { kind = "pair" }', "[network] goes with steps"),
    (GOOD, 'clause = "setkeepalive/immediate"', 'clause = "setkeepalive/imediate"',
     '[[check]] 1: unknown clause "setkeepalive/imediate"; did you mean "setkeepalive/immediate"?'),
    (GOOD, 'checker = "served_by"', 'checker = "servd_by"', 'unknown checker "servd_by"; did you mean "served_by"?'),
    (GOOD, "same =", "sam =", 'checker "served_by" has no parameter "sam"; did you mean "same"?'),
    (GOOD, '[["a", "b"]]', '["a", "b"]', '"same" of checker "served_by" must be a list'),
    (GOOD, '[["a", "b"]]', '[["a", "c"]]', '[[check]] 1: no step has the label "c"'),
    (GOOD, '[["a", "b"]]', '[["a", true]]', "must be a connection's number or a label"),
    (GOOD, 'checker = "served_by", same = [["a", "b"]]', 'checker = "ended"', 'checker "ended" needs "conns"'),
    (GOOD, 'checker = "served_by", same = [["a", "b"]]', 'checker = "replies", expect = [{ ok = true }]', 'needs "of"'),
    (GOOD, 'checker = "served_by", same = [["a", "b"]]', 'checker = "replies", expect = [{ of = "a", er = "x" }]',
     'knows no "er"; did you mean "err"?'),
    (GOOD, 'check = [', 'check = [{ clause = "setkeepalive/immediate", checker = "accepted", count = 1 }, ',
     '[[check]] 2: a second check of "setkeepalive/immediate"'),
    (GOOD, 'clause = "setkeepalive/immediate"', 'clause = "trace/right-caller"', "what is checked on every trace is not asked for"),
    (GOOD, GOOD[GOOD.index("check"):], "", "nothing was checked"),
    (GOOD, GOOD[GOOD.index("check"):], "check = []", "nothing was checked"),
    (GOOD, GOOD[GOOD.index("step"):GOOD.index("check")], "", "either [[step]]s or [load]"),
    (GOOD, 'expect = "e"', 'expect = "e"\nload = { users = 1, requests = 1 }', "either [[step]]s or [load]"),
    (GOOD_LOAD, "requests = 1", "reqests = 1", 'unknown key "reqests"; did you mean "requests"?'),
    (GOOD_LOAD, "requests = 1", "requests = 1, duration_s = 1", 'exactly one of "requests" and "duration_s"'),
    (GOOD_LOAD, "users = 1", "users = 1, ports = 7", '"ports" must be even, not 7'),
    (GOOD_LOAD, "users = 1, requests = 1", "users = 1, requests = 1, ports = 8 }\nreal = { kind = \"nginx\"", "one mock server on TCP"),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { states = "a", until = { client = "TIMEWAIT" } }', 'did you mean "TIME_WAIT"?'),
    (GOOD, '{ exchange = "a" }', '{ exchange = "a" }, { states = "c" }', 'no step has the label "c"'),
    (GOOD_LOAD, "users = 1", "users = 0", '"users" must be at least 1, not 0'),
    (GOOD_LOAD, "{ failed = 0 }", "{ }", "must be a table of figures that is not empty"),
    (GOOD_LOAD, "{ failed = 0 }", "{ failed = [0] }", "needs a number or [least, most]"),
    (GOOD, 'expect = "e"', 'expect = "e"\nreal = { kind = "nginx" }', "[real] with steps needs a [network]"),
    (ON_REAL, "{ pass_ms = 1 }", '{ act = "fin", conn = "a" }', "[[step]] 2: a real server can neither be told anything nor tells"),
    (ON_REAL, "{ pass_ms = 1 }", '{ await = "fin_seen" }', "[[step]] 2: a real server can neither be told anything nor tells"),
    (ON_REAL, "{ pass_ms = 1 }", '{ await = "fin", conn = "a" }', "[[step]] 2: a real server can neither be told anything nor tells"),
    (GOOD_LOAD, 'expect = "e"', 'expect = "e"\nreal = { kind = "ngink" }', 'unknown kind "ngink"; did you mean "nginx"?'),
]


@pytest.mark.parametrize(("text", "old", "new", "sentence"), BAD, ids=[row[3] for row in BAD])
def test_bad_ones(text, old, new, sentence, tmp_path):
    assert old in text
    with pytest.raises(UsageError) as caught:
        read(text.replace(old, new), tmp_path)
    assert sentence in str(caught.value)
    assert "slug.toml: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bad_name(tmp_path):
    with pytest.raises(UsageError, match="is not family/slug"):
        read(GOOD, tmp_path, "Family/Slug")


@pytest.mark.parametrize(("ops", "level"), [
    ('{ exchange = "x" }', None),
    ('{ exchange = "x", keep = false }', "socket"),
    ('{ exchange = "x", timeout_ms = 5 }', "socket"),
    ('{ op = "request", to = "origin" }', "request"),
    ('{ op = "block", ms = 1 }', None),
    ('{ op = "batch", commands = [{ op = "connect", sock = "s", to = "origin" }] }', "socket"),
])
def test_level_is_what_the_steps_ask_for(ops, level, tmp_path):
    text = GOOD.replace(', { op = "connect", sock = "b", to = "origin", label = "b" }', f", {ops}").replace('["a", "b"]', '["a"]')
    assert read(text, tmp_path).level == level


def test_repeated_steps_are_numbered(tmp_path):
    text = GOOD.replace('{ exchange = "a" }', '{ exchange = "x #", sock = "s#", repeat = 3 }').replace('"a", "b"', '"x 1", "x 3"')
    labels = [step.about for step in read(text, tmp_path).steps[:3]]
    assert labels == ["x 1", "x 2", "x 3"]


@pytest.mark.parametrize(("controls", "sentence"), [
    ({"a": ["b"], "b": ["c"], "c": ["a"]}, "goes round in a circle: f/a -> f/b -> f/c -> f/a"),
    ({"a": ["a"], "b": [], "c": []}, "goes round in a circle: f/a -> f/a"),
    ({"a": ["bb"], "b": [], "c": []}, 'depends_on names "f/bb", which is no scenario; did you mean "f/b"?'),
])
def test_controls(controls, sentence, tmp_path):
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "semantics").symlink_to(ROOT / "scenarios" / "semantics")
    (tmp_path / "build").symlink_to(ROOT / "build")
    for name, others in controls.items():
        text = GOOD + f"\ndepends_on = {[f'f/{one}' for one in others]}"
        read(text, folder, f"f/{name}")
    with pytest.raises(UsageError) as caught:
        load_scenarios(Project(tmp_path))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(("text", "sentence"), [
    ('[a-b]\ntext="t"\nsource="s"\nlevel="requird"\nsince="0.1"', '[a-b]: unknown level "requird"; did you mean "required"?'),
    ('[a-b]\ntext="t"\nsource="s"\nlevel="claim"\nsince="0.1"', 'the key "says" is missing'),
    ('[a-b]\ntext="t"\nsource="s"\nlevel="claim"\nsays="refuted"\nsince="0.1"', 'the key "happens" is missing'),
    ('[a-b]\ntext="t"\nsource="s"\nlevel="required"\nhappens="h"\nsince="0.1"', 'unknown key "happens"'),
    ('[a-b]\ntext="t"\nsource="s"\nlevel="optimal"\nsince="0.1"\nnote="x"', 'unknown key "note"'),
    ('[A_b]\ntext="t"\nsource="s"\nlevel="optimal"\nsince="0.1"', '"A_b" is not a slug'),
    ('a-b = 1', '"a-b" must be a table'),
    ('[a-b]\n[a-b]', "not a TOML file"),
])
def test_bad_clauses(text, sentence, tmp_path):
    (tmp_path / "family.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load_clauses(tmp_path)
    assert sentence in str(caught.value)
    assert "family.toml" in str(caught.value)


@pytest.mark.parametrize(("text", "sentence"), [
    ('title="t"\npublic_name="p"', "a document without a [[sentence]]"),
    ('title="t"\npublic_name="p"\n[[sentence]]\ntext="s"', '[[sentence]] 1: one of "clauses" and "not_checkable" is needed, and only one'),
    ('title="t"\npublic_name="p"\n[[sentence]]\ntext="s"\nclauses=["trace/right-caler"]', 'did you mean "trace/right-caller"?'),
    ('title="t"\npublic_name="p"\n[[sentence]]\ntext="s"\nat="t, 2"\nnot_checkable="n"', '"at" is given for all sentences, as "t, 1"'),
    ('title="t"\npublic_name="p"\n[[sentence]]\ntext="s"\nwhy="n"\nnot_checkable="n"', 'unknown key "why"'),
])  # fmt: skip
def test_bad_documents(text, sentence, tmp_path):
    (tmp_path / "document.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        read_document(tmp_path / "document.toml", PROJECT.clauses)
    assert sentence in str(caught.value) and "document.toml" in str(caught.value)


def test_ours_are_good():
    scenarios = load_scenarios(PROJECT)
    assert len(scenarios) > 35
    for clause, checker in checkers.universal().items():
        assert clause in PROJECT.clauses, f"{checker} convicts at a clause that is not there"
