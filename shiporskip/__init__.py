"""The project: settings, addresses, templates, database. Nothing imports it."""
