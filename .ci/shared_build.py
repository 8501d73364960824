#!/usr/bin/env python3
"""Checks that `cargo test --workspace` reuses every library that `cargo build` has compiled.

Cargo compiles a crate again if another command needs it with other features. The program of `cargo run` therefore
names the union of the features that the tests of the workspace need. This check compares the file names that both
commands report, which contain a hash of the features, so it also finds a difference in a finished build, without
compiling anything.
"""

import json
import subprocess
import sys
from collections import defaultdict

BUILD = ["cargo", "build", "--locked"]
TEST = ["cargo", "test", "--workspace", "--locked", "--no-run"]


def artifacts(command):
    """The files and the features of each compilation of a target by the command, for each target."""
    output = subprocess.run([*command, "--message-format", "json", "--quiet"], stdout=subprocess.PIPE, check=True).stdout
    found = defaultdict(dict)
    for line in output.splitlines():
        message = json.loads(line)
        if message["reason"] != "compiler-artifact" or message["profile"]["test"]:
            continue
        target = message["target"]
        key = (message["package_id"], target["name"], *target["kind"])
        found[key][tuple(message["filenames"])] = frozenset(message["features"])
    return found


def name(package_id):
    return package_id.rsplit("/", 1)[-1].replace("#", " ")


built, tested = artifacts(BUILD), artifacts(TEST)
again = [key for key in built if key in tested and tested[key].keys() - built[key].keys()]
for key in again:
    before, after = (set(it[key].values()) for it in (built, tested))
    for features in sorted(map(sorted, after - before)):
        missing = set(features) - set().union(*before)
        print(f"{name(key[0])}: the tests need the features {', '.join(sorted(missing)) or features}", file=sys.stderr)
if again:
    print(f"cargo test --workspace compiles {len(again)} targets again; name their features in functions/local/Cargo.toml", file=sys.stderr)
    sys.exit(1)
if len(built) < 100:
    sys.exit(f"cargo build reported {len(built)} targets only, so this compares nothing")
print(f"shared build: all {len(built)} targets of cargo build serve cargo test --workspace too")
