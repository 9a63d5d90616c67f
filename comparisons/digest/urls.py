"""The weekly digest: the archive, signing up, and the pages that links in mails lead to.

The last are there without a slash at the end too, because nothing may redirect a mail program's
click (RFC 8058). An edition goes after every page that has a name.
"""

from django.urls import path

from tools.addresses import page, public

from . import archive_views, views, webhooks
from .feeds import EditionFeed

urlpatterns = [
    path("digest/", public(views.index), name="digest"),
    path("digest/token/", public(views.token), name="digest-token"),
    path("digest/sign-up/", views.sign_up, name="digest-sign-up"),
    path("digest/asked/", public(views.asked), name="digest-asked"),
    path("digest/confirm/<name:token>/", views.confirm, name="digest-confirm"),
    path("digest/confirm/<name:token>", views.confirm),
    path("digest/leave/<name:token>/", views.leave, name="digest-leave"),
    path("digest/leave/<name:token>", views.leave),
    path("digest/preferences/<name:token>/", views.preferences, name="digest-preferences"),
    path("digest/preferences/<name:token>", views.preferences),
    path("digest/preferences/<name:token>/data.json", views.data, name="digest-data"),
    path("digest/preferences/<name:token>/delete/", views.forget, name="digest-forget"),
    path("digest/webhooks/<name:esp>/", webhooks.report, name="digest-reports"),
    path("digest/<name:week>.txt", public(archive_views.edition_text), name="edition-text"),
    *page("digest/<name:week>", archive_views.edition, name="edition"),
    path("feeds/digest/", public(EditionFeed()), name="edition-feed"),
]
