/**
 * The probes: liveness asks nothing of anybody, readiness asks what a request needs, detailed shows everything.
 */
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { type DependencyReport, Health } from "./Health.ts"

/** A process that can answer at all is alive. A database that is away is no reason to kill it. */
const liveness = HttpRouter.add("GET", "/health/liveness", HttpServerResponse.jsonUnsafe({ status: "ok" }))

const isUp = ({ required, status }: DependencyReport): boolean => status === "up" || !required

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
        const everyUp = dependencies.every(({ status }) => status === "up")
        const status = stopping ? "stopping" : !isReady ? "down" : everyUp ? "ok" : "degraded"
        return HttpServerResponse.jsonUnsafe({ status, dependencies }, { status: isReady ? 200 : 503 })
      })
    )
  })
)

export const layer = Layer.mergeAll(liveness, readiness, detailed)
