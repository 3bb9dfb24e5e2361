/**
 * The endpoint that searches orders.
 */
import { searchOrders } from "@tickettoken/order-domain/workflows/ReadOrders"
import { DateTime, Effect, Option } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { OrderServiceApi } from "../contract/Api.ts"
import { CurrentCaller } from "../contract/Auth.ts"
import type { OrderSearchQuery } from "../contract/Requests.ts"
import { CurrentRequest } from "./CurrentRequest.ts"
import { cursorAfter, listIdentity, readCursor } from "./Cursor.ts"
import { providePorts } from "./Ports.ts"
import { answering, notValid } from "./toProblem.ts"
import { orderView } from "./toViews.ts"

export const layer = HttpApiBuilder.group(
  OrderServiceApi,
  "orderSearch",
  Effect.fnUntraced(function* (handlers) {
    const withPorts = yield* providePorts
    return handlers.handleAll({ search: ({ query }) => withPorts(search(query)) })
  })
)

const isoOf = (at: DateTime.Utc | undefined): string | undefined =>
  at === undefined ? undefined : DateTime.formatIso(at)

const search = Effect.fnUntraced(function* ({ cursor, limit, ...criteria }: OrderSearchQuery) {
  const caller = yield* CurrentCaller
  const { requestId } = yield* CurrentRequest
  const { createdBefore, createdFrom } = criteria
  const filters = { ...criteria, createdFrom: isoOf(createdFrom), createdBefore: isoOf(createdBefore) }
  const identity = listIdentity(caller, { search: filters })
  const after = cursor === undefined ? Option.none() : readCursor(identity, cursor)
  if (cursor !== undefined && Option.isNone(after)) {
    return yield* notValid([{ path: "query.cursor", message: "is not a cursor of this search" }], requestId)
  }
  const found = yield* answering(searchOrders({ caller, ...criteria, limit, after: Option.getOrNull(after) }))
  const last = found.orders.at(-1)
  return {
    orders: found.orders.map(orderView),
    pagination: {
      limit,
      hasMore: found.hasMore,
      nextCursor: found.hasMore && last !== undefined ? cursorAfter(identity, last) : null
    }
  }
})
