"""The page: one small task, behind a balancer with HTTPS in prod, in the default network in dev."""

from __future__ import annotations

import pytest

from shotwise_tools.cloudformation.stacks import Stack

from .policies import rights
from .systems import PAGE, system

ELB = "AWS::ElasticLoadBalancingV2::"


def only(found: Stack, kind: str) -> dict[str, object]:
    """The one resource of a type."""
    (one,) = found.all_of_type(kind).values()
    return one


@pytest.mark.parametrize(("scenario", "size"), [("dev", ("256", "512")), ("staging", ("512", "1024")),
                                                ("prod", ("512", "1024"))])
def test_a_task_is_small_and_not_root(scenario: str, size: tuple[str, str]) -> None:
    """0.5 vCPU and 1 GB, in dev the least there is; the image that was given, port 8501, a log group of its own."""
    task = only(system(scenario), "AWS::ECS::TaskDefinition")
    assert (str(task["Cpu"]), str(task["Memory"])) == size
    assert task["RequiresCompatibilities"] == ["FARGATE"] and task["NetworkMode"] == "awsvpc"
    (container,) = task["ContainerDefinitions"]  # type: ignore[attr-defined]
    assert container["Image"] == PAGE[scenario]["FrontendImage"]
    assert [one["ContainerPort"] for one in container["PortMappings"]] == [8501]
    assert container["LogConfiguration"]["LogDriver"] == "awslogs"
    assert container["User"] not in ("0", "root") and container["ReadonlyRootFilesystem"] is True


def test_the_balancer_speaks_https_and_sends_http_there() -> None:
    """443 with a certificate and TLS 1.2 or newer; 80 answers with a redirect and nothing else."""
    found = system("prod")
    listeners = {int(one["Port"]): one for one in found.all_of_type(f"{ELB}Listener").values()}
    assert set(listeners) == {80, 443}
    assert listeners[443]["Protocol"] == "HTTPS" and listeners[443]["Certificates"]
    assert "TLS13" in listeners[443]["SslPolicy"] or "TLS-1-2" in listeners[443]["SslPolicy"]
    (action,) = listeners[80]["DefaultActions"]
    assert action["Type"] == "redirect" and action["RedirectConfig"]["Protocol"] == "HTTPS"


def test_the_page_is_asked_for_its_health_where_it_can_fail() -> None:
    """Streamlit answers 200 on every path but its own health: /_stcore/health; sessions stick to their task."""
    for group in system("prod").all_of_type(f"{ELB}TargetGroup").values():
        assert group["HealthCheckPath"] == "/_stcore/health" and group["TargetType"] == "ip"
        stick = {one["Key"]: one["Value"] for one in group["TargetGroupAttributes"]}
        assert stick["stickiness.enabled"] == "true"
    assert len(system("prod").all_of_type(f"{ELB}TargetGroup")) == 2


def test_a_new_version_comes_beside_the_old_one_in_prod() -> None:
    """Blue and green by ECS itself, and the service grows with its load; dev has one task in the default network."""
    service = only(system("prod"), "AWS::ECS::Service")
    assert service["DeploymentConfiguration"]["Strategy"] == "BLUE_GREEN"  # type: ignore[index]
    assert only(system("prod"), "AWS::ApplicationAutoScaling::ScalableTarget")["MaxCapacity"]
    small = only(system("dev"), "AWS::ECS::Service")
    place = small["NetworkConfiguration"]["AwsvpcConfiguration"]  # type: ignore[index]
    assert place["AssignPublicIp"] == "ENABLED"
    assert place["Subnets"] == PAGE["dev"]["DefaultSubnetIds"].split(",")
    assert "LoadBalancers" not in small and not system("dev").all_of_type("AWS::ApplicationAutoScaling::ScalableTarget")


@pytest.mark.parametrize("scenario", ["dev", "prod"])
def test_the_task_may_call_the_api_and_nothing_else(scenario: str) -> None:
    """It signs requests to this API's stage, and in dev to the stream's address."""
    found = system(scenario)
    role = str(only(found, "AWS::ECS::TaskDefinition")["TaskRoleArn"]).rpartition("/")[2]
    may = rights(found, role)
    assert set(may) - {"ssmmessages:CreateDataChannel"} == {"execute-api:Invoke"} | (
        {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"} & set(may) if scenario == "dev" else set())
    (api,) = found.of_type("AWS::ApiGateway::Stage").values()
    assert all(f":{api['RestApiId']}/{api['StageName']}/" in one for one in may["execute-api:Invoke"])
    assert ("lambda:InvokeFunctionUrl" in may) == (scenario == "dev")
