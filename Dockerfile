# The service in one image; docker-compose.yml says which command it runs.
FROM python:3.11-slim-bookworm@sha256:528257d48c1da0dcecc2e725d1ae34498d60c965f1241e39cd6a85a8859bdf84 AS wheel
WORKDIR /src
COPY requirements.lock pyproject.toml README.md ./
RUN pip install --no-cache-dir -r requirements.lock
COPY gridsvc gridsvc
COPY data/boundaries data/boundaries
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .

FROM python:3.11-slim-bookworm@sha256:528257d48c1da0dcecc2e725d1ae34498d60c965f1241e39cd6a85a8859bdf84
# psycopg, which the queue uses, needs the client library.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpq5 \
    && rm -rf /var/lib/apt/lists/*
COPY requirements.lock /tmp/requirements.lock
RUN pip install --no-cache-dir -r /tmp/requirements.lock
COPY --from=wheel /wheels /wheels
RUN pip install --no-cache-dir --no-deps /wheels/*.whl && useradd --create-home gridsvc \
    && install -d -o gridsvc /var/gridsvc
USER gridsvc
ENV GRIDSVC_VAR_DIR=/var/gridsvc
VOLUME /var/gridsvc
EXPOSE 8000
ENTRYPOINT ["gridsvc"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
