"""Calculates the cost of a year on AWS from the units and milliseconds that the report has measured, the requests of a
customer with Okta in a year, and list prices."""
import math
import re

from tables import number, tables

# US East (N. Virginia), in dollars, without free tiers and discounts.
PRICES = {
    "API Gateway, REST: a million requests": (3.50, "api-gateway"),
    "Lambda: a million requests": (0.20, "lambda"),
    "Lambda, x86: a GB-second": (0.0000166667, "lambda"),
    "DynamoDB on demand: a million write units": (0.625, "dynamodb"),
    "DynamoDB on demand: a million read units": (0.125, "dynamodb"),
    "DynamoDB: a GB-month, 0.25, with point-in-time recovery, 0.20": (0.25 + 0.20, "dynamodb"),
    "EventBridge: a million events": (1.00, "eventbridge"),
    "CloudWatch Logs: a GB written": (0.50, "cloudwatch"),
    "CloudWatch: a metric for a month, charged by the hour": (0.30, "cloudwatch"),
    "CloudWatch: an alarm for a month": (0.10, "cloudwatch"),
    "CloudWatch: a dashboard for a month": (3.00, "cloudwatch"),
    "X-Ray: a million traces": (5.00, "xray"),
}
API, CALL, GB_SECOND, WRITE, READ_UNIT, STORAGE, EVENT, LOGS, METRIC, ALARM, DASHBOARD, TRACE = (price for price, _ in PRICES.values())
MILLION = 1e6

# The operations for one user in a year: how often each happens, its function, its row in calls.md, and how many
# times it takes the units of that row.
PER_USER = [
    ("search by name before the user is created", 1.2, "users-list", "find a user by name: none", 1),
    ("create the user", 1.2, "users-create", "create a user", 1),
    ("read the user before a change", 6.2, "users-get", "get a user in a group", 1),
    ("change, deactivate or reactivate the user", 6.2, "users-replace", "replace a user", 1),
    ("add the user to a group, or remove it", 6, "groups-patch", "add a member, return 11 members", 1),
    ("import each day: a hundredth of a page", 3.65, "users-list, a page of 100", "a first page of 20 users, 10 in a group", 5),
]
CHANGES = 1.2 + 6.2 + 6
SIZES = (1_000, 10_000, 100_000)
# The additional milliseconds of a DynamoDB call on AWS, compared with the loopback of the measurements.
DISTANCE = 8
COLD = 0.1
LOG_BYTES = 3_000
BYTES_PER_USER, BYTES_PER_CHANGE = 2_500, 500
# 8 operations, each with 6 metrics by operation and by two statuses, and 5 metrics of all operations together.
METRICS = 8 * 6 + 5
HOURS = {1_000: 2_450, 10_000: 2_450, 100_000: 8_760}


def template(folder):
    return (folder.parents[2] / "template.yaml").read_text()


def megabytes(template):
    """The memory of each function, by the name of its program: its own MemorySize, or that of the Globals."""
    ours, now = {}, None
    for word, value in re.findall(r"\b(Binary|MemorySize): *([\w-]+)", template):
        if word == "Binary":
            now, ours[value] = value, ours[None]
        else:
            ours[now] = int(value)
    return ours


def measured(folder):
    """The memory and the milliseconds of each function, warm and for its start, and the columns of each row of calls.md."""
    head, rows = tables((folder / "cold.md").read_text())[0]
    memory = megabytes(template(folder))
    # 1,024 MB have more than half a core.
    columns = {256: head.index("warm, 256 MB"), 512: head.index("warm, 512 MB"), 1024: head.index("warm")}
    starts = head.index("start → first poll")
    times = {}
    for row in rows:
        has = memory[row[0].split(",")[0]]
        times[row[0]] = (has, number(row[columns.get(has, columns[1024])]), number(row[starts]))
    _, rows = tables((folder / "calls.md").read_text())[0]
    calls = {row[0]: [number(cell) for cell in row[1:]] for row in rows}
    return times, calls


def gb_seconds(function, depth, times):
    memory, warm, start = times[function]
    return (warm + depth * DISTANCE + COLD * start) / 1000 * memory / 1024


