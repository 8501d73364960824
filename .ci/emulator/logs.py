#!/usr/bin/env python3
"""Prints every message of a log group, one to a line.

Usage: logs.py GROUP. Run it with the Python of the SAM CLI, which has boto3. The emulator returns the oldest
10,000 events and no token for more, so each call starts at the time of the last event that was read.
"""
import sys

import boto3

logs, since, seen = boto3.client("logs"), 0, set()
while True:
    events, token = [], {}
    while True:
        page = logs.filter_log_events(logGroupName=sys.argv[1], startTime=since, **token)
        events += page["events"]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    new = [event for event in events if (event["logStreamName"], event["timestamp"], event["message"]) not in seen]
    for event in new:
        print(event["message"])
    # The next call returns the events of this millisecond again.
    since = max((event["timestamp"] for event in events), default=since)
    seen = {(event["logStreamName"], event["timestamp"], event["message"]) for event in events if event["timestamp"] == since}
    if not new:
        break
