"""A pytest plugin that breaks one thing in the code before it is imported: `MUTANT=naive_cursor pytest -p mutants ...`.

A suite that passes with one of them proves nothing about what was broken.
"""

import importlib.util
import os
import sys

MOVE_FIRST = """            unsettled = found[0]["unsettled"]
            if rows:
                last = {row["topic"]: (row["number"], row["pos"]) for row in rows}
                numbers, places = [number for number, _ in last.values()], [pos for _, pos in last.values()]
                await reader.execute(sql.MOVE, group, list(last), numbers, places)
"""
COMMIT_FIRST = """            watch.moved()
            positions.done(batches)
            await positions.settled(STOP)
"""
APPLY_ALL = """    await tx.fetch(CLAIM, consumer, list(dict.fromkeys(ids)))
    return set(ids)
"""
MUTANTS = {
    # Reads by position alone: what an open transaction still holds is passed over for good.
    "naive_cursor": (
        "tierline.kit.bus_postgres_sql",
        "            AND l.xid < pg_snapshot_xmin(pg_current_snapshot())\n",
        "",
    ),
    # The event log's reader moves on before the batch has had its effect.
    "moves_first": (
        "tierline.kit.bus_postgres",
        '            unsettled = found[0]["unsettled"]\n',
        MOVE_FIRST,
    ),
    # Kafka's offsets are committed before the batch has had its effect.
    "commits_first": ("tierline.kit.bus_kafka", "            watch.moved()\n", COMMIT_FIRST),
    # What comes a second time has its effect a second time.
    "no_inbox": (
        "tierline.kit.inbox",
        '    return {row["event_id"] for row in await tx.fetch(CLAIM, consumer, list(dict.fromkeys(ids)))}\n',
        APPLY_ALL,
    ),
    # A service tells what it decided in any order.
    "shuffling_relay": (
        "tierline.kit.outbox",
        "ANY($2)) ORDER BY pos LIMIT $1",
        "ANY($2)) ORDER BY md5(id::text) LIMIT $1",
    ),
    # The live timeline is read by position alone: many write to it at once.
    "naive_feed": ("intake.store", " AND timeline.xid < pg_snapshot_xmin(pg_current_snapshot())\n", "\n"),
}
OF_AN_ADAPTER = ("naive_cursor", "moves_first", "commits_first")
"""Those that the suite of both adapters must find."""
IN_A_STORM = {
    "no_inbox": ("log", "bus.handled"),
    "moves_first": ("log", "consumer.uncommitted"),
    "shuffling_relay": ("log", ""),
    "naive_feed": ("log", ""),
    "commits_first": ("kafka", "consumer.uncommitted"),
}
"""Those that a storm must find: on which adapter it looks for them, and where processes die that it may meet them."""


def break_(mutant: str) -> None:
    """Put the broken module in the place of the sound one."""
    name, sound, broken = MUTANTS[mutant]
    assert name not in sys.modules, "too late: it is imported already"
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    with open(spec.origin, encoding="utf-8") as file:
        source = file.read()
    assert source.count(sound) == 1, f"{name} has changed: write this mutant anew"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    exec(compile(source.replace(sound, broken), spec.origin, "exec"), module.__dict__)
    parent, _, child = name.rpartition(".")
    setattr(sys.modules[parent], child, module)


if "MUTANT" in os.environ:  # as early as this: whatever is imported later finds the broken module
    break_(os.environ["MUTANT"])
