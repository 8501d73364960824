#!/usr/bin/env python3
"""Counts the tokens whose requests were all of discovery, as the query of the guide does (`guides/operate.md`).

Usage: silent.py LOG EXPECTED
LOG has the log lines of the functions. The exit code is 1 if the number is not EXPECTED.
"""
import json
import sys

DISCOVERY = {"service-provider-config", "resource-types", "schemas"}
requests = {}
for line in open(sys.argv[1]):
    if line.startswith("{") and (read := json.loads(line))["message"] == "answered" and "token" in read["span"]:
        span = read["span"]
        requests.setdefault((span["tenant"], span["token"]), set()).add(span["operation"])
silent = [token for token, operations in requests.items() if operations <= DISCOVERY]
print(f"{len(silent)} of {len(requests)} tokens sent requests of discovery alone")
sys.exit(not requests or len(silent) != int(sys.argv[2]))
