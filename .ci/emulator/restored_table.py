#!/usr/bin/env python3
"""Creates a table with the items of a file, as a restore of a table does.

Usage: restored_table.py ENDPOINT TABLE FILE. Each line of FILE is an item in DynamoDB's JSON.
"""
import json
import pathlib
import sys
import urllib.request

endpoint, table, file = sys.argv[1:]
KEY = {"pk": "HASH", "sk": "RANGE"}
# The emulator checks no signature.
HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request",
}


def call(operation, **request):
    headers = {**HEADERS, "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
    body = json.dumps({"TableName": table, **request}).encode()
    urllib.request.urlopen(urllib.request.Request(endpoint, body, headers)).close()


attributes = [{"AttributeName": name, "AttributeType": "S"} for name in KEY]
schema = [{"AttributeName": name, "KeyType": kind} for name, kind in KEY.items()]
call("CreateTable", AttributeDefinitions=attributes, KeySchema=schema, BillingMode="PAY_PER_REQUEST")
items = pathlib.Path(file).read_text().splitlines()
for item in items:
    call("PutItem", Item=json.loads(item))
print(f"{table}: {len(items)} items")
