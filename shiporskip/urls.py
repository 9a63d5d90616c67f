"""All addresses: the site's, room by room, and the editors'."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from comparisons.catalog import desk
from tools.addresses import public
from tools.markdown_preview import preview

from . import csp_reports, views

DESK = settings.ADMIN_PATH

urlpatterns = [
    path("", include("comparisons.urls")),
    path("", include("comparisons.digest.urls")),
    path("", include("reviews.urls")),
    path("", include("tools.urls")),
    path(settings.ADMIN_PATH, include(desk.urls)),
    path(
        f"{settings.ADMIN_PATH}markdown/", admin.site.admin_view(preview), name="markdown-preview"
    ),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("robots.txt", public(views.robots), name="robots"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("favicon.ico", public(views.icon), name="favicon"),
]
if settings.CSP_REPORTS:
    urlpatterns.append(path("csp-reports/", csp_reports.report, name="csp-reports"))

handler400 = "shiporskip.views.bad_request"
handler403 = "shiporskip.views.forbidden"
handler404 = "shiporskip.views.not_found"
handler500 = "shiporskip.views.server_error"
