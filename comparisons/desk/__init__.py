"""The editors' desk: Django's admin with a front page that says what there is to do."""
