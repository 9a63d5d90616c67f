"""The app's entry in Django's registry."""

from django.apps import AppConfig


class DigestConfig(AppConfig):
    """The digest app."""

    name = "comparisons.digest"
    label = "digest"
    default_auto_field = "django.db.models.BigAutoField"
