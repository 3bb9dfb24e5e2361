/** What people and services do in a test, over HTTP. */
import type { TenantId, UserId } from "@tickettoken/order-domain/Ids"
import { PaymentIntentId, UserId as UserIdSchema } from "@tickettoken/order-domain/Ids"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { randomUuid } from "@tickettoken/order-testing/TestOrders"
import { Effect } from "effect"
import { bearer, serviceKey } from "./credentials.ts"
import { type Answer, send, type Sent, textAt } from "./send.ts"
import { ServerPort } from "./testServer.ts"
import { untilAnswered } from "./untilAnswered.ts"

type Request = Omit<Sent, "port">

/** Sends a request to the server of the test. */
export const ask = (request: Request): Effect.Effect<Answer, never, ServerPort> =>
  Effect.flatMap(ServerPort, (port) => send({ ...request, port }))

/** A person with a token. */
export interface Person {
  readonly userId: UserId
  readonly authorization: string
  readonly ask: (request: Request) => Effect.Effect<Answer, never, ServerPort>
  readonly post: (
    path: string,
    body?: Sent["body"],
    headers?: Request["headers"]
  ) => Effect.Effect<Answer, never, ServerPort>
  readonly get: (path: string) => Effect.Effect<Answer, never, ServerPort>
}

export const person = Effect.fnUntraced(function* (
  options: {
    readonly userId?: UserId
    readonly role?: string
    readonly tenantId?: TenantId
    readonly customerTier?: string
  } = {}
) {
  const { userId = UserIdSchema.make(yield* randomUuid), ...claims } = options
  const authorization = yield* bearer(userId, claims)
  const asPerson: Person["ask"] = (request) => ask({ ...request, headers: { authorization, ...request.headers } })
  const who: Person = {
    userId,
    authorization,
    ask: asPerson,
    post: (path, body, headers = {}) =>
      asPerson({ method: "POST", path, headers, ...(body === undefined ? {} : { body }) }),
    get: (path) => asPerson({ path })
  }
  return who
})

/** Asks as a service, for the demo's tenant unless another one is given. */
export const asService = (
  method: "GET" | "POST",
  path: string,
  body?: Sent["body"],
  options: { readonly key?: "payments" | "reader"; readonly tenantId?: string } = {}
): Effect.Effect<Answer, never, ServerPort> =>
  ask({
    method,
    path,
    headers: { authorization: serviceKey(options.key ?? "payments"), "x-tenant-id": options.tenantId ?? demo.tenantId },
    ...(body === undefined ? {} : { body })
  })

export const generalLine = (quantity: unknown = 2) => ({ ...demo.general, quantity })

/** Two General tickets of the demo event. */
export const newOrder = (quantity: unknown = 2) => ({
  eventId: demo.eventId,
  items: [generalLine(quantity)],
  currency: "USD"
})

/** Creates an order, which must succeed, and says its id and intent. On a slow machine it is asked for more than once. */
export const createOrder = Effect.fnUntraced(function* (who: Person, body: object = newOrder(), key?: string) {
  const headers = { "idempotency-key": key ?? (yield* randomUuid) }
  const answer = yield* untilAnswered(who.post("/api/v1/orders", body, headers))
  if (answer.status !== 201) return yield* Effect.die(new Error(`${answer.status} ${answer.text}`))
  const { json } = answer
  return { answer, json, id: textAt(json, "id"), intent: PaymentIntentId.make(textAt(json, "paymentIntentId")) }
})

/** Pays an order's intent and tells the order service until that has an answer, as the payment service would. */
export const payAndConfirm = Effect.fnUntraced(function* (order: {
  readonly id: string
  readonly intent: PaymentIntentId
}) {
  const controls = yield* ServiceControls
  yield* controls.pay(order.intent)
  return yield* untilAnswered(
    asService("POST", `/internal/v1/orders/${order.id}/confirm`, { paymentIntentId: order.intent })
  )
})

/** An order that is paid and has its tickets. */
export const confirmedOrder = Effect.fnUntraced(function* (who: Person, body: object = newOrder()) {
  const order = yield* createOrder(who, body)
  const answer = yield* payAndConfirm(order)
  if (answer.status !== 200) return yield* Effect.die(new Error(`${answer.status} ${answer.text}`))
  return order
})
