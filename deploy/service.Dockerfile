# One recipe for five images: docker build -f deploy/service.Dockerfile --build-arg SERVICE=tier1 .
# SERVICE is a folder of services/.
FROM python:3.11-slim AS made
WORKDIR /made
COPY requirements.lock .
RUN python -m venv /opt/tierline \
 && /opt/tierline/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
ARG SERVICE
COPY shared shared
COPY services/${SERVICE} service
RUN /opt/tierline/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation ./shared ./service

FROM python:3.11-slim
ARG SERVICE
ENV PATH=/opt/tierline/bin:$PATH PYTHONUNBUFFERED=1 SERVICE=${SERVICE}
COPY --from=made /opt/tierline /opt/tierline
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=12 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
# The folder tier3-liaison holds the package tier3_liaison. `exec`, so that SIGTERM reaches the service and it drains.
CMD ["sh", "-c", "exec uvicorn \"$(echo \"$SERVICE\" | tr - _).main:app\" --host 0.0.0.0 --port 8000 --no-access-log --timeout-graceful-shutdown 20"]
