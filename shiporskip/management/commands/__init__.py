"""`manage.py` with the name of each module here."""
