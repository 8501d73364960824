#!/usr/bin/env python3
"""Performs each operation of scim2-client, which learns everything about the service by discovery.

Usage: clients.py BASE_URL TOKEN
The client refuses each response that its models do not allow. What it wrote is read again and compared. Each version
of scim2-client runs this in a virtual environment of its own.
"""
import importlib.metadata
import sys

try:
    from httpx import Client
    from scim2_client.engines.httpx import SyncSCIMClient
except ImportError:
    from httpx2 import Client
    from scim2_client.engines.httpx2 import SyncSCIMClient
import scim2_models
from scim2_models import Error, PatchOp, PatchOperation, ResponseParameters, SearchRequest

PEOPLE = 5


def equal(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: {found!r} instead of {expected!r}")


def create(scim, user_model, enterprise):
    """Users, of whom the first one has all kinds of attributes."""
    users = []
    for number in range(PEOPLE):
        user = user_model(user_name=f"client-{number}", external_id=f"e-{number}", active=True, title="Boss",
                          emails=[user_model.Emails(value=f"{number}@people.example", type="work", primary=True)],
                          name=user_model.Name(family_name="F", given_name=f"G{number}"))
        user[enterprise] = enterprise(department="X", employee_number=str(number))
        users.append(scim.create(user))
        equal("the department of a created user", users[-1][enterprise].department, "X")
    return users


def read(scim, user_model, users):
    one = scim.query(user_model, users[0].id)
    equal("a user by id", (one.user_name, one.emails[0].value, one.meta.version), ("client-0", "0@people.example", users[0].meta.version))
    found = scim.query(user_model, query_parameters=SearchRequest(filter='externalId eq "e-1"'))
    equal("a filtered list", [it.id for it in found.resources], [users[1].id])
    none = scim.query(user_model, query_parameters=SearchRequest(filter='userName eq "nobody"'))
    equal("an empty list", (none.total_results, none.resources or []), (0, []))
    ids = []
    while len(ids) < PEOPLE:
        page = scim.query(user_model, query_parameters=SearchRequest(start_index=len(ids) + 1, count=2, sort_by="userName"))
        equal("the number of users", page.total_results, PEOPLE)
        ids += [it.id for it in page.resources]
    equal("the users of all pages", ids, [it.id for it in users])
    only_name = ResponseParameters(attributes=["userName"])
    part = scim.query(user_model, users[0].id, query_parameters=only_name)
    equal("a part of a user", (part.user_name, part.title), ("client-0", None))
    found = scim.search(SearchRequest(filter='userName eq "client-2"'))
    equal("a search of everything", [it.id for it in found.resources], [users[2].id])


def read_by_cursor(scim, user_model, users):
    """RFC 9865, where the client has it."""
    ids, cursor = [], ""
    while cursor is not None:
        page = scim.query(user_model, query_parameters=SearchRequest(cursor=cursor, count=2))
        ids += [it.id for it in page.resources]
        cursor = page.next_cursor
    equal("the users of all pages by cursor", sorted(ids), sorted(it.id for it in users))


def write(scim, user_model, group_model, users, enterprise):
    member = [group_model.Members(value=it.id, type="User") for it in users[:2]]
    group = scim.create(group_model(display_name="staff", members=member))
    user = scim.query(user_model, users[0].id)
    equal("the groups of a member", [it.value for it in user.groups], [group.id])
    user.title, user.groups = "Countess", None
    user[enterprise].department = "Y"
    replaced = scim.replace(user)
    equal("a replaced user", (replaced.title, replaced[enterprise].department), ("Countess", "Y"))
    patch = PatchOp[user_model](operations=[PatchOperation[user_model](op="replace", path="active", value=False)]
                                if hasattr(PatchOperation, "__class_getitem__") else
                                [PatchOperation(op=PatchOperation.Op.replace_, path="active", value=False)])
    scim.modify(user_model, user.id, patch)
    equal("a modified user", (scim.query(user_model, user.id).active, scim.query(user_model, user.id).title), (False, "Countess"))
    group.members = group.members[:1]
    scim.replace(group)
    equal("the members of a replaced group", len(scim.query(group_model, group.id).members), 1)
    refused = scim.create(user_model(user_name="CLIENT-1"), raise_scim_errors=False)
    equal("a second user with a name", (type(refused), refused.status, refused.scim_type), (Error, 409, "uniqueness"))
    equal("the answer to a deletion", scim.delete(group_model, group.id), None)
    equal("a deleted group", scim.query(group_model, group.id, raise_scim_errors=False).status, 404)
    for user in users:
        scim.delete(user_model, user.id)
    equal("the users at the end", scim.query(user_model).total_results, 0)


def bulk(scim, user_model):
    """Where the client has it."""
    operation = scim2_models.BulkOperation[user_model]
    request = scim2_models.BulkRequest[user_model](operations=[operation(method="POST", path="/Users", bulk_id="a", data=user_model(user_name="bulk"))])
    done = scim.bulk(request).operations[0]
    equal("an operation of a bulk request", (done.status, done.bulk_id), (201, "a"))
    scim.delete(user_model, done.location.rpartition("/")[2])


def main():
    base, token = sys.argv[1:3]
    http = Client(base_url=base, headers={"Authorization": f"Bearer {token}"})
    scim = SyncSCIMClient(http)
    scim.discover()
    user_model, group_model = scim.get_resource_model("User"), scim.get_resource_model("Group")
    enterprise = user_model.get_extension_model("EnterpriseUser")
    users = create(scim, user_model, enterprise)
    read(scim, user_model, users)
    optional = []
    if "cursor" in SearchRequest.model_fields:
        read_by_cursor(scim, user_model, users)
        optional.append("cursors")
    if hasattr(scim, "bulk"):
        bulk(scim, user_model)
        optional.append("bulk")
    write(scim, user_model, group_model, users, enterprise)
    config = scim.provider.config if hasattr(scim, "provider") else scim.service_provider_config
    advertised = getattr(config, "pagination", None)
    version = importlib.metadata.version("scim2-client")
    print(f"scim2-client {version}: every operation{''.join(f', {it}' for it in optional)}; pagination {'found' if advertised else 'not found'}")


main()
