"""What a slug may look like, in one place for forms, imports and the database."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

#: Between two slugs in the address of a comparison.
VERSUS = "-vs-"
MAX_LENGTH = 80

# \Z and not $, which lets a closing line break through in Python and not in Postgres.
# Beside VERSUS itself, its halves may not stand at the ends: of `a-vs-vs-b` nobody could say
# whether it means `a` and `vs-b` or `a-vs` and `b`.
SHAPE = r"^(?!vs-)(?!.*-vs-)(?!.*-vs\Z)[a-z0-9]+(-[a-z0-9]+)*\Z"
EXPLANATION = (
    "A slug is made of lower-case letters, digits and single hyphens, "
    "and has no “vs” between or beside hyphens."
)

validate_slug_shape = RegexValidator(SHAPE, EXPLANATION)


class SlugField(models.SlugField):
    """The name of a row in addresses: unique, lower case, and never ambiguous in a comparison."""

    default_validators = [validate_slug_shape]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **{"max_length": MAX_LENGTH, "unique": True} | kwargs)  # type: ignore[arg-type]


def slug_constraint() -> models.CheckConstraint:
    """Return the promise that a table's slugs have the right shape."""
    return models.CheckConstraint(
        condition=Q(slug__regex=SHAPE),
        name="%(app_label)s_%(class)s_slug_shape",
        violation_error_message=EXPLANATION,
    )
