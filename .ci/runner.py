#!/usr/bin/env python3
"""Runs the stages of .ci/stages, and prints a table of their seconds and results.

    .ci/run               runs the stages that every change has to pass; stops at the first failure
    .ci/deep              runs every stage at full length, some of them beside others; continues after a failure
    .ci/deep STAGE…       runs only these at full length, in this order; continues after a failure
    .ci/stage STAGE…      runs only these, as .ci/run does; stages that only .ci/deep runs, at full length
    … --list              lists the stages: where each one runs, and which mistakes only it finds

A stage is a script for bash; its head says `# Only this stage finds: …`, `# Runs in: run, deep.` and, if it needs any,
`# Tools: …` and `# Tools in deep: …`, which .ci/tool installs in the background from the start. A stage exits with 77
if it is skipped. CI_DIRECTORY is a directory for all stages of this call, and WORK one for only this stage; the runner
removes both. A stage writes into the repository only files that .gitignore names.
"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
STAGES = ROOT / ".ci/stages"
# Cheap stages come first. After `tests` come the stages that use its compiled programs, and last those that compile
# again.
ORDER = """lint walls dependencies template guide tests shared-build parsers fuzz faults dynamodb-local okta canaille scim2-tester scim2-client scim-sanity openapi
    acceptance stack extensions costs models releases deaths paging load precis instructions worst sbom sam-local""".split()
# The result of these does not depend on how busy the machine is. When .ci/deep has run the stages of ALONE, it runs
# these one after the other, at a low priority, beside those that remain. `extensions` is alone because it compiles
# programs that others use with other schemas, and `acceptance` because it expects bulk requests to end in time.
BESIDE = "models releases deaths fuzz precis instructions sbom".split()
ALONE = ORDER[:ORDER.index("extensions") + 1]
SKIPPED = 77
TAIL = 80


class Stage:
    def __init__(self, name):
        self.name, self.path = name, STAGES / f"{name}.sh"
        comment = re.match(r"(?:#.*\n)*", self.path.read_text())[0].replace("\n# ", " ")
        self.finds = re.search(r"Only this stage finds: (.*?\.) Runs in:", comment)[1]
        self.depths = re.search(r"Runs in: ([a-z, ]+)\.", comment)[1].split(", ")
        self.tools = self.listed(comment, "Tools")
        self.tools_in_deep = self.tools + self.listed(comment, "Tools in deep")
        self.seconds, self.result, self.omissions, self.log = 0, "", [], []
        self.process = None

    @staticmethod
    def listed(comment, label):
        found = re.search(rf"{label}: ([a-z0-9+, -]+)\.", comment)
        return found[1].split(", ") if found else []

    def run(self, depth, directory, is_beside=False):
        """Runs the stage, keeps its output, and prints it as it arrives, or at the end if others run beside it."""
        say = self.log.append if is_beside else self.say
        say(f"\n== {self.name}\n")
        began = time.monotonic()
        with tempfile.TemporaryDirectory(dir=directory, prefix=f"{self.name}-") as work:
            environment = {**os.environ, "DEPTH": depth, "CI_DIRECTORY": directory, "WORK": work, "PYTHONDONTWRITEBYTECODE": "1"}
            command = ["bash", "-euo", "pipefail", "-c", 'source .ci/prelude.sh; source "$1"', self.name, str(self.path)]
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
                                            preexec_fn=lambda: os.nice(10 if is_beside else 0))
            try:
                for line in self.process.stdout:
                    say(line)
                status = self.process.wait()
            except BaseException:
                self.stop()
                raise
        self.seconds = time.monotonic() - began
        self.omissions = [line for line in self.log if line.startswith("SKIPPED: ")]
        self.result = {0: "passed", SKIPPED: "skipped"}.get(status, "failed")
        if is_beside:
            print("".join(self.log), end="", flush=True)

    def say(self, line):
        print(line, end="", flush=True)
        self.log.append(line)

    def stop(self):
        """Stops the stage, which stops the servers that it has started."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait()


def stages():
    scripts = {path.stem for path in STAGES.glob("*.sh")}
    if scripts != {*ORDER}:
        sys.exit(f"these stages are in only one of .ci/stages and .ci/runner.py: {' '.join(sorted(scripts ^ {*ORDER}))}")
    return [Stage(name) for name in ORDER]


