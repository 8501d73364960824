#!/usr/bin/env python3
"""Checks template.yaml as SAM transforms it for CloudFormation, with its default parameters and with others.

Only these checks see the output of SAM: roles, permissions, routes with their authorizer, and the effect of each
parameter and condition. The tests of shared/gateway compare the source of the template with the code instead: the names
of functions and events, the routes of the protocol, the table that store expects, and the permissions that the
functions use.

Usage: check_template.py [FILE]. It needs aws-sam-translator, which comes with the SAM CLI, and writes the transformed
template to FILE. Prints each mistake; the exit code is the number of mistakes.
"""
import fnmatch
import json
import pathlib
import re
import sys
import tomllib

sys.dont_write_bytecode = True
from stack import OTHER, SOURCE, Stack, expect, figures, listed, named, problems
from check_monitoring import alarms, guide

# All response types of API Gateway, from its API reference: GatewayResponse, responseType.
RESPONSES = """ACCESS_DENIED API_CONFIGURATION_ERROR AUTHORIZER_CONFIGURATION_ERROR AUTHORIZER_FAILURE BAD_REQUEST_BODY
    BAD_REQUEST_PARAMETERS DEFAULT_4XX DEFAULT_5XX EXPIRED_TOKEN INTEGRATION_FAILURE INTEGRATION_TIMEOUT INVALID_API_KEY
    INVALID_SIGNATURE MISSING_AUTHENTICATION_TOKEN QUOTA_EXCEEDED REQUEST_TOO_LARGE RESOURCE_NOT_FOUND THROTTLED UNAUTHORIZED
    UNSUPPORTED_MEDIA_TYPE WAF_FILTERED""".split()
STATUSES = {"UNAUTHORIZED": 401, "ACCESS_DENIED": 401, "MISSING_AUTHENTICATION_TOKEN": 404, "THROTTLED": 429}
OPEN = {"/v2/openapi.json": {"get", "head"}}
# API Gateway, which abandons a request after 29 seconds, does not call these functions.
SECONDS = {"AuditList": 300, "DirectoryCheck": 900, "EventsReplay": 300, "Publish": 120, "Settle": 300}
ANY = "x-amazon-apigateway-any-method"


def gateway_responses(stack):
    """Each error of API Gateway itself is an error of RFC 7644 §3.12."""
    responses = stack.one("AWS::ApiGateway::RestApi")["Body"]["x-amazon-apigateway-gateway-responses"]
    for name in sorted(set(RESPONSES) ^ set(responses)):
        expect(False, f"{name}: only one of API Gateway and the template has this gateway response")
    for name, response in responses.items():
        status = int(response["statusCode"])
        expect(status == STATUSES.get(name, status), f"{name}: the status is {status}")
        expect(set(response["responseTemplates"]) == {"application/json"}, f"{name}: templates")
        body = json.loads(response["responseTemplates"]["application/json"])
        expect(body.get("schemas") == ["urn:ietf:params:scim:api:messages:2.0:Error"], f"{name}: schemas")
        expect(body.get("status") == str(status), f"{name}: the status in the body is not {status}")
        expect(len(body.get("detail", "").strip()) > 20, f"{name}: the detail is missing")
        prefix = "gatewayresponse.header."
        headers = {key.removeprefix(prefix): value for key, value in response["responseParameters"].items()}
        expect(headers.get("Content-Type") == "'application/scim+json'", f"{name}: Content-Type")
        expect(headers.get("WWW-Authenticate") == ("'Bearer'" if status == 401 else None), f"{name}: WWW-Authenticate")
        retry = headers.get("Retry-After")
        expect((retry is not None) == (status in (429, 503)), f"{name}: Retry-After {retry} with {status}")
        expect(retry is None or re.fullmatch(r"'[1-9][0-9]*'", retry), f"{name}: Retry-After is {retry}")
    figures.append(f"{len(responses)} gateway responses")


