#!/usr/bin/env python3
"""Searches logs for texts that clients sent.

Usage: secrecy.py FOLDER NAME LOG… FOLDER is the one that SCIM_SECRETS named for the acceptance tests: its files `sent-*`
have a line for each text that the tests sent, `secret "…"`, or `id "…"` for an id, which logs may contain. The search
ignores case and tries each text as it is, as in JSON, as in {:?} of Rust, as in a URL and as in base64. Prints each line
of a log that contains one. The exit code is 1 if there is such a line, and 2 if the logs have too few lines or ids to be
the logs of the requests.
"""
import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse

folder, name, logs = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
# Values that the tests send and that logs contain for another reason: each is a name of the product.
WORDS = set()
# The SAM CLI prints the URL of each request, on the machine of a developer and nowhere else.
OF_SAM = re.compile(rb'^[-0-9]{10} [:0-9]{8}(?:,\d+)? ?(?:\| ?)?127\.0\.0\.1 - - \[.*?\] "')
# A line names the attributes that a request changed, and the tests send some names of attributes as values.
NAMES = {
    name
    for file in pathlib.Path("shared/schema").glob("*/*.json")
    for name in re.findall(r'"name": *"([^"]+)"', file.read_text())
}
ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CHANGED = re.compile(rb'"attributes":"([^"]*)"')


def without_names(line):
    """The line without the names in its field `attributes`, if each is a name of a schema."""
    field = CHANGED.search(line)
    names = [name.rsplit(":", 1)[-1] for name in field[1].decode(errors="replace").split(" ")] if field else []
    return CHANGED.sub(b"", line, 1) if names and NAMES.issuperset(names) else line


def forms(text):
    plain = json.dumps(text)[1:-1]
    unicode = json.dumps(text, ensure_ascii=False)[1:-1]
    debug = "".join(f"\\u{{{ord(c):x}}}" if c < " " else c for c in text).replace('"', '\\"')
    quoted = urllib.parse.quote(text, safe="")
    every = {text, plain, unicode, debug, quoted, urllib.parse.quote_plus(text)}
    if len(text) >= 12:
        # The end in base64 depends on the text that follows, so the search omits it.
        every.add(base64.b64encode(text.encode())[:-4].decode())
    return {form.encode() for form in every if form and "\n" not in form and "\r" not in form}


def search(patterns, path, *options):
    """The matches of the patterns as `line:match`."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\n".join(sorted(patterns)))
        file.flush()
        command = ["grep", "-anoiF", *options, "-f", file.name, path]
        ran = subprocess.run(command, stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"})
    if ran.returncode > 1:
        raise SystemExit(2)
    return ran.stdout.splitlines()


texts = {"secret": set(), "id": set()}
for file in folder.glob("sent-*"):
    # splitlines would also split at other characters, which a text may contain.
    for line in filter(None, file.read_bytes().decode().split("\n")):
        kind, text = line.split(" ", 1)
        texts[kind].add(json.loads(text))
# A log does not contain a long text by chance; a short text counts only as a whole word.
secrets = [text for text in texts["secret"] if text not in WORDS]
# A filter may search for a part of an id, which is searched for outside of the ids in the log.
parts = {text for text in secrets if re.fullmatch("[0-9a-f-]{1,35}", text, re.IGNORECASE)}
long = set().union(*(forms(text) for text in secrets if len(text) >= 12 and text not in parts))
short = set().union(*(forms(text) for text in secrets if len(text) < 12 and text not in parts))
lines, found, ids = 0, [], set()
for log in logs:
    with tempfile.NamedTemporaryFile() as filtered:
        kept = [without_names(line) for line in pathlib.Path(log).read_bytes().split(b"\n") if not OF_SAM.match(line)]
        lines += len(kept)
        filtered.write(b"\n".join(kept))
        filtered.flush()
        with tempfile.NamedTemporaryFile() as without_ids:
            without_ids.write(b"\n".join(ID.sub(b"", line) for line in kept))
            without_ids.flush()
            in_rest = search({part.encode() for part in parts}, without_ids.name, "-w")
        for match in {*search(long, filtered.name), *search(short, filtered.name, "-w"), *in_rest}:
            number, text = match.split(b":", 1)
            line = kept[int(number) - 1].decode(errors="replace")
            found.append(f"LEAK {text.decode(errors='replace')!r} in {log}: {line[:400]}")
        ids |= {match.split(b":", 1)[1] for match in search({id.encode() for id in texts["id"]}, filtered.name)}
print("\n".join(sorted(found)[:50]))
print(f"log secrecy, {name}: {len(secrets):,} texts sent, {len(found)} found in {lines:,} lines; {len(ids):,} of {len(texts['id']):,} ids found")
if found:
    sys.exit(1)
if not secrets or lines < len(texts["id"]) or 4 * len(ids) < len(texts["id"]):
    print("these are not the logs of these requests")
    sys.exit(2)
