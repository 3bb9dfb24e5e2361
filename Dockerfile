# syntax=docker/dockerfile:1

# The workspace, installed from the lockfile and compiled. Nothing of this stage but /app is in the image.
FROM node:24.21.0-slim AS build
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/root/.local/share/pnpm/store \
  npx -y pnpm@12 install --frozen-lockfile && \
  npx -y pnpm@12 -r build && \
  npx -y pnpm@12 exec node scripts/assemble-image.ts /app

# Ticket, payment and event services to try the service out with. Not for production.
FROM build AS sandbox
ENV SANDBOX_HOST=0.0.0.0
USER 10001:10001
EXPOSE 3001 3002 3005
ENTRYPOINT ["node", "scripts/sandbox.ts"]

# The service and its command. It writes nothing, so its root may be read-only.
FROM node:24.21.0-slim AS service
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app ./
USER 10001:10001
EXPOSE 3004
ENTRYPOINT ["node", "dist/bin.js"]
CMD ["serve"]
