"""All addresses: the site's, room by room, and the editors'."""

from django.contrib import admin
from django.urls import include, path

from comparisons.catalog import desk
from tools.addresses import public
from tools.markdown_preview import preview

from . import views

urlpatterns = [
    path("", include("comparisons.urls")),
    path("", include("comparisons.digest.urls")),
    path("", include("reviews.urls")),
    path("", include("tools.urls")),
    path("admin/", include(desk.urls)),
    path("admin/markdown/", admin.site.admin_view(preview), name="markdown-preview"),
    path("admin/", admin.site.urls),
    path("robots.txt", public(views.robots), name="robots"),
    path("healthz", public(views.healthz), name="healthz"),
    path("readyz", public(views.readyz), name="readyz"),
    path("favicon.ico", public(views.icon), name="favicon"),
]

handler400 = "shiporskip.views.bad_request"
handler403 = "shiporskip.views.forbidden"
handler404 = "shiporskip.views.not_found"
handler500 = "shiporskip.views.server_error"
