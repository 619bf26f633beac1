-- The event log and how far each group has read it. Made by the bus at its first start; may be run again.

CREATE TABLE IF NOT EXISTS event_log (
    topic   text        NOT NULL,
    xid     xid8        NOT NULL DEFAULT pg_current_xact_id(),
    pos     bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    key     bytea,
    headers json        NOT NULL,
    value   bytea,
    at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, xid, pos)
);

CREATE TABLE IF NOT EXISTS group_position (
    grp   text   NOT NULL,
    topic text   NOT NULL,
    xid   xid8   NOT NULL DEFAULT '0',
    pos   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (grp, topic)
);
