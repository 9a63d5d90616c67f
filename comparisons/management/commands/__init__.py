"""manage.py import_catalog, export_catalog and fictional_catalog."""
