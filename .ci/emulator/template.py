#!/usr/bin/env python3
"""Writes the template for the emulator: without resources that it does not support, and with the most detailed log level.

Usage: template.py TEMPLATE FILE [PROGRAMS]. Run it with the Python of the SAM CLI. TEMPLATE is the template that
`sam build` has written, or template.yaml itself: then each function gets the program of its name in the folder
PROGRAMS, without its symbols, in an archive in the folder of FILE. Prints each resource that it omits.
"""
import pathlib
import subprocess
import sys
import zipfile

from samcli.yamlhelper import yaml_dump, yaml_parse

source, target = map(pathlib.Path, sys.argv[1:3])
template = yaml_parse(source.read_text())
resources = template["Resources"]
target.parent.mkdir(parents=True, exist_ok=True)


def emulated(node):
    """CloudFormation writes `/` in a media type as `~1`; the emulator compares the types literally."""
    if isinstance(node, dict):
        return {name: emulated(it) for name, it in node.items()}
    if isinstance(node, list):
        return [emulated(it) for it in node]
    return "*/*" if node == "*~1*" else node


for name in [name for name, it in resources.items() if it["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in it["Properties"]]:
    print(f"SKIPPED: {name}: the emulator has no alarm on several metrics")
    del resources[name]
# A stage searches the logs for texts of clients. AWS and SAM set the variable by the level of the log; the emulator
# does not.
functions = template["Globals"]["Function"]
functions["LoggingConfig"]["ApplicationLogLevel"] = "TRACE"
functions["Environment"]["Variables"]["AWS_LAMBDA_LOG_LEVEL"] = "TRACE"
for name, it in resources.items():
    if it["Type"] != "AWS::Serverless::Function":
        continue
    code = it["Properties"]["CodeUri"]
    if len(sys.argv) > 3:
        program, stripped = pathlib.Path(sys.argv[3], pathlib.Path(code).name), target.parent / "stripped"
        subprocess.run(["strip", "-o", stripped, program], check=True)
        # `sam deploy` would compress each program, which takes longer than the rest of the deployment.
        with zipfile.ZipFile(target.parent / f"{name}.zip", "w", zipfile.ZIP_STORED) as archive:
            archive.write(stripped, "bootstrap")
        it["Properties"]["CodeUri"] = str((target.parent / f"{name}.zip").resolve())
    else:
        it["Properties"]["CodeUri"] = str((source.parent / code).resolve())
target.write_text(yaml_dump(emulated(template)))
