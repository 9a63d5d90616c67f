"""The app's entry in Django's registry."""

from django.apps import AppConfig


class DigestConfig(AppConfig):
    """The digest app."""

    name = "comparisons.digest"
    label = "digest"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have what is checked and listened to registered, and the editions in the sitemap."""
        from comparisons.sitemaps import PARTS

        from . import readiness, webhooks  # noqa: F401
        from .feeds import Editions

        # The sitemap itself knows nothing of the digest.
        PARTS["editions"] = Editions
