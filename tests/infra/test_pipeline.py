"""The pipeline: its order, its permissions, and that prod gets what was tried in staging."""

from __future__ import annotations

import fnmatch
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from slow.running import tools_python

from loadtests.targets import read_profile
from shotwise_local.template import load_yaml
from shotwise_tools.cloudformation.intrinsics import TemplateError
from shotwise_tools.cloudformation.stacks import Stack, resolve, resolve_file

from .policies import as_list
from .systems import IMAGE, SCENARIOS, system
from .transformed import ROOT

FOLDER = ROOT / ".github/workflows"
ACCOUNT = ROOT / "infra/account.yaml"
# Every scalar as a string: `on` and `true` mean something else in YAML.
FLOWS: dict[str, dict[str, Any]] = {path.stem: yaml.load(path.read_text("utf-8"), yaml.BaseLoader)
                                    for path in sorted(FOLDER.glob("*.yml"))}
JOBS = {f"{flow}.{name}": job for flow, one in FLOWS.items() for name, job in one["jobs"].items()}
STEPS = [(name, step) for name, job in JOBS.items() for step in job.get("steps", [])]
RUNS = [(name, step["run"]) for name, step in STEPS if "run" in step]
DEPLOY = FLOWS["deploy"]["jobs"]
REPOSITORY = {"GitHubOrg": "plant@1234", "GitHubRepository": "shotwise@5678"}
ENVIRONMENTS = ("staging", "prod")
SAMCONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
TAG = "${aws:PrincipalTag/scenario}"


@pytest.fixture(scope="module")
def account() -> Stack:
    """The template infra/account.yaml, as the documented command deploys it."""
    return resolve_file(ACCOUNT, REPOSITORY, "shotwise-account")


def role(account: Stack, name: str) -> dict[str, Any]:
    """The properties of a role."""
    return account.of_type("AWS::IAM::Role")[name]


def trust_statement(properties: dict[str, Any]) -> dict[str, Any]:
    """The single statement of a role's trust policy."""
    statements: list[dict[str, Any]] = properties["AssumeRolePolicyDocument"]["Statement"]
    assert len(statements) == 1
    return statements[0]


def statements(account: Stack, name: str) -> list[dict[str, Any]]:
    """All statements of a role's policies, with its tag filled in."""
    properties = role(account, name)
    tags = {part["Key"]: part["Value"] for part in properties.get("Tags", [])}
    policy_documents = [part["PolicyDocument"] for part in properties.get("Policies", [])]
    policies = account.of_type("AWS::IAM::ManagedPolicy")
    for arn in properties.get("ManagedPolicyArns", []):
        policy_documents += [policy["PolicyDocument"] for key, policy in policies.items() if f"-{key}" in arn]
    text = json.dumps([part for document in policy_documents for part in document["Statement"]])
    resolved: list[dict[str, Any]] = json.loads(text.replace(TAG, tags.get("scenario", TAG)))
    return resolved


# ------------------------------------------------------------------ the workflows
def test_the_jobs_run_in_order() -> None:
    """Each of test, build, staging, load and prod needs the one before, and nothing else deploys."""
    order = ["test", "build", "staging", "load", "prod"]
    assert list(DEPLOY) == order
    for before, after in zip(order, order[1:], strict=False):
        assert before in as_list(DEPLOY[after]["needs"])
    assert not [name for name, job in DEPLOY.items() if "always()" in str(job) or "continue-on-error" in str(job)]
    assert [name for name, run in RUNS if "sam deploy" in run] == ["deliver.deliver"]


def test_both_environments_get_what_was_built_once() -> None:
    """Staging and prod unpack the artefact with the hash of the one build, and neither builds again."""
    inputs = [DEPLOY[name]["with"] for name in ENVIRONMENTS]
    assert [job_inputs["scenario"] for job_inputs in inputs] == list(ENVIRONMENTS)
    assert {job_inputs["sha256"] for job_inputs in inputs} == {"${{ needs.build.outputs.sha256 }}"}
    assert [name for name, run in RUNS if "make build" in run or "make image" in run] == 2 * ["deploy.build"]
    unpack = next(run for name, run in RUNS if "--extract" in run)
    assert unpack.index("sha256sum --check") < unpack.index("--extract")


