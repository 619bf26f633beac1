"""What five services run apart need before they start: keys for their callers, and one `.env` of secrets for compose."""

import os
import secrets
from pathlib import Path

from embedded.install import Install
from embedded.machine import POLICIES
from tierline.desk.policies import load_policies

IMAGE_USER = 10001  # as deploy/service.Dockerfile has it


def prepare(folder: Path, env: Path) -> dict[str, str]:
    """Make keys and secrets where there are none; which files they lie in. What is there stays as it is.

    Raises:
        Misconfigured: a policy cannot work.
    """
    install = Install(folder, load_policies(Path(os.environ.get("TIERLINE_POLICIES", POLICIES))))
    install.prepare("http://127.0.0.1:9/{vendor}")
    user, group = os.getuid(), os.getgid()
    if user == 0:  # the containers run as an ordinary user all the same, who must read the keys
        user, group = IMAGE_USER, IMAGE_USER
        for path in (install.keys.parent, install.keys):
            os.chown(path, user, group)
    if not env.exists():
        descriptor = os.open(env, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(
                "# Made by `tierline prepare`; keep it to yourself. Set your mail server before `docker compose up`.\n"
                f"TIERLINE_SECRET={install.state['secret']}\n"
                f"TIERLINE_DATABASE_PASSWORD={secrets.token_hex(16)}\n"
                f"TIERLINE_USER={user}:{group}\n"
                "TIERLINE_SMTP_HOST=host.docker.internal\n"
            )
    return {"keys": str(install.keys), "credentials": str(folder / "credentials.json"), "settings": str(env)}
