"""What deploys the farm fits the code and the schemas of those who read it; nothing here needs a cluster."""

import importlib
import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
YAML = sorted(path for folder in ("deploy", "docker", "infra") for path in (ROOT / folder).rglob("*.yaml"))
MANIFESTS = sorted((ROOT / "infra" / "kubernetes").glob("*.yaml"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def said_by(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)


def deployments() -> list[dict[str, Any]]:
    return yaml.safe_load((ROOT / "deploy/prefect.yaml").read_text())["deployments"]


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


@pytest.mark.parametrize("deployment", deployments(), ids=lambda deployment: deployment["name"])
def test_deployments_name_flows_that_are_there_and_take_the_parameters(deployment: dict[str, Any]) -> None:
    from flows import names

    module, name = deployment["entrypoint"].split(":")
    flow = getattr(importlib.import_module(module), name)
    assert f"{flow.name}/{deployment['name']}" in {names.SCENE, names.LIBRARY, names.REDO, names.EVALUATE}
    assert deployment["work_pool"]["name"] in {names.SCENES_POOL, names.COORDINATION_POOL}
    for field, value in deployment.get("parameters", {}).items():
        model = inspect.signature(flow.fn).parameters[field].annotation
        assert model.model_validate(value) is not None


def test_every_deployment_that_the_code_asks_for_is_deployed() -> None:
    from flows import names

    deployed = {deployment["name"] for deployment in deployments()}
    assert {name.split("/")[1] for name in (names.SCENE, names.LIBRARY, names.REDO, names.EVALUATE)} == deployed


def test_schedules_can_be_read() -> None:
    from prefect.client.schemas.schedules import CronSchedule

    crons = [schedule for deployment in deployments() for schedule in deployment.get("schedules", [])]
    assert crons
    for schedule in crons:
        assert CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]).cron
        # Whoever deploys decides when it begins to cost money.
        assert schedule["active"] is False


def test_yaml_is_tidy() -> None:
    done = said_by(BIN / "yamllint", "--strict", "-c", ".yamllint.yaml", *YAML)
    assert done.returncode == 0, done.stdout


def test_dockerfiles_lint() -> None:
    assert len(DOCKERFILES) >= 5
    done = said_by(BIN / "hadolint", "--failure-threshold", "info", *DOCKERFILES)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", DOCKERFILES, ids=name_of)
def test_images_are_pinned_run_as_nobody_and_are_asked_for_their_health(path: Path) -> None:
    text = path.read_text()
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)", text, re.MULTILINE))
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    for base in bases:
        named = re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], base)
        # The images of this project stand on each other; all others have a version.
        assert named == "regen3d-gpu-base:latest" or re.search(r":\d+\.\d+", named), named
    assert "HEALTHCHECK" in text
    assert bases[-1] == "${BASE}" or re.search(r"^USER 10001$", text, re.MULTILINE)


def test_the_compose_file_is_one() -> None:
    done = said_by(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "docker/compose.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_services_are_pinned_healthy_and_on_loopback_and_hold_no_secret() -> None:
    text = (ROOT / "docker/compose.yaml").read_text()
    for name, service in yaml.safe_load(text)["services"].items():
        image = service["image"]
        assert image.startswith("regen3d-") or re.search(r":v?\d+\.\d+", image), image
        assert name == "setup" or "healthcheck" in service, name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), port
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|TOKEN|KEY", variable):
                assert str(value).startswith("${"), variable
    example = (ROOT / "docker/example.env").read_text()
    assert set(re.findall(r"\$\{(\w+)", text)) <= set(re.findall(r"^(\w+)=", example, re.MULTILINE))


@pytest.mark.parametrize("path", MANIFESTS, ids=name_of)
def test_manifests_are_those_of_kubernetes(path: Path) -> None:
    for document in documents(path):
        if document["kind"] != "RayCluster":
            kubernetes_validate.validate(document, "1.33", strict=True)


RAY_GROUP = {
    "type": "object",
    "required": ["rayStartParams", "template"],
    "properties": {
        "groupName": {"type": "string", "pattern": "^[a-z0-9-]+$"},
        "replicas": {"type": "integer", "minimum": 0},
        "minReplicas": {"type": "integer", "minimum": 0},
        "maxReplicas": {"type": "integer", "minimum": 1},
        "serviceType": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
        "rayStartParams": {"type": "object", "additionalProperties": {"type": "string"}},
        "template": {"type": "object"},
    },
    "additionalProperties": False,
}
"""Fields of a group that KubeRay's reference lists, as far as they are used here."""

