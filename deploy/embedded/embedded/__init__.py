"""The one-machine install: PostgreSQL from a wheel, five services in one process, and the `tierline` command."""
