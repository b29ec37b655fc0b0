#!/usr/bin/env python3
"""Shows a loss report: what a person has to do, what was dropped and why, what was decided."""

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

report = json.loads(Path(sys.argv[1]).read_text())
counts = Counter(entry["status"] for entry in report["entries"])
print(f"{counts.total()} keys: " + ", ".join(f"{counts[name]} {name}" for name in counts))

# Keys that ended alike for the same reason share a line.
groups = defaultdict(list)
for entry in report["entries"]:
    if entry["status"] not in ("kept", "mapped"):
        groups[entry["status"], entry.get("action") or entry.get("reason")].append(entry["key"])
for (status, why), keys in sorted(groups.items(), reverse=True):
    names = keys[0].split("/", 1)[-1] if len(keys) == 1 else f"{len(keys)} keys"
    print(f"{status:12}  {names}: {why}")
for decision in report["decisions"]:
    print(f"{'decided':12}  {decision['name']} = {decision['value']}: {decision['reason']}")
