"""The shape of a database: what its tables, columns, constraints and indexes are, whatever the order in which they came."""

import asyncpg

SHAPE = """
SELECT format('column %s.%s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
              CASE WHEN a.attnotnull THEN 'not null' END, a.attidentity, pg_get_expr(d.adbin, d.adrelid))
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r'
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT format('index %s %s', pg_get_indexdef(indexrelid), CASE WHEN NOT indisvalid THEN 'half built' END)
FROM pg_index JOIN pg_class AS i ON i.oid = indexrelid AND i.relnamespace = 'public'::regnamespace
"""


async def shape(dsn: str) -> set[str]:
    """A line for each thing there is."""
    held = await asyncpg.connect(dsn)
    try:
        return {row[0] for row in await held.fetch(SHAPE)}
    finally:
        await held.close()
