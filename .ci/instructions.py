#!/usr/bin/env python3
"""Compares the instructions of each step and operation with a baseline.

Usage: instructions.py [--keep]
Runs the benchmark `instructions`, which needs valgrind and gungraun-runner, and prints a table in Markdown. The
exit code is 1 if a step takes 5 percent more instructions than in the baseline, or is in only one of both. --keep makes
the counted instructions the baseline.
"""
import json
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent
BASELINE = ROOT / "shared/benchmarks/report/baseline.json"
FOUND = ROOT / "target/gungraun/benchmarks/instructions"
MORE = 1.05

shutil.rmtree(FOUND, ignore_errors=True)
bench = ["cargo", "bench", "--workspace", "--locked", "--bench", "instructions", "--", "--save-summary=json"]
ran = subprocess.run(bench, cwd=ROOT, capture_output=True, text=True)
if ran.returncode:
    sys.exit(ran.stdout[-3000:] + ran.stderr[-5000:])


def counted(path):
    summary = json.loads(path.read_text())
    name = f"{summary['function_name']}: {summary['id']}".replace("_", " ")
    return name, summary["profiles"][0]["data"]["total"]["metrics"]["Ir"]["values"]["new"]


now = dict(sorted(counted(path) for path in FOUND.glob("*/*/summary.json")))
if not now or not all(now.values()):
    sys.exit("the benchmark counted no instructions")
before = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
print("| step or operation | instructions | ratio to the baseline |\n|---|---|---|")
for name, count in now.items():
    print(f"| {name} | {count:,} | {count / before[name]:.3f} |" if name in before else f"| {name} | {count:,} | new |")
if "--keep" in sys.argv:
    BASELINE.write_text(json.dumps(now, indent=2) + "\n")
    sys.exit()
wrong = [f"{name}: it is in only one of benchmark and baseline" for name in sorted(now.keys() ^ before.keys())]
wrong += [
    f"{name}: {count:,} instructions, {(count / before[name] - 1) * 100:.1f} % more than the baseline"
    for name, count in now.items()
    if name in before and count > before[name] * MORE
]
print("\n".join(wrong), file=sys.stderr)
sys.exit(bool(wrong))
