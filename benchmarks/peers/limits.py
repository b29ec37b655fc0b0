"""What the machine itself can do, measured in the same run: the figures that no copier beats."""

import json
import os
import subprocess
from pathlib import Path

import images
import measure

SAMPLE = 32 << 20


def seconds_to_copy(file):
    """cp of a finished target, holes kept."""
    copy = Path(f"{file}.copy")
    command = ["cp", "--sparse=auto", "--reflink=never", file, copy]
    runs = measure.Runs()
    for _ in range(3):
        measure.run_settled(command, copy, runs)
    copy.unlink()
    return runs.median


def codec_rates(program, raw):
    """Bytes a second of each case of codec_benchmark on all processors, over what is on the disk
    `raw`; nothing where the suite was not built."""
    if not Path(program).exists():
        return {}
    sample = images.make_sample(raw, SAMPLE)
    output = subprocess.run([program, "--benchmark_format=json", "--benchmark_min_time=0.5"],
                            env={**os.environ, "VMLIFT_BENCHMARK_GUEST": str(sample)},
                            check=True, capture_output=True, text=True).stdout
    sample.unlink()
    rates = {}
    for case in json.loads(output)["benchmarks"]:
        name, *rest = case["name"].split("/")
        if f"threads:{os.cpu_count()}" in rest:
            rates[name] = case["bytes_per_second"]
    return rates
