"""Runs the benchmarks and writes the report that the README shows.

Usage: python3 .ci/report [PART…]
Each part writes the file of its name in shared/benchmarks/report: calls, instructions, cold, groups, growth,
throughput, load, cost. Without a name, the script runs all parts, which takes some hours. If DYNAMODB_ENDPOINT is set,
the parts that depend on the engine run on the embedded engine and then on that one. The script draws plots with
matplotlib, which it installs once in a separate environment. A part that fails leaves its file unchanged, and the
script continues with the next one; the exit code is the number of failed parts.
"""
import datetime
import os
import pathlib
import platform
import subprocess
import sys

import cost
import plots

ROOT = pathlib.Path(__file__).parents[2]
REPORT = ROOT / "shared/benchmarks/report"


def bench(name):
    return ["cargo", "bench", "--workspace", "--locked", "--bench", name]


def calls(users):
    return ["env", f"COSTS_USERS={users}", "cargo", "test", "-p", "gateway", "--locked", "--test", "it", "--", "costs", "--nocapture"]


# The title of each part, its commands, and whether it runs on both engines.
PARTS = {
    "calls": ("Calls of DynamoDB and capacity units", [calls(100), calls(100_000)], False),
    "instructions": ("Instructions of each step and operation", [[".ci/instructions.py"]], False),
    "cold": ("Cold start", [bench("cold")], False),
    "groups": ("Groups, by their size", [bench("groups")], True),
    "growth": ("Growth: what each operation takes, by the number of users", [bench("growth")], True),
    "throughput": ("Throughput of `cargo run`", [bench("throughput")], True),
    "load": ("A load like Okta's", [bench("load")], True),
}
ENGINES = ["The embedded engine", "DynamoDB Local"]


class Failed(Exception):
    pass


def output_of(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def machine():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines() if pathlib.Path("/proc/cpuinfo").exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    processor = models[0] if models else platform.machine()
    return f"{os.cpu_count()} cores of {processor}, {gigabytes:.0f} GiB, {platform.system()} {platform.release()}"


def changed():
    """Whether the measured code differs from the commit; reports and documents do not count."""
    return bool(output_of("git", "status", "--porcelain", "--", "*.rs", "*.toml", "Cargo.lock"))


def head(title, commands):
    commit = output_of("git", "rev-parse", "--short=12", "HEAD") + (" with changes" if changed() else "")
    shown = ", ".join(f"`{' '.join(command[1:] if command[0] == 'env' else command)}`" for command in commands)
    today = datetime.date.today().isoformat()
    return f"# {title}\n\nMade by {shown}.\nOn {today}, of commit {commit}, on {machine()}.\n"


def run(command, environment):
    print(f"== {' '.join(command)}", file=sys.stderr, flush=True)
    ran = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    kept = []
    for line in ran.stdout:
        print(line, end="", flush=True)
        kept.append(line.rstrip())
    if ran.wait():
        raise Failed(f"{' '.join(command)} failed")
    return markdown(kept)


def markdown(lines):
    """The lines without the output of cargo's test runner."""
    noise = ("running ", "test ", "test result")
    text = "\n".join(line for line in lines if not line.startswith(noise))
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip()


def part(name):
    title, commands, on_both = PARTS[name]
    elsewhere = os.environ.get("DYNAMODB_ENDPOINT")
    here = {key: value for key, value in os.environ.items() if key != "DYNAMODB_ENDPOINT"}
    places = [here, here | {"DYNAMODB_ENDPOINT": elsewhere}] if on_both and elsewhere else [here]
    path = REPORT / f"{name}.md"
    text = head(title, commands)
    if name in plots.DRAWN:
        text += f"\n![{title}]({name}.svg)\n"
    for engine, environment in zip(ENGINES, places):
        text += f"\n## {engine}\n" if on_both else ""
        for command in commands:
            text += f"\n{run(command, environment)}\n"
    path.write_text(text)
    if name in plots.DRAWN:
        plots.draw(name, text, path.with_suffix(".svg"))


def main():
    REPORT.mkdir(exist_ok=True)
    chosen = sys.argv[1:] or [*PARTS, "cost"]
    unknown = [name for name in chosen if name not in (*PARTS, "cost")]
    if unknown:
        sys.exit(f"no part has the name {unknown[0]}; {__doc__}")
    failed = []
    for name in chosen:
        try:
            if name == "cost":
                (REPORT / "cost.md").write_text(cost.report(REPORT))
            else:
                part(name)
        except Failed as problem:
            failed.append(f"{name}: {problem}")
    print("\n".join(failed), file=sys.stderr)
    sys.exit(len(failed))


main()
