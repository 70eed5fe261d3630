"""What the subject answered."""

from judge.trace import Event, Expectation, Finding, Trace

JUDGES_REPLIES = True  # a step that is expected here may fail: this checker says how


def check(trace: Trace, *, expect: list[Expectation]) -> Finding:
    """expect: one table for each answer: `of` = the label of a step, of an exchange, or of one of its commands
    ("a.setkeepalive"). The other keys are what it must say: `ok` = true (also where neither this nor an error is named),
    false (with some text), or "either"; `err` = the pool's words or a list of those allowed, `err_has` = a part of them,
    `body_has` likewise; and value, reused, status, data, partial, sent, phase, which must be equal."""
    for wanted in expect:
        answer = trace.answer(wanted["of"])
        expected = _say(wanted)
        if answer is None:
            return Finding(False, expected, f'"{wanted["of"]}" was never answered', trace.end_t)
        if not _fits(answer, wanted):
            seen = f'"{wanted["of"]}" was answered {_shown(answer)}'
            return Finding(False, expected, seen, answer.t, trace.conn_of(wanted["of"]))
    return Finding(True, "; ".join(map(_say, expect)), "so it was")


def _fits(answer: Event, wanted: Expectation) -> bool:
    for key, value in wanted.items():
        if key == "err":
            fits = answer.get("err") in (value if isinstance(value, list) else [value])
        elif key in ("err_has", "body_has"):
            fits = value in (answer.get(key[:-4]) or "")
        else:
            fits = key in ("of", "ok") or answer.get(key) == value
        if not fits:
            return False
    ok = wanted.get("ok", not {"err", "err_has"} & wanted.keys())
    return ok == "either" or (answer["ok"] is ok and (ok or bool(answer.get("err"))))


def _say(wanted: Expectation) -> str:
    fields = {key: value for key, value in wanted.items() if key != "of"} or {"ok": True}
    return f'"{wanted["of"]}" is answered ' + ", ".join(f"{key}: {value!r}" for key, value in fields.items())


def _shown(answer: Event) -> str:
    hidden = {"t", "who", "ev", "id", "label", "token", "headers"}
    return ", ".join(f"{key}: {value!r}" for key, value in answer.items() if key not in hidden and value is not None)
