/**
 * The endpoint that has messages sent or handled once more.
 */
import type { TenantId } from "@tickettoken/order-domain/Ids"
import { replayDead, replayPublished } from "@tickettoken/order-domain/workflows/ReplayMessages"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { OrderServiceApi } from "../contract/Api.ts"
import type { ReplayBody } from "../contract/Requests.ts"
import { CurrentRequest } from "./CurrentRequest.ts"
import { Detached } from "./Detached.ts"
import { providePorts } from "./Ports.ts"
import { answering } from "./toProblem.ts"

/** How many messages that were set aside are handled anew by one request: more are asked for again. */
const DEAD_MAX = 500

export const layer = HttpApiBuilder.group(
  OrderServiceApi,
  "messages",
  Effect.fnUntraced(function* (handlers) {
    const withPorts = yield* providePorts
    return handlers.handleAll({
      replay: ({ headers, payload }) => withPorts(replay(headers["x-tenant-id"], payload))
    })
  })
)

const replay = Effect.fnUntraced(function* (tenantId: TenantId, body: ReplayBody) {
  const detached = yield* Detached
  const { about } = yield* CurrentRequest
  about.set("tenantId", tenantId)
  const since = body.since ?? null
  const replayed =
    body.what === "published"
      ? yield* answering(detached.run(replayPublished({ tenantId, orderId: body.orderId ?? null, since })))
      : yield* answering(
          detached.run(replayDead({ tenantId, messageId: body.messageId ?? null, since, limit: DEAD_MAX }))
        )
  return { replayed }
})
