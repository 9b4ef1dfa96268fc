"""The files for containers, Kubernetes and systemd, as far as their tools can judge them here."""

from __future__ import annotations

import asyncio
import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prefect.settings import Settings as PrefectSettings
from prefect_redis.cleanup_queue import RedisWorkerCleanupQueueSettings

import settings
from alerts.config import read_alerts
from api.serving import make_server
from db.reading_role import READER_ROLE, grants
from flows.parts import parts_of
from scanners.rules import Rules
from settings import Settings

ROOT = Path(__file__).parents[2]
FILES = ROOT / "deployments"
TOOLS = Path(sys.executable).parent
WORKLOADS = {"Deployment", "Job", "CronJob"}


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=120
    )


def test_no_name_in_the_example_of_containers_settings_is_called_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """People export that file; a command outside the containers says nothing of it."""
    text = (FILES / "compose" / "example.env").read_text()
    text += (FILES / "compose" / "compose.yaml").read_text()
    for name in set(re.findall("CLOSEBELL_[A-Z_]+", text)):
        monkeypatch.setenv(name, "1")
    assert settings.unknown_names() == []


def compose() -> dict[str, dict]:
    return yaml.safe_load((FILES / "compose" / "compose.yaml").read_text())["services"]


def manifests() -> list[dict]:
    found = []
    for path in sorted((FILES / "kubernetes").glob("*.yaml")):
        if path.name != "kustomization.yaml":
            found += list(yaml.safe_load_all(path.read_text()))
    return found