def test_the_tests_of_a_pull_request_are_those_of_a_release() -> None:
    """Lint, tests on two versions of Python, slow tests; a skip is a failure."""
    assert DEPLOY["test"]["uses"] == "./.github/workflows/ci.yml" and set(FLOWS["ci"]["on"]) == {
        "pull_request", "workflow_call"}
    assert [run for name, run in RUNS if name.startswith("ci.")] == ["make lint", "make test", "make test-slow"]
    assert JOBS["ci.test"]["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
    assert FLOWS["ci"]["env"]["SHOTWISE_NO_SKIPS"] == "1"


def test_two_deployments_never_run_at_once() -> None:
    """A second deployment waits and does not cancel the first."""
    assert FLOWS["deploy"]["concurrency"] == {"group": "deploy", "cancel-in-progress": "false"}
    assert FLOWS["deploy"]["on"] == {"push": {"branches": ["main"]}, "workflow_dispatch": ""}
    assert set(FLOWS["deliver"]["on"]) == {"workflow_call"}


def test_every_job_ends_in_time_on_a_named_system() -> None:
    """A job has a time-out and a pinned system; one that calls a workflow has those of its jobs."""
    for name, job in JOBS.items():
        assert "uses" in job or (1 <= int(job["timeout-minutes"]) <= 180 and job["runs-on"] == "ubuntu-24.04"), name


def test_no_job_may_more_than_it_needs() -> None:
    """All read the code; only those that assume a role request a token."""
    assert all(flow["permissions"] == {"contents": "read"} for flow in FLOWS.values())
    permissions = {name: job["permissions"] for name, job in JOBS.items() if "permissions" in job}
    token = {"contents": "read", "id-token": "write"}
    assert permissions == {"deploy.test": {"contents": "read"}, **dict.fromkeys(
        ("deploy.build", "deploy.staging", "deploy.load", "deploy.prod", "deliver.deliver"), token)}
    roles = {name for name, step in STEPS if "configure-aws-credentials" in step.get("uses", "")}
    assert roles == {"deploy.build", "deploy.load", "deliver.deliver"}
    assert "secrets" not in json.dumps(FLOWS)


def test_no_script_contains_inputs() -> None:
    """Scripts get inputs as environment variables, and no event runs code of strangers with permissions."""
    assert not [(name, run) for name, run in RUNS if "${{" in run]
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & {
        event for flow in FLOWS.values() for event in flow["on"]}


def test_every_action_is_pinned() -> None:
    """Each by commit with its version, the same everywhere, and no checkout leaves its token behind."""
    lines = [line.strip() for path in FOLDER.glob("*.yml") for line in path.read_text("utf-8").splitlines()
             if re.search(r"\buses: (?!\./)", line)]
    pinned = {match.groups() for line in lines if (match := re.fullmatch(
        r"- uses: ([a-z-]+/[a-z-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line))}
    assert all(re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line) for line in lines)
    assert len({action for action, *_ in pinned}) == len(pinned) == 5
    checkouts = [step for _, step in STEPS if "actions/checkout@" in step.get("uses", "")]
    assert checkouts and all(step["with"]["persist-credentials"] == "false" for step in checkouts)


def test_what_the_scripts_call_is_there() -> None:
    """Targets of the Makefile, modules, scripts and folders exist."""
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("$(VENV)", ".venv")
    scripts = "\n".join(run for _, run in RUNS)
    targets = set(re.findall(r"\bmake (\S+)", scripts))
    assert targets == {"lint", "test", "test-slow", "build", "image", "smoke", ".venv/.serving"}
    assert all(re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE) for target in targets)
    for path in (*re.findall(r"\.venv/bin/python (\S+\.py)", scripts), "src/shotwise_tools/release.py",
                 "frontend/Dockerfile"):
        assert (ROOT / path).is_file(), path
    packed = re.search(r"--file release\.tar\.zst ([^\n]+\\\n[^\n]+)", scripts)
    assert packed and all((ROOT / name).is_dir() for name in packed[1].replace("\\", " ").split()
                          if not name.startswith(".aws-sam/"))


def test_the_region_and_the_stacks_are_those_of_samconfig() -> None:
    """The pipeline names region and stacks itself, because it queries AWS."""
    for name in ENVIRONMENTS:
        deployed = SAMCONFIG[name]["deploy"]["parameters"]
        assert deployed["stack_name"] == f"shotwise-{name}"
        assert "file://.aws-sam/release.yaml" in deployed["parameter_overrides"]
        assert {FLOWS[flow]["env"]["AWS_REGION"] for flow in ("deploy", "deliver")} == {deployed["region"]}


def test_the_load_has_targets() -> None:
    """The profile that the workflow names can be read, and allows no failed prediction."""
    assert [name for name, run in RUNS if "loadtests/run.py --profile staging " in run] == ["deploy.load"]
    profile = read_profile(ROOT / "loadtests/targets.toml", "staging")
    assert set(profile.targets) == {"predict", "diagnose"} and profile.targets["predict"].error_rate == 0


def test_a_release_carries_its_image(tmp_path: Path) -> None:
    """The build writes what samconfig.toml reads: the hash, and the image if there is one."""
    script = tmp_path / "src/shotwise_tools/release.py"
    script.parent.mkdir(parents=True)
    shutil.copy(ROOT / "src/shotwise_tools/release.py", script)
    for arguments, expected in (([], {"Release"}), (["--image", IMAGE], {"Release", "FrontendImage"})):
        subprocess.run([sys.executable, str(script), *arguments], cwd=tmp_path, check=True, timeout=60)
        written = load_yaml(tmp_path / ".aws-sam/release.yaml")
        assert set(written) == expected and written.get("FrontendImage", IMAGE) == IMAGE


@pytest.mark.slow
def test_zizmor_finds_nothing() -> None:
    """The auditor of workflows, without its online checks."""
    done = subprocess.run([tools_python().parent / "zizmor", "--offline", "--quiet", FOLDER], cwd=ROOT,
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# ------------------------------------------------------------------ the account
def test_every_variable_of_the_workflows_is_an_output() -> None:
    """A repository variable, or one of an environment if the output's name begins with its name."""
    variables = {"".join(part.capitalize() for part in name.split("_"))
             for name in re.findall(r"vars\.([A-Z_]+)", json.dumps(FLOWS)) if name != "SHOTWISE_KAMP_CSV"}
    outputs = set(load_yaml(ACCOUNT)["Outputs"])
    assert variables == {re.sub("^(Staging|Prod)", "", name) for name in outputs}
    assert {name.removeprefix("Staging") for name in outputs if name.startswith("Staging")} == {
        name.removeprefix("Prod") for name in outputs if name.startswith("Prod")}


def test_each_role_trusts_one_environment_of_one_repository(account: Stack) -> None:
    """By equality, and only GitHub tokens for AWS; GitHub cannot assume what CloudFormation runs as."""
    claims = {}
    for name, properties in account.of_type("AWS::IAM::Role").items():
        trust = trust_statement(properties)
        if trust["Principal"] == {"Service": "cloudformation.amazonaws.com"}:
            assert name in ("StagingExecutionRole", "ProdExecutionRole")
            continue
        assert set(trust["Condition"]) == {"StringEquals"} and trust["Action"] == "sts:AssumeRoleWithWebIdentity"
        keys = {key.rpartition(":")[2]: claim for key, claim in trust["Condition"]["StringEquals"].items()}
        assert set(keys) == {"aud", "sub"} and keys["aud"] == "sts.amazonaws.com"
        claims[name] = keys["sub"].removeprefix("repo:plant@1234/shotwise@5678:")
    assert claims == {"BuildRole": "ref:refs/heads/main",
                      **{f"{name.capitalize()}{kind}Role": f"environment:{name}" for name in ENVIRONMENTS
                         for kind in ("Trial", "Deploy")}}
    assert {DEPLOY[name]["with"]["scenario"] for name in ENVIRONMENTS} == set(ENVIRONMENTS)
    assert DEPLOY["load"]["environment"] == "staging"
    assert JOBS["deliver.deliver"]["environment"] == "${{ inputs.scenario }}"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_who_deploys_can_only_start_cloudformation(account: Stack, name: str) -> None:
    """As this environment's execution role and no other, in a session as long as its job."""
    prefix, deploy_role = name.capitalize(), f"{name.capitalize()}DeployRole"
    execution = account.outputs[f"{prefix}ExecutionRoleArn"]
    allowed = {action: statement for statement in statements(account, deploy_role)
               for action in as_list(statement["Action"]) if "transform" not in str(statement["Resource"])}
    assert {action.partition(":")[0] for action in allowed} == {"cloudformation", "iam", "s3"}
    assert allowed["iam:PassRole"]["Resource"] == execution
    starts = allowed["cloudformation:CreateChangeSet"]
    assert starts["Condition"] == {"ArnEquals": {"cloudformation:RoleArn": execution}}
    assert starts["Resource"].endswith(f":stack/shotwise-{name}/*")
    assert not {"cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:DeleteStack"} & set(allowed)
    seconds = role(account, deploy_role)["MaxSessionDuration"]
    session = next(int(step["with"]["role-duration-seconds"]) for _, step in STEPS
                 if "role-duration-seconds" in step.get("with", {}))
    assert session <= seconds and int(JOBS["deliver.deliver"]["timeout-minutes"]) * 60 < session


def test_who_tries_calls_one_stage_and_who_builds_pushes(account: Stack) -> None:
    """The trial role calls one stage and reads its log; the build role pushes images and nothing else."""
    for name in ENVIRONMENTS:
        allowed = statements(account, f"{name.capitalize()}TrialRole")
        assert [statement["Action"] for statement in allowed] == ["execute-api:Invoke", "logs:FilterLogEvents"]
        assert allowed[0]["Resource"].endswith(f":*/{name}/*")
        assert allowed[1]["Resource"].endswith(f"/shotwise-{name}:*")
    assert {action.partition(":")[0] for statement in statements(account, "BuildRole")
            for action in as_list(statement["Action"])} == {"ecr"}


@pytest.mark.parametrize(("name", "other"), [ENVIRONMENTS, ENVIRONMENTS[::-1]])
def test_an_environment_is_named_in_its_own_rights_alone(account: Stack, name: str, other: str) -> None:
    """A role names the stack of its own environment and of no other; the account's roles name none."""
    for kind in ("Trial", "Deploy", "Execution"):
        text = json.dumps(statements(account, f"{name.capitalize()}{kind}Role"))
        assert f"shotwise-{name}" in text and f"shotwise-{other}" not in text and "shotwise-*" not in text
    roles = next(one for one in statements(account, f"{name.capitalize()}ExecutionRole")
                 if "iam:PutRolePolicy" in one["Action"])
    assert roles["Resource"].endswith(f":role/shotwise-{name}-*")


def test_policies_are_as_short_as_iam_wants_them(account: Stack) -> None:
    """A managed policy has at most 6,144 characters without blanks; 500 are left as a reserve."""
    for name, policy in account.of_type("AWS::IAM::ManagedPolicy").items():
        assert len(re.sub(r"\s", "", json.dumps(policy["PolicyDocument"]))) <= 6144 - 500, name


# Service in the name of a type → prefix of its actions, where the two differ.
PREFIXES = {"applicationautoscaling": "application-autoscaling", "elasticloadbalancingv2": "elasticloadbalancing",
            "opensearchserverless": "aoss", "stepfunctions": "states"}
# Permissions for a network are per resource type: the action that creates one, where it is not Create and the type.
CREATE_ACTIONS = {"EIP": "AllocateAddress", "FlowLog": "CreateFlowLogs", "PrefixList": "CreateManagedPrefixList",
         "SecurityGroupEgress": "AuthorizeSecurityGroupEgress", "SecurityGroupIngress": "AuthorizeSecurityGroupIngress",
         "SubnetRouteTableAssociation": "AssociateRouteTable", "VPC": "CreateVpc", "VPCEndpoint": "CreateVpcEndpoint",
         "VPCGatewayAttachment": "AttachInternetGateway"}


def test_cloudformation_has_the_rights_for_what_the_stacks_are_made_of(account: Stack) -> None:
    """The execution role has the permissions for every resource type of the scenarios.

    It has them for every service, for every AWS managed policy that is attached, and for every service that assumes a
    role.
    """
    allowed_statements = statements(account, "ProdExecutionRole")
    actions = {action for statement in allowed_statements for action in as_list(statement["Action"])}
    prefixes = {action.partition(":")[0] for action in actions}
    attached = next(statement for statement in allowed_statements if statement["Action"] == "iam:AttachRolePolicy")
    allowed_policies = attached["Condition"]["ArnLike"]["iam:PolicyARN"]
    pass_role = next(statement for statement in allowed_statements if statement["Action"] == "iam:PassRole")
    services = set(pass_role["Condition"]["StringEquals"]["iam:PassedToService"])
    for scenario in SCENARIOS[1:]:
        stack = system(scenario)
        types = [resource["Type"].split("::")[1:]
                 for each_stack in stack.stacks() for resource in each_stack.resources.values()
                 if not resource["Type"].startswith("Custom::")]
        assert {PREFIXES.get(service.lower(), service.lower()) for service, _ in types} <= prefixes
        for part in {kind for service, kind in types if service == "EC2"}:
            needed = f"ec2:{CREATE_ACTIONS.get(part, f'Create{part}')}"
            assert any(fnmatch.fnmatchcase(needed, action) for action in actions), part
        for arn in {arn for created_role in stack.all_of_type("AWS::IAM::Role").values()
                    for arn in created_role.get("ManagedPolicyArns", [])}:
            assert any(fnmatch.fnmatchcase(arn, pattern) for pattern in allowed_policies), arn
        for properties in stack.all_of_type("AWS::IAM::Role").values():
            assert set(as_list(trust_statement(properties)["Principal"]["Service"])) <= services


@pytest.mark.parametrize(("change", "to_give"), [
    ({"GitHubOrg": "plant/shotwise"}, "ORG@ID"), ({"GitHubOrg": ""}, "ORG@ID"), ({"GitHubOrg": "*"}, "ORG@ID"),
    ({"GitHubRepository": "plant/shotwise"}, "REPOSITORY@ID"), ({"GitHubRepository": "shot*"}, "REPOSITORY@ID"),
    ({"OidcProviderArn": "arn:aws:iam::123456789012:oidc-provider/example.com"}, "token.actions"),
    ({"HostedZoneId": "example.com"}, "HostedZoneId"), ({"KeptImages": "1"}, "20 to 1000")])
def test_bad_parameters_are_refused(change: dict[str, str], to_give: str) -> None:
    """A wildcard in a name would admit other repositories."""
    with pytest.raises(TemplateError, match=re.escape(to_give)):
        resolve_file(ACCOUNT, {**REPOSITORY, **change})


def test_older_names_and_existing_providers_are_accepted() -> None:
    """A repository without numbers in its tokens, an existing provider, and a hosted zone are accepted."""
    arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    stack = resolve(load_yaml(ACCOUNT), {"GitHubOrg": "plant", "GitHubRepository": "shotwise.app",
                                         "OidcProviderArn": arn, "HostedZoneId": "Z0123"}, "shotwise-account")
    assert not stack.of_type("AWS::IAM::OIDCProvider")
    assert trust_statement(role(stack, "BuildRole"))["Principal"] == {"Federated": arn}
    assert "hostedzone/Z0123" in json.dumps(stack.resources)
