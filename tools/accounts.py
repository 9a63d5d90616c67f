"""Editors' accounts: what each group is for, who may change whose account, and making one."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import AbstractUser, Group, Permission, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest

#: What the groups are for (a migration of comparisons makes them). Others say only their name.
DUTIES = {
    "Author": "writes drafts and hands them in for review; publishes nothing",
    "Editor": "writes, publishes and withdraws tools, reviews and comparisons; imports documents; "
    "sends the digest",
    "Publisher": "looks after prices and the schedule",
    "Administrator": "does what the others do, deletes, and manages accounts",
}


def permissions_of(account: AbstractUser) -> QuerySet[Permission]:
    """Return what an account's groups and its own list permit, even while it is not active."""
    # Django says that an inactive account has no permission, but it may be made active again.
    return Permission.objects.filter(Q(group__user=account) | Q(user=account)).distinct()


def may_manage(user: Any, account: AbstractUser) -> bool:
    """Whether a user may change an account: nobody gets at one that may do more than they do."""
    if user.is_superuser:
        return True
    beyond = permissions_of(account).exclude(pk__in=permissions_of(user).values("pk"))
    return not account.is_superuser and not beyond.exists()


def groups_to_give(user: Any) -> QuerySet[Group]:
    """Return the groups that a user may put others in: those that may do no more than they do."""
    groups = Group.objects.order_by("name")
    if user.is_superuser:
        return groups
    beyond = Permission.objects.exclude(pk__in=permissions_of(user).values("pk"))
    return groups.exclude(pk__in=Group.objects.filter(permissions__in=beyond).values("pk"))


def make_account(name: str, email: str, password: str, group: Group | None = None) -> User:
    """Make an account that may enter the desk: of a group, or one that may do everything.

    Raises ValidationError with a dictionary of what is wrong with the name, the email or the
    password.
    """
    account = User(
        username=User.normalize_username(name),
        email=User.objects.normalize_email(email),
        is_staff=True,
        is_superuser=group is None,
    )
    wrong: dict[str, Any] = {}
    try:
        account.full_clean(exclude=["password"])
    except ValidationError as error:
        wrong |= error.error_dict
    try:
        validate_password(password, account)
    except ValidationError as error:
        wrong["password"] = error.error_list
    if wrong:
        raise ValidationError(wrong)
    account.set_password(password)
    account.save()
    if group:
        account.groups.add(group)
    return account


class GroupsField(forms.ModelMultipleChoiceField):
    """Groups to tick, each with what it is for."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Any) -> str:
        duty = DUTIES.get(obj.name)
        return f"{obj.name}: {duty}" if duty else obj.name


class AccountAdmin(UserAdmin):
    """An account and its groups. Every account is an editor's, so each may enter the desk.

    Who is no superuser sees nothing of superusers' powers, and can neither change an account that
    may do more than they do nor give anybody, themselves included, more than they have.
    """

    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        ("Person", {"fields": ["first_name", "last_name", "email"]}),
        (
            "What it may do",
            {
                "fields": ["is_active", "groups"],
                "description": "An account that has changed something is not deleted, because the "
                "log of it would go, too. Make it inactive instead: then it opens nothing.",
            },
        ),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["username", "email", "password1", "password2"]}),
        ("What it may do", {"fields": ["groups"]}),
    ]
    add_form = UserCreationForm
    readonly_fields = ["last_login", "date_joined"]
    list_display = ["username", "email", "group_names", "is_active", "last_login"]
    list_filter = ["groups", "is_active"]
    filter_horizontal = []
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not request.user.is_superuser:
            return fieldsets
        more = {"fields": ["is_superuser", "user_permissions"], "classes": ["collapse"]}
        return [*fieldsets, ("Beyond its groups", more)]

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name != "groups":
            return super().formfield_for_manytomany(db_field, request, **kwargs)
        return GroupsField(groups_to_give(request.user), required=False, label="Groups")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save it; whoever has an account may enter the desk."""
        obj.is_staff = True
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or may_manage(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to delete what one may not manage, oneself, and whoever has changed something."""
        allowed = super().has_delete_permission(request, obj)
        if not allowed or obj is None:
            return allowed
        # The log that Django keeps of the desk goes with the account.
        has_acted = LogEntry.objects.filter(user=obj).exists()
        return not has_acted and obj != request.user and may_manage(request.user, obj)

    @admin.display(description="Groups")
    def group_names(self, account: AbstractUser) -> str:
        """Say which groups it is in."""
        names = ", ".join(sorted(group.name for group in account.groups.all()))
        return "Superuser" if account.is_superuser else names
