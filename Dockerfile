# The program in a small image:
#
#     docker build -t mongoferry .
#     docker run --rm -v "$PWD:/data" -e MONGODB_URI mongoferry export --db insurance -o insurance.csv.zst
#
# The working folder is /data; run it with --user "$(id -u):$(id -g)" so that files are yours.

FROM swift:6.3-bookworm AS build
# The versions are those of Debian 12, whatever its current point release.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libmongoc-dev libbson-dev libssl-dev zlib1g-dev libzstd-dev pkg-config \
    python3 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN Scripts/install --prefix /out

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libmongoc-1.0-0 libstdc++6 libzstd1 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 mongoferry
COPY --from=build /out/ /usr/local/
USER 10001
WORKDIR /data
ENTRYPOINT ["mongoferry"]
