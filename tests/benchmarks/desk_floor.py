"""The floor of a desk: aiokafka's `getmany`, the same bulk statements in one transaction, the same sends, and no more."""

import asyncio
import json
import sys
import uuid

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

TABLES = """
CREATE TABLE IF NOT EXISTS floor_inbox (consumer text, event_id text, PRIMARY KEY (consumer, event_id));
CREATE TABLE IF NOT EXISTS floor_cases (key text PRIMARY KEY, doc json NOT NULL);
CREATE TABLE IF NOT EXISTS floor_outbox (pos bigserial PRIMARY KEY, id uuid, key text, payload bytea, published_at timestamptz);
"""
CLAIM = "INSERT INTO floor_inbox SELECT 'floor', unnest($1::text[]) ON CONFLICT DO NOTHING RETURNING event_id"
LOAD = "SELECT key, doc FROM floor_cases WHERE key = ANY($1) ORDER BY key FOR UPDATE"
SAVE = "INSERT INTO floor_cases SELECT * FROM unnest($1::text[], $2::json[])"
TELL = "INSERT INTO floor_outbox (id, key, payload) SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[]) RETURNING pos"
MARK = "UPDATE floor_outbox SET published_at = now() WHERE pos = ANY($1)"


async def main(servers: str, dsn: str, topic: str) -> None:
    held = await asyncpg.connect(dsn)
    await held.execute(TABLES)
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=servers,
        group_id="floor",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
    )
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True, linger_ms=2)
    await consumer.start()
    await producer.start()
    while True:
        batches = await consumer.getmany(timeout_ms=1000, max_records=500)
        records = [record for batch in batches.values() for record in batch]
        if not records:
            continue
        ids = [dict(record.headers)["ce_id"].decode() for record in records]
        async with held.transaction():
            new = {row["event_id"] for row in await held.fetch(CLAIM, ids)}
            fresh = [record for record, id_ in zip(records, ids, strict=True) if id_ in new]
            keys = [record.key.decode() for record in fresh]
            await held.fetch(LOAD, keys)
            documents = [json.dumps(json.loads(record.value)) for record in fresh]
            await held.execute(SAVE, keys, documents)
            payloads = [document.encode() for document in documents]
            rows = await held.fetch(TELL, [uuid.uuid4() for _ in keys], keys, payloads)
        sent = [await producer.send("floor", value, key.encode()) for key, value in zip(keys, payloads, strict=True)]
        await asyncio.gather(*sent)
        await held.execute(MARK, [row["pos"] for row in rows])
        await consumer.commit()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
