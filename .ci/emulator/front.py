#!/usr/bin/env python3
"""A proxy before the API of the emulator, like CloudFront and DNS before API Gateway.

Usage: front.py PORT UPSTREAM PREFIX. The proxy forwards http://127.0.0.1:PORT/x to UPSTREAM as PREFIX/x with its Host.
The emulator has no DNS, finds the API by a prefix of the path, does not set X-Forwarded-Proto, and answers a request
without Accept in base64. The proxy adds what a request lacks, and returns bodies and statuses unchanged.
"""
import http.client
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, upstream, prefix = int(sys.argv[1]), urllib.parse.urlsplit(sys.argv[2]), sys.argv[3]
HOP = {"connection", "keep-alive", "transfer-encoding", "x-forwarded-proto"}


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        connection = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=60)
        connection.putrequest(self.command, prefix + self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP:
                connection.putheader(name, value)
        connection.putheader("X-Forwarded-Proto", "http")
        if "Accept" not in self.headers:
            connection.putheader("Accept", "*/*")
        connection.endheaders(body or None)
        answer = connection.getresponse()
        data = answer.read()
        self.send_response_only(answer.status, answer.reason)
        bodiless = self.command == "HEAD" or answer.status in (204, 304)
        for name, value in answer.getheaders():
            if name.lower() not in HOP and (bodiless or name.lower() != "content-length"):
                self.send_header(name, value)
        if not bodiless:
            self.send_header("Content-Length", str(len(data)))
        # Each request has a separate connection, so that unread bytes of one response are not read as the response
        # to the next request.
        self.send_header("Connection", "close")
        self.end_headers()
        if not bodiless:
            self.wfile.write(data)
        connection.close()

    def __getattr__(self, name):
        """Forwards every method, also an unknown one."""
        if name.startswith("do_"):
            return self.forward
        raise AttributeError(name)

    def log_message(self, *_):
        pass


ThreadingHTTPServer.daemon_threads = True
ThreadingHTTPServer.request_queue_size = 256
ThreadingHTTPServer(("127.0.0.1", port), Front).serve_forever()
