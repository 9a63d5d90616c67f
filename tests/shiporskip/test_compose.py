"""compose.yaml, held against what it names: no container engine is needed to see that it fits."""

import re
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

HOME = Path(settings.BASE_DIR)
TEXT = (HOME / "compose.yaml").read_text()
FILE = yaml.safe_load(TEXT)
SERVICES = FILE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "ship-or-skip"]
LASTING = {"web", "worker", "nginx", "postgres", "valkey"}
DOCKERFILE = (HOME / "Dockerfile").read_text()
GUNICORN = (HOME / "shiporskip/gunicorn.conf.py").read_text()
KNOWN = set(re.findall(r"^#? ?([A-Z][A-Z_]+)=", (HOME / ".env.example").read_text(), re.M))


def test_an_operator_writes_the_three_lines_that_have_no_default():
    asked = re.findall(r"\$\{([A-Z_]+)(:\?|:-)", TEXT)
    assert {name for name, mark in asked if mark == ":?"} == {
        *("SECRET_KEY", "SITE_URL", "POSTGRES_PASSWORD")
    }
    for name, _ in asked:
        assert name in KNOWN, f"{name} is not in .env.example"
    head = TEXT.partition("services:")[0]
    assert re.findall(r"^#   ([A-Z_]+)=", head, re.M) == [
        *("SECRET_KEY", "SITE_URL", "POSTGRES_PASSWORD")
    ]


@pytest.mark.parametrize("name", OURS)
def test_ours_get_what_the_settings_know(name):
    service = SERVICES[name]
    assert set(service["environment"]) <= KNOWN
    assert service["env_file"] == ".env"
    assert service["read_only"]
    command = service.get("command", [])
    if command[:2] == ["python", "manage.py"]:
        assert command[2] in get_commands()


def test_the_nightly_tasks_are_those_that_operators_are_told_of():
    shell = SERVICES["nightly"]["command"][-1]
    tasks = re.search(r"for task in ([\w ]+);", shell)[1].split()
    told = (HOME / "docs/operators.md").read_text().partition("## Every night")[2]
    assert tasks == re.findall(r"^\| `manage.py (\w+)`", told.partition("\n## ")[0], re.M)
    assert set(tasks) <= set(get_commands())


def test_only_nginx_is_reached_from_outside():
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"nginx"}
    assert "EXPOSE 8000" in DOCKERFILE
    assert SERVICES["web"]["environment"]["PORT"] == "8000"
    assert SERVICES["nginx"]["environment"]["UPSTREAM"].startswith("web:8000 ")


def test_nginx_finds_a_new_container_at_its_new_address():
    upstream = SERVICES["nginx"]["environment"]["UPSTREAM"]
    assert re.fullmatch(r"web:8000 resolve; resolver 127\.0\.0\.11 valid=\ds ipv6=off", upstream)
    # Which needs memory that nginx's processes share, and a version that can do it.
    assert re.search(r"^    zone \w+ \d+k;", (HOME / "shiporskip/nginx.conf").read_text(), re.M)
    version = re.match(r"nginx:(\d+)\.(\d+)", SERVICES["nginx"]["image"])
    assert tuple(map(int, version.groups())) >= (1, 28)


def test_migrations_are_not_made_in_earnest_by_what_tries_them():
    docs = (HOME / "docs/operators.md").read_text()
    tried = re.findall(r"docker compose run [^`]*?(\w+) python manage.py upgrade_check", docs)
    assert tried
    # Whatever a service depends on is started first, anew if its image has changed.
    assert all("migrate" not in SERVICES[service]["depends_on"] for service in tried)


def test_what_lasts_is_started_again_and_what_is_done_is_not():
    again = {name for name, it in SERVICES.items() if it.get("restart") == "unless-stopped"}
    assert again == LASTING
    assert {name for name, it in SERVICES.items() if it.get("profiles")} == {"backup", "nightly"}
    assert set(SERVICES) == LASTING | {"migrate", "backup", "nightly"}


def test_whoever_waits_for_health_waits_for_something_that_is_checked():
    for service in SERVICES.values():
        for other, wish in service.get("depends_on", {}).items():
            check = SERVICES[other].get("healthcheck", {})
            if wish["condition"] == "service_healthy":
                assert "test" in check or (other == "web" and "HEALTHCHECK" in DOCKERFILE)
            if wish["condition"] == "service_completed_successfully":
                assert other == "migrate"
    # The image's check asks the web's port, so whoever is not the web has none or another one.
    assert all("healthcheck" in SERVICES[name] for name in OURS if name != "web")


def test_volumes_are_declared_and_all_are_used():
    used = {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if not volume.startswith(".")
    }
    assert used == set(FILE["volumes"])
    # A folder of the image lends its owner to a new volume.
    assert "--owner 10001" in DOCKERFILE
    assert SERVICES["backup"]["volumes"] == ["backups:/app/backups"]
    assert "WORKDIR /app" in DOCKERFILE


def test_nginx_gets_every_variable_of_its_configuration():
    nginx = SERVICES["nginx"]
    source, target, _ = next(it for it in nginx["volumes"] if "templates" in it).split(":")
    wanted = set(re.findall(r"\$\{(\w+)\}", (HOME / source).read_text()))
    assert wanted == set(nginx["environment"])
    assert target == "/etc/nginx/templates/default.conf.template"
    # It may keep a connection for less long than gunicorn does.
    keepalive = int(re.search(r"^keepalive = (\d+)", GUNICORN, re.M)[1])
    assert int(re.search(r"keepalive_timeout (\d+)s;", (HOME / source).read_text())[1]) < keepalive


def test_addresses_name_services_and_their_credentials():
    site, postgres = SERVICES["web"]["environment"], SERVICES["postgres"]["environment"]
    user, database = postgres["POSTGRES_USER"], postgres["POSTGRES_DB"]
    pattern = rf"postgres://{user}:\$\{{POSTGRES_PASSWORD:\?[^}}]+\}}@postgres:5432/{database}"
    assert re.fullmatch(pattern, site["DATABASE_URL"])
    assert site["CACHE_URL"] == "redis://valkey:6379/0"
    # Debian's client programs in the image are of the same version as the server.
    assert SERVICES["postgres"]["image"] == "postgres:17"
    assert re.findall(r"^FROM python:3\.13-slim-trixie", DOCKERFILE, re.M)
    assert "postgresql-client" in DOCKERFILE


def test_the_image_starts_what_the_docs_say():
    assert (
        'CMD ["gunicorn", "--config", "shiporskip/gunicorn.conf.py", "shiporskip.wsgi"]'
        in DOCKERFILE
    )
    docs = (HOME / "docs/operators.md").read_text() + (HOME / "README.md").read_text()
    for command in re.findall(r"docker compose ([a-z]+)[^\n]*", docs):
        assert command in {
            "up",
            "run",
            "build",
            "exec",
            "logs",
            "stop",
            "pull",
            "cp",
            "ps",
            "down",
            "config",
        }
    for service in re.findall(r"docker compose run --rm (?:--no-TTY )?(\w+)", docs + TEXT):
        assert service in SERVICES
