"""All addresses: the site's, room by room, and the editors'."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from tools.addresses import public
from tools.previewing import preview

from . import views

admin.site.site_header = admin.site.site_title = settings.SITE_NAME

urlpatterns = [
    path("", include("comparisons.urls")),
    path("", include("reviews.urls")),
    path("", include("tools.urls")),
    path("admin/markdown/", admin.site.admin_view(preview), name="markdown-preview"),
    path("admin/", admin.site.urls),
    path("robots.txt", public(views.robots)),
    path("healthz", public(views.healthz)),
    path("favicon.ico", public(views.icon)),
]

handler400 = "shiporskip.views.bad_request"
handler403 = "shiporskip.views.forbidden"
handler404 = "shiporskip.views.not_found"
handler500 = "shiporskip.views.server_error"
