"""A ticket's history, exported from a running house and checked offline."""

from pathlib import Path

from typer.testing import CliRunner

from embedded.cli import app
from house import House
from tierline.domain.chain import verify


async def test_an_export_is_checked_offline_and_a_changed_byte_is_named(house: House, tmp_path: Path) -> None:
    ticket = await house.submit()
    await house.move("tier1", ticket, "note", text="Grüße an Tier 2")
    await house.move("tier1", ticket, "resolve", text="Use the secure browser.")
    await house.told(ticket, "ticket.resolved")
    path = f"/intake/v1/tickets/{ticket}/export"
    assert (await house.client.get(path, headers=house.key("client"))).status_code == 403
    assert (await house.client.get(path, headers=house.key("tier1", "birch"))).status_code == 404
    answer = await house.client.get(path, headers=house.key("operator"))
    assert answer.status_code == 200, answer.text
    first = verify(answer.content)
    assert first["facts"] == len(await house.timeline(ticket)) >= 6

    kept, run = tmp_path / "history", CliRunner()
    kept.write_bytes(answer.content)
    sound = run.invoke(app, ["verify", str(kept), "--head", first["head"]])
    assert (sound.exit_code, sound.stdout.startswith(f"sound: {first['facts']} facts")) == (0, True)
    kept.write_bytes(answer.content.replace(b"secure browser", b"secure Browser"))
    changed = run.invoke(app, ["verify", str(kept)])
    assert (changed.exit_code, "(case.resolved)" in changed.stdout) == (1, True)
    assert run.invoke(app, ["verify", str(tmp_path / "nothing")]).exit_code == 2
