#!/usr/bin/env python3
"""Fuzzes the targets of shared/fuzz with libFuzzer, and extends the corpus.

    .ci/fuzz.py SECONDS [TARGET...]          fuzzes each target for SECONDS, FUZZ_JOBS of them in parallel (default:
                                             one per core)
    .ci/fuzz.py --keep SECONDS [TARGET...]   also adds to shared/fuzz/corpus each text that reaches more code

The seeds are the events of events/ and the exchanges of shared/acceptance. The script needs cargo-fuzz and a C++
compiler, but no nightly Rust: the workspace forbids unsafe code, so it compiles the targets without a sanitizer. A text
that takes more than 10 seconds, or a process that takes more than 1 GB, fails like a panic: the script prints the text,
and the exit code is 1.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUZZ = ROOT / "shared/fuzz"
# API Gateway accepts a URL of at most 10 KB, and the URL may be nearly all of an event.
LONGEST = 16384
# The profile of the functions would take minutes for each target.
PROFILE = {"LTO": "off", "CODEGEN_UNITS": "16", "OPT_LEVEL": "2", "STRIP": "false"}
CARGO_FUZZ = ["--fuzz-dir", str(FUZZ), "--features", "libfuzzer", "--sanitizer", "none", "--target-dir", str(ROOT / "target/fuzz")]


def seeds():
    """The first texts of each target: the events of events/ and the recorded exchanges."""
    texts = {target: [] for target in targets()}
    requests = []
    for file in sorted((ROOT / "events").glob("*.json")):
        event = json.loads(file.read_text())
        name = "".join(word.title() for word in file.stem.split("--")[0].split("-"))
        if "httpMethod" not in event:
            continue
        texts["event"].append(f"{name}\n" + json.dumps(event))
        kind = "group" if "/Groups" in event["path"] else "user"
        # A compressed response is useless for the fuzzer.
        event["multiValueHeaders"].pop("Accept-Encoding", None)
        named = re.sub(r"0193[0-9a-f-]{32}", "{" + kind + "}", json.dumps(event))
        texts["event"].append(f"{name}\n{named}")
        body = event.get("body")
        requests.append((event["path"], event.get("queryStringParameters") or {}, body and json.loads(body)))
        authorization = event["headers"].get("Authorization")
        texts["token"] += [authorization, authorization.split()[-1]] if authorization else []
    for file in sorted((ROOT / "shared/acceptance/exchanges").glob("*.json")):
        for step in json.loads(file.read_text())["steps"]:
            url = urlsplit(step["path"])
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            requests.append((url.path, query, step.get("request")))
    for _, query, body in requests:
        texts["filter"] += [query["filter"]] if "filter" in query else []
        texts["path"] += [query[name] for name in ("attributes", "excludedAttributes", "sortBy") if name in query]
        for message in [body, *[operation.get("data") for operation in (body or {}).get("Operations", [])]]:
            operations = (message or {}).get("Operations", [])
            if any("op" in operation for operation in operations):
                texts["patch"].append(json.dumps(message))
                texts["path"] += [operation["path"] for operation in operations if operation.get("path")]
    for file in sorted((FUZZ.parent / "schema/schemas").glob("*.json")) + sorted(
        (ROOT / "shared/acceptance/extensions").glob("*.json")
    ):
        schema = json.loads(file.read_text())
        texts["extension"] += [file.read_text(), json.dumps({"resourceType": "User", **schema, "id": "urn:example:x"})]
    texts["cursor"] += ["Tour Guide", '"2026-01-02T03:04:05Z"', "true", "12.5"]
    texts["token"].append("Bearer scim_")
    return texts


def targets():
    return sorted(file.stem for file in (FUZZ / "targets").glob("*.rs"))


def host():
    """The target triple of this machine."""
    version = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    return re.search(r"host: (\S+)", version).group(1)


def expand(texts, folder):
    folder.mkdir(parents=True)
    for number, text in enumerate(texts):
        (folder / f"{number:06}").write_bytes(text.encode())


def corpus(target):
    file = FUZZ / f"corpus/{target}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def fold(folder, target):
    """Writes the texts of a folder as the corpus of the target, the shortest first. It omits files that are not UTF-8,
    which the targets ignore."""
    texts = set()
    for file in folder.iterdir():
        try:
            texts.add(file.read_bytes().decode())
        except UnicodeDecodeError:
            pass
    lines = [json.dumps(text, ensure_ascii=True) for text in sorted(texts, key=lambda text: (len(text), text))]
    (FUZZ / f"corpus/{target}.jsonl").write_text("".join(line + "\n" for line in lines))
    return len(lines)


def run(program, arguments, work):
    return subprocess.run([str(program), *arguments], cwd=work, capture_output=True, text=True, errors="replace")


def fuzz(target, seconds, keep, work):
    """Fuzzes a target. Returns a line with its figures, and the text of its failure or None."""
    program = ROOT / f"target/fuzz/{host()}/release/{target}"
    work = work / target
    expand(seeds()[target], work / "seeds")
    expand(corpus(target), work / "kept")
    (work / "new").mkdir()
    limits = [f"-max_len={LONGEST}", "-timeout=10", "-rss_limit_mb=1024", f"-dict={FUZZ / 'scim.dict'}"]
    ran = run(program, [*limits, f"-max_total_time={seconds}", "-print_final_stats=1", "new", "seeds", "kept"], work)
    figures = (
        ("", "stat::number_of_executed_units:", f" executions in {seconds} s"),
        (", ", "cov:", f" edges, {len(corpus(target))} texts kept"),
        (", slowest ", "stat::slowest_unit_time_sec:", " s"),
        (", peak ", "stat::peak_rss_mb:", " MB"),
    )
    line = f"fuzz {target}: "
    for before, name, after in figures:
        line += before + (re.findall(name + r"\s*(\d+)", ran.stderr) or ["?"])[-1] + after
    found = [file for file in work.iterdir() if re.match(r"(crash|timeout|oom|leak)-", file.name)]
    if ran.returncode == 0 and not found:
        if keep:
            (work / "merged").mkdir()
            merged = run(program, [*limits, "-merge=1", "merged", "kept", "seeds", "new"], work)
            if merged.returncode != 0:
                return line, merged.stderr[-4000:]
            line += f", {fold(work / 'merged', target)} kept now"
        return line + ", nothing found", None
    texts = "\n".join(f"{file.name}: {json.dumps(file.read_bytes().decode(errors='replace'))}" for file in found)
    return line, f"{ran.stderr[max(ran.stderr.find('panicked at'), 0):][:3000]}\n{texts}"


def main():
    arguments = sys.argv[1:]
    keep = arguments[:1] == ["--keep"]
    seconds, *chosen = arguments[keep:]
    profile = {f"CARGO_PROFILE_RELEASE_{name}": value for name, value in PROFILE.items()}
    built = subprocess.run(["cargo", "fuzz", "build", *CARGO_FUZZ], cwd=ROOT, env={**os.environ, **profile})
    if built.returncode != 0:
        sys.exit(built.returncode)
    failed = False
    jobs = int(os.environ.get("FUZZ_JOBS") or os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as work, ThreadPoolExecutor(jobs) as pool:
        work = pathlib.Path(work)
        for line, problem in pool.map(lambda target: fuzz(target, int(seconds), keep, work), chosen or targets()):
            print(line, flush=True)
            if problem:
                print(problem)
                failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
