# One image with all three programs: docker build -t longhaul . (or buildah bud -t longhaul .)
# The base may be another Debian 12, such as a mirror's: --build-arg BASE=…
ARG BASE=debian:12-slim

FROM ${BASE} AS build
WORKDIR /source
COPY dev ./
COPY cmake/apt-packages.txt cmake/
RUN ./dev deps build
COPY . .
RUN ./dev build && strip build/release/bin/longhaul build/release/bin/longhaul-*

FROM ${BASE}
COPY cmake/apt-runtime.txt /tmp/
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $(sed '/^#/d' /tmp/apt-runtime.txt) \
 && rm -rf /var/lib/apt/lists/* /tmp/apt-runtime.txt \
 && useradd --system --uid 1001 --home-dir /var/lib/longhaul --create-home longhaul
COPY --from=build /source/build/release/bin/longhaul /source/build/release/bin/longhaul-broker \
     /source/build/release/bin/longhaul-operator /usr/bin/
USER 1001
WORKDIR /var/lib/longhaul
CMD ["longhaul", "--help"]
