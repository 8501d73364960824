#!/usr/bin/env python3
"""Writes a table with version 0.1.0 of this service, and prints its items and some responses as lines of JSON.

Usage: first_release.py PROGRAM ENDPOINT >first_release.jsonl

PROGRAM is `local` of version 0.1.0 (`.ci/tool first-release` compiles it), and ENDPOINT the URL of a DynamoDB, such as
DynamoDB Local. The table has users and groups of all kinds, what is left of deleted ones, a large change of members
and the deletion of a large group that nobody has completed, and change records without a format.
"""
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request

PROGRAM, ENDPOINT = sys.argv[1:]
TABLE = f"first-release-{os.getpid()}"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


class Proxy(http.server.BaseHTTPRequestHandler):
    """Forwards calls to DynamoDB. After `left` further transactions, it answers no transaction any more."""

    protocol_version = "HTTP/1.1"
    left, lock, silent = None, threading.Lock(), threading.Event()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers["x-amz-target"].endswith("TransactWriteItems"):
            with Proxy.lock:
                if Proxy.left == 0:
                    Proxy.silent.set()
                    self.close_connection = True
                    return
                Proxy.left = Proxy.left and Proxy.left - 1
        status, answer = post(ENDPOINT, dict(self.headers), body)
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        try:
            self.wfile.write(answer)
        except BrokenPipeError:
            # The service was stopped meanwhile.
            self.close_connection = True

    def log_message(self, *_):
        pass


def post(url, headers, body, method="POST"):
    headers = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length", "accept-encoding")}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


class Service:
    def __init__(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        self.process = subprocess.Popen(
            [PROGRAM, "--port", "0", "--no-events", "--dynamodb-endpoint", endpoint, "--table", TABLE, "--tenant", "acme"],
            stdout=subprocess.PIPE, text=True)
        self.base = self.token = None
        for line in self.process.stdout:
            self.base = self.base or next(iter(re.findall(r"http://127\.0\.0\.1:\d+/scim/v2", line)), None)
            self.token = self.token or next(iter(re.findall(r"scim_\w{20,}", line)), None)
            if self.base and self.token:
                break
        threading.Thread(target=lambda: [None for _ in self.process.stdout], daemon=True).start()

    def send(self, method, path, body=None, expect=(200, 201, 204)):
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/scim+json"}
        status, answer = post(self.base + path, headers, json.dumps(body).encode() if body else None, method)
        assert status in expect, (method, path, status, answer)
        return json.loads(answer) if answer else None

    def create(self, path, body):
        return self.send("POST", path, body)["id"]

    def interrupted(self, transactions, method, path, body=None):
        """Sends a request, of which only so many transactions are carried out."""
        Proxy.left = transactions
        threading.Thread(target=lambda: self.try_send(method, path, body), daemon=True).start()
        assert Proxy.silent.wait(30), "the request has ended"
        self.process.send_signal(signal.SIGSTOP)

    def try_send(self, *request):
        try:
            self.send(*request)
        except (OSError, AssertionError):
            pass


def scan():
    items, request = [], {"TableName": TABLE, "ConsistentRead": True}
    while True:
        headers = {"x-amz-target": "DynamoDB_20120810.Scan", "content-type": "application/x-amz-json-1.0",
                   "authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, "
                                    "SignedHeaders=host, Signature=0"}
        status, answer = post(ENDPOINT, headers, json.dumps(request).encode())
        assert status == 200, answer
        answer = json.loads(answer)
        items += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return items
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def user(user_name, **more):
    return {"schemas": [USER], "userName": user_name, **more}


def members(ids):
    return [{"value": id, "display": f"Display {number}"} for number, id in enumerate(ids)]


def fill(service):
    """Creates users and groups, changes and deletes some of them. Returns the paths of what is left."""
    named = [user("ada@example.com", externalId="00u1", active=True, name={"givenName": "Ada", "familyName": "Lovelace"}),
             user("Grace.Hopper@Example.COM", emails=[{"value": "Grace@Example.COM", "primary": True}, {"value": "g@navy.mil"}]),
             user("Οδος", emails=[{"value": "Οδος@example.com"}]), user("Cafe\u0301", externalId="café"),
             user("ＡＢＣ＠ｘ", displayName="full width"), user("straße@example.com"), user("ΝΙΚΟΣ"), user("inactive@example.com", active=False),
             user("boss@example.com", title="Boss")]
    ids = [service.create("/Users", one) for one in named]
    work = {"schemas": [USER, ENTERPRISE], ENTERPRISE: {"department": "Ships", "manager": {"value": ids[-1]}}}
    ids.append(service.create("/Users", user("large@example.com", **work, nickName="x" * 5000)))
    many = [service.create("/Users", user(f"user-{number}@example.com", externalId=str(number))) for number in range(70)]

    small = service.create("/Groups", {"displayName": "Small", "externalId": "g1", "members": members(ids[:3])})
    nested = service.create("/Groups", {"displayName": "Οδος", "members": [{"value": small}, {"value": ids[3]}]})
    empty = service.create("/Groups", {"displayName": "Cafe\u0301", "members": []})
    large = service.create("/Groups", {"displayName": "Large", "members": members(many[:45])})
    change = [{"op": "remove", "path": f'members[value eq "{many[0]}"]'},
              {"op": "add", "path": "members", "value": members(many[40:])}]
    service.send("PATCH", f"/Groups/{large}", {"Operations": change})
    service.send("PATCH", f"/Users/{ids[0]}", {"Operations": [{"op": "replace", "value": {"active": False}}]})
    service.send("PATCH", f"/Users/{ids[1]}", {"Operations": [{"op": "replace", "path": "userName", "value": "Hopper@x"}]})
    for path in (f"/Users/{many[1]}", f"/Users/{many[69]}", f"/Groups/{empty}"):
        service.send("DELETE", path)
    again = service.create("/Groups", {"displayName": "Cafe\u0301"})
    # 0.1.0 keeps where a list goes on: bookmarks, and the secret of cursors.
    service.send("GET", "/Users?startIndex=1&count=5")
    service.send("GET", "/Users?cursor&count=5")
    left = [*ids, *many[2:69]]
    return left, [small, nested, large, again], many


def main():
    service = Service()
    users, groups, many = fill(service)
    doomed = service.create("/Groups", {"displayName": "Doomed", "members": members(many[2:69])})
    service.interrupted(2, "DELETE", f"/Groups/{doomed}")
    service.process.kill()
    Proxy.left, _ = None, Proxy.silent.clear()
    service = Service()
    pending = {"displayName": "Pending", "members": members(many[2:69])}
    service.interrupted(2, "POST", "/Groups", pending)
    service.process.kill()
    Proxy.left, _ = None, Proxy.silent.clear()
    items = scan()
    # Reading changes none of these items.
    service = Service()
    paths = [*(f"/Users/{id}" for id in users), *(f"/Groups/{id}" for id in groups)]
    for item in items:
        print(json.dumps({"item": item}, ensure_ascii=False))
    for path in paths:
        body = json.dumps({"path": path, "body": service.send("GET", path)}, ensure_ascii=False)
        print(body.replace(service.base, "https://api.example/scim/v2"))
    service.process.kill()


main()
