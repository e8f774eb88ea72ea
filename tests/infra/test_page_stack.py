"""The page: small tasks, behind a balancer with HTTPS in prod, in the default network in dev."""

from __future__ import annotations

import pytest

from frontend.site_guard import allowed_hosts
from shotwise_tools.cloudformation.stacks import Stack

from .policies import rights
from .systems import PAGE, system

ELB = "AWS::ElasticLoadBalancingV2::"


def only_resource(stack: Stack, kind: str) -> dict[str, object]:
    """The one resource of a type."""
    (resource,) = stack.all_of_type(kind).values()
    return resource


@pytest.mark.parametrize(("scenario", "size"), [("dev", ("256", "512")), ("staging", ("512", "1024")),
                                                ("prod", ("512", "1024"))])
def test_a_task_is_small_and_not_root(scenario: str, size: tuple[str, str]) -> None:
    """0.5 vCPU and 1 GB, in dev the minimum; the given image, port 8501, and no root user."""
    task = only_resource(system(scenario), "AWS::ECS::TaskDefinition")
    assert (str(task["Cpu"]), str(task["Memory"])) == size
    assert task["RequiresCompatibilities"] == ["FARGATE"] and task["NetworkMode"] == "awsvpc"
    (container,) = task["ContainerDefinitions"]  # type: ignore[attr-defined]
    assert container["Image"] == PAGE[scenario]["FrontendImage"]
    assert [mapping["ContainerPort"] for mapping in container["PortMappings"]] == [8501]
    assert container["LogConfiguration"]["LogDriver"] == "awslogs"
    assert container["User"] not in ("0", "root") and container["ReadonlyRootFilesystem"] is True


def test_the_balancer_redirects_http_to_https() -> None:
    """443 has a certificate and TLS 1.2 or newer; 80 only redirects to it."""
    prod = system("prod")
    listeners = {int(listener["Port"]): listener for listener in prod.all_of_type(f"{ELB}Listener").values()}
    assert set(listeners) == {80, 443}
    assert listeners[443]["Protocol"] == "HTTPS" and listeners[443]["Certificates"]
    assert "TLS13" in listeners[443]["SslPolicy"] or "TLS-1-2" in listeners[443]["SslPolicy"]
    (action,) = listeners[80]["DefaultActions"]
    assert action["Type"] == "redirect" and action["RedirectConfig"]["Protocol"] == "HTTPS"


def test_the_health_check_can_fail() -> None:
    """The health check uses /_stcore/health, because Streamlit answers 200 elsewhere; sessions stick to a task."""
    for group in system("prod").all_of_type(f"{ELB}TargetGroup").values():
        assert group["HealthCheckPath"] == "/_stcore/health" and group["TargetType"] == "ip"
        attributes = {attribute["Key"]: attribute["Value"] for attribute in group["TargetGroupAttributes"]}
        assert attributes["stickiness.enabled"] == "true"
    assert len(system("prod").all_of_type(f"{ELB}TargetGroup")) == 2


def test_prod_deploys_blue_and_green() -> None:
    """Prod deploys blue and green and scales; dev has one task in the default network."""
    service = only_resource(system("prod"), "AWS::ECS::Service")
    assert service["DeploymentConfiguration"]["Strategy"] == "BLUE_GREEN"  # type: ignore[index]
    assert only_resource(system("prod"), "AWS::ApplicationAutoScaling::ScalableTarget")["MaxCapacity"]
    dev_service = only_resource(system("dev"), "AWS::ECS::Service")
    network = dev_service["NetworkConfiguration"]["AwsvpcConfiguration"]  # type: ignore[index]
    assert network["AssignPublicIp"] == "ENABLED"
    assert network["Subnets"] == PAGE["dev"]["DefaultSubnetIds"].split(",")
    assert "LoadBalancers" not in dev_service
    assert not system("dev").all_of_type("AWS::ApplicationAutoScaling::ScalableTarget")


@pytest.mark.parametrize(("scenario", "choice", "hosts", "foreign"), [
    ("dev", "as it is", {"203.0.113.9:8501"}, {"shotwise.example.com", "evil.example"}),
    ("prod", "named", {"shotwise.example.com"}, {"evil.example", "203.0.113.9"}),
    ("prod", "as it is", set(), {"shotwise.example.com", "203.0.113.9"})])
def test_the_page_answers_under_its_own_name_alone(scenario: str, choice: str, hosts: set[str],
                                                   foreign: set[str]) -> None:
    """That is its domain, or the balancer's name from AWS, or in dev an address, which changes with every task."""
    stack = system(scenario, choice)
    (container,) = only_resource(stack, "AWS::ECS::TaskDefinition")["ContainerDefinitions"]  # type: ignore[misc]
    variables = {variable["Name"]: variable["Value"] for variable in container["Environment"]}
    allowed = allowed_hosts(variables)
    if scenario == "prod" and choice == "as it is":
        balancer = variables["SHOTWISE_ALLOWED_HOSTS"]
        assert balancer.endswith(".elb.amazonaws.com")
        hosts = {balancer.lower()}
    assert hosts and all(host in allowed for host in hosts) and not any(host in allowed for host in foreign)


@pytest.mark.parametrize("scenario", ["dev", "prod"])
def test_the_task_may_call_the_api_and_nothing_else(scenario: str) -> None:
    """It signs requests to this API's stage, and in dev to the function URL of the stream."""
    stack = system(scenario)
    role = str(only_resource(stack, "AWS::ECS::TaskDefinition")["TaskRoleArn"]).rpartition("/")[2]
    allowed = rights(stack, role)
    assert set(allowed) - {"ssmmessages:CreateDataChannel"} == {"execute-api:Invoke"} | (
        {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"} & set(allowed) if scenario == "dev" else set())
    (api,) = stack.of_type("AWS::ApiGateway::Stage").values()
    assert all(f":{api['RestApiId']}/{api['StageName']}/" in resource for resource in allowed["execute-api:Invoke"])
    assert ("lambda:InvokeFunctionUrl" in allowed) == (scenario == "dev")
