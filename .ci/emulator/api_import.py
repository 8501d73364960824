#!/usr/bin/env python3
"""Adds to an API what the emulator ignores when it imports the document of the API: the routes for any method, and the
GatewayResponses. This script reads both from the template and creates them with calls of API Gateway.

Usage: api_import.py TEMPLATE STACK API. Run it with the Python of the SAM CLI, which has boto3 and reads the template.
Prints how many it created.
"""
import pathlib
import sys

import boto3
from samcli.yamlhelper import yaml_parse

ANY = {"any", "x-amazon-apigateway-any-method"}
resources = yaml_parse(pathlib.Path(sys.argv[1]).read_text())["Resources"]
stack, api, gateway = sys.argv[2], sys.argv[3], boto3.client("apigateway")
known = {resource["path"]: resource for resource in gateway.get_resources(restApiId=api, limit=500, embed=["methods"])["items"]}


def resource(path):
    """The id of the resource of a path. Creates the resource if it does not exist."""
    if path not in known:
        above, _, part = path.rpartition("/")
        known[path] = gateway.create_resource(restApiId=api, parentId=resource(above or "/"), pathPart=part)
    return known[path]["id"]


def any_method(path, target):
    place = {"restApiId": api, "resourceId": resource(path), "httpMethod": "ANY"}
    if "ANY" not in known[path].get("resourceMethods", {}):
        gateway.put_method(**place, authorizationType=target["authorizationType"], authorizerId=target["authorizerId"])
    gateway.put_integration(**place, type="AWS_PROXY", integrationHttpMethod="POST", uri=target["uri"])


def invocation(function):
    region = gateway.meta.region_name
    return f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations"


def arn(logical_id):
    """The ARN of a function of the stack."""
    found = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
    name = found["StackResourceDetail"]["PhysicalResourceId"]
    return boto3.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]


methods = 0
authorizer = gateway.get_authorizers(restApiId=api)["items"][0]["id"]
for name, function in resources.items():
    for event in (function.get("Properties", {}).get("Events") or {}).values():
        properties = event["Properties"]
        if event["Type"] == "Api" and properties["Method"].lower() in ANY:
            target = {"authorizationType": "CUSTOM", "authorizerId": authorizer, "uri": invocation(arn(name))}
            any_method(properties["Path"], target)
            methods += 1
responses = next(it for it in resources.values() if it["Type"] == "AWS::Serverless::Api")["Properties"]["GatewayResponses"]
for kind, response in responses.items():
    headers = response["ResponseParameters"]["Headers"].items()
    gateway.put_gateway_response(
        restApiId=api, responseType=kind, statusCode=str(response["StatusCode"]), responseTemplates=response["ResponseTemplates"],
        responseParameters={f"gatewayresponse.header.{name}": value for name, value in headers})
gateway.create_deployment(restApiId=api, stageName="scim")
print(f"added to the API: {methods} routes for any method, {len(responses)} GatewayResponses")
