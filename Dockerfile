# One image for every service: `docker run … defter` runs all of it in one process, `… defter query-api` one service alone,
# `… defter migrate` a verb. There is no build: Node runs the TypeScript as it is.

ARG NODE_VERSION=24.21.0

FROM node:${NODE_VERSION}-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package's own scripts run: nothing is compiled, nothing fetched from elsewhere.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

FROM node:${NODE_VERSION}-bookworm-slim
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY . .
RUN install -d -o node -g node /data node_modules/.cache/defter
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data LOG_DIR=off
# The image's user node, by number so that a host can tell that it is not root.
USER 1000:1000
# One start, which leaves what it compiled in the image: where the root file system is read-only, none after it could.
RUN DATA_DIR=/tmp/first-start timeout --preserve-status 20 node main.ts && rm -rf /tmp/first-start
# 8080: HTTP. 9090: /healthz, /readyz and /metrics of a service that runs alone.
EXPOSE 8080 9090
# /healthz on the operators' port, where a service that runs alone has it, or on the one port of all in one process.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "-e", "\
  const { OPS_PORT, PORT } = process.env; \
  const ask = async (port) => { \
    const answer = await fetch('http://127.0.0.1:' + port + '/healthz', { signal: AbortSignal.timeout(2000) }); \
    if (!answer.ok) throw new Error(port + ' answers ' + answer.status); \
  }; \
  Promise.any((OPS_PORT ? [OPS_PORT] : ['9090', PORT || '8080']).map(ask)).then(() => process.exit(0), (failed) => { \
    console.error(failed.errors.map((error) => String(error.cause || error)).join('; ')); \
    process.exit(1); \
  });"]
# The exec form, so that signals reach Defter: SIGTERM drains and ends it.
ENTRYPOINT ["node", "main.ts"]
