# The bot with everything it needs, the private Redis included. Two stages: what builds does not ship.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/nightdesk && python -m venv /opt/build
COPY requirements.lock requirements-build.lock ./
RUN /opt/nightdesk/bin/pip install --require-hashes --no-deps -r requirements.lock \
    && /opt/build/bin/pip install --require-hashes --no-deps -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY playbooks playbooks
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/nightdesk/bin/pip install --no-deps --no-index /wheels/*.whl

FROM python:3.11-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends redis-server \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin nightdesk \
    && install -d -o nightdesk -g nightdesk -m 0700 /data \
    && install -d -m 0755 /etc/nightdesk
COPY --from=build /opt/nightdesk /opt/nightdesk
COPY playbooks /etc/nightdesk/playbooks
# The server is reached from outside its container, so it starts only when every alert source has a secret.
ENV PATH=/opt/nightdesk/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    NIGHTDESK_HOST=0.0.0.0 \
    NIGHTDESK_PORT=8080 \
    NIGHTDESK_DATA_DIR=/data \
    NIGHTDESK_SERVICES_FILE=/etc/nightdesk/services.yaml \
    NIGHTDESK_PLAYBOOKS_DIR=/etc/nightdesk/playbooks \
    NIGHTDESK_LOG_FORMAT=json
WORKDIR /data
USER nightdesk
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['NIGHTDESK_PORT']), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["nightdesk"]
CMD ["serve"]
