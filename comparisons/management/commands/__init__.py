"""manage.py import_catalog, export_catalog, fictional_catalog and forget_expired."""
