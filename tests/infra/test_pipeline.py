"""The pipeline keeps its promises: its order, its rights, and that what is tried in staging is what prod gets."""

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
# Every value a string: `on` and `true` mean something else in YAML.
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
    """infra/account.yaml, as the documented command deploys it."""
    return resolve_file(ACCOUNT, REPOSITORY, "shotwise-account")


def role(account: Stack, name: str) -> dict[str, Any]:
    """A role's properties."""
    return account.of_type("AWS::IAM::Role")[name]


def trusted(properties: dict[str, Any]) -> dict[str, Any]:
    """The one statement of a role's trust."""
    statements: list[dict[str, Any]] = properties["AssumeRolePolicyDocument"]["Statement"]
    assert len(statements) == 1
    return statements[0]


def statements(account: Stack, name: str) -> list[dict[str, Any]]:
    """All that a role may do, its tag put in where the policies ask for it."""
    properties = role(account, name)
    tags = {one["Key"]: one["Value"] for one in properties.get("Tags", [])}
    documents = [one["PolicyDocument"] for one in properties.get("Policies", [])]
    policies = account.of_type("AWS::IAM::ManagedPolicy")
    for arn in properties.get("ManagedPolicyArns", []):
        documents += [policy["PolicyDocument"] for key, policy in policies.items() if f"-{key}" in arn]
    text = json.dumps([one for document in documents for one in document["Statement"]])
    found: list[dict[str, Any]] = json.loads(text.replace(TAG, tags.get("scenario", TAG)))
    return found


# ------------------------------------------------------------------ the workflows
def test_the_jobs_stand_in_the_promised_order() -> None:
    """test → build → staging → load → prod, each behind the one before; nothing else deploys."""
    order = ["test", "build", "staging", "load", "prod"]
    assert list(DEPLOY) == order
    for before, after in zip(order, order[1:], strict=False):
        assert before in as_list(DEPLOY[after]["needs"])
    assert not [name for name, job in DEPLOY.items() if "always()" in str(job) or "continue-on-error" in str(job)]
    assert [name for name, run in RUNS if "sam deploy" in run] == ["deliver.deliver"]


def test_both_environments_get_what_was_built_once() -> None:
    """One build; staging and prod unpack the artefact of its hash, and neither builds anew."""
    with_ = [DEPLOY[name]["with"] for name in ENVIRONMENTS]
    assert [one["scenario"] for one in with_] == list(ENVIRONMENTS)
    assert {one["sha256"] for one in with_} == {"${{ needs.build.outputs.sha256 }}"}
    assert [name for name, run in RUNS if "make build" in run or "make image" in run] == 2 * ["deploy.build"]
    unpack = next(run for name, run in RUNS if "--extract" in run)
    assert unpack.index("sha256sum --check") < unpack.index("--extract")


