"""The app's entry in Django's registry."""

from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    """The reviews app."""

    name = "reviews"
    default_auto_field = "django.db.models.BigAutoField"