def routes(stack):
    """Every route except the open ones has the authorizer, and API Gateway may call its function."""
    body = stack.one("AWS::ApiGateway::RestApi")["Body"]
    permissions = {}
    for permission in stack.all("AWS::Lambda::Permission").values():
        arn = json.dumps(permission.get("SourceArn"))
        permissions.setdefault(named(permission["FunctionName"]), []).append(arn)
    found = [(path, method, it) for path, methods in body["paths"].items() for method, it in methods.items()]
    for path, method, operation in found:
        expected = "NONE" if method in OPEN.get(path, ()) else "Authorizer"
        expect(operation.get("security") == [{expected: []}], f"{method} {path}: {operation.get('security')}")
        integration = operation["x-amazon-apigateway-integration"]
        expect(integration["type"] == "aws_proxy", f"{method} {path}: {integration['type']}")
        function = re.search(r"functions/\$\{(\w+)\.Arn\}/invocations", json.dumps(integration["uri"]))[1]
        request = ("*" if method == ANY else method.upper()) + re.sub(r"\{[^}]+\}", "*", path)
        allowed = re.findall(r'__Stage__\}/([^"]*)"', " ".join(permissions.get(function, ())))
        expect(any(fnmatch.fnmatchcase(request, it) for it in allowed), f"{method} {path}: API Gateway may not call {function}")
    schemes = body["components"]["securitySchemes"]
    expect(set(schemes) == {"Authorizer"}, f"security schemes: {set(schemes)}")
    authorizer = schemes["Authorizer"]["x-amazon-apigateway-authorizer"]
    expect(authorizer["type"] == "request", "the type of the authorizer is wrong")
    expect(authorizer["identitySource"] == "method.request.header.Authorization", "the identity source of the authorizer is wrong")
    expect('"Authorizer"' in json.dumps(authorizer["authorizerUri"]), "the function of the authorizer is wrong")
    expect(any("/authorizers/" in it for it in permissions.get("Authorizer", ())), "API Gateway may not call the authorizer")
    figures.append(f"{len(found)} routes, {sum(map(len, OPEN.values()))} of them open")


def functions(stack):
    """Every function has its own role within the boundary, its log and its traces, and permissions on certain keys only."""
    managed = {"AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"}
    bounds = {(action, json.dumps(it["Resource"])) for it in statements(stack.resources["Boundary"]) for action in listed(it["Action"])}
    for action, resource in bounds:
        expect(not action.endswith(":*") and action != "*", f"Boundary: {action}")
        expect(resource != '"*"' or action.startswith("xray:"), f"Boundary: {action} on everything")
    roles = {}
    for name, it in stack.all("AWS::Lambda::Function").items():
        role = named(it.get("Role"))
        expect(role in stack.resources and role not in roles, f"{name}: its role is {role}")
        roles[role] = name
        expect(it.get("LoggingConfig") == {"LogGroup": {"Ref": "Logs"}, "LogFormat": "JSON"}, f"{name}: its log is wrong")
        expect(it.get("TracingConfig") == {"Mode": "Active"}, f"{name}: it has no traces")
        expect(it.get("Runtime") == "provided.al2023", f"{name}: its runtime is wrong")
        expect(it.get("Timeout") == SECONDS.get(name, 29), f"{name}: its timeout is wrong")
        variables = it["Environment"]["Variables"]
        expect(variables.get("SERVICE") == {"Ref": "AWS::StackName"}, f"{name}: it has no SERVICE, so it publishes no metrics")
        properties = stack.at(role) or {}
        expect(properties.get("PermissionsBoundary") == {"Ref": "Boundary"}, f"{name}: it has no boundary")
        attached = {json.dumps(arn).rstrip('"').rsplit("/", 1)[-1] for arn in properties.get("ManagedPolicyArns", ())}
        expect(attached == managed, f"{name}: managed policies {attached}")
        rights = [statement for policy in properties.get("Policies", ()) for statement in statements({"Properties": policy})]
        for right in rights:
            rightful(name, right, bounds)
        uses = any(action.startswith("dynamodb:") for right in rights for action in listed(right["Action"]))
        expect(uses == ("TABLE" in variables), f"{name}: it has only one of a table and a right on it")
        if uses and "KmsKeyArn" in stack.values and stack.values["KmsKeyArn"]:
            expect({"Ref": role} in stack.at("KeyUse", "Roles"), f"{name}: it may not use the table's key")
    figures.append(f"{len(roles)} functions")


