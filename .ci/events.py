#!/usr/bin/env python3
"""Sends every file of events/ to its function with `sam local invoke`, and checks the response.

Usage: events.py BASE TOKEN SAM_ARGUMENT… BASE is a SCIM base URL of the directory that the containers use, TOKEN a
token for its tenant `acme`. The ids and tokens in the files are examples: if an event needs the resource or token that
it names, this script creates one and replaces the id. Prints a line for each event; the exit code is the number of
wrong responses. The script writes the texts that it sent, and the logs, to the folder that SCIM_SECRETS names, for
secrecy.py.
"""
import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

base, token, arguments = sys.argv[1], sys.argv[2], sys.argv[3:]
# For each event: the function, the expected response, and the resources that it needs: u the user, v a second user,
# n the name of the user, g a group, t a token.
EVENTS = {
    "audit-list": ("AuditList", "changes", "u"),
    "audit-list--members": ("AuditList", "members", "g"),
    "authorizer": ("Authorizer", "Allow", "t"),
    "authorizer--no-token": ("Authorizer", "Deny", ""),
    "bulk": ("Bulk", 200, ""),
    "bulk--fail-on-errors": ("Bulk", 200, ""),
    "directory-check": ("DirectoryCheck", "findings", ""),
    "events-replay": ("EventsReplay", "changes", ""),
    "fallback": ("Fallback", 405, ""),
    "fallback--unknown-path": ("Fallback", 404, ""),
    "groups-create": ("GroupsCreate", 201, ""),
    "groups-delete": ("GroupsDelete", 204, "g"),
    "groups-get": ("GroupsGet", 200, "g"),
    "groups-list": ("GroupsList", 200, ""),
    "groups-patch": ("GroupsPatch", 200, "guv"),
    "groups-patch--okta-rename": ("GroupsPatch", 200, "g"),
    "groups-replace": ("GroupsReplace", 200, "guv"),
    "groups-search": ("GroupsSearch", 200, ""),
    "me": ("Me", 501, ""),
    "openapi": ("Openapi", 200, ""),
    "publish": ("Publish", "batchItemFailures", ""),
    "resource-types": ("ResourceTypes", 200, ""),
    "resource-types--filter": ("ResourceTypes", 403, ""),
    "schemas": ("Schemas", 200, ""),
    "search": ("Search", 200, ""),
    "service-provider-config": ("ServiceProviderConfig", 200, ""),
    "settle": ("Settle", "completed", ""),
    "tokens-expiring": ("TokensExpiring", "tokens", ""),
    "tokens-issue": ("TokensIssue", "token", ""),
    "tokens-issue--too-long": ("TokensIssue", "errorMessage", ""),
    "tokens-list": ("TokensList", "tokens", ""),
    "tokens-revoke": ("TokensRevoke", "id", "t"),
    "tokens-rotate": ("TokensRotate", "token", "t"),
    "users-create": ("UsersCreate", 201, ""),
    "users-create--no-user-name": ("UsersCreate", 400, ""),
    "users-create--taken": ("UsersCreate", 409, "n"),
    "users-delete": ("UsersDelete", 204, "u"),
    "users-get": ("UsersGet", 200, "u"),
    "users-list": ("UsersList", 200, ""),
    "users-list--bad-filter": ("UsersList", 400, ""),
    "users-patch": ("UsersPatch", 200, "u"),
    "users-patch--entra-string-boolean": ("UsersPatch", 200, "u"),
    "users-replace": ("UsersReplace", 200, "u"),
    "users-replace--deactivate": ("UsersReplace", 200, "u"),
    "users-search": ("UsersSearch", 200, ""),
    "users-search--bad-count": ("UsersSearch", 400, ""),
}
# The members of events and of their bodies whose values are secret, because they come from the client.
CLIENTS = {
    "Authorization", "authorizationToken", "filter", "userName", "externalId", "password", "value", "display", "displayName",
    "formatted", "givenName", "familyName", "nickName", "title", "streetAddress", "label", "bulkId",
}
USER, OTHER = "01932c7e-8a4b-7c3d-9e5f-1a2b3c4d5e6f", "01932c7e-9b5c-7d4e-8f60-2b3c4d5e6f70"
GROUP = "01932c7f-1c6d-7e5f-9a71-3c4d5e6f7081"
TOKEN = "scim_0123456789a_thisIsNotARealTokenItOnlyShowsWhereOneGoes"
NAME, PUSHED = "test.user@okta.local", "Test SCIMv2"


