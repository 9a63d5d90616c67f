"""The admin site: its front page, and its lists in the order and words of the team."""

from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from tools.freshness import show_writer

from .nonsense import refusing_nonsense


@dataclass(frozen=True, slots=True)
class DeskLink:
    """A way from the front page to something that is begun there."""

    title: str
    url_name: str
    permission: str

    @property
    def address(self) -> str:
        """Where it leads."""
        return reverse(self.url_name)


class DeskSite(admin.AdminSite):
    """Django's admin site with the desk as its front page."""

    site_header = site_title = settings.SITE_NAME
    index_title = "Desk"
    enable_nav_sidebar = False

    #: What can be begun from the front page, shown to those with the permission.
    desk_links: tuple[DeskLink, ...] = (
        DeskLink("New tool", "admin:tools_tool_add", "tools.add_tool"),
        DeskLink(
            "New comparison", "admin:comparisons_comparison_add", "comparisons.add_comparison"
        ),
        DeskLink("Import a document", "import_catalog", "tools.publish_tool"),
    )
    #: The models in the order of an editor's day; those that are not named come last.
    order = (
        "tool", "review", "comparison", "plan", "vendor", "category", "edition", "subscriber",
        "delivery", "suppression", "keptmail", "act", "user", "group",
    )  # fmt: skip
    #: Those that every page leads to; the others stand on the front page, under “Everything”.
    daily = ("tool", "review", "comparison", "edition", "subscriber", "vote")
    #: Our words for models of Django's and others'.
    words = {"user": "Accounts", "procrastinatejob": "Jobs"}

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        from .front import sections  # its models are not there yet when the site is made

        user: Any = request.user
        context = {
            "sections": sections(user, timezone.now()),
            "desk_links": [link for link in self.desk_links if user.has_perm(link.permission)],
        }
        return super().index(request, context | (extra_context or {}))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Return a view for editors, who see what they have done on readers' pages at once."""
        guarded = super().admin_view(refusing_nonsense(view), cacheable)

        @wraps(guarded)
        def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response: HttpResponseBase = guarded(request, *args, **kwargs)
            if request.method == "POST" and response.status_code < 400:
                show_writer(response)
            return response

        return shown

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        """Return one list of all models that the user may see; an app's own page stays as it is."""
        apps: Any = super().get_app_list(request, app_label)
        if app_label or not apps:
            return apps
        models = [model for app in apps for model in app["models"]]
        for model in models:
            model["key"] = model["model"]._meta.model_name
            model["name"] = self.words.get(model["key"], model["name"])
            model["is_daily"] = model["key"] in self.daily and bool(model["admin_url"])
        places = {key: place for place, key in enumerate(self.order)}
        models.sort(key=lambda model: places.get(model["key"], len(places)))
        everything = {"name": "Everything", "app_label": "", "has_module_perms": True}
        return [everything | {"app_url": reverse("admin:index"), "models": models}]
