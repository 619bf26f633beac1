"""What was told is marked without waiting for the disk: a crash that forgets it has it told again, under the same id."""

from house import House
from tierline.kit import outbox
from tierline.kit.runtime import Runtime

A_ROW = "SELECT pos FROM outbox LIMIT 1"


async def test_a_mark_does_not_wait_for_the_disk_and_nothing_after_it_goes_unwaited_for(house: House) -> None:
    await house.submit()
    running: Runtime = house.machine.server.config.app.state.apps["intake"].state.runtime  # type: ignore[union-attr]
    async with running.database.connection() as held:
        await held.execute("SET synchronous_commit TO on")  # as it is where nobody tests
        try:
            async with held.transaction():
                await held.execute(outbox.MARK, [await held.fetchval(A_ROW)])
                assert await held.fetchval("SHOW synchronous_commit") == "off"
            assert await held.fetchval("SHOW synchronous_commit") == "on"
        finally:
            await held.execute("RESET synchronous_commit")
