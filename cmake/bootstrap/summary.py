#!/usr/bin/env python3
"""One summary over all test runners.

Reads a table of runs (title, JUnit file, exit status, seconds) and prints what each runner
counted, every reason for a skip, every failure with the end of what it said, and the total as the
last line. A runner that ran no test, left no result, or failed without naming a test counts as one
failure.
"""

import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Run:
    title: str
    seconds: float
    passed: int = 0
    failures: list = field(default_factory=list)  # (test, what it said)
    skips: list = field(default_factory=list)  # (reason, test)


def read_run(title, junit, status, seconds):
    run = Run(title, float(seconds))
    for case in test_cases(junit):
        count_case(run, case)
    if run.passed + len(run.failures) + len(run.skips) == 0:
        run.failures.append(("no test ran: it was not built, or it broke off; see build/logs", ""))
    elif status != "0" and not run.failures:
        run.failures.append((f"the runner ended with exit status {status}; see build/logs", ""))
    return run


def test_cases(junit):
    """None when the runner broke off before it could write them, or while it did."""
    try:
        return list(ElementTree.parse(junit).iter("testcase"))
    except (FileNotFoundError, ElementTree.ParseError):
        return []


def count_case(run, case):
    name = case.get("name", "?")
    skipped = case.find("skipped")
    failed = next((found for kind in ("failure", "error")
                   if (found := case.find(kind)) is not None), None)
    if failed is not None:
        run.failures.append((name, failed.text or case.findtext("system-out") or ""))
    elif skipped is not None:
        run.skips.append((skip_reason(case, skipped), name))
    else:
        run.passed += 1


def end_of(text, lines=40):
    kept = text.rstrip().splitlines()[-lines:]
    return "\n".join(f"    | {line}" for line in kept)


def skip_reason(case, skipped):
    """What pytest gives as the message, and a doctest case prints as `skipped: REASON`."""
    output = case.findtext("system-out") or ""
    for line in output.splitlines():
        _, mark, reason = line.partition("skipped: ")
        if mark:
            return reason.strip()
    return skipped.get("message") or "no reason given"


def report(runs):
    width = max(len(run.title) for run in runs)
    for run in runs:
        print(f"{run.title:{width}}  {run.passed:5} passed {len(run.failures):4} failed"
              f" {len(run.skips):4} skipped {run.seconds:8.1f} s")

    skips = defaultdict(list)
    for run in runs:
        for reason, test in run.skips:
            skips[reason].append(test)
    if skips:
        print("\nSkipped:")
        for reason, tests in sorted(skips.items()):
            more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
            print(f"  {reason} ({tests[0]}{more})")

    failures = [(run.title, *failure) for run in runs for failure in run.failures]
    if failures:
        print("\nFailed:")
        for title, test, said in failures:
            print(f"  {title}: {test}")
            if said.strip():
                print(end_of(said))

    print(f"\nvmlift: {sum(run.passed for run in runs)} passed, {len(failures)} failed,"
          f" {sum(len(run.skips) for run in runs)} skipped")
    return 1 if failures else 0


if __name__ == "__main__":
    table = Path(sys.argv[1]).read_text().splitlines()
    sys.exit(report([read_run(*row.split("\t")) for row in table]))
