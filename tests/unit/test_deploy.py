"""What is deployed agrees with the code: compose with the CLI, rules and dashboard with metrics."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import typer.main
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from setuptools import find_packages
from typer.core import TyperGroup

from deploy.grafana.dashboard import build as dashboard
from sinks.clickhouse.statements import create_views, grants_of_comments, grants_of_readers, grants_of_sink
from streams.cli import build
from streams.settings import Settings
from streams.telemetry.metrics import CATALOGUE, OF_THE_PROCESS
from streams.variables import PREFIX

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
RULES = yaml.safe_load((ROOT / "deploy/prometheus/behoudlijn.rules.yml").read_text(encoding="utf-8"))
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]
RECORDED = {rule["record"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule}
LABELS = {series: {*spec.labels} for spec in CATALOGUE for series in spec.series}
PROCESS = {name for name, *_ in OF_THE_PROCESS}
DECLARED = set(LABELS) | PROCESS
# Set where tests run, or by us outside the settings' fields.
EXTRA_VARIABLES = {
    f"{PREFIX}MIGRATE_PASSWORD",
    f"{PREFIX}SINK_PASSWORD",
    f"{PREFIX}BI_PASSWORD",
    f"{PREFIX}COMMENTS_PASSWORD",
    f"{PREFIX}MODE",
}


def command_at(words: list[str]) -> Any:
    """The command that `words` name; raises when the command line has none."""
    command: Any = typer.main.get_command(build())
    while isinstance(command, TyperGroup):
        name = words.pop(0)
        assert name in command.list_commands(None), f"no such command: {name}"  # type: ignore[arg-type]
        command = command.get_command(None, name)  # type: ignore[arg-type]
    return command


@pytest.mark.parametrize("service", OURS)
def test_compose_runs_commands_that_exist(service: str) -> None:
    words = [re.sub(r"\$\{\w+:-(.*)\}", r"\1", word) for word in SERVICES[service]["command"]]
    command = command_at(words)
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_compose_sets_nothing_that_is_no_setting() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | EXTRA_VARIABLES
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"BEHOUDLIJN_[A-Z_]+", text)) - known == set()


@pytest.mark.parametrize("service", SERVICES)
def test_images_are_pinned_and_ports_stay_on_this_machine(service: str) -> None:
    definition = SERVICES[service]
    assert re.search(r":v?\d+\.\d+\.\d+", definition["image"]), "pin the tag"
    assert all(port.startswith("127.0.0.1:") for port in definition.get("ports", []))
    assert "no-new-privileges:true" in definition["security_opt"]
    assert not definition.get("privileged")


@pytest.mark.parametrize("service", OURS)
def test_our_containers_hold_no_rights(service: str) -> None:
    definition = SERVICES[service]
    assert definition["cap_drop"] == ["ALL"]
    assert definition["read_only"] is True


def test_the_image_holds_neither_the_embedded_stack_nor_its_engine(tmp_path: Path) -> None:
    dockerfile = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
    for sources, target in re.findall(r"^COPY (?!--from)(.+) (\S+)$", dockerfile, re.MULTILINE):
        for source in map(Path, sources.split()):
            if (ROOT / source).is_dir():
                shutil.copytree(
                    ROOT / source, tmp_path / target, ignore=shutil.ignore_patterns("__pycache__")
                )
            else:
                (tmp_path / target).mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, tmp_path / target)
    packages = find_packages(
        str(tmp_path), include=PYPROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    )
    assert {"streams", "sinks", "schemas", "deploy"} <= set(packages)
    assert not [name for name in packages if name.startswith("deploy.")]
    lock = (tmp_path / "requirements/runtime.lock").read_text(encoding="utf-8")
    assert not re.findall(r"^(chdb|calfkit)\S*==", lock, re.MULTILINE)
    # As the image's Python sees it: without the finder that leads from an editable install back here.
    script = (
        "import sys; sys.meta_path = [each for each in sys.meta_path if 'Editable' not in str(each)]\n"
        "from typer.main import get_command; from streams.cli import build\n"
        "commands = get_command(build()).list_commands(None)\n"
        "assert 'worker' in commands and not {'up', 'demo'} & {*commands}, commands\n"
        "assert not [name for name in sys.modules if name.startswith(('chdb', 'deploy.embedded'))]\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=60)


def test_who_waits_for_whom() -> None:
    for name, service in SERVICES.items():
        one_shot = name in ("topics", "migrate")
        assert ("healthcheck" in service) != one_shot, name
        for other, wait in service.get("depends_on", {}).items():
            finished = other in ("topics", "migrate")
            expected = "service_completed_successfully" if finished else "service_healthy"
            assert wait["condition"] == expected, (name, other)
    assert set(SERVICES["sink"]["depends_on"]) == {"topics", "migrate"}


def test_every_mounted_file_and_volume_exists() -> None:
    for service in SERVICES.values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], mount


def test_clickhouse_users_have_least_rights_and_passwords_from_the_environment() -> None:
    users = ET.parse(ROOT / "deploy/clickhouse/users.xml").find("users")
    assert users is not None
    environment = SERVICES["clickhouse"]["environment"]
    grants = {}
    for user in users:
        if user.tag == "default":
            continue
        password = user.find("password")
        assert password is not None
        assert password.get("from_env") in environment
        grants[user.tag] = [query.text for query in user.iter("query")]
    assert grants["behoudlijn_migrate"] == ["GRANT ALL ON behoudlijn.*"]
    assert grants["behoudlijn_bi"] == grants_of_readers(), "run make generated"
    assert grants["behoudlijn_comments"] == grants_of_comments(), "run make generated"
    assert grants["behoudlijn_sink"] == grants_of_sink(), "run make generated"
    ET.parse(ROOT / "deploy/clickhouse/config.xml")


def test_a_reader_may_read_each_view_by_one_right_and_no_table() -> None:
    granted = [
        grant.removeprefix("GRANT SELECT ON behoudlijn.")
        for grant in (*grants_of_readers(), *grants_of_comments())
    ]
    made = re.findall(r"CREATE OR REPLACE VIEW (\w+)", "\n".join(create_views()))
    assert sorted(granted) == sorted(made)
    assert grants_of_comments() == ["GRANT SELECT ON behoudlijn.v_survey_comments"]


def test_readers_have_limits() -> None:
    users = ET.parse(ROOT / "deploy/clickhouse/users.xml").find("users")
    assert users is not None
    for name in ("behoudlijn_bi", "behoudlijn_comments"):
        assert [users.findtext(f"{name}/{limit}") for limit in ("profile", "quota")] == ["behoudlijn_bi"] * 2


def metrics_in(query: str) -> set[str]:
    """The names of ours that a PromQL expression asks for."""
    return set(re.findall(r"\b(?:behoudlijn[_:]|process_)[a-z0-9_:]+", re.sub(r'"[^"]*"', '""', query)))


def labels_in(query: str) -> set[str]:
    """The labels that a PromQL expression groups, matches or selects by."""
    groups = re.findall(r"\b(?:by|on|without|ignoring) \(([^)]*)\)", query)
    selectors = re.findall(r"(\w+)(?:=~|!~|!=|=)\"", query)
    return {label.strip() for group in groups for label in group.split(",")} | set(selectors)


def test_rules_ask_for_declared_metrics_only() -> None:
    for group in RULES["groups"]:
        for rule in group["rules"]:
            assert metrics_in(rule["expr"]) <= DECLARED | RECORDED, rule


def test_rules_and_panels_use_declared_labels_only() -> None:
    panels = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    for query in [rule["expr"] for group in RULES["groups"] for rule in group["rules"]] + panels:
        known = {label for name in metrics_in(query) & set(LABELS) for label in LABELS[name]}
        assert labels_in(query) <= known | {"job", "instance", "le"}, query


def test_every_alert_says_what_to_do_and_has_a_test() -> None:
    tests = (ROOT / "deploy/prometheus/tests/behoudlijn.test.yml").read_text(encoding="utf-8")
    for alert in ALERTS:
        assert alert["labels"]["severity"] in ("page", "ticket")
        assert {"summary", "action", "runbook"} == set(alert["annotations"])
        assert alert["annotations"]["runbook"] == f"docs/runbook.md#{alert['alert'].lower()}"
        assert f"alertname: {alert['alert']}\n" in tests


def test_every_alert_has_an_entry_in_the_runbook() -> None:
    headings = re.findall(
        r"^### (Behoudlijn\w+)$", (ROOT / "docs/runbook.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {alert["alert"] for alert in ALERTS} == set(headings)
    assert len(headings) == len(ALERTS)


def test_the_late_limit_of_the_rules_is_a_bucket() -> None:
    buckets = {str(bound) for spec in CATALOGUE for bound in spec.buckets if "ingest_to_trigger" in spec.name}
    text = json.dumps(RULES)
    assert set(re.findall(r'le=\\"([0-9.]+)\\"', text)) <= buckets


def test_every_panel_asks_for_declared_metrics_and_every_metric_is_seen() -> None:
    asked: set[str] = set()
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            found = metrics_in(target["expr"])
            assert found, target["expr"]
            assert found <= DECLARED | RECORDED, target["expr"]
            asked |= found
    for rule in (rule for group in RULES["groups"] for rule in group["rules"] if rule.get("record") in asked):
        asked |= metrics_in(rule["expr"])
    assert [spec.name for spec in CATALOGUE if not asked & spec.series] == []


def test_the_dockerfile_is_clean_and_not_root() -> None:
    dockerfile = ROOT / "deploy/Dockerfile"
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, dockerfile], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    text = dockerfile.read_text(encoding="utf-8")
    assert "USER 10001:10001" in text
    assert "--require-hashes -r requirements/runtime.lock" in text
    assert len(re.findall(r"^FROM python:\d+\.\d+\.\d+-", text, re.MULTILINE)) == 2


def test_the_image_is_built_with_a_compiled_core_and_refuses_a_plain_one() -> None:
    _, build, final = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8").split("\nFROM ")
    assert "BEHOUDLIJN_COMPILED=1 /opt/build/bin/python -m pip wheel" in build
    assert "RUN behoudlijn info --require-compiled\n" in final
    assert re.search(r"^COPY .*\bsetup\.py\b", build, re.MULTILINE), "without it setuptools compiles nothing"


def test_the_image_may_copy_what_it_copies() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    dockerfile = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE):
        for source in sources.split():
            assert {source.rstrip("/"), f"{source}*.lock"} & sent, source


def versions(name: str) -> dict[str, str]:
    """What a lock names."""
    lock = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))


def test_the_demo_has_all_that_its_packages_need_but_what_makes_data_frames() -> None:
    found = re.search(r"^FRAMES := (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    frames, demo = {*found[1].split()}, versions("demo.lock")
    assert demo.items() <= versions("dev.lock").items()
    assert not frames & {*demo}
    lacking = {}
    for name in demo:
        try:
            needs = [Requirement(each) for each in requires(name) or ()]
        except PackageNotFoundError:  # of another platform or Python
            continue
        here = {
            canonicalize_name(each.name)
            for each in needs
            if each.marker is None or each.marker.evaluate({"extra": ""})
        }
        lacking[name] = here - {*demo}
    assert {name for name, names in lacking.items() if names} <= {"chdb", "chdb-core"}
    assert set().union(*lacking.values()) <= frames


def test_what_compiles_the_image_is_what_compiles_here() -> None:
    build = versions("build.lock")
    assert {"mypy", "pydantic", "setuptools"} <= set(build)
    assert build.items() <= versions("dev.lock").items()
