"""manage.py make_account."""
