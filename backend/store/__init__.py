"""The databases behind the transactions: drivers for SQLite and PostgreSQL, the schema, backups."""
