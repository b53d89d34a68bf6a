"""Read by Alembic: it works on the connection that `hub.store.migrations` hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
