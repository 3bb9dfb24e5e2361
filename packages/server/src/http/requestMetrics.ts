/**
 * What is counted of every request: by the template of its route, never by its path.
 */
import { Effect } from "effect"
import { http, type Operation } from "../telemetry/Metrics.ts"
import type { RefusedStatus } from "./nodeServer.ts"

/** A request that has met no route: nothing of what it asked for may become a label. */
export const NO_ROUTE = "none"

const MILLIS_PER_SECOND = 1000

/** The first that fits names the operation of a POST. */
const operationsByRoute: ReadonlyArray<readonly [RegExp, Operation]> = [
  [/^\/api\/v1\/quotes\//, "quote"],
  [/\/orders$/, "create"],
  [/\/bulk\/cancel$/, "bulk_cancel"],
  [/\/reserve$/, "reserve"],
  [/\/confirm$/, "confirm"],
  [/\/cancel$/, "cancel"],
  [/\/refund$/, "refund"],
  [/\/expire$/, "expire"]
]

/** What a request asks for, as the original specification names it; `undefined` for what is around the endpoints. */
export const operationOf = (method: string, route: string): Operation | undefined => {
  if (!/^\/(?:api|internal)\//.test(route)) return undefined
  if (method === "GET" || method === "HEAD") return "read"
  return operationsByRoute.find(([shape]) => shape.test(route))?.[1] ?? "other"
}

/** A request that has been answered. */
export interface Answered {
  readonly method: string
  readonly route: string
  readonly status: number
  readonly millis: number
}

export const begun: Effect.Effect<void> = http.inFlight.move(1, {})

/** A request that was refused for its size, its pace or its form, by a route or before there was one. */
export const refused = (status: RefusedStatus): Effect.Effect<void> => http.refusals.record(1, { status: `${status}` })

export const ended = ({ method, millis, route, status: code }: Answered): Effect.Effect<void> => {
  const status = `${Math.trunc(code / 100)}xx`
  const seconds = millis / MILLIS_PER_SECOND
  const operation = operationOf(method, route)
  return Effect.all(
    [
      http.inFlight.move(-1, {}),
      http.requests.record(1, { route, method, status }),
      http.seconds.record(seconds, { status }),
      code === 413 ? refused(code) : Effect.void,
      operation === undefined ? Effect.void : http.operationSeconds.record(seconds, { operation })
    ],
    { discard: true }
  )
}
