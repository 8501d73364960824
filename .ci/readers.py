#!/usr/bin/env python3
"""Reads responses of every kind with the models of scim2-models, which refuse members that they do not know.

Usage: readers.py BASE_URL TOKEN
Prints each response that this version of scim2-models refuses, and why; exits with 1 if there is any. Each version of
scim2-models runs it in a virtual environment of its own.
"""
import importlib.metadata
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

import scim2_models
from pydantic import ValidationError
from scim2_models import BulkResponse, Context, EnterpriseUser, Error, Group, ListResponse, Resource, ResourceType, Schema
from scim2_models import ServiceProviderConfig, User

BASE, TOKEN = sys.argv[1:3]
MEDIA_TYPE = "application/scim+json"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
USER, GROUP = "urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:core:2.0:Group"
MESSAGES = "urn:ietf:params:scim:api:messages:2.0"
PERSON = {
    "schemas": [USER, ENTERPRISE],
    "userName": "ada", "externalId": "x-1", "displayName": "Ada Lovelace", "nickName": "ada", "title": "Countess", "userType": "Employee",
    "profileUrl": "https://people.example/ada", "preferredLanguage": "en", "locale": "en-GB", "timezone": "Europe/London", "active": True,
    "password": "Correct-Horse-7", "name": {"formatted": "Ada Lovelace", "familyName": "Lovelace", "givenName": "Ada", "middleName": "King",
                                            "honorificPrefix": "Lady", "honorificSuffix": "I"},
    "emails": [{"value": "ada@people.example", "display": "work", "type": "work", "primary": True}, {"value": "a@people.example", "type": "home"}],
    "phoneNumbers": [{"value": "tel:+1-201-555-0123", "type": "work", "primary": True}],
    "ims": [{"value": "ada", "type": "xmpp"}], "photos": [{"value": "https://people.example/ada.png", "type": "photo"}],
    "addresses": [{"type": "work", "streetAddress": "1 Row", "locality": "London", "region": "LDN", "postalCode": "W1", "country": "GB",
                   "formatted": "1 Row, London", "primary": True}],
    "entitlements": [{"value": "print"}], "roles": [{"value": "admin", "primary": True}], "x509Certificates": [{"value": "MIIB"}],
    ENTERPRISE: {"employeeNumber": "7", "costCenter": "c", "organization": "o", "division": "d", "department": "X"},
}


