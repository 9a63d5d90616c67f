"""Real servers for tests: PostgreSQL with replicas, PgBouncer, Redis, and the site itself."""
