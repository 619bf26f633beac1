"""The floor of a submission: FastAPI and asyncpg, the same body, the same two inserts in one transaction, and no more."""

import contextlib
import json
import os
import uuid
from collections.abc import AsyncIterator

import asyncpg
from fastapi import FastAPI
from pydantic import BaseModel


class Reporter(BaseModel):
    name: str
    email: str
    role: str
    organization: str


class Body(BaseModel):
    component: str
    subject: str
    description: str
    impact: str
    reporter: Reporter


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await asyncpg.create_pool(os.environ["TIERLINE_DATABASE_URL"], min_size=6, max_size=6)
    await app.state.pool.execute("CREATE TABLE IF NOT EXISTS floor_ticket (id uuid PRIMARY KEY, doc json)")
    await app.state.pool.execute(
        "CREATE TABLE IF NOT EXISTS floor_outbox (pos bigserial PRIMARY KEY, id uuid, key text, payload bytea)"
    )
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def readyz() -> dict[str, bool]:
    return {"ready": True}


@app.post("/v1/tickets", status_code=201)
async def submit(body: Body) -> dict[str, str]:
    ticket, event = uuid.uuid4(), uuid.uuid4()
    doc = body.model_dump_json()
    async with app.state.pool.acquire() as held, held.transaction():
        await held.execute("INSERT INTO floor_ticket VALUES ($1, $2)", ticket, doc)
        await held.execute(
            "INSERT INTO floor_outbox (id, key, payload) VALUES ($1, $2, $3)",
            event,
            str(ticket),
            json.dumps(doc).encode(),
        )
    return {"id": str(ticket)}
