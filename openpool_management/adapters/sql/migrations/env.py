"""Runs migrations on the connection that prepare_ledger hands over, inside its transaction."""

from alembic import context

from openpool_management.adapters.sql.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
context.run_migrations()