def scim(method, path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    with urllib.request.urlopen(urllib.request.Request(base + path, data, headers, method=method), timeout=60) as answer:
        return json.loads(answer.read() or b"null")


def texts(value, name=""):
    """The texts that the client of an event sent, in its body, its filter and its credentials."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "body" and member and value.get("isBase64Encoded"):
                member = base64.b64decode(member).decode()
            if name == "body" and member:
                member = json.loads(member)
            yield from texts(member, name)
    elif isinstance(value, list):
        for member in value:
            yield from texts(member, name)
    elif isinstance(value, str) and (name in CLIENTS or name == "id" and len(value) == 36):
        yield from value.split() if name == "Authorization" else [value]


def note(event, logged):
    if folder := os.environ.get("SCIM_SECRETS"):
        with open(f"{folder}/sent-events", "a") as sent, open(f"{folder}/said-events", "a") as said:
            for text in {text for text in texts(json.loads(event)) if len(text) >= 8}:
                print("id" if re.fullmatch("[-0-9a-f]{36}", text) else "secret", json.dumps(text), file=sent)
            said.write(logged)


def invoke(function, event):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(event)
        file.flush()
        ran = subprocess.run(["sam", "local", "invoke", function, "-e", file.name, *arguments], capture_output=True, text=True)
    note(event, ran.stderr)
    lines = [line for line in ran.stdout.splitlines() if line.startswith(("{", "["))]
    return json.loads(lines[-1]) if lines else {"nothing": ran.stderr[-2000:]}


def clear():
    """Deletes the resources that earlier events created."""
    for endpoint in ("/Users", "/Groups"):
        for resource in scim("GET", f"{endpoint}?count=1000&attributes=id")["Resources"]:
            scim("DELETE", f"{endpoint}/{resource['id']}")


def seeded(text, needs):
    """Creates the resources that the event needs, and returns the event with their ids."""
    for need, example, name in (("u", USER, NAME), ("v", OTHER, "other@okta.local"), ("n", "", NAME)):
        if need in needs:
            created = scim("POST", "/Users", {"userName": name})
            text = text.replace(example, created["id"]) if example else text
    if "g" in needs:
        text = text.replace(GROUP, scim("POST", "/Groups", {"displayName": PUSHED})["id"])
    if "t" in needs:
        issued = invoke("TokensIssue", json.dumps({"tenant": "acme", "label": "event", "expiresInDays": 1}))
        text = text.replace(TOKEN, issued["token"]).replace('"id": "0123456789a"', f'"id": "{issued["id"]}"')
    return text


def right(answer, expect):
    if isinstance(expect, int):
        return answer.get("statusCode") == expect
    if expect in ("Allow", "Deny"):
        return {it["Effect"] for it in answer.get("policyDocument", {}).get("Statement", [])} == {expect}
    return expect in answer


files = {path.stem: path for path in sorted(pathlib.Path("events").glob("*.json"))}
wrong = sorted(files.keys() ^ EVENTS.keys())
for name in wrong:
    print(f"WRONG {name}: it is in only one of events/ and .ci/events.py")
for name in sorted(files.keys() & EVENTS.keys()):
    function, expect, needs = EVENTS[name]
    clear()
    answer = invoke(function, seeded(files[name].read_text(), needs))
    if not right(answer, expect):
        wrong.append(name)
        print(f"WRONG {name}: expected {expect}, got {json.dumps(answer)[:2000]}")
    else:
        print(f"{name}: {expect}{', with resources created for it' if needs else ''}", flush=True)
print(f"sam local invoke: {len(files)} events, {len(wrong)} wrong")
sys.exit(min(len(wrong), 100))
