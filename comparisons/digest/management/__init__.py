"""manage.py worker, import_subscribers and export_subscribers."""
