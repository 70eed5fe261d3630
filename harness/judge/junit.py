"""junit.xml: a test case for each verdict. pytest's own would have one for each scenario, and could not know of what is
only known when all have run: controls that failed, failures that were known."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

NOT_XML = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ELEMENT = {"fail": "failure", "error": "error", "inconclusive": "error", "blocked": "skipped", "skipped": "skipped"}


def text(results: dict[str, Any]) -> str:
    suite = ET.Element("testsuite", name="poolspec", timestamp=results["started"], time=str(results["elapsed_s"]))
    elapsed = {(run["scenario"], run["subject"], run["repeat"]): run["elapsed_s"] for run in results["runs"]}
    counts = {"failure": 0, "error": 0, "skipped": 0}
    for one in results["results"]:
        case = ET.SubElement(
            suite, "testcase", classname=f"{one['subject']}.{one['scenario']}", name=one["clause"],
            time=str(elapsed.pop((one["scenario"], one["subject"], one["repeat"]), 0)),  # the run's time, once
        )
        kind = "skipped" if one.get("known") else ELEMENT.get(one["verdict"])
        if kind:
            counts[kind] += 1
            reason = f"known: {one['known']['reason']}" if one.get("known") else f"{one['verdict']}: {one['seen']}"
            ET.SubElement(case, kind, message=clean(reason)).text = clean(
                f"expected: {one['expected']}\nseen: {one['seen']}\ntrace: {one['trace']}\nagain: {one['reproduce']}"
            )
    for row in results["gates"]:
        case = ET.SubElement(suite, "testcase", classname="gate", name=f"{row['rule']} {row['scenario'] or ''}".strip())
        if row["broken"]:
            counts["failure"] += 1
            ET.SubElement(case, "failure", message=f"{row['rule']}: {row['value']}")
    for problem in results["problems"]:
        counts["failure"] += 1
        ET.SubElement(ET.SubElement(suite, "testcase", classname="run", name="problem"), "failure", message=clean(problem))
    suite.set("tests", str(len(suite)))
    for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(name, str(counts[kind]))
    root = ET.Element("testsuites")
    root.append(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def clean(value: str) -> str:
    return NOT_XML.sub("?", value)
