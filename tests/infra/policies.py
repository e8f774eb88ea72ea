"""The permissions that the resolved templates grant, as plain rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shotwise_tools.cloudformation.stacks import Stack


@dataclass(frozen=True)
class Grant:
    """An action that a policy allows.

    Attributes
    ----------
    where : str
        STACK.RESOURCE that holds the policy.
    action : str
        The action.
    resource : str
        The resource that it is allowed on; empty in a trust policy.
    principal : str
        Who is allowed, in a policy of a resource.
    """

    where: str
    action: str
    resource: str
    principal: str = ""

    @property
    def wild(self) -> bool:
        """Whether action, resource or principal has a wildcard."""
        return self.principal == "*" or any(wildcard in part for part in (self.action, self.resource)
                                            for wildcard in "*?")


def as_list(members: Any) -> list[Any]:
    """Return a list as it is, and anything else as a list of one."""
    return members if isinstance(members, list) else [members]


def policy_documents(node: Any) -> Iterator[dict[str, Any]]:
    """Find every policy document in the properties of a resource."""
    if isinstance(node, list):
        for child in node:
            yield from policy_documents(child)
    elif isinstance(node, dict):
        statements = as_list(node.get("Statement", []))
        if statements and all(isinstance(statement, dict) and "Effect" in statement for statement in statements):
            yield node
        else:
            for child in node.values():
                yield from policy_documents(child)


def granted(where: str, document: dict[str, Any]) -> Iterator[Grant]:
    """What a policy document allows. Statements that allow everything except something are not accepted."""
    for statement in as_list(document["Statement"]):
        if statement["Effect"] != "Allow":
            continue
        assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement), (where, statement)
        principals = statement.get("Principal", "")
        if principals == "*" or not principals:
            names = [principals]
        else:
            names = [name for members in principals.values() for name in as_list(members)]
        for action in as_list(statement["Action"]):
            for resource in as_list(statement.get("Resource", "")):
                yield from (Grant(where, action, resource, principal) for principal in names)


def opensearch_grants(where: str, properties: dict[str, Any]) -> Iterator[Grant]:
    """What a data policy of OpenSearch Serverless allows; it is JSON text in a form of its own."""
    for policy in json.loads(properties["Policy"]):
        for rule in policy["Rules"]:
            yield from (Grant(where, action, resource, principal) for action in rule["Permission"]
                        for resource in rule["Resource"] for principal in policy["Principal"])


def grants(system: Stack) -> list[Grant]:
    """All that the policies of a system allow: those of roles, resources, endpoints and OpenSearch."""
    all_grants: list[Grant] = []
    for stack in system.stacks():
        for name, resource in stack.resources.items():
            where, properties = f"{stack.name}.{name}", resource.get("Properties", {})
            if resource["Type"] == "AWS::OpenSearchServerless::AccessPolicy":
                all_grants += opensearch_grants(where, properties)
            else:
                all_grants += [grant for document in policy_documents(properties) for grant in granted(where, document)]
    return all_grants


def managed_policies(system: Stack) -> set[str]:
    """The names of the AWS managed policies that roles have."""
    return {arn.rpartition("/")[2] for role in system.all_of_type("AWS::IAM::Role").values()
            for arn in role.get("ManagedPolicyArns", []) if ":iam::aws:" in arn}


def rights(system: Stack, role: str) -> dict[str, set[str]]:
    """Action → resources, of everything that the role of this name may do by the policies of our templates."""
    allowed: dict[str, set[str]] = {}
    for stack in system.stacks():
        for name, resource in stack.resources.items():
            properties, kind = resource.get("Properties", {}), resource["Type"]
            own = kind == "AWS::IAM::Role" and f"{stack.name}-{name}" == role
            if own or (kind == "AWS::IAM::RolePolicy" and properties["RoleName"] == role) \
                    or (kind == "AWS::IAM::ManagedPolicy" and role in properties.get("Roles", [])):
                policies = {key: part for key, part in properties.items() if key != "AssumeRolePolicyDocument"}
                for document in policy_documents(policies):
                    for grant in granted(name, document):
                        allowed.setdefault(grant.action, set()).add(grant.resource)
    return allowed
