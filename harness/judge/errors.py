"""How things go wrong, told apart by who has to act. Each message is one sentence that names the thing."""


class UsageError(Exception):
    """The caller's: an unknown name, option or key, a bad scenario. Exit 2."""


class HarnessError(Exception):
    """Ours or the machine's: a server that dies, a disk that is full. Verdict `error`, exit 3."""


class SubjectError(Exception):
    """The subject's: it crashed, hung, flooded its output or spoke no JSON. Fails the scenario that was running."""


class Skip(Exception):
    """The subject cannot do what the scenario needs. Verdict `skipped`."""
