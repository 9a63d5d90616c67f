#!/usr/bin/env python
"""The project's command line: `python manage.py help` lists what it can do."""

import os
import sys


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shiporskip.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Error: {error}")
    except OperationalError as error:
        if "connection" not in str(error):
            raise
        sys.exit(f"Error: the database does not answer; is DATABASE_URL right?\n{error}")


if __name__ == "__main__":
    main()
