#!/usr/bin/env python3
"""Shows a loss report: how many keys ended how, and each one that did not simply carry over."""

import json
import sys
from collections import Counter
from pathlib import Path

report = json.loads(Path(sys.argv[1]).read_text())
entries = report["entries"]
counts = Counter(entry["status"] for entry in entries)
print(f"{len(entries)} keys: " + ", ".join(f"{counts[status]} {status}" for status in counts))
for entry in entries:
    if entry["status"] not in ("kept", "mapped"):
        words = [entry.get("reason"), entry.get("action")]
        print(f"{entry['status']:12} {entry['key']}: " + "; ".join(word for word in words if word))
for decision in report["decisions"]:
    print(f"{'decided':12} {decision['name']} = {decision['value']}: {decision['reason']}")
