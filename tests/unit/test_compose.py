"""The compose file runs every service there is, with settings that exist, and holds no secret."""

import os
import stat
from pathlib import Path

import pytest
import yaml

from embedded.preparing import prepare
from notifier.settings import NotifierSettings
from tierline.kit.errors import Misconfigured
from tierline.kit.mail import MailSettings
from tierline.kit.settings import Settings, read_settings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
SERVICES = sorted(folder.name for folder in (ROOT / "services").iterdir() if (folder / "pyproject.toml").exists())


def test_every_service_has_its_own_port_and_is_made_by_the_one_recipe():
    built = {name: service for name, service in COMPOSE.items() if "build" in service}
    assert sorted(built) == SERVICES
    assert {service["build"]["args"]["SERVICE"] for service in built.values()} == set(SERVICES)
    ports = [service["ports"][0].split(":")[1] for service in built.values()]
    assert ports == ["8001", "8002", "8003", "8004", "8005"]
    recipe = (ROOT / "deploy/service.Dockerfile").read_text()
    assert all(port in recipe for port in ("8000", "/readyz"))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_starts_with_what_it_is_given(name: str, monkeypatch: pytest.MonkeyPatch):
    for known in [known for known in os.environ if known.startswith("TIERLINE_")]:
        monkeypatch.delenv(known)
    for setting, value in COMPOSE[name]["environment"].items():
        monkeypatch.setenv(setting, "25" if setting.endswith("_PORT") else value + "x" * 32)
    kind = {"notifier": NotifierSettings, "tier3-liaison": MailSettings}.get(name, Settings)
    given = {setting.removeprefix("TIERLINE_").lower() for setting in COMPOSE[name]["environment"]}
    assert given <= kind.model_fields.keys()
    assert read_settings(kind).bus.startswith("kafka://kafka:9092")


def test_what_is_prepared_is_private_and_stays(tmp_path: Path):
    made = prepare(tmp_path / "keys", tmp_path / ".env")
    before = {name: Path(path).read_bytes() for name, path in made.items()}
    assert {stat.S_IMODE(Path(path).stat().st_mode) for path in made.values()} == {0o600}
    assert prepare(tmp_path / "keys", tmp_path / ".env") == made
    assert {name: Path(path).read_bytes() for name, path in made.items()} == before


def test_a_policy_that_cannot_work_is_said_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TIERLINE_POLICIES", str(tmp_path / "nowhere"))
    with pytest.raises(Misconfigured):
        prepare(tmp_path / "keys", tmp_path / ".env")
    assert not (tmp_path / ".env").exists()
