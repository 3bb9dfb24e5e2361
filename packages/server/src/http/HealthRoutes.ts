/**
 * The probes: liveness asks nothing of anybody, readiness asks what a request needs, detailed shows everything.
 */
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { type DependencyReport, Health } from "./Health.ts"

/** A process that can answer at all is alive. A database that is away is no reason to kill it. */
const liveness = HttpRouter.add("GET", "/health/liveness", HttpServerResponse.jsonUnsafe({ status: "ok" }))

const isUp = ({ required, status }: DependencyReport): boolean => status === "up" || !required

/** It answers, and what we ask of it is sent. */
const isWell = ({ circuits = [], status }: DependencyReport): boolean =>
  status === "up" && circuits.every(({ state }) => state === "closed")

const readiness = HttpRouter.use((router) =>
  Effect.gen(function* () {
    const health = yield* Health
    yield* router.add(
      "GET",
      "/health/readiness",
      Effect.gen(function* () {
        if (yield* health.isStopping) return HttpServerResponse.jsonUnsafe({ status: "stopping" }, { status: 503 })
        const down = (yield* health.required).filter((dependency) => !isUp(dependency)).map(({ name }) => name)
        return down.length === 0
          ? HttpServerResponse.jsonUnsafe({ status: "ready" })
          : HttpServerResponse.jsonUnsafe({ status: "not ready", down }, { status: 503 })
      })
    )
  })
)

const detailed = HttpRouter.use((router) =>
  Effect.gen(function* () {
    const health = yield* Health
    yield* router.add(
      "GET",
      "/health/detailed",
      Effect.gen(function* () {
        const stopping = yield* health.isStopping
        const dependencies = yield* health.all
        const isReady = !stopping && dependencies.every(isUp)
        const status = stopping ? "stopping" : !isReady ? "down" : dependencies.every(isWell) ? "ok" : "degraded"
        return HttpServerResponse.jsonUnsafe({ status, dependencies }, { status: isReady ? 200 : 503 })
      })
    )
  })
)

export const layer = Layer.mergeAll(liveness, readiness, detailed)
