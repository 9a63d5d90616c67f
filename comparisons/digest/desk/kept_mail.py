"""Mail that was kept because no mail server is set up, shown as it would have arrived."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse

from comparisons.digest import readiness
from comparisons.digest.outbox import KEPT, KeptMail
from reviews.vote_admin import ReadOnlyAdmin
from tools.lists import FoundByName

from .frames import LOOKS, Frame, Look, Parts, framed, framing

#: What is told of a mail first; the other headers follow.
FIRST = ("From", "To", "Subject", "Date", "Message-ID")


@admin.register(KeptMail)
class KeptMailAdmin(FoundByName, ReadOnlyAdmin):
    """The newest kept mails. There are few, so they are searched as they are."""

    list_display = ["subject", "recipient", "kept_at"]
    list_display_links = ["subject"]
    search_fields = ["subject", "recipient"]
    search_help_text = f"By recipient or subject. The {KEPT} newest mails are kept."
    change_form_template = "admin/digest/keptmail/change_form.html"
    fields = ()
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("message")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.frame_view)
        name = "digest_keptmail_frame"
        return [path("<int:pk>/<str:look>/frame/", view, name=name), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        context = {"is_configured": readiness.is_configured(), **(extra_context or {})}
        return super().changelist_view(request, context)

    @framing
    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return super().change_view(request, object_id, form_url, extra_context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the mail, its headers and its size."""
        mail: KeptMail = kwargs["obj"]
        parts = Parts.of(bytes(mail.message))
        name = "admin:digest_keptmail_frame"
        order = {header.lower(): place for place, header in enumerate(FIRST)}
        headers = sorted(parts.headers, key=lambda pair: order.get(pair[0].lower(), len(FIRST)))
        context |= {
            "mail": mail,
            "headers": headers,
            "size": parts.size,
            "frames": [
                Frame(look, reverse(name, args=[mail.pk, look.value])) for look in parts.looks
            ],
        }
        return super().render_change_form(request, context, *args, **kwargs)

    @framed
    def frame_view(self, request: HttpRequest, pk: int, look: str) -> HttpResponse:
        """Answer with a part of a mail, for its frame."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        mail = KeptMail.objects.filter(pk=pk).first()
        if mail is None or look not in LOOKS:
            raise Http404
        return Parts.of(bytes(mail.message)).shown(Look(look))
