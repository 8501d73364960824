#!/usr/bin/env python3
"""Writes a bill of materials of each deployed function, as JSON of CycloneDX.

Usage: sbom.py FOLDER, with cargo-cyclonedx (crates.io) installed. Writes FOLDER/users-create.cdx.json and so on.
cargo-cyclonedx resolves the features of the whole workspace, so it lists crates of `cargo run` with every function.
This script keeps only the crates that cargo tree names for the function. The exit code is 1 if cargo tree names a crate
that the bill lacks.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

TARGET = "x86_64-unknown-linux-gnu"
root = pathlib.Path(__file__).resolve().parent.parent
folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)


def cargo(where, *arguments):
    return subprocess.run(["cargo", *arguments], cwd=where, check=True, stdout=subprocess.PIPE, text=True).stdout


def built(function):
    """The name and the version of each crate, from lines such as `serde v1.0.229 (*)`."""
    lines = cargo(root, "tree", "--locked", "-p", function, "-e", "normal", "--target", TARGET, "--prefix", "none")
    return {(name, version[1:]) for name, version, *_ in map(str.split, lines.splitlines())}


everything, sizes = set(), []
# cargo-cyclonedx writes a file into the folder of each manifest, so it runs on a copy.
with tempfile.TemporaryDirectory() as copy:
    for name in ("Cargo.toml", "Cargo.lock"):
        shutil.copy(root / name, copy)
    for name in ("shared", "functions"):
        shutil.copytree(root / name, pathlib.Path(copy, name))
    options = ["--format", "json", "--spec-version", "1.5", "--target", TARGET, "--no-build-deps", "-qq"]
    cargo(copy, "cyclonedx", *options)
    for function in sorted(path.name for path in root.glob("functions/*") if path.name != "local"):
        text = pathlib.Path(copy, "functions", function, f"{function}.cdx.json").read_text()
        bill, crates = json.loads(text.replace(copy, "")), built(function)
        bill["components"] = [part for part in bill["components"] if (part["name"], part["version"]) in crates]
        listed = {(part["name"], part["version"]) for part in bill["components"]}
        missing = {name for name, _ in crates - listed} - {function}
        if missing:
            raise SystemExit(f"the bill of {function} lacks {sorted(missing)}")
        kept = {part["bom-ref"] for part in (*bill["components"], bill["metadata"]["component"])}
        bill["dependencies"] = [
            {**of, "dependsOn": [ref for ref in of.get("dependsOn", ()) if ref in kept]}
            for of in bill["dependencies"]
            if of["ref"] in kept
        ]
        (folder / f"{function}.cdx.json").write_text(json.dumps(bill, indent=2) + "\n")
        everything |= listed
        sizes.append(len(listed))
print(f"SBOM: {len(sizes)} functions of {min(sizes)} to {max(sizes)} components, {len(everything)} different ones")
