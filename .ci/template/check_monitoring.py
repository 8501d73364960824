"""Checks alarms, dashboard and metrics, and the tables of the guide about them and about the template.

Only these checks see the alarms and the dashboard as CloudFormation deploys them with each set of parameters: the
topic, the metrics of AWS that need an alarm, a description of each alarm, and the tables of the guide. The tests of
shared/gateway compare the metrics of the product with the code that publishes them, and check that operators find a
token that expires soon.
"""
import json
import pathlib
import re

from samtranslator.yaml_helper import yaml_parse

from stack import SOURCE, expect, figures

GUIDE = pathlib.Path("shared/guide/src")
TABLES = "\n".join((GUIDE / "reference" / name).read_text() for name in ("parameters.md", "metrics-and-alarms.md"))


def emitted():
    """The metrics that the functions and the filter of the access log publish, each with its sets of dimensions."""
    text = pathlib.Path("shared/edge/src/metrics.rs").read_text()
    names = lambda source: tuple(re.findall(r'"(\w+)"', source))
    sets = {name: names(source) for name, source in re.findall(r"const (\w+): &\[&str\] = &\[(.*?)\];", text)}
    metrics = {}
    for name, source in re.findall(r'Metric =\s*Metric \{ name: "(\w+)", unit: "\w+", sets: &\[(.*?)\] \};', text, re.S):
        metrics[name] = {sets[it] if it in sets else names(it) for it in re.findall(r"&\[.*?\]|\b[A-Z_]+\b", source)}
    for it in SOURCE["Resources"].values():
        for metric in it["Properties"].get("MetricTransformations", ()):
            metrics[metric["MetricName"]] = {tuple(dimension["Key"] for dimension in metric["Dimensions"])}
    return metrics


def alarms(stack):
    """Alarms and dashboard use metrics that are published, and every alarm notifies the topic and is on the dashboard."""
    found = set()
    metrics = emitted()
    body = stack.one("AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(body)["widgets"]
    asked = set()
    for name, it in stack.all("AWS::CloudWatch::Alarm").items():
        parts = [it] if "MetricName" in it else [part["MetricStat"]["Metric"] for part in it["Metrics"] if "MetricStat" in part]
        for part in parts:
            days = "".join(dimension["Value"] for dimension in part["Dimensions"] if dimension["Name"] == "Days")
            found.add(f"{part['Namespace']} {part['MetricName']} {it.get('ExtendedStatistic', '')}{days}".strip())
            if part["Namespace"] == "SCIM":
                asked.add((part["MetricName"], tuple(dimension["Name"] for dimension in part["Dimensions"])))
        expect(f"${{{name}.Arn}}" in body, f"{name}: it is not on the dashboard")
        expect(it.get("AlarmDescription") and it.get("TreatMissingData"), f"{name}: it lacks a description or TreatMissingData")
        topic = [stack.values["AlarmTopicArn"]] if stack.values["AlarmTopicArn"] else None
        expect(it.get("AlarmActions") == topic and it.get("OKActions") == topic, f"{name}: it notifies {it.get('AlarmActions')}")
    expected = {"AWS/ApiGateway 5XXError", "AWS/ApiGateway Latency p95", "SCIM Throttled", "AWS/DynamoDB ReadThrottleEvents",
              "AWS/DynamoDB WriteThrottleEvents", "AWS/SQS ApproximateNumberOfMessagesVisible"}
    expected |= {f"SCIM TokensExpiring {days}" for days in (90, 30, 7)}
    expect(expected <= found, f"no alarm on {expected - found}")
    for widget in widgets:
        for row in widget["properties"].get("metrics", ()):
            if row[0] == "SCIM":
                asked.add((row[1], tuple(it for it in row[2:] if isinstance(it, str))[::2]))
    asked |= {(name, tuple(sets.split(","))) for sets, name in
              re.findall(r"\{SCIM,([\w,]+)\} [^']*MetricName=\\\"(\w+)\\\"", body)}
    for name, dimensions in sorted(asked):
        expect(dimensions in metrics.get(name, ()), f"no function publishes the metric {name} by {dimensions}")
    shown = {name for name, _ in asked}
    expect(shown == set(metrics), f"these metrics are on no alarm or dashboard: {set(metrics) - shown}")
    figures.append(f"{len(stack.all('AWS::CloudWatch::Alarm'))} alarms, {len(widgets)} widgets, {len(metrics)} metrics")


def guide(stack):
    """The tables of the guide name what the template holds, and the guide's command to adopt a table finds it in the template."""
    def rows(heading):
        found = re.search(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", TABLES, re.M)
        expect(found, f"the guide has no table of each {heading}")
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in (found[1] if found else "").splitlines()]

    alarms_made = list(stack.all("AWS::CloudWatch::Alarm"))
    for heading, expected in [("parameter", list(SOURCE["Parameters"])), ("output", list(SOURCE["Outputs"])),
                            ("metric", list(emitted())), ("alarm", alarms_made)]:
        names = [name for row in rows(heading) for name in re.findall(r"`(\w+)`", row[0])]
        expect(sorted(names) == sorted(expected), f"the guide's table of each {heading}: {set(names) ^ set(expected)}")
    for row in rows("parameter"):
        default = SOURCE["Parameters"].get(row[0].strip("`"), {}).get("Default")
        expect(row[1].strip("`") == str(default), f"the guide says that {row[0]} is {row[1]} by default, not {default}")
    recipe = r"sed -n '/^  Table:/,/^$/p' template.yaml | grep -v KMSMasterKeyId"
    expect(recipe in (GUIDE / "guides/deploy.md").read_text(), "the guide does not contain the command with which this check adopts a table")
    lines = re.search(r"^  Table:\n.*?\n\n", pathlib.Path("template.yaml").read_text(), re.M | re.S)[0].splitlines(True)
    alone = yaml_parse("Resources:\n" + "".join(line for line in lines if "KMSMasterKeyId" not in line))
    expect(alone["Resources"] == {"Table": stack.resources["Table"]}, "the command of the guide does not extract the table from the template")
