"""Suppressed addresses on the desk. Only their keyed hashes are known, so they are typed."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path

from comparisons.digest import consent
from comparisons.digest.addresses import fingerprint, fingerprints, masked, normal_address
from comparisons.digest.models import Subscriber, Suppression, SuppressionReason

from .lists import LongList


def suppress(address: str) -> Suppression:
    """Never write to a normal address again, because somebody asked for it; twice is as once."""
    row, _ = Suppression.objects.get_or_create(
        fingerprint=fingerprint(address), defaults={"reason": SuppressionReason.ASKED}
    )
    return row


class AddressField(forms.CharField):
    """An address as it is typed, in the form in which it is kept.

    No EmailField: `normal_address` has the one opinion on what an address is, and says what is
    wrong in its own words.
    """

    widget = forms.EmailInput(attrs={"class": "vTextField", "autocomplete": "off"})

    def clean(self, value: Any) -> str:
        return normal_address(super().clean(value))


class SuppressForm(forms.ModelForm):
    """An address that gets no more mail."""

    address = AddressField(
        help_text="It is not kept: only a keyed hash of it is, by which it is known again. "
        "Whoever has it is taken off the list."
    )

    class Meta:
        model = Suppression
        fields: list[str] = []

    def clean_address(self) -> str:
        """Refuse an address that is suppressed already."""
        address: str = self.cleaned_data["address"]
        rows: Any = Suppression.objects.filter(fingerprint__in=fingerprints(address))
        if row := rows.first():
            raise forms.ValidationError(f"It is suppressed already. {row}.")
        return address


class LiftForm(forms.Form):
    """An address that may get mail again."""

    address = AddressField(
        help_text="Type it in full. It is not put on the list: whoever has it may sign up again."
    )

    def clean_address(self) -> str:
        """Refuse an address that is not suppressed."""
        address: str = self.cleaned_data["address"]
        if not Suppression.objects.holds(fingerprints(address)):
            raise forms.ValidationError("This address is not suppressed. Look for a typing error.")
        return address


@admin.register(Suppression)
class SuppressionAdmin(LongList):
    """Addresses that get no mail, each a hash: they can be counted, added and lifted, not read."""

    form = SuppressForm
    list_display = ["suppressed_at", "reason"]
    list_display_links = None
    list_filter = ["reason"]
    sortable_by = ["suppressed_at"]
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("digest.add_suppression"))

    def has_lift_permission(self, request: HttpRequest) -> bool:
        """Whether this user may let an address get mail again."""
        return bool(request.user.has_perm("digest.delete_suppression"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["suppressed_at", "reason"] if obj else ["address"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Keep the hash, and take whoever has the address off the list."""
        address = form.cleaned_data["address"]
        with transaction.atomic():
            if key := Subscriber.objects.filter(email=address).values_list("pk", flat=True).first():
                consent.leave(key)
            row = suppress(address)
        obj.pk, obj.reason, obj.suppressed_at = row.pk, row.reason, row.suppressed_at

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        may_lift = self.has_lift_permission(request)
        return super().changelist_view(request, {"may_lift": may_lift, **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.lift_view)
        return [path("lift/", view, name="digest_suppression_lift"), *super().get_urls()]

    def lift_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for an address, and let it get mail again."""
        if not self.has_lift_permission(request):
            raise PermissionDenied
        form = LiftForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            address = form.cleaned_data["address"]
            rows: QuerySet[Suppression] = Suppression.objects.filter(
                fingerprint__in=fingerprints(address)
            )
            with transaction.atomic():
                for row in rows:
                    self.log_deletions(request, rows.filter(pk=row.pk))
                rows.delete()
            messages.success(request, f"Lifted: {masked(address)} may sign up again.")
            return redirect("admin:digest_suppression_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": "Lift a suppression",
            "form": form,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/digest/suppression/lift.html", context)