def send(method, path, body=None, headers=(), token=TOKEN):
    """Returns the status and the body."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    every = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE, **dict(headers)}
    request = urllib.request.Request(BASE + path, data=data, method=method, headers=every)
    try:
        with urllib.request.urlopen(request) as response:
            status, text = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    return status, json.loads(text) if text else None


class Reader:
    """Reads responses, and collects those that are refused."""

    def __init__(self):
        self.read, self.refused = 0, []

    def parse(self, what, model, payload, context):
        self.read += 1
        try:
            return model.model_validate(payload, scim_ctx=context)
        except (ValidationError, scim2_models.SCIMException) as error:
            self.refused.append(what)
            reasons = [f"{'.'.join(map(str, it['loc']))}: {it['msg']}" for it in error.errors()] if isinstance(error, ValidationError) else [str(error)]
            print(f"REFUSED {what}: {'; '.join(reasons)}")
            return None

    def expect(self, what, status, model, context, answer):
        """Parses a response with this status; any other status is a mistake of this program."""
        if answer[0] != status:
            sys.exit(f"{what} returned {answer[0]} instead of {status}: {answer[1]}")
        if model:
            self.parse(what, model, answer[1], context)
        return answer[1]


def discovery(reader):
    """The description of the service; returns the models that /Schemas describes."""
    query = Context.RESOURCE_QUERY_RESPONSE
    reader.expect("/ServiceProviderConfig", 200, ServiceProviderConfig, query, send("GET", "/ServiceProviderConfig"))
    types = reader.expect("/ResourceTypes", 200, ListResponse[ResourceType], query, send("GET", "/ResourceTypes"))
    schemas = reader.expect("/Schemas", 200, ListResponse[Schema], query, send("GET", "/Schemas"))
    for name in [it["id"] for it in types["Resources"]]:
        reader.expect(f"/ResourceTypes/{name}", 200, ResourceType, query, send("GET", f"/ResourceTypes/{name}"))
    described = {}
    for name in [it["id"] for it in schemas["Resources"]]:
        body = reader.expect(f"/Schemas/{name}", 200, Schema, query, send("GET", f"/Schemas/{name}"))
        schema = reader.parse(f"/Schemas/{name}", Schema, body, query)
        kind = Resource if name in (USER, GROUP) else scim2_models.Extension
        described[name] = kind.from_schema(schema) if schema else None
    if not all(described.values()):
        return User[EnterpriseUser], Group
    return described[USER][described[ENTERPRISE]], described[GROUP]


def resources(reader, user, group, name):
    """Users and groups, alone and in lists. `name` makes their names unique. Returns a user."""
    create, query, search = Context.RESOURCE_CREATION_RESPONSE, Context.RESOURCE_QUERY_RESPONSE, Context.SEARCH_RESPONSE
    boss = reader.expect("POST of a boss", 201, user, create, send("POST", "/Users", {"schemas": [USER], "userName": f"boss-{name}"}))
    manager = {**PERSON[ENTERPRISE], "manager": {"value": boss["id"]}}
    person = {**PERSON, "userName": f"ada-{name}", "externalId": f"x-{name}", ENTERPRISE: manager}
    one = reader.expect("POST of a full user", 201, user, create, send("POST", "/Users", person))
    path = f"/Users/{one['id']}"
    members = [{"value": one["id"]}, {"value": boss["id"]}]
    team = {"schemas": [GROUP], "displayName": f"team-{name}", "externalId": f"g-{name}", "members": members}
    team = reader.expect("POST of a group", 201, group, create, send("POST", "/Groups", team))
    nested = {"schemas": [GROUP], "displayName": f"outer-{name}", "members": [{"value": team["id"]}]}
    reader.expect("POST of a group of groups", 201, group, create, send("POST", "/Groups", nested))
    reader.expect("GET of a user in a group", 200, user, query, send("GET", path))
    reader.expect("GET of a group", 200, group, query, send("GET", f"/Groups/{team['id']}"))
    for parameters in ["attributes=userName", f"attributes={ENTERPRISE}:department", "excludedAttributes=emails,name"]:
        reader.expect(f"GET of a user with {parameters}", 200, user, query, send("GET", f"{path}?{parameters}"))
    reader.expect("PUT of a user", 200, user, Context.RESOURCE_REPLACEMENT_RESPONSE, send("PUT", path, {**person, "title": "Dr"}))
    patch = {"schemas": [f"{MESSAGES}:PatchOp"], "Operations": [{"op": "replace", "path": "title", "value": "Prof"}]}
    context = Context.RESOURCE_PATCH_RESPONSE
    reader.expect("PATCH of a user", 200, user, context, send("PATCH", f"{path}?attributes=title", patch))
    none = urllib.parse.quote('userName eq "nobody"')
    lists = {
        "a list": "", "a page by index": "startIndex=2&count=1", "a page without resources": "count=0", "an index after the end": "startIndex=900",
        "an empty list": f"filter={none}", "a filtered list": "filter=" + urllib.parse.quote(f'userName eq "ada-{name}"'),
        "a sorted list": "sortBy=userName&sortOrder=descending", "a list of two attributes": "attributes=userName,emails",
    }
    for what, parameters in lists.items():
        reader.expect(f"{what} of users", 200, ListResponse[user], query, send("GET", f"/Users?{parameters}"))
    reader.expect("a list of groups", 200, ListResponse[group], query, send("GET", "/Groups"))
    reader.expect("an empty list of groups", 200, ListResponse[group], query, send("GET", f"/Groups?filter={none.replace('userName', 'displayName')}"))
    request = {"schemas": [f"{MESSAGES}:SearchRequest"], "count": 2}
    reader.expect("/Users/.search", 200, ListResponse[user], search, send("POST", "/Users/.search", request))
    reader.expect("/Groups/.search", 200, ListResponse[group], search, send("POST", "/Groups/.search", request))
    reader.expect("/.search", 200, ListResponse[user | group], search, send("POST", "/.search", {**request, "count": 9}))
    reader.expect("/.search that finds nothing", 200, ListResponse[user | group], search,
                  send("POST", "/.search", {**request, "filter": f'id eq "{one["id"]}" and id eq "x"'}))
    return one


def cursors(reader, user):
    """Pages of RFC 9865. A client that asks for them knows the RFC; an older reader refuses `nextCursor`."""
    page = reader.expect("the first page by cursor", 200, ListResponse[user], Context.RESOURCE_QUERY_RESPONSE, send("GET", "/Users?cursor&count=1"))
    while cursor := page.get("nextCursor"):
        page = reader.expect("the next page by cursor", 200, ListResponse[user], Context.RESOURCE_QUERY_RESPONSE,
                             send("GET", f"/Users?count=1&cursor={cursor}"))


def errors(reader, one):
    """Errors of the statuses that a client can bring about."""
    path, context = f"/Users/{one['id']}", Context.DEFAULT
    other = {**PERSON, "userName": one["userName"]}
    patch = {"schemas": [f"{MESSAGES}:PatchOp"], "Operations": []}
    unmatched = {"op": "replace", "path": 'emails[value co "nobody"].type', "value": "home"}
    rows = [
        ("invalidSyntax", 400, "POST", "/Users", b"{", ()),
        ("invalidValue", 400, "POST", "/Users", {"schemas": [USER]}, ()),
        ("invalidFilter", 400, "GET", "/Users?filter=x", None, ()),
        ("invalidPath", 400, "PATCH", path, {**patch, "Operations": [{"op": "replace", "path": "[", "value": 1}]}, ()),
        ("mutability", 400, "PATCH", path, {**patch, "Operations": [{"op": "replace", "path": "id", "value": "b"}]}, ()),
        ("noTarget", 400, "PATCH", path, {**patch, "Operations": [{"op": "remove"}]}, ()),
        ("noTarget for a value filter", 400, "PATCH", path, {**patch, "Operations": [unmatched]}, ()),
        ("invalidCursor", 400, "GET", "/Users?cursor=nonsense", None, ()),
        ("an unknown user", 404, "GET", "/Users/unknown", None, ()),
        ("an unknown URL", 404, "GET", "/Nowhere", None, ()),
        ("a method that does not exist", 405, "PUT", "/Users", {}, ()),
        ("a media type that is not served", 406, "GET", path, None, {"Accept": "text/html"}.items()),
        ("uniqueness", 409, "POST", "/Users", other, ()),
        ("an old version", 412, "PUT", path, other, {"If-Match": 'W/"0"'}.items()),
        ("a large body", 413, "POST", "/Bulk", {"schemas": [f"{MESSAGES}:BulkRequest"], "Operations": [{}] * 5000}, ()),
        ("a media type that is not read", 415, "POST", "/Users", b"x", {"Content-Type": "text/plain"}.items()),
        ("/Me", 501, "GET", "/Me", None, ()),
        ("a filter on discovery", 403, "GET", "/Schemas?filter=id", None, ()),
    ]
    for what, status, method, where, body, headers in rows:
        reader.expect(f"{status} for {what}", status, Error, context, send(method, where, body, headers))
    reader.expect("401", 401, Error, context, send("GET", "/Users", token="scim_00000000000_wrong"))


def bulk(reader, user, group, one, name):
    """Responses of /Bulk, with resources and with errors in them."""
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"schemas": [USER], "userName": f"bulk-{name}"}},
        {"method": "POST", "path": "/Groups", "bulkId": "b", "data": {"schemas": [GROUP], "displayName": f"bulk-{name}", "members": [{"value": "bulkId:a"}]}},
        {"method": "PATCH", "path": f"/Users/{one['id']}", "data": {"schemas": [f"{MESSAGES}:PatchOp"], "Operations": [{"op": "remove", "path": "title"}]}},
        {"method": "POST", "path": "/Users", "bulkId": "c", "data": {"schemas": [USER], "userName": f"bulk-{name}"}},
        {"method": "DELETE", "path": "/Users/unknown"},
    ]
    answer = send("POST", "/Bulk", {"schemas": [f"{MESSAGES}:BulkRequest"], "Operations": operations})
    generic = hasattr(Context, "BULK_RESPONSE")
    context = Context.BULK_RESPONSE if generic else Context.DEFAULT
    body = reader.expect("/Bulk", 200, BulkResponse[user | group] if generic else BulkResponse, context, answer)
    for operation in body["Operations"]:
        if "response" in operation and operation["status"] >= "300":
            reader.parse(f"the {operation['status']} in /Bulk", Error, operation["response"], Context.DEFAULT)


def main():
    reader = Reader()
    described = discovery(reader)
    for name, (user, group) in {"own": (User[EnterpriseUser], Group), "described": described}.items():
        one = resources(reader, user, group, name)
        errors(reader, one)
        bulk(reader, user, group, one, name)
        if "next_cursor" in ListResponse.model_fields:
            cursors(reader, user)
    version = importlib.metadata.version("scim2-models")
    print(f"scim2-models {version}: {reader.read} responses, {len(reader.refused)} refused")
    sys.exit(1 if reader.refused else 0)


main()