def statements(resource):
    return listed(resource["Properties"]["PolicyDocument"]["Statement"])


def rightful(name, right, bounds):
    resource = right["Resource"]
    expect(right["Effect"] == "Allow" and resource != "*", f"{name}: it has a right on every resource")
    for action in listed(right["Action"]):
        expect("*" not in action, f"{name}: the right to {action}")
        expect((action, json.dumps(resource)) in bounds, f"{name}: {action} is outside the boundary")
        if action.startswith("dynamodb:") and resource == {"Fn::GetAtt": ["Table", "Arn"]}:
            condition = right.get("Condition", {})
            keyed = any(key.startswith("ForAllValues:String") and "dynamodb:LeadingKeys" in condition[key] for key in condition)
            present = condition.get("Null") == {"dynamodb:LeadingKeys": "false"}
            # A scan has no partition key, so that no condition can name one.
            scans = (name.split()[0], action) == ("DirectoryCheck", "dynamodb:Scan")
            expect(keyed and present or scans, f"{name}: it may call {action} on any key")


def table(stack):
    """The table outlives the stack, is protected from deletion, encrypted and backed up."""
    ((name, resource),) = [it for it in stack.resources.items() if it[1]["Type"] == "AWS::DynamoDB::Table"]
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        expect(resource.get(policy) == "Retain", f"{name}: {policy} is not Retain")
    properties = resource["Properties"]
    expect("TableName" not in properties, f"{name}: a second stack could not have that name")
    expect(properties.get("DeletionProtectionEnabled") is True, f"{name}: it has no deletion protection")
    recovery = properties.get("PointInTimeRecoverySpecification", {})
    expect(recovery.get("PointInTimeRecoveryEnabled") is True, f"{name}: it has no point-in-time recovery")
    encryption = properties.get("SSESpecification", {})
    expect(encryption.get("SSEEnabled") is True and encryption.get("SSEType") == "KMS", f"{name}: KMS does not encrypt it")
    expect(properties.get("BillingMode") == "PAY_PER_REQUEST", f"{name}: it is not on demand")
    for text in (SOURCE["Description"], SOURCE["Outputs"]["TableName"]["Description"]):
        expect("delet" in text.lower(), "the template does not say that the table stays")


