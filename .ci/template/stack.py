"""The stack that CloudFormation creates: template.yaml as SAM transforms it, with parameters and evaluated conditions."""
import copy
import json
import logging
import os
import pathlib
import re

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

logging.disable(logging.CRITICAL)
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
SOURCE = json.loads(json.dumps(yaml_parse(pathlib.Path("template.yaml").read_text())))
# A value for each parameter that differs from its default.
OTHER = {
    "DomainName": "scim.example.com",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/c",
    "HostedZoneId": "Z0123456789",
    "AllowedCidrs": "203.0.113.0/24,2001:db8::/32",
    "WafAclArn": "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/w/1",
    "TokenCacheSeconds": "300",
    "ThrottlingRate": "7",
    "ThrottlingBurst": "8",
    "ReservedConcurrency": "9",
    "EventResources": "yes",
    "AuditRetentionDays": "30",
    "AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:t",
    "LatencyAlarmMs": "1234",
    "LogRetentionDays": "30",
    "ApiLogRole": "keep",
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
    "Architecture": "arm64",
    "DynamoDbEndpoint": "http://localhost:8000",
    "EventBridgeEndpoint": "http://localhost:8001",
}


problems = []
figures = []


def expect(right, problem):
    if not right:
        problems.append(problem)


class Managed:
    """The managed policies of AWS by name; the template names none."""

    def load(self):
        return {}


class Stack:
    """The template with these parameters: transformed, its conditions evaluated, the parameters inserted."""

    def __init__(self, **given):
        self.values = {name: str(it["Default"]) for name, it in SOURCE["Parameters"].items()} | given
        # CloudFormation passes a list to the transform as a list.
        lists = {name for name, it in SOURCE["Parameters"].items() if it["Type"] == "CommaDelimitedList"}
        self.values |= {name: self.values[name].split(",") for name in lists}
        source = copy.deepcopy(SOURCE)
        for resource in source["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = "s3://bucket/key"
        self.template = transform(source, dict(self.values), Managed(), passthrough_metadata=True)
        created = {name: it for name, it in self.template["Resources"].items() if self.true(it.get("Condition"))}
        self.resources = {name: self.value(it) for name, it in created.items()}

    def true(self, condition):
        if condition is None:
            return True
        if isinstance(condition, str):
            return self.true(SOURCE["Conditions"][condition])
        ((function, operands),) = condition.items()
        if function == "Fn::Not":
            return not self.true(operands[0])
        if function == "Fn::Equals":
            return str(self.value(operands[0])) == str(self.value(operands[1]))
        raise ValueError(function)

    def value(self, node):
        """The value of a node, None for AWS::NoValue."""
        if isinstance(node, list):
            return [it for it in map(self.value, node) if it is not None]
        if not isinstance(node, dict):
            return node
        if set(node) == {"Ref"}:
            return None if node["Ref"] == "AWS::NoValue" else self.values.get(node["Ref"], node)
        if set(node) == {"Fn::If"}:
            condition, yes, no = node["Fn::If"]
            return self.value(yes if self.true(condition) else no)
        if set(node) == {"Fn::Sub"} and isinstance(node["Fn::Sub"], str):
            return {"Fn::Sub": re.sub(r"\$\{(\w+)\}", lambda it: str(self.values.get(it[1], it[0])), node["Fn::Sub"])}
        return {name: it for name, it in ((name, self.value(it)) for name, it in node.items()) if it is not None}

    def passes_rules(self):
        """Whether the Rules of the template accept these parameters."""
        rules = [rule for rule in SOURCE["Rules"].values() if self.true(rule["RuleCondition"])]
        return all(self.true(it["Assert"]) for rule in rules for it in rule["Assertions"])

    def all(self, kind):
        return {name: it.get("Properties", {}) for name, it in self.resources.items() if it["Type"] == kind}

    def one(self, kind):
        (properties,) = self.all(kind).values()
        return properties

    def at(self, name, *path):
        node = self.resources.get(name, {}).get("Properties", {})
        for step in path:
            node = node[step] if isinstance(node, list) else node.get(step)
        return node


def named(node):
    """`X` of {"Ref": "X"} and of {"Fn::GetAtt": ["X", …]}."""
    node = node if isinstance(node, dict) else {}
    return node.get("Ref") or listed(node.get("Fn::GetAtt"))[0]


def listed(node):
    return node if isinstance(node, list) else [node]
