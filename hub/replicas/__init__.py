"""Several hubs on one PostgreSQL: which of them leads, and what the others leave to it."""