def failures(stack):
    """Each function that is called asynchronously sends its failures to a queue, and the queue has an alarm."""
    configured = {named(it["FunctionName"]): it for it in stack.all("AWS::Lambda::EventInvokeConfig").values()}
    sources = []
    for rule, it in stack.all("AWS::Events::Rule").items():
        for target in it["Targets"]:
            function = named(target["Arn"])
            if stack.resources.get(function, {}).get("Type") == "AWS::Lambda::Function":
                expect(function in configured, f"{rule}: failures of {function} go to no queue")
                sources.append(configured.get(function, {}))
    queues = {named(it.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")) for it in sources}
    watched = {named(dimension["Value"]) for it in stack.all("AWS::CloudWatch::Alarm").values()
               for dimension in it.get("Dimensions", ()) if dimension["Name"] == "QueueName"}
    expect(queues and queues <= watched, f"failures go to {queues}, alarms are on {watched}")


def stream(stack):
    """The stream delivers the changes of a resource in order, skips none that can be processed, and delivers no other item."""
    it = stack.one("AWS::Lambda::EventSourceMapping")
    expect(it["EventSourceArn"] == {"Fn::GetAtt": ["Table", "StreamArn"]}, "the event source is not the stream of the table")
    expect(stack.at("Table", "StreamSpecification", "StreamViewType") == "NEW_IMAGE", "the stream has no new images")
    expect(it["StartingPosition"] == "TRIM_HORIZON", "the first changes are skipped")
    expect(it["ParallelizationFactor"] == 1, "a resource's changes may overtake each other")
    expect(it["FunctionResponseTypes"] == ["ReportBatchItemFailures"], "one failure repeats the whole batch")
    expect(it["BisectBatchOnFunctionError"] is True, "a crash repeats the whole batch for ever")
    unlimited = (it["MaximumRecordAgeInSeconds"], it["MaximumRetryAttempts"])
    expect(unlimited == (-1, -1), "a change is dropped for its age, or for the length of an outage")
    expect(list(stack.all("AWS::Lambda::EventSourceMapping")) == ["SettleChanges"], "another name loses the place in the stream")
    (pattern,) = [json.loads(filter["Pattern"]) for filter in it["FilterCriteria"]["Filters"]]
    expected = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"what": {"S": [{"exists": True}]}}}}
    expect(pattern == expected, f"the filter is {pattern}")


def order(stack):
    """CloudFormation creates the role for the logs of API Gateway after the API and before a stage with a log."""
    for name, it in stack.template["Resources"].items():
        for other in listed(it.get("DependsOn", [])):
            condition = stack.template["Resources"][other].get("Condition")
            expect(condition in (None, it.get("Condition")), f"{name}: it depends on {other}, which may not exist")
    stage = stack.one("AWS::ApiGateway::Stage")
    expect(named(stage["AccessLogSetting"]["DestinationArn"]) == "ApiLogs", "the stage has no log")
    expect(stack.resources["ApiLogs"].get("Metadata", {}).get("DependsOn") == {"Ref": "ApiLogAccount"}, "ApiLogs does not depend on ApiLogAccount")
    expect(stack.resources["ApiLogAccount"].get("DependsOn") == "Api", "ApiLogAccount does not depend on Api")


