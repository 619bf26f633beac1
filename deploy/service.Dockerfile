# One recipe for five images: docker build -f deploy/service.Dockerfile --build-arg SERVICE=tier1 .
# SERVICE is a folder of services/. Behind a certificate authority of your own: --secret id=authority,src=FILE; it stays in no layer.
FROM python:3.11-slim AS libraries
COPY deploy/service.lock /
RUN --mount=type=secret,id=authority \
    if [ -s /run/secrets/authority ]; then export PIP_CERT=/run/secrets/authority; fi \
 && python -m venv /opt/tierline \
 && /opt/tierline/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r /service.lock

FROM python:3.11-slim
# First what all five images share, so that it is kept and sent once.
COPY --from=libraries /opt/tierline /opt/tierline
COPY shared/tierline /opt/own/tierline
ARG SERVICE
COPY services/${SERVICE} /opt/own
ENV PATH=/opt/tierline/bin:$PATH PYTHONPATH=/opt/own PYTHONUNBUFFERED=1 SERVICE=${SERVICE} UVICORN_HTTP=tierline.kit.connections:Bounded
RUN python -m compileall -q /opt/own
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=12 \
  CMD ["python", "-S", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=3)"]
# The folder tier3-liaison holds the package tier3_liaison. `exec`, so that SIGTERM reaches the service and it drains.
CMD ["sh", "-c", "exec uvicorn \"$(echo \"$SERVICE\" | tr - _).main:app\" --host 0.0.0.0 --port 8000 --no-access-log --timeout-graceful-shutdown 20"]
