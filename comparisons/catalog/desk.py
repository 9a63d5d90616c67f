"""The catalog document in the editors' desk: an upload with its dry run, and exports."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from comparisons.models import Comparison, Upload
from tools.models import Tool

from .exporting import export_document, may_export
from .importing import RefusedError, may_import
from .loading import UnreadableError
from .uploads import MOST_PROBLEMS, DiffersError, TooLongError, apply_upload, look_at

AT_LENGTH = "Ask an operator to take it in with “manage.py import_catalog”, or split it."
TOO_LARGE = "This file is larger than {}. " + AT_LENGTH
TOO_LONG = "This document takes too long for a page, and nothing was written. " + AT_LENGTH
BUSY = "Somebody else was writing the same at this moment, and nothing was written. Try again."
GONE = (
    "This document is no longer here: it has been applied, has waited for more than a day, "
    "or was uploaded by somebody else. Nothing was written now. Upload it again if you need to."
)
DIFFERS = (
    "Somebody changed the catalog meanwhile, so this document would now do something else than "
    "you have seen. Nothing was written. Look at it again, then apply it."
)


class UploadForm(forms.Form):
    """A catalog document."""

    document = forms.FileField(
        label="Catalog document",
        # The name is shown, not used.
        max_length=255,
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
        error_messages={
            "required": "Choose a file.",
            "empty": "This file is empty.",
            "max_length": "The name of this file is too long: 255 characters are the most.",
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["document"].help_text = (
            f"A JSON file in UTF-8, smaller than {_most()}. Larger ones are for "
            "“manage.py import_catalog”. Nothing is written before you have seen what it does."
        )


def _most() -> str:
    return f"{settings.FILE_UPLOAD_MAX_MEMORY_SIZE / 1024**2:g} MB"


@require_http_methods(["GET", "HEAD", "POST"])
def import_page(request: HttpRequest) -> HttpResponse:
    """Take a document, look at it without writing, and go to what was seen."""
    _check(request, may_import)
    Upload.objects.expired().delete()
    form = UploadForm()
    problems: list[str] = []
    if request.method == "POST":
        form = UploadForm(request.POST, request.FILES)
        length = request.META.get("CONTENT_LENGTH", "")
        if length.isdecimal() and int(length) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
            # No upload handler has kept it (see the settings), so the form has no file.
            form.fields["document"].error_messages["required"] = TOO_LARGE.format(_most())
        if form.is_valid():
            file = form.cleaned_data["document"]
            try:
                upload = look_at(file.read(), file.name, by=request.user)
            except UnreadableError as error:
                form.add_error("document", str(error))
            except TooLongError:
                form.add_error("document", TOO_LONG)
            except DatabaseError:
                form.add_error("document", BUSY)
            except RefusedError as refused:
                problems = refused.problems
            else:
                if upload.report["groups"]:
                    upload.save()
                    return redirect("import_upload", upload.pk)
                messages.info(request, f"“{file.name}” says what is here already.")
                return redirect("import_catalog")
    context = {"form": form, "waiting": _waiting(request), **_shown(problems)}
    return _page(request, "admin/import.html", "Import a catalog document", context)


def _waiting(request: HttpRequest) -> QuerySet[Upload]:
    return Upload.objects.usable_by(request.user).defer("document", "report").order_by("-pk")


@require_http_methods(["GET", "HEAD", "POST"])
def upload_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a document would do, and do it when asked."""
    _check(request, may_import)
    problems: list[str] = []
    if request.method == "POST":
        try:
            changes = apply_upload(pk, by=request.user)
        except Upload.DoesNotExist:
            pass  # told below
        except DiffersError:
            messages.warning(request, DIFFERS)
            return redirect("import_upload", pk)
        except TooLongError:
            messages.error(request, TOO_LONG)
            return redirect("import_upload", pk)
        except DatabaseError:
            messages.error(request, BUSY)
            return redirect("import_upload", pk)
        except RefusedError as refused:
            problems = refused.problems
        else:
            messages.success(request, changes.summary().replace("\n", " "))
            return redirect("import_catalog")
    upload = Upload.objects.usable_by(request.user).defer("document").filter(pk=pk).first()
    if upload is None:
        messages.error(request, GONE)
        return redirect("import_catalog")
    context = {"upload": upload, **_shown(problems)}
    return _page(request, "admin/import_upload.html", f"What {upload} would do", context)


@require_safe
def export_page(request: HttpRequest) -> StreamingHttpResponse:
    """Hand out the whole catalog."""
    _check(request, may_export)
    return _attached(export_document())


@admin.action(description="Export as a catalog document", permissions=["view"])
def export_tools(
    page: admin.ModelAdmin, request: HttpRequest, tools: QuerySet[Tool]
) -> StreamingHttpResponse:
    """Hand out the selected tools, and the comparisons between them."""
    _check(request, may_export)
    return _attached(export_document(tools=tools))


@admin.action(description="Export as a catalog document", permissions=["view"])
def export_comparisons(
    page: admin.ModelAdmin, request: HttpRequest, comparisons: QuerySet[Comparison]
) -> StreamingHttpResponse:
    """Hand out the selected comparisons, and their tools."""
    _check(request, may_export)
    return _attached(export_document(comparisons=comparisons))


def _check(request: HttpRequest, may: Callable[[Any], bool]) -> None:
    if not may(request.user):
        raise PermissionDenied


def _attached(pieces: Any) -> StreamingHttpResponse:
    name = f"catalog-{timezone.localdate()}.json"
    return StreamingHttpResponse(
        pieces,
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _shown(problems: list[str]) -> dict[str, Any]:
    return {
        "problems": problems[:MOST_PROBLEMS],
        "more_problems": len(problems) > MOST_PROBLEMS,
    }


def _page(
    request: HttpRequest, template: str, title: str, context: dict[str, Any]
) -> TemplateResponse:
    context = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, template, context)


#: Stand before the admin's own addresses, which answer everything else under theirs.
urls = [
    path("import/", admin.site.admin_view(import_page), name="import_catalog"),
    path("import/<int:pk>/", admin.site.admin_view(upload_page), name="import_upload"),
    path("export/", admin.site.admin_view(export_page), name="export_catalog"),
]
