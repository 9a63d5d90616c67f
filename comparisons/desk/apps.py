"""The admin's entry in Django's registry, with our site in it."""

from django.contrib.admin.apps import AdminConfig


class DeskConfig(AdminConfig):
    """Django's admin, with the desk as its site."""

    default_site = "comparisons.desk.site.DeskSite"
