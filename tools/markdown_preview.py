"""How a text in Markdown will look, shown on the desk while it is written."""

from typing import Any

from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import Media, Script
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from .markdown import MarkdownField, normal_text, render_markdown, validate_markdown


class MarkdownWidget(AdminTextareaWidget):
    """A textarea that shows below itself how its text will look; without JavaScript, a textarea."""

    @property
    def media(self) -> Media:
        scripts: list[Any] = [Script("js/preview.js", type="module")]
        return Media(js=scripts, css={"all": ["css/preview.css"]})

    def build_attrs(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return super().build_attrs(*args, **kwargs) | {"data-preview": reverse("markdown-preview")}


#: For the pages of the desk on which somebody writes Markdown: `formfield_overrides = MARKDOWN`.
MARKDOWN: dict[Any, dict[str, Any]] = {MarkdownField: {"widget": MarkdownWidget}}


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Answer with a text as readers would get it, or with the sentence that says what is wrong.

    For those who may change something; nothing is stored. The address stands inside the admin,
    which asks for the log-in.
    """
    acts = ("add", "change")
    permissions: set[str] = request.user.get_all_permissions()
    if not any(name.split(".")[-1].split("_")[0] in acts for name in permissions):
        raise PermissionDenied
    text = normal_text(request.POST.get("text", ""))
    try:
        validate_markdown(text)
    except ValidationError as error:
        return HttpResponse(" ".join(error.messages), status=422, content_type="text/plain")
    return HttpResponse(render_markdown(text))
