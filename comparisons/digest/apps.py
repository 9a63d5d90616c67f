"""The app's entry in Django's registry."""

from django.apps import AppConfig


class DigestConfig(AppConfig):
    """The digest app."""

    name = "comparisons.digest"
    label = "digest"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have what is checked and what is listened to registered."""
        from . import readiness  # noqa: F401
