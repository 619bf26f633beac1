"""(d) Memory: each service apart, and the whole one-machine install with its PostgreSQL, idle and after 1,500 submissions."""

import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from stand import MODULES, load, serving, stand

COUNT = 1500
BODY = json.dumps(
    {
        "component": "single-sign-on",
        "subject": "s",
        "description": "d" * 400,
        "impact": "question",
        "reporter": {"name": "n", "email": "n@example.org", "role": "school", "organization": "o"},
    }
).encode()


async def measure() -> dict[str, dict[str, float]]:
    return {"apart": await _apart(), "one_machine": await _whole()}


async def _apart() -> dict[str, float]:
    async with stand() as made:
        found = {}
        for service, module in MODULES.items():
            with serving(module, made.environment(service)) as (port, pid):
                found[f"{service}_idle_mb"] = _mb([psutil.Process(pid)])
                if service == "intake":
                    key = made.install.credentials["members"]["alder"]["client"]
                    await load(port, "/v1/tickets", BODY, {"Authorization": f"Bearer {key}"}, COUNT)
                    found["intake_loaded_mb"] = _mb([psutil.Process(pid)])
        return found


async def _whole() -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o755)
        command = [str(Path(sys.executable).with_name("tierline")), "up", "--json", "--port", "0", "--folder", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            line = await asyncio.to_thread(_first_json, process)
            port = int(line["url"].rpartition(":")[2])
            await asyncio.sleep(3)
            idle = _parts(process.pid)
            key = json.loads((Path(folder) / "credentials.json").read_text())["members"]["alder"]["client"]
            await load(port, "/intake/v1/tickets", BODY, {"Authorization": f"Bearer {key}"}, COUNT)
            loaded = _parts(process.pid)
            process.terminate()
    names = ("services_mb", "postgres_mb", "whole_mb")
    return {f"idle_{n}": v for n, v in zip(names, idle, strict=True)} | {
        f"loaded_{n}": v for n, v in zip(names, loaded, strict=True)
    }


def _first_json(process: "subprocess.Popen[str]") -> dict[str, str]:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith('{"url"'):
            return dict(json.loads(line))
    raise RuntimeError("the install ended before it was up")


def _parts(pid: int) -> tuple[float, float, float]:
    """The five services, PostgreSQL (found by its data folder's postmaster), and both."""
    services = _mb([psutil.Process(pid)])
    servers = [
        process for process in psutil.process_iter(["name", "create_time"]) if process.info["name"] == "postgres"
    ]
    began = psutil.Process(pid).create_time()
    postgres = _mb([process for process in servers if process.info["create_time"] >= began])
    return services, postgres, services + postgres


def _mb(processes: list[psutil.Process]) -> float:
    """Proportional set size: memory that several processes share counts once."""
    return round(sum(process.memory_full_info().pss for process in processes) / 1_048_576, 1)