def parameters(default, full):
    """Each parameter has its effect, and its default has none."""
    expect(set(OTHER) == set(SOURCE["Parameters"]), f"parameters without a test: {set(OTHER) ^ set(SOURCE['Parameters'])}")
    body = full.one("AWS::ApiGateway::RestApi")["Body"]
    policy = [it for it in body["x-amazon-apigateway-policy"]["Statement"] if it["Effect"] == "Deny"]
    authorizer = body["components"]["securitySchemes"]["Authorizer"]["x-amazon-apigateway-authorizer"]
    stage = full.one("AWS::ApiGateway::Stage")["MethodSettings"][0]
    logs = [full.at(name, key) for name in ("Logs", "ApiLogs") for key in ("RetentionInDays", "KmsKeyId")]
    each = lambda key: {json.dumps(it.get(key)) for it in full.all("AWS::Lambda::Function").values()}
    variable = lambda name: {it["Environment"]["Variables"].get(name) for it in full.all("AWS::Lambda::Function").values()}
    for got, expected in [
        (full.at("Domain", "DomainName"), OTHER["DomainName"]),
        (full.at("Domain", "RegionalCertificateArn"), OTHER["CertificateArn"]),
        (full.at("DomainMapping", "BasePath"), full.one("AWS::ApiGateway::Stage")["StageName"]),
        (full.at("DomainRecord", "HostedZoneId"), OTHER["HostedZoneId"]),
        (full.value(SOURCE["Outputs"]["ScimBaseUrl"]["Value"]), {"Fn::Sub": f"https://{OTHER['DomainName']}/scim/v2"}),
        (policy[0]["Condition"], {"NotIpAddress": {"aws:SourceIp": OTHER["AllowedCidrs"].split(",")}}),
        (full.at("WafAssociation", "WebACLArn"), OTHER["WafAclArn"]),
        (authorizer["authorizerResultTtlInSeconds"], OTHER["TokenCacheSeconds"]),
        ((stage["ResourcePath"], stage["HttpMethod"]), ("/*", "*")),
        (stage["ThrottlingRateLimit"], OTHER["ThrottlingRate"]),
        (stage["ThrottlingBurstLimit"], OTHER["ThrottlingBurst"]),
        (each("ReservedConcurrentExecutions"), {json.dumps(OTHER["ReservedConcurrency"])}),
        (each("Architectures"), {json.dumps([OTHER["Architecture"]])}),
        (variable("AUDIT_RETENTION_DAYS"), {OTHER["AuditRetentionDays"]}),
        (full.at("Publish", "Environment", "Variables", "EVENT_RESOURCES"), OTHER["EventResources"]),
        (full.value(full.at("Publish", "Environment", "Variables", "BASE_URL")), {"Fn::Sub": f"https://{OTHER['DomainName']}/scim/v2"}),
        (full.at("LatencyAlarm", "Threshold"), OTHER["LatencyAlarmMs"]),
        (logs, [OTHER["LogRetentionDays"], OTHER["KmsKeyArn"]] * 2),
        (full.at("Table", "SSESpecification", "KMSMasterKeyId"), OTHER["KmsKeyArn"]),
        (default.at("Table", "SSESpecification", "KMSMasterKeyId"), None),
        (default.at("UsersGet", "ReservedConcurrentExecutions"), None),
    ]:
        expect(got == expected, f"expected {expected}, got {got}")
    created = lambda stack: {name for name, it in stack.resources.items() if it["Type"] != "AWS::ApiGateway::Deployment"}
    optional = {"Domain", "DomainMapping", "DomainRecord", "WafAssociation", "KeyUse"}
    only_full, only_default = created(full) - created(default), created(default) - created(full)
    expect(only_full == optional, f"parameters create {only_full}, expected {optional}")
    expect(only_default == {"ApiLogAccount", "ApiLogAccountRole"}, f"only the default creates {only_default}")
    for name, value in OTHER.items():
        one_less = Stack(**{other: it for other, it in OTHER.items() if other != name})
        expect(one_less.resources != full.resources, f"{name} changes nothing")
        if name in ("AllowedCidrs", "TokenCacheSeconds"):
            deployments = {*one_less.all("AWS::ApiGateway::Deployment"), *full.all("AWS::ApiGateway::Deployment")}
            expect(len(deployments) == 2, f"{name}: API Gateway would keep the old value")
    for given, passes in [((), True), (("DomainName",), False), (("CertificateArn",), False), (("HostedZoneId",), False),
                          (("DomainName", "CertificateArn"), True)]:
        expect(Stack(**{name: OTHER[name] for name in given}).passes_rules() == passes, f"the rules must {'accept' if passes else 'reject'} {given}")
    figures.append(f"{len(OTHER)} parameters")


def settings():
    """The cache of `sam build` compares only CodeUri, and would miss changes under shared/."""
    config = tomllib.loads(pathlib.Path("samconfig.toml").read_text())
    cached = [command for commands in config.values() if isinstance(commands, dict) for command, it in commands.items()
              if it.get("parameters", {}).get("cached")]
    expect(not cached, f"samconfig.toml has `cached` for {cached}")


default, full = Stack(), Stack(**OTHER)
if len(sys.argv) > 1:
    pathlib.Path(sys.argv[1]).write_text(json.dumps(default.template, indent=1))
for stack in (default, full):
    figures.clear()
    for check in (gateway_responses, routes, functions, table, failures, stream, alarms):
        check(stack)
order(default)
parameters(default, full)
guide(default)
settings()
wrong = dict.fromkeys(problems)
for problem in wrong:
    print(f"WRONG {problem}")
print(f"{', '.join(figures)}; {len(default.template['Resources'])} resources: {len(wrong)} wrong")
sys.exit(bool(wrong))