RAY_CLUSTER = {
    "type": "object",
    "required": ["rayVersion", "headGroupSpec", "workerGroupSpecs"],
    "properties": {
        "rayVersion": {"type": "string"},
        "enableInTreeAutoscaling": {"type": "boolean"},
        "autoscalerOptions": {
            "type": "object",
            "properties": {
                "upscalingMode": {"enum": ["Default", "Aggressive", "Conservative"]},
                "idleTimeoutSeconds": {"type": "integer", "minimum": 0},
                "resources": {"type": "object"},
            },
            "additionalProperties": False,
        },
        "authOptions": {"type": "object", "properties": {"mode": {"enum": ["token", "disabled"]}}},
        "headGroupSpec": RAY_GROUP,
        "workerGroupSpecs": {"type": "array", "items": RAY_GROUP, "minItems": 1},
    },
    "additionalProperties": False,
}


def test_the_ray_cluster_scales_gpu_workers_from_nothing_and_its_pods_are_sound() -> None:
    (cluster,) = documents(ROOT / "infra/kubernetes/raycluster.yaml")
    spec = cluster["spec"]
    jsonschema.validate(spec, RAY_CLUSTER)
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        pod = {"apiVersion": "v1", "kind": "Pod", **group["template"]}
        pod["metadata"] = {"name": "pod", **pod["metadata"]}
        kubernetes_validate.validate(pod, "1.33", strict=True)
        assert pod["spec"]["securityContext"]["runAsNonRoot"]
    gpu = [group for group in spec["workerGroupSpecs"] if "num-gpus" in group["rayStartParams"]]
    assert gpu
    for group in gpu:
        assert group["minReplicas"] == 0 < group["maxReplicas"]
        limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
        assert limits["nvidia.com/gpu"] == group["rayStartParams"]["num-gpus"]
    ray = re.search(r"^ray==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert ray is not None
    assert spec["rayVersion"] == ray[1]


def test_servers_are_of_the_version_that_the_code_is_tested_with() -> None:
    prefect = re.search(r"^prefect==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert prefect is not None
    server, worker = (
        yaml.safe_load((ROOT / f"infra/helm/prefect-{part}.yaml").read_text()) for part in ("server", "worker")
    )
    # The server's chart reads its image here and nowhere else.
    for image in (server["global"]["prefect"]["image"], worker["worker"]["image"]):
        assert image["prefectTag"].startswith(f"{prefect[1]}-")
    for values in (server["server"], worker["worker"]):
        assert values["containerSecurityContext"]["runAsNonRoot"]
    assert "image" not in server["server"]


def test_servers_remember_who_holds_a_slot() -> None:
    kept = "prefect.server.concurrency.lease_storage.filesystem"
    name = "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"
    importlib.import_module(kept)
    assert f"{name}={kept}" in (ROOT / "deploy/local.sh").read_text()
    compose = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
    assert compose["services"]["server"]["environment"][name] == kept
    chart = yaml.safe_load((ROOT / "infra/helm/prefect-server.yaml").read_text())
    assert {"name": name, "value": kept} in chart["global"]["prefect"]["env"]
    # Apart from the server and without Redis they would neither hear events nor see its leases.
    assert not chart["backgroundServices"]["runAsSeparateDeployment"]


def test_the_dashboard_asks_only_for_numbers_that_there_are() -> None:
    from flows.metrics import FarmMetrics

    there: set[str] = set()
    for family in FarmMetrics().registry.collect():
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
        there |= {f"{family.name}{ending}" for ending in endings}
    dashboard = json.loads((ROOT / "deploy/monitoring/dashboard.json").read_text())
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\bregen3d_\w+", target["expr"])
    }
    assert asked <= there
    # All that the farm tells is shown: queues, times, failures, memory, cost.
    assert {name.rsplit("_", 1)[0] if name.endswith(("_total", "_bucket")) else name for name in asked} >= {
        "regen3d_queue_length",
        "regen3d_stage_seconds",
        "regen3d_failures",
        "regen3d_vram_used_bytes",
        "regen3d_api_usd",
    }


def test_scripts_are_bash() -> None:
    for script in sorted((ROOT / "deploy").glob("*.sh")):
        done = said_by("bash", "-n", script)
        assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("terraform") is None, reason="needs terraform")
def test_terraform_is_formatted() -> None:
    done = said_by("terraform", "fmt", "-check", "-diff", "-recursive", ROOT / "infra/terraform")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("terraform") is None, reason="needs terraform")
def test_terraform_is_valid(tmp_path: Path) -> None:
    for path in (ROOT / "infra/terraform").glob("*.tf"):
        shutil.copy(path, tmp_path)
    begun = said_by("terraform", "init", "-backend=false", "-input=false", cwd=tmp_path)
    if begun.returncode != 0:
        pytest.skip("the providers of AWS and TLS cannot be had from Terraform's registry here")
    done = said_by("terraform", "validate", "-no-color", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