def year(users, times, calls):
    """The number of requests of a year, and the dollars for each service."""
    lines = dict.fromkeys(("API Gateway", "Lambda", "DynamoDB, requests"), 0.0)
    requests = 0
    for _, often, function, row, rows in PER_USER:
        count = often * users
        depth, _, read, write = calls[row]
        requests += count
        lines["API Gateway"] += count / MILLION * API
        lines["Lambda"] += count * (CALL / MILLION + gb_seconds(function, depth, times) * GB_SECOND)
        lines["DynamoDB, requests"] += count * rows * (read * READ_UNIT + write * WRITE) / MILLION
    changes = CHANGES * users
    # Each change invokes `publish`. While there are requests, the authorizer checks the token once a minute.
    lines["Lambda"] += changes * (CALL / MILLION + gb_seconds("publish", 1, times) * GB_SECOND)
    tokens = min(requests, HOURS[users] * 60)
    lines["Lambda"] += tokens * (CALL / MILLION + gb_seconds("authorizer", 1, times) * GB_SECOND)
    stored = users * BYTES_PER_USER + changes * BYTES_PER_CHANGE
    lines["DynamoDB, storage and recovery"] = stored / 2**30 * STORAGE * 12
    lines["EventBridge"] = changes / MILLION * EVENT
    lines["Logs"] = (requests + changes + tokens) * LOG_BYTES / 2**30 * LOGS
    lines["Metrics"] = METRICS * METRIC * 12 * HOURS[users] / 8_760
    lines["X-Ray, with a trace of each request"] = requests / MILLION * TRACE
    return requests, lines


def idle(folder):
    alarms = len(re.findall(r"Type: AWS::CloudWatch::Alarm\b", template(folder)))
    dashboards = len(re.findall(r"Type: AWS::CloudWatch::Dashboard\b", template(folder)))
    return alarms, dashboards, (alarms * ALARM + dashboards * DASHBOARD) * 12


def dollars(value):
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


def report(folder):
    times, calls = measured(folder)
    alarms, dashboards, standing = idle(folder)
    years = {users: year(users, times, calls) for users in SIZES}
    out = ["# A year on AWS", "", "`python3 .ci/report cost` calculates this report from [calls.md](calls.md) and [cold.md](cold.md).", ""]
    out += ["| dollars a year | idle | " + " | ".join(f"{users:,} users" for users in SIZES) + " |", "|---|---|---|---|---|"]
    out += ["| requests | 0 | " + " | ".join(f"{requests:,.0f}" for requests, _ in years.values()) + " |"]
    for name in years[SIZES[0]][1]:
        out.append(f"| {name} | 0 | " + " | ".join(dollars(lines[name]) for _, lines in years.values()) + " |")
    out.append(f"| {alarms} alarms, {dashboards} dashboard | {dollars(standing)} | " + " | ".join([dollars(standing)] * len(SIZES)) + " |")
    sums = [sum(lines.values()) + standing for _, lines in years.values()]
    out += [f"| **total** | {dollars(standing)} | " + " | ".join(f"**{dollars(value)}**" for value in sums) + " |", ""]
    out += ["The calculation uses these operations for each user in a year:", ""]
    out += ["| operation | times a year | function | units read, written |", "|---|---|---|---|"]
    for operation, often, function, row, rows in PER_USER:
        _, _, read, write = calls[row]
        out.append(f"| {operation} | {often} | `{function}` | {read * rows:g}, {write * rows:g} |")
    hours = ", ".join(f"{HOURS[users]:,} hours for {users:,} users" for users in SIZES)
    out += ["", "The calculation has these assumptions:", ""]
    out += [
        f"- A DynamoDB call takes {DISTANCE} ms more than over the loopback interface of the measurements.",
        f"- {COLD:.0%} of the requests start a process.",
        f"- Each request, each change and each check of a token logs {LOG_BYTES:,} bytes.",
        f"- A user takes {BYTES_PER_USER:,} bytes of storage, and a change {BYTES_PER_CHANGE} bytes.",
        f"- There are {METRICS} metrics. They cost money in the hours in which there are requests: {hours}.",
        "- The free tier is not subtracted, although it covers most requests of 1,000 and 10,000 users.",
        "- Outgoing data is not included, because it costs less than a dollar.",
        "",
        "| price in US East (N. Virginia) | dollars | source |",
        "|---|---|---|",
    ]
    out += [f"| {name} | {price:g} | aws.amazon.com/{page}/pricing |" for name, (price, page) in PRICES.items()]
    out += ["", "The prices are those of 2025, some of them as other sites quote them. They are constants in `.ci/report/cost.py`.", ""]
    assert all(math.isfinite(value) for value in sums)
    return "\n".join(out)