def test_the_tests_of_a_pull_request_are_those_of_a_release() -> None:
    """Lint, tests on two Pythons, the slow ones; a skip is a failure."""
    assert DEPLOY["test"]["uses"] == "./.github/workflows/ci.yml" and set(FLOWS["ci"]["on"]) == {
        "pull_request", "workflow_call"}
    assert [run for name, run in RUNS if name.startswith("ci.")] == ["make lint", "make test", "make test-slow"]
    assert JOBS["ci.test"]["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
    assert FLOWS["ci"]["env"]["SHOTWISE_NO_SKIPS"] == "1"


def test_two_deployments_never_run_at_once() -> None:
    """And one that runs is not cut off."""
    assert FLOWS["deploy"]["concurrency"] == {"group": "deploy", "cancel-in-progress": "false"}
    assert FLOWS["deploy"]["on"] == {"push": {"branches": ["main"]}, "workflow_dispatch": ""}
    assert set(FLOWS["deliver"]["on"]) == {"workflow_call"}


def test_every_job_ends_in_time_on_a_named_system() -> None:
    """A job of ours has a time-out; one that calls a workflow has those of its jobs."""
    for name, job in JOBS.items():
        assert "uses" in job or (1 <= int(job["timeout-minutes"]) <= 180 and job["runs-on"] == "ubuntu-24.04"), name


def test_no_job_may_more_than_it_needs() -> None:
    """All read the code; those that take on a role ask for a token, and these are known."""
    assert all(flow["permissions"] == {"contents": "read"} for flow in FLOWS.values())
    given = {name: job["permissions"] for name, job in JOBS.items() if "permissions" in job}
    token = {"contents": "read", "id-token": "write"}
    assert given == {"deploy.test": {"contents": "read"}, **dict.fromkeys(
        ("deploy.build", "deploy.staging", "deploy.load", "deploy.prod", "deliver.deliver"), token)}
    roles = {name for name, step in STEPS if "configure-aws-credentials" in step.get("uses", "")}
    assert roles == {"deploy.build", "deploy.load", "deliver.deliver"}
    assert "secrets" not in json.dumps(FLOWS)


def test_no_script_is_put_together_from_outside() -> None:
    """Scripts get values as variables of the environment, never pasted in; and no stranger's code runs with rights."""
    assert not [(name, run) for name, run in RUNS if "${{" in run]
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & {event for one in FLOWS.values()
                                                                         for event in one["on"]}


def test_every_action_is_pinned() -> None:
    """By commit, with its version beside it, and the same everywhere; no checkout leaves its token behind."""
    lines = [line.strip() for path in FOLDER.glob("*.yml") for line in path.read_text("utf-8").splitlines()
             if re.search(r"\buses: (?!\./)", line)]
    pinned = {match.groups() for line in lines if (match := re.fullmatch(
        r"- uses: ([a-z-]+/[a-z-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line))}
    assert all(re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line) for line in lines)
    assert len({action for action, *_ in pinned}) == len(pinned) == 5
    checkouts = [step for _, step in STEPS if "actions/checkout@" in step.get("uses", "")]
    assert checkouts and all(step["with"]["persist-credentials"] == "false" for step in checkouts)


def test_what_the_scripts_call_is_there() -> None:
    """Targets of the Makefile, modules, scripts, folders."""
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("$(VENV)", ".venv")
    scripts = "\n".join(run for _, run in RUNS)
    targets = set(re.findall(r"\bmake (\S+)", scripts))
    assert targets == {"lint", "test", "test-slow", "build", "image", "smoke", ".venv/.serving"}
    assert all(re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE) for target in targets)
    for path in (*re.findall(r"\.venv/bin/python (\S+\.py)", scripts), "src/shotwise_tools/release.py", "frontend/Dockerfile"):
        assert (ROOT / path).is_file(), path
    packed = re.search(r"--file release\.tar\.zst ([^\n]+\\\n[^\n]+)", scripts)
    assert packed and all((ROOT / name).is_dir() for name in packed[1].replace("\\", " ").split()
                          if not name.startswith(".aws-sam/"))


def test_the_region_and_the_stacks_are_those_of_samconfig() -> None:
    """The pipeline names both, because it asks AWS itself."""
    for name in ENVIRONMENTS:
        deployed = SAMCONFIG[name]["deploy"]["parameters"]
        assert deployed["stack_name"] == f"shotwise-{name}"
        assert "file://.aws-sam/release.yaml" in deployed["parameter_overrides"]
        assert {FLOWS[flow]["env"]["AWS_REGION"] for flow in ("deploy", "deliver")} == {deployed["region"]}


def test_the_load_has_targets() -> None:
    """The profile that the workflow names can be read, and expects no failed prediction."""
    assert [name for name, run in RUNS if "loadtests/run.py --profile staging " in run] == ["deploy.load"]
    profile = read_profile(ROOT / "loadtests/targets.toml", "staging")
    assert set(profile.targets) == {"predict", "diagnose"} and profile.targets["predict"].error_rate == 0


def test_a_release_carries_its_image(tmp_path: Path) -> None:
    """What the build writes is what samconfig.toml reads: the hash, and the image where there is one."""
    script = tmp_path / "src/shotwise_tools/release.py"
    script.parent.mkdir(parents=True)
    shutil.copy(ROOT / "src/shotwise_tools/release.py", script)
    for arguments, expected in (([], {"Release"}), (["--image", IMAGE], {"Release", "FrontendImage"})):
        subprocess.run([sys.executable, str(script), *arguments], cwd=tmp_path, check=True, timeout=60)
        written = load_yaml(tmp_path / ".aws-sam/release.yaml")
        assert set(written) == expected and written.get("FrontendImage", IMAGE) == IMAGE


@pytest.mark.slow
def test_zizmor_finds_nothing() -> None:
    """The auditor of workflows, without its questions to the network."""
    done = subprocess.run([tools_python().parent / "zizmor", "--offline", "--quiet", FOLDER], cwd=ROOT,
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# ------------------------------------------------------------------ the account
def test_every_variable_of_the_workflows_is_an_output() -> None:
    """A variable of the repository, or of an environment where its name begins with one."""
    asked = {"".join(part.capitalize() for part in name.split("_"))
             for name in re.findall(r"vars\.([A-Z_]+)", json.dumps(FLOWS)) if name != "SHOTWISE_KAMP_CSV"}
    outputs = set(load_yaml(ACCOUNT)["Outputs"])
    assert asked == {re.sub("^(Staging|Prod)", "", name) for name in outputs}
    assert {name.removeprefix("Staging") for name in outputs if name.startswith("Staging")} == {
        name.removeprefix("Prod") for name in outputs if name.startswith("Prod")}


def test_each_role_trusts_one_environment_of_one_repository(account: Stack) -> None:
    """By equality, and of GitHub's tokens those for AWS alone. What CloudFormation works as, GitHub cannot become."""
    claims = {}
    for name, properties in account.of_type("AWS::IAM::Role").items():
        trust = trusted(properties)
        if trust["Principal"] == {"Service": "cloudformation.amazonaws.com"}:
            assert name in ("StagingExecutionRole", "ProdExecutionRole")
            continue
        assert set(trust["Condition"]) == {"StringEquals"} and trust["Action"] == "sts:AssumeRoleWithWebIdentity"
        keys = {key.rpartition(":")[2]: value for key, value in trust["Condition"]["StringEquals"].items()}
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
    """As this environment's execution role and no other; and its session lasts as long as its job."""
    own, deploys = name.capitalize(), f"{name.capitalize()}DeployRole"
    execution = account.outputs[f"{own}ExecutionRoleArn"]
    rights = {action: one for one in statements(account, deploys) for action in as_list(one["Action"])
              if "transform" not in str(one["Resource"])}
    assert {action.partition(":")[0] for action in rights} == {"cloudformation", "iam", "s3"}
    assert rights["iam:PassRole"]["Resource"] == execution
    starts = rights["cloudformation:CreateChangeSet"]
    assert starts["Condition"] == {"ArnEquals": {"cloudformation:RoleArn": execution}}
    assert starts["Resource"].endswith(f":stack/shotwise-{name}/*")
    assert not {"cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:DeleteStack"} & set(rights)
    seconds = role(account, deploys)["MaxSessionDuration"]
    asked = next(int(step["with"]["role-duration-seconds"]) for _, step in STEPS
                 if "role-duration-seconds" in step.get("with", {}))
    assert asked <= seconds and int(JOBS["deliver.deliver"]["timeout-minutes"]) * 60 < asked


def test_who_tries_calls_one_stage_and_who_builds_pushes(account: Stack) -> None:
    """Nothing is written by the first, nothing but the image by the second."""
    for name in ENVIRONMENTS:
        found = statements(account, f"{name.capitalize()}TrialRole")
        assert [one["Action"] for one in found] == ["execute-api:Invoke", "logs:FilterLogEvents"]
        assert found[0]["Resource"].endswith(f":*/{name}/*") and found[1]["Resource"].endswith(f"/shotwise-{name}:*")
    assert {action.partition(":")[0] for one in statements(account, "BuildRole")
            for action in as_list(one["Action"])} == {"ecr"}


@pytest.mark.parametrize(("name", "other"), [ENVIRONMENTS, ENVIRONMENTS[::-1]])
def test_an_environment_is_named_in_its_own_rights_alone(account: Stack, name: str, other: str) -> None:
    """Whatever carries a stack's name is its own; the account's own roles carry neither."""
    for kind in ("Trial", "Deploy", "Execution"):
        text = json.dumps(statements(account, f"{name.capitalize()}{kind}Role"))
        assert f"shotwise-{name}" in text and f"shotwise-{other}" not in text and "shotwise-*" not in text
    roles = next(one for one in statements(account, f"{name.capitalize()}ExecutionRole")
                 if "iam:PutRolePolicy" in one["Action"])
    assert roles["Resource"].endswith(f":role/shotwise-{name}-*")


def test_policies_are_as_short_as_iam_wants_them(account: Stack) -> None:
    """6,144 characters without blanks; a role takes 10 policies of its own kind, and 10,240 characters inline."""
    for name, policy in account.of_type("AWS::IAM::ManagedPolicy").items():
        assert len(re.sub(r"\s", "", json.dumps(policy["PolicyDocument"]))) <= 6144 - 500, name


# What the name of a type says of the service → the prefix of its rights, where the two differ.
PREFIXES = {"applicationautoscaling": "application-autoscaling", "elasticloadbalancingv2": "elasticloadbalancing",
            "opensearchserverless": "aoss", "stepfunctions": "states"}
# Rights to a network go part by part. What makes a part, where that is not Create and its type.
MAKES = {"EIP": "AllocateAddress", "FlowLog": "CreateFlowLogs", "PrefixList": "CreateManagedPrefixList",
         "SecurityGroupEgress": "AuthorizeSecurityGroupEgress", "SecurityGroupIngress": "AuthorizeSecurityGroupIngress",
         "SubnetRouteTableAssociation": "AssociateRouteTable", "VPC": "CreateVpc", "VPCEndpoint": "CreateVpcEndpoint",
         "VPCGatewayAttachment": "AttachInternetGateway"}


def test_cloudformation_has_the_rights_for_what_the_stacks_are_made_of(account: Stack) -> None:
    """For each service that a scenario uses; for each policy of AWS's and each service that its roles are for."""
    found = statements(account, "ProdExecutionRole")
    actions = {action for one in found for action in as_list(one["Action"])}
    rights = {action.partition(":")[0] for action in actions}
    attached = next(one for one in found if one["Action"] == "iam:AttachRolePolicy")
    allowed = attached["Condition"]["ArnLike"]["iam:PolicyARN"]
    passed = next(one for one in found if one["Action"] == "iam:PassRole")
    services = set(passed["Condition"]["StringEquals"]["iam:PassedToService"])
    for scenario in SCENARIOS[1:]:
        stack = system(scenario)
        types = [resource["Type"].split("::")[1:] for one in stack.stacks() for resource in one.resources.values()
                 if not resource["Type"].startswith("Custom::")]
        assert {PREFIXES.get(service.lower(), service.lower()) for service, _ in types} <= rights
        for part in {kind for service, kind in types if service == "EC2"}:
            needed = f"ec2:{MAKES.get(part, f'Create{part}')}"
            assert any(fnmatch.fnmatchcase(needed, action) for action in actions), part
        for arn in {arn for made in stack.all_of_type("AWS::IAM::Role").values()
                    for arn in made.get("ManagedPolicyArns", [])}:
            assert any(fnmatch.fnmatchcase(arn, pattern) for pattern in allowed), arn
        for properties in stack.all_of_type("AWS::IAM::Role").values():
            assert set(as_list(trusted(properties)["Principal"]["Service"])) <= services


@pytest.mark.parametrize(("change", "to_give"), [
    ({"GitHubOrg": "plant/shotwise"}, "ORG@ID"), ({"GitHubOrg": ""}, "ORG@ID"), ({"GitHubOrg": "*"}, "ORG@ID"),
    ({"GitHubRepository": "plant/shotwise"}, "REPOSITORY@ID"), ({"GitHubRepository": "shot*"}, "REPOSITORY@ID"),
    ({"OidcProviderArn": "arn:aws:iam::123456789012:oidc-provider/example.com"}, "token.actions"),
    ({"HostedZoneId": "example.com"}, "HostedZoneId"), ({"KeptImages": "1"}, "20 to 1000")])
def test_bad_parameters_are_refused(change: dict[str, str], to_give: str) -> None:
    """A wildcard in a name would let in other repositories."""
    with pytest.raises(TemplateError, match=re.escape(to_give)):
        resolve_file(ACCOUNT, {**REPOSITORY, **change})


def test_older_names_and_providers_are_taken() -> None:
    """A repository without numbers in its tokens; a provider that the account has; a zone."""
    arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    found = resolve(load_yaml(ACCOUNT), {"GitHubOrg": "plant", "GitHubRepository": "shotwise.app",
                                         "OidcProviderArn": arn, "HostedZoneId": "Z0123"}, "shotwise-account")
    assert not found.of_type("AWS::IAM::OIDCProvider")
    assert trusted(role(found, "BuildRole"))["Principal"] == {"Federated": arn}
    assert "hostedzone/Z0123" in json.dumps(found.resources)
