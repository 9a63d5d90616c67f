"""The app's entry in Django's registry."""

from django.apps import AppConfig


class ComparisonsConfig(AppConfig):
    """The comparisons app."""

    name = "comparisons"
    default_auto_field = "django.db.models.BigAutoField"