def test_the_compose_file_follows_its_schema():
    done = run(
        *(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec"),
        FILES / "compose" / "compose.yaml",
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_manifests_follow_the_schemas_of_kubernetes():
    files = [p for p in (FILES / "kubernetes").glob("*.yaml") if p.name != "kustomization.yaml"]
    done = run(TOOLS / "kubernetes-validate", "--strict", *files)
    assert done.returncode == 0, done.stdout + done.stderr
    listed = yaml.safe_load((FILES / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == sorted(path.name for path in files)


ENDS = {"migrate", "prefect-migrate", "deploy", "backup"}  # by themselves, when they are done


def test_every_container_has_limits_and_a_health_check_or_ends_by_itself():
    for name, service in compose().items():
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name
        ours = service["image"].startswith("closebell:")
        health = service.get("healthcheck", {"test": "the image's own"} if name == "api" else {})
        assert (health == {"disable": True}) if name in ENDS else health.get("test"), name
        if ours:
            assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name


def test_every_pod_runs_as_nobody_in_particular_with_limits_and_is_probed():
    workloads = [m for m in manifests() if m["kind"] in WORKLOADS]
    assert len(workloads) >= 9
    for workload in workloads:
        pod = pod_of(workload)
        name = workload["metadata"]["name"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        for container in pod["containers"]:
            assert container["resources"]["limits"].keys() == {"cpu", "memory"}, name
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
            probed = {"livenessProbe", "readinessProbe"} & container.keys()
            assert bool(probed) is (workload["kind"] == "Deployment"), name


def image_environment() -> dict[str, str]:
    dockerfile = (FILES / "container" / "Dockerfile").read_text()
    (block,) = re.findall(r"^ENV (.*?[^\\])$", dockerfile, re.MULTILINE | re.DOTALL)
    return dict(pair.split("=", 1) for pair in block.replace("\\\n", " ").split())


def pod_of(workload: dict) -> dict:
    pod: dict = workload["spec"].get("jobTemplate", workload)["spec"]["template"]["spec"]
    return pod


def pod_of_a_run() -> dict:
    template = json.loads((FILES / "kubernetes" / "work-pool.json").read_text())
    return pod_of(template["job_configuration"]["job_manifest"])


def containers_of(workload: dict) -> list[dict]:
    return list(pod_of(workload)["containers"])


def test_prefect_writes_its_ui_where_a_read_only_container_can():
    ui = Path(image_environment()["PREFECT_UI_STATIC_DIRECTORY"])
    service = compose()["prefect"]
    assert any(ui.is_relative_to(mount.partition(":")[0]) for mount in service["tmpfs"])
    for workload in manifests():
        if workload["kind"] == "Deployment" and workload["metadata"]["name"] == "prefect":
            (container,) = containers_of(workload)
            mounts = [m["mountPath"] for m in container["volumeMounts"] if not m.get("readOnly")]
            assert any(ui.is_relative_to(mount) for mount in mounts)


def server_environments() -> list[dict[str, str]]:
    (config,) = (
        m
        for m in manifests()
        if m["kind"] == "ConfigMap" and m["metadata"]["name"] == "prefect-server"
    )
    return [compose()["prefect"]["environment"], config["data"]]


@pytest.mark.parametrize("environment", server_environments(), ids=["compose", "kubernetes"])
def test_servers_share_by_redis_what_each_would_keep_in_memory(environment, monkeypatch):
    for name, value in environment.items():
        if "DATABASE" not in name and "${" not in value:
            monkeypatch.setenv(name, value)
    server = PrefectSettings().server
    kept = [
        server.concurrency.lease_storage,
        server.events.causal_ordering,
        server.events.messaging_broker,
        server.events.messaging_cache,
        server.worker_channel.cleanup_queue_storage,
    ]
    assert not [one for one in map(str, kept) if "redis" not in one]
    assert server.docket.url == "memory://", "a Redis that dies would hold up what plans runs"
    assert RedisWorkerCleanupQueueSettings().url == "redis://redis:6379/0"
    for module in kept:
        if "://" not in module:
            importlib.import_module(module)


def test_links_in_prefects_messages_lead_somewhere():
    for environment in server_environments():
        assert {"PREFECT_UI_URL", "PREFECT_UI_API_URL"} <= environment.keys()


def test_every_part_of_closebell_reads_the_same_closebell_toml():
    for name, service in compose().items():
        if service.get("command", [""])[0] == "closebell":
            at = service["environment"]["CLOSEBELL_CONFIG"]
            assert f"./closebell.toml:{at}:ro" in service["volumes"], name
    (config,) = (
        m for m in manifests() if m["kind"] == "ConfigMap" and m["metadata"]["name"] == "closebell"
    )
    at = Path(config["data"]["CLOSEBELL_CONFIG"])
    for pod in [*(pod_of(m) for m in manifests() if m["kind"] in WORKLOADS), pod_of_a_run()]:
        volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
        for container in pod["containers"]:
            if {"configMapRef": {"name": "closebell"}} in container["envFrom"]:
                mounts = {m["mountPath"]: m["name"] for m in container["volumeMounts"]}
                assert str(at.parent) in mounts, container["name"]
                volume = volumes[mounts[str(at.parent)]]
                assert volume["secret"] == {"secretName": "closebell-config"}, container["name"]


def test_the_example_of_closebell_toml_is_one_commented_out_or_not(monkeypatch, tmp_path):
    text = (FILES / "compose" / "example.toml").read_text()
    shown = re.sub(r"^# (?=[\[a-z_]+(\.| =|\]))", "", text, flags=re.MULTILINE)
    for content, watched in ((text, set()), (shown, {"005930", "000660"})):
        (tmp_path / "closebell.toml").write_text(content)
        monkeypatch.setenv("CLOSEBELL_CONFIG", str(tmp_path / "closebell.toml"))
        read = settings.load()
        assert read.watch_list == watched
        Rules.from_mapping(read.rules)
        assert bool(read_alerts(read).recipients) is bool(watched)


def test_commands_in_containers_are_commands_we_have():
    told = run(TOOLS / "closebell", "--help").stdout
    ours = set(re.findall(r"^  ([a-z]\S+)", told, re.MULTILINE))
    used = [s["command"] for s in compose().values() if s.get("command", [""])[0] == "closebell"]
    for workload in manifests():
        if workload["kind"] in WORKLOADS:
            used += [c["command"] for c in containers_of(workload)]
    wanted = {command[1] for command in used if command[0] == "closebell"}
    assert {"serve", "worker", "deploy", "db"} <= wanted
    assert wanted <= ours


def test_the_init_script_grants_the_reader_what_closebell_says_and_no_more():
    script = (FILES / "compose" / "postgres-init.sh").read_text()
    said = {line.rstrip(";") for line in script.splitlines() if "closebell_reader" in line}
    wanted = {s for s in grants(READER_ROLE, "closebell") if READER_ROLE in s}
    assert wanted <= said
    extra = {line for line in said - wanted if "PASSWORD" not in line and "-v" not in line}
    assert extra == set()


def kubernetes_proxies() -> str:
    (config,) = (
        m for m in manifests() if m["kind"] == "ConfigMap" and m["metadata"]["name"] == "closebell"
    )
    return str(config["data"]["CLOSEBELL_API_PROXIES"])


def compose_proxies() -> str:
    value = compose()["api"]["environment"]["CLOSEBELL_API_PROXIES"]
    return str(value).partition(":-")[2].rstrip("}")


@pytest.mark.parametrize(
    ("proxies", "proxy"),
    [
        pytest.param(kubernetes_proxies(), "10.244.1.7", id="kubernetes"),
        pytest.param(compose_proxies(), "172.30.0.2", id="compose"),
    ],
)
def test_who_asks_through_the_proxy_is_known_by_its_own_address_and_scheme(proxies, proxy):
    behind = Settings(api_proxies=proxies)
    seen = {}

    async def app(scope, receive, send):
        seen.update(client=scope["client"][0], scheme=scope["scheme"])

    config = make_server(app, behind).config
    config.load()
    scope = {
        "type": "http",
        "scheme": "http",
        "client": (proxy, 40000),
        "headers": [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-proto", b"https")],
    }
    asyncio.run(config.loaded_app(scope, None, None))
    assert seen == {"client": "203.0.113.9", "scheme": "https"}


def test_the_image_gets_every_package_and_nothing_else_of_the_clone():
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in ignore if line.startswith("!")}
    packages = {p.parent.name for p in ROOT.glob("*/__init__.py") if p.parent.name != "tests"}
    modules = {p.name for p in ROOT.glob("*.py")}
    assert packages | modules | {"prefect.yaml", "pyproject.toml"} <= let_in
    assert not let_in & {"tests", "bench", "deployments", ".venv", ".git"}
    assert all((ROOT / name).exists() for name in let_in)


def test_the_job_template_fills_only_variables_it_declares():
    template = json.loads((FILES / "kubernetes" / "work-pool.json").read_text())
    used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(template["job_configuration"])))
    assert used <= set(template["variables"]["properties"])
    assert template["variables"]["properties"]["image"]["default"].startswith("closebell:")


def test_systemd_waits_for_as_long_as_the_parts_may_take_to_stop():
    unit = (FILES / "systemd" / "closebell.service").read_text()
    (minutes,) = re.findall(r"^TimeoutStopSec=(\d+)min$", unit, re.MULTILINE)
    everything = Settings(
        kiwoom_app_key="a", kiwoom_secret_key="b", alerts='{"recipients": {"me": "tgram://a/b"}}'
    )
    parts = parts_of(everything, source=None, speed=None)
    assert {"stream", "alerts"} <= {part.name for part in parts}
    assert sum(part.grace for part in parts) + 30 < int(minutes) * 60


@pytest.mark.system
def test_systemd_accepts_the_units(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze (package systemd) isn't installed")
    for unit in (FILES / "systemd").iterdir():
        text = unit.read_text().replace("/opt/closebell/bin/closebell", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    done = run("systemd-analyze", "verify", *sorted(tmp_path.iterdir()))
    assert done.returncode == 0, done.stderr
    assert "Unknown" not in done.stderr


@pytest.mark.system
def test_caddy_accepts_its_file():
    if not shutil.which("caddy"):
        pytest.skip("caddy isn't installed")
    done = run(
        *("caddy", "validate", "--adapter", "caddyfile", "--config"),
        FILES / "compose" / "Caddyfile",
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.system
def test_prometheus_accepts_its_files():
    if not shutil.which("promtool"):
        pytest.skip("promtool (package prometheus) isn't installed")
    done = run("promtool", "check", "rules", FILES / "monitoring" / "alerts.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    done = run(
        "promtool", "check", "config", "--syntax-only", FILES / "compose" / "prometheus.yaml"
    )
    assert done.returncode == 0, done.stdout + done.stderr