def chosen(mode, names):
    """Each stage with its depth."""
    known = {stage.name: stage for stage in stages()}
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"there is no stage {' '.join(unknown)}; the stages are: {' '.join(known)}")
    if mode == "stage" and not names:
        sys.exit(__doc__)
    selected = [known[name] for name in names] or [stage for stage in known.values() if mode in stage.depths]
    return [(stage, "run" if mode != "deep" and "run" in stage.depths else "deep") for stage in selected]


def install(selected):
    """Starts to install all tools, one after the other, at a low priority. Each stage waits for its tools."""
    tools = dict.fromkeys(tool for stage, depth in selected for tool in (stage.tools_in_deep if depth == "deep" else stage.tools))
    return subprocess.Popen([ROOT / ".ci/tool", *tools], preexec_fn=lambda: os.nice(10), start_new_session=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) if tools else None


def changes():
    """The lines in which `git status` lists the changes of the work tree."""
    ran = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True)
    return {*ran.stdout.splitlines()} if ran.returncode == 0 else set()


class Beside(threading.Thread):
    """Runs stages one after the other, beside those of the main thread."""

    def __init__(self, selected, directory):
        super().__init__(daemon=True)
        self.selected, self.directory, self.is_stopped = selected, directory, False

    def run(self):
        for stage, depth in self.selected:
            if self.is_stopped:
                break
            stage.run(depth, self.directory, is_beside=True)

    def stop(self):
        self.is_stopped = True
        for stage, _ in self.selected:
            stage.stop()


def run_in_order(mode, selected, directory):
    """Runs the stages, until one fails if not in deep; returns those that ran."""
    ran = []
    for stage, depth in selected:
        ran.append(stage)
        stage.run(depth, directory)
        if stage.result == "failed" and mode != "deep":
            break
    return ran


def run_in_lanes(selected, directory):
    """Runs the stages of ALONE, and then those of BESIDE beside the others; returns all."""
    beside = [(stage, depth) for stage, depth in selected if stage.name in BESIDE]
    others = [(stage, depth) for stage, depth in selected if stage.name not in BESIDE]
    alone = sum(stage.name in ALONE for stage, _ in others)
    run_in_order("deep", others[:alone], directory)
    lane = Beside(beside, directory)
    lane.start()
    try:
        run_in_order("deep", others[alone:], directory)
        lane.join()
    finally:
        lane.stop()
    return [stage for stage, _ in selected]


def report(ran, elapsed):
    for stage in ran:
        if stage.result == "failed":
            print(f"\n== {stage.name} failed; the end of its output:\n{''.join(stage.log[-TAIL:])}", end="")
    print(f"\n{'stage':<16}{'seconds':>9}  result")
    for stage in ran:
        omitted = f", with {len(stage.omissions)} omissions" if stage.omissions and stage.result == "passed" else ""
        print(f"{stage.name:<16}{stage.seconds:>9.0f}  {stage.result}{omitted}")
    print(f"{'elapsed':<16}{elapsed:>9.0f}")
    for stage in ran:
        print("".join(f"{stage.name}: {line}" for line in dict.fromkeys(stage.omissions)), end="")
    count = {result: sum(stage.result == result for stage in ran) for result in ("passed", "failed", "skipped")}
    print(f"stages: {', '.join(f'{number} {result}' for result, number in count.items())}", flush=True)


def main():
    mode, *names = sys.argv[1:]
    if "--list" in names:
        for stage in stages():
            print(f"{stage.name:<16}{', '.join(stage.depths):<11}{stage.finds}")
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    selected, before, began = chosen(mode, names), changes(), time.monotonic()
    installer = install(selected)
    try:
        with tempfile.TemporaryDirectory(prefix="scim-on-lambda-") as directory:
            ran = run_in_order(mode, selected, directory) if names or mode != "deep" else run_in_lanes(selected, directory)
    finally:
        if installer and installer.poll() is None:
            os.killpg(installer.pid, signal.SIGTERM)
    report(ran, time.monotonic() - began)
    if written := changes() - before:
        print("the stages wrote into the repository:", *sorted(written), sep="\n")
    sys.exit(any(stage.result == "failed" for stage in ran) or "CI" in os.environ and bool(written))


main()
