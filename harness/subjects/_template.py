#!/usr/bin/python3
"""A subject adapter to start from: request level, over Python's http.client and a pool as naive as they come.

Copy it, put your client where `answer` is, and run `./run.sh subject --check PATH`, then `./run.sh scenario --subject PATH`."""

import http.client
import json
import sys
import threading
import urllib.parse

lock = threading.Lock()
idle: dict[str, list[http.client.HTTPConnection]] = {}
asked = False  # configure may only come before that


def say(**line: object) -> None:
    with lock:
        print(json.dumps(line), flush=True)


def answer(number: int, command: dict) -> None:
    """One request, in a thread of its own, so that requests run side by side."""
    url = urllib.parse.urlsplit(command["url"])
    with lock:
        kept = idle.setdefault(url.netloc, [])
        connection = kept.pop() if kept else http.client.HTTPConnection(url.netloc)
    try:
        connection.timeout = command.get("timeout_ms", 60000) / 1000
        if connection.sock:
            connection.sock.settimeout(connection.timeout)
        connection.request(command.get("method", "GET"), url.path, command.get("body"), command.get("headers") or {})
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        reply = {"status": response.status, "headers": headers, "body": response.read().decode("utf-8", "replace")}
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        say(id=number, ok=False, err=f"{type(error).__name__}: {error}")  # the client's own words
        return
    with lock:
        kept.append(connection)
    say(id=number, ok=True, **reply)


say(protocol="subject/1", name="template", version="1", level=["request"], features=[])
for line in sys.stdin:
    command = None
    try:
        command = json.loads(line)
        number, op = command["id"], command["op"]
        if op == "request" and isinstance(command["url"], str):
            asked = True
            threading.Thread(target=answer, args=(number, command), daemon=True).start()
        elif op == "quit":
            break
        else:
            known = op == "configure" and not asked
            say(id=number, ok=known, **({} if known else {"err": "protocol: unknown op, or too late for it"}))
    except (ValueError, KeyError, TypeError) as error:
        say(id=command.get("id") if isinstance(command, dict) else None, ok=False, err=f"protocol: {error}")
