#!/usr/bin/env python3
"""How large a function is and how long its cold start takes, against a stub of the Lambda Runtime API on loopback.

Usage: coldstart.py [--endpoint URL] [--runs N] BOOTSTRAP… A bootstrap lies in a folder named as its event in events/:
target/lambda/users-create/bootstrap. Prints for each: bytes, zipped bytes, and in milliseconds the medians of process
start to the first poll (Lambda's init), of the first event to its answer, and of the CPU time of both, which is steady on a
busy machine. Several folders' bootstraps of one name are run by turns. Without an endpoint DynamoDB is a stub
too, which answers every call with an empty object, so that the time is the function's own.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

options = argparse.ArgumentParser()
options.add_argument("--endpoint")
options.add_argument("--runs", type=int, default=11)
options.add_argument("bootstraps", nargs="+")
options = options.parse_args()


class Stub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body would else wait for each other's acknowledgement.
    wbufsize = -1

    def answer(self, status, body, headers=()):
        self.send_response_only(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if "first" in self.server.moments:  # There is one event for each process.
            time.sleep(60)
            return
        self.server.moments["first"] = time.perf_counter()
        self.answer(200, self.server.event, (
            ("Lambda-Runtime-Aws-Request-Id", "1"), ("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 29000)),
            ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:f"),
            ("Content-Type", "application/json")))

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "/runtime/" not in self.path:
            self.answer(200, b"{}", (("Content-Type", "application/x-amz-json-1.0"),))
            return
        self.server.moments["last"] = time.perf_counter()
        self.answer(202, b"")
        self.server.answered.set()

    def log_message(self, *_):
        pass


ThreadingHTTPServer.daemon_threads = True


def serve(event):
    """A Runtime API for one process, so that nobody takes the event of another."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    server.moments, server.answered, server.event = {}, threading.Event(), event
    server.handle_error = lambda *_: None  # A process that has answered is killed.
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def run(path):
    """Init, answer and CPU, in milliseconds."""
    server = serve(pathlib.Path("events", f"{path.parent.name}.json").read_bytes())
    here = f"127.0.0.1:{server.server_port}"
    environment = {
        "PATH": os.environ["PATH"], "AWS_LAMBDA_RUNTIME_API": here, "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "TABLE": "Table",
        "AWS_ENDPOINT_URL_DYNAMODB": options.endpoint or f"http://{here}",
    }
    begun = time.perf_counter()
    process = subprocess.Popen([path], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not server.answered.wait(20):
        raise SystemExit(f"{path}: no answer")
    process.kill()
    usage = os.wait4(process.pid, 0)[2]
    process.returncode = 0
    server.shutdown()
    first, last = server.moments["first"], server.moments["last"]
    return [(first - begun) * 1000, (last - first) * 1000, (usage.ru_utime + usage.ru_stime) * 1000]


paths = list(map(pathlib.Path, options.bootstraps))
times = {path: [] for path in paths}
for _ in range(options.runs):
    for path in paths:
        times[path].append(run(path))
print("bootstrap | bytes | zipped | init ms | answer ms | CPU ms")
for path in paths:
    data, packer = path.read_bytes(), zlib.compressobj(9, zlib.DEFLATED, -15)
    zipped = len(packer.compress(data)) + len(packer.flush())
    medians = " | ".join(f"{statistics.median(column):.1f}" for column in zip(*times[path]))
    print(f"{path.parent.parent.name}/{path.parent.name} | {len(data):,} | {zipped:,} | {medians}")
