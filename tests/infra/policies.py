"""Every right that the resolved templates give, as plain rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shotwise_tools.cloudformation.stacks import Stack


@dataclass(frozen=True)
class Grant:
    """One action that a policy allows. where: Stack.Resource that holds the policy. resource: what it is allowed on;
    empty in a trust policy, where the role itself is meant. principal: who, in a policy of a resource."""

    where: str
    action: str
    resource: str
    principal: str = ""

    @property
    def wild(self) -> bool:
        """Whether it leaves open what, on what, or who."""
        return any(mark in part for part in (self.action, self.resource) for mark in "*?") or self.principal == "*"


def listed(value: Any) -> list[Any]:
    """A list, or the one thing that stands for it."""
    return value if isinstance(value, list) else [value]


def documents(value: Any) -> Iterator[dict[str, Any]]:
    """Everything with statements that stands in properties."""
    if isinstance(value, list):
        for one in value:
            yield from documents(one)
    elif isinstance(value, dict):
        statements = listed(value.get("Statement", []))
        if statements and all(isinstance(one, dict) and "Effect" in one for one in statements):
            yield value
        else:
            for one in value.values():
                yield from documents(one)


def granted(where: str, document: dict[str, Any]) -> Iterator[Grant]:
    """What a document allows. A statement that allows all but something is a wildcard by another name."""
    for statement in listed(document["Statement"]):
        if statement["Effect"] != "Allow":
            continue
        assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement), (where, statement)
        principals = statement.get("Principal", "")
        named = ["*"] if principals == "*" else [one for found in principals.values() for one in listed(found)] \
            if principals else [""]
        for action in listed(statement["Action"]):
            for resource in listed(statement.get("Resource", "")):
                yield from (Grant(where, action, resource, principal) for principal in named)


def of_opensearch(where: str, properties: dict[str, Any]) -> Iterator[Grant]:
    """What a data policy of OpenSearch Serverless allows: JSON text of another form."""
    for one in json.loads(properties["Policy"]):
        for rule in one["Rules"]:
            yield from (Grant(where, action, resource, principal) for action in rule["Permission"]
                        for resource in rule["Resource"] for principal in one["Principal"])


def grants(system: Stack) -> list[Grant]:
    """All that a system's policies allow: of roles, of resources, of endpoints, of OpenSearch."""
    found: list[Grant] = []
    for stack in system.stacks():
        for name, resource in stack.resources.items():
            where, properties = f"{stack.name}.{name}", resource.get("Properties", {})
            if resource["Type"] == "AWS::OpenSearchServerless::AccessPolicy":
                found += of_opensearch(where, properties)
            else:
                found += [one for document in documents(properties) for one in granted(where, document)]
    return found


def managed(system: Stack) -> set[str]:
    """The names of AWS's own policies that roles have."""
    return {arn.rpartition("/")[2] for role in system.all_of_type("AWS::IAM::Role").values()
            for arn in role.get("ManagedPolicyArns", []) if ":iam::aws:" in arn}


def rights(system: Stack, role: str) -> dict[str, set[str]]:
    """Action → resources, of everything that a role may do by policies of ours; `role` is its name."""
    found: dict[str, set[str]] = {}
    for stack in system.stacks():
        for name, resource in stack.resources.items():
            properties, kind = resource.get("Properties", {}), resource["Type"]
            own = kind == "AWS::IAM::Role" and f"{stack.name}-{name}" == role
            if own or (kind == "AWS::IAM::RolePolicy" and properties["RoleName"] == role) \
                    or (kind == "AWS::IAM::ManagedPolicy" and role in properties.get("Roles", [])):
                policies = {key: one for key, one in properties.items() if key != "AssumeRolePolicyDocument"}
                for document in documents(policies):
                    for one in granted(name, document):
                        found.setdefault(one.action, set()).add(one.resource)
    return found
