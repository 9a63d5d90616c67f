# The site for any container engine; compose.yaml has everything that belongs to it. By itself it needs
# a PostgreSQL and three variables, SECRET_KEY, SITE_URL and DATABASE_URL, in production.env:
#
#   docker build --tag ship-or-skip .
#   docker run --rm --env-file production.env ship-or-skip python manage.py migrate
#   docker run --publish 8000:8000 --env-file production.env ship-or-skip
#   docker run --env-file production.env --no-healthcheck ship-or-skip python manage.py worker
#
# .env.example lists the other variables. Migrations are a step of their own, once per new version, so
# that several containers may start at the same time and none changes the tables under another.

FROM python:3.13-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /venv
COPY requirements/site.txt /tmp/
RUN python -m pip --python /venv/bin/python install --quiet --require-hashes --requirement /tmp/site.txt
WORKDIR /app
COPY . .
# Settings ask for both, but nothing that is collected depends on them, and nothing connects.
RUN SECRET_KEY=build DATABASE_URL=postgres://build /venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && /venv/bin/python -m compileall -q .

FROM python:3.13-slim-trixie
LABEL org.opencontainers.image.title="Ship or Skip" \
    org.opencontainers.image.description="A self-hosted site that compares AI tools: four personas say ship or skip" \
    org.opencontainers.image.licenses="MIT"
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8000
# pg_dump and pg_restore, for `manage.py backup`, `restore` and `upgrade_check`.
RUN apt-get update --quiet=2 \
    && apt-get install --quiet=2 --no-install-recommends --yes postgresql-client >/dev/null \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin site \
    && install --directory --owner 10001 --mode 700 /app/backups
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Not urllib.request, which would ask a proxy that the environment names.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
CMD ["gunicorn", "--config", "shiporskip/gunicorn.conf.py", "shiporskip.wsgi"]
