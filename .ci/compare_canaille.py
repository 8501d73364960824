#!/usr/bin/env python3
"""Runs a script that drives Canaille, and compares what Canaille then holds with what the service holds.

Usage: compare_canaille.py DRIVE BASE_URL TOKEN LOG [all]
DRIVE is the script; LOG is the output of `cargo run`, which has a line for each request. With `all` the script deletes
everything in the end.
"""
import collections
import json
import pathlib
import re
import runpy
import sys
import urllib.request

DRIVE, BASE, TOKEN, LOG, *MODE = sys.argv[1:]
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
# What the service makes itself.
OWN = {"schemas", "id", "meta", "groups"}
WRITES = {"POST": 3, "PUT": 4, "DELETE": 3 if MODE else 1}


def ours(path):
    request = urllib.request.Request(f"{BASE}{path}", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)["Resources"]


def without_nothing(attributes):
    """Leaves out attributes without a value."""
    return {name: value for name, value in attributes.items() if value not in (None, "", [], {})}


def values(all_of_one):
    return [{"value": value} for value in all_of_one or []]


def expected_user(user):
    """A user as the service has to hold it."""
    return without_nothing({
        "externalId": user.id, "userName": user.user_name, "displayName": user.display_name, "title": user.title,
        "preferredLanguage": user.preferred_language, "profileUrl": user.profile_url, "active": user.lock_date is None,
        "name": without_nothing({"formatted": user.formatted_name, "familyName": user.family_name, "givenName": user.given_name}),
        "emails": values(user.emails), "phoneNumbers": values(user.phone_numbers),
        ENTERPRISE: without_nothing({"employeeNumber": user.employee_number, "organization": user.organization, "department": user.department}),
    })


def differences(what, expected, found):
    """Prints each attribute that differs; both are by `externalId`."""
    count = 0
    for key in sorted(expected.keys() | found.keys()):
        wanted, held = expected.get(key, {}), found.get(key, {})
        for name in sorted(wanted.keys() | held.keys()):
            if wanted.get(name) != held.get(name):
                print(f"{what} {wanted.get('userName') or wanted.get('displayName') or key}: {name} is {held.get(name)!r} instead of {wanted.get(name)!r}")
                count += 1
    return count


def check_requests():
    """Returns the number of requests that failed, or are missing."""
    lines = re.findall(r"^([A-Z]+) +(/scim/v2\S*) +(\d+) ", pathlib.Path(LOG).read_text(), re.MULTILINE)
    failed = [line for line in lines if not line[2].startswith("2")]
    methods = collections.Counter(method for method, path, _ in lines if not path.endswith("/.search"))
    writes = {method: methods[method] for method in ("POST", "PUT", "PATCH", "DELETE") if methods[method]}
    for line in failed:
        print("failed:", *line)
    if writes != WRITES:
        print(f"Canaille wrote {writes} instead of {WRITES}")
    print(f"Canaille: {len(lines)} requests, {', '.join(f'{number} {method}' for method, number in writes.items())}")
    return len(failed) + (writes != WRITES)


def main():
    sys.argv = [DRIVE, TOKEN, BASE, *MODE]
    driven = runpy.run_path(DRIVE, run_name="__main__")
    problems = check_requests()
    users, groups = ours("/Users"), ours("/Groups")
    by_id = {user["id"]: user["externalId"] for user in users}
    with driven["app"].app_context(), driven["b"].session():
        held = driven["b"].query(driven["models"].User)
        expected = {user.id: expected_user(user) for user in held}
        teams = {group.id: {"externalId": group.id, "displayName": group.display_name, "members": sorted(it.id for it in group.members)}
                 for group in driven["b"].query(driven["models"].Group)}
    found = {user["externalId"]: {name: value for name, value in user.items() if name not in OWN} for user in users}
    problems += differences("user", expected, found)
    found = {group["externalId"]: {name: value for name, value in group.items() if name not in OWN} for group in groups}
    for group in found.values():
        group["members"] = sorted(by_id.get(it["value"], it["value"]) for it in group.get("members", []))
    problems += differences("group", teams, found)
    if len(expected) != (0 if MODE else 1) or len(teams) != len(expected):
        print(f"Canaille holds {len(expected)} users and {len(teams)} groups")
        problems += 1
    print(f"{len(expected)} users and {len(teams)} groups compared, {problems} differences")
    sys.exit(1 if problems else 0)


main()
