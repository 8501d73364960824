"""Runs the benchmarks and writes their report, of which the README shows a plot.

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
    return ["cargo", "bench", "-p", "benchmarks", "--locked", "--bench", name]


def calls(users):
    return ["env", f"COSTS_USERS={users}", "cargo", "test", "-p", "gateway", "--locked", "--test", "it", "--", "costs", "--nocapture"]


# The title of each part, its commands, and whether it runs on both engines.
PARTS = {
    "calls": ("DynamoDB calls and capacity units", [calls(100), calls(100_000)], False),
    "instructions": ("Instructions of each step and operation", [[".ci/instructions.py"]], False),
    "cold": ("Cold start", [bench("cold")], False),
    "groups": ("Groups by number of members", [bench("groups")], True),
    "growth": ("Growth: the time of each operation by the number of users", [bench("growth")], True),
    "throughput": ("Throughput of `cargo run`", [bench("throughput")], True),
    "load": ("A load like Okta's on `cargo run`", [bench("load")], True),
}
ENGINES = ["The embedded engine", "DynamoDB Local"]

# What the tables of a part show, below its heading. The benchmark `cold` prints this itself.
DESCRIPTIONS = {
    "calls": """
The sequential calls of an operation follow one another; its other calls run at the same time as one of them. The embedded
engine counts capacity units as AWS does. The figures come from a test, which fails if a row differs from its budget.
""",
    "instructions": """
Callgrind counts the instructions. The responses of DynamoDB are recordings of the embedded engine, so the figures include
no network. The comparison fails if a row has more than 5 percent more instructions than in `baseline.json`.
""",
    "groups": """
Each row is one operation on a group with the number of members in the first column. Units are read and write units
together. Responses to changes contain no members. After the response, a large change is pending until it is applied to
all membership items; the last column is the time from the request to that moment. Calls and units include this work.
""",
    "growth": """
One tenant grows, and a small tenant in the same DynamoDB table stays at 1,000 users. Each operation runs in both tenants:
first one request at a time, for p50 and p99, and then 8 concurrent requests, for the requests per second.

The table "Growth of p50" of each engine compares the largest number of users with the smallest. The factor is p50 with the
largest number divided by p50 with the smallest. In the small tenant, it shows how much slower the engine itself has become.
The quotient of the two factors is the growth without that of the engine.

The last table of each engine shows groups by their number of members. Responses to its changes contain no members. Changes
of one group are measured only sequentially, because concurrent ones would wait for each other.
""",
    "throughput": """
Each connection sends requests like those of Okta, one after the other, and the benchmark checks each response.
""",
    "load": """
The requests belong to jobs that Okta does, in random order. Okta never deletes a user, but without that job the directory
of each tenant would not keep its size of 250 users and 6 groups.

| job | requests of 100 |
|---|---|
| find a user | 12 |
| search for a user that does not exist, and create it | 8 |
| delete a user | 4 |
| read a user, and write it back by PUT | 20 |
| deactivate a user, find it, reactivate it, and read it | 20 |
| patch a name | 11 |
| change members of a group, and read the group without members | 14 |
| search for a group that does not exist, create it, add members, read it, and delete another group | 5 |
| import all users in pages of 100, and then the groups | 4 |
| test the connection | 2 |

Each tenant has a schedule that does not wait for the server, at most 8 connections, and one import at a time. The time of
a request begins when the request is due. The embedded engine keeps its data in a file and syncs each commit to the disk.
Events are published, as by default in `cargo run`. Memory is flat if the median of the last minute is at most 5 percent
above that of the second minute.
""",
}


class Failed(Exception):
    pass


def output_of(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def machine():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines() if pathlib.Path("/proc/cpuinfo").exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    processor = models[0] if models else platform.machine()
    return f"a machine with {os.cpu_count()} cores of {processor}, {gigabytes:.0f} GiB of memory and {platform.system()} {platform.release()}"


def changed():
    """Whether the measured code differs from the commit; reports and documents do not count."""
    return bool(output_of("git", "status", "--porcelain", "--", "*.rs", "*.toml", "Cargo.lock"))


def head(title, commands):
    commit = output_of("git", "rev-parse", "--short=12", "HEAD") + (" with uncommitted changes" if changed() else "")
    words = [[word for word in command if word not in ("env", "--locked")] for command in commands]
    shown = " and ".join(f"`{' '.join(command)}`" for command in words)
    today = datetime.date.today().isoformat()
    subject = f"The command {shown}" if len(words) == 1 else f"The commands {shown}"
    return f"# {title}\n\n{subject}\nprinted these figures on {today} at commit {commit}, on {machine()}.\n"


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
        text += f"\n![{title.replace('`', '')}]({name}.svg)\n"
    text += DESCRIPTIONS.get(name, "")
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
