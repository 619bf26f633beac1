-- What the kit keeps in every service's own database. One statement makes all; a change is a new migration.

-- The outbox: what was decided and must be told. Debezium's column names, so that its router can take the relay's place.
CREATE TABLE outbox (
    pos bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    aggregatetype text NOT NULL,
    aggregateid text NOT NULL,
    type text NOT NULL,
    payload bytea NOT NULL,
    sequence bigint NOT NULL,
    time timestamptz NOT NULL,
    traceparent text,
    route text NOT NULL DEFAULT '',
    extensions json,
    published_at timestamptz
);
CREATE INDEX outbox_unpublished ON outbox (pos) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

-- The inbox: which events have had their effect. Insert first, in the transaction of the effect.
CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_at ON inbox USING brin (at);

-- Facts that came before the one they need.
CREATE TABLE aside (
    room text NOT NULL,
    key text NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    sequence bigint NOT NULL,
    at timestamptz NOT NULL,
    data bytea NOT NULL,
    traceparent text,
    topic text NOT NULL,
    source text NOT NULL,
    PRIMARY KEY (room, key, id)
);

-- Events that failed, and those of the same key behind them. `dead_at` is set when no attempt is left.
CREATE TABLE parked (
    pos bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL,
    topic text NOT NULL,
    position text NOT NULL,
    event_id text,
    headers json NOT NULL,
    value bytea,
    reason text,
    attempts int NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL,
    parked_at timestamptz NOT NULL,
    dead_at timestamptz,
    blocks boolean NOT NULL DEFAULT true
);
CREATE INDEX parked_key ON parked (key) WHERE blocks;

-- Deadlines.
CREATE TABLE timers (
    room text NOT NULL,
    key text NOT NULL,
    name text NOT NULL,
    due_at timestamptz NOT NULL,
    data json NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    PRIMARY KEY (room, key, name)
);
CREATE INDEX timers_due ON timers (due_at);

-- Calls to the outside world, first a row.
CREATE TABLE calls (
    pos bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE,
    room text NOT NULL,
    key text NOT NULL,
    lane text NOT NULL,
    target text NOT NULL,
    body json NOT NULL,
    about json NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts int NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    traceparent text
);
CREATE INDEX calls_pending ON calls (key, lane, pos) WHERE status = 'pending';
CREATE INDEX calls_next ON calls (next_at) WHERE status = 'pending';
CREATE INDEX calls_key ON calls (key, pos);

-- Every attempt at a call, for people.
CREATE TABLE attempts (
    call_id text NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    number int NOT NULL,
    at timestamptz NOT NULL,
    outcome text NOT NULL,
    note text NOT NULL,
    seconds double precision NOT NULL,
    PRIMARY KEY (call_id, number, at)
);
