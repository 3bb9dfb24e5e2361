/**
 * Plays requests that are made from our OpenAPI document against the whole HTTP layer, as everybody who may knock, and
 * judges each answer (A29, A31). A seed names the requests of a round; a round begins with an empty store.
 */
import { orderLimits } from "@tickettoken/order-domain/OrderLimits"
import { PaymentIntentId } from "@tickettoken/order-domain/Ids"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Duration, Effect } from "effect"
import { Agent } from "node:http"
import { type Principal, principalsOf } from "../http/access/principals.ts"
import { catalogueOfTwo, makeSides, twin } from "../http/access/world.ts"
import { ask } from "../http/support/buyer.ts"
import { type Answer, at } from "../http/support/send.ts"
import { memoryServer } from "../http/support/testServer.ts"
import { type Endpoint, endpoints } from "./document.ts"
import * as Heard from "./Heard.ts"
import { faultsOf } from "./judge.ts"
import { type Random, randomOf } from "./random.ts"
import { type Made, requestTo } from "./requests.ts"

/** What was played, and everything that is wrong with it. */
export interface Report {
  readonly requests: number
  readonly byStatus: { readonly [status: string]: number }
  /** Endpoint by endpoint: how many answers were a success. */
  readonly successes: { readonly [key: string]: number }
  /** Requests that the document does not allow. */
  readonly invalid: number
  readonly faults: ReadonlyArray<string>
}

const SPOILT_SHARE = 0.4
const PASS_SHARE = 0.002
/** Without orders there is little to ask for. */
const CREATE_SHARE = 0.15
const PAY_SHARE = 0.6
const FAULTS_SHOWN_MAX = 20

const MANY = 100_000

/** A server that counts neither orders nor seconds: the machine may be slow. */
const server = memoryServer({
  catalogue: catalogueOfTwo,
  requestBudget: Duration.seconds(60),
  policies: { limits: { ...orderLimits, ordersPerUserPerDayMax: MANY, ordersActivePerUserPerEventMax: MANY } }
})

const creating = endpoints.filter(({ key }) => key === "POST /api/v1/orders")

/** What is sold: an event with a line of it. Bulk cancellation ends one that nothing else needs. */
const saleOf = (endpoint: Endpoint, { home }: Principal, random: Random) => {
  if (/bulk/.test(endpoint.path)) return { eventId: demo.soonEventId, line: demo.soon }
  if (home === "foreign") {
    const { eventId, ...line } = twin
    return { eventId, line }
  }
  const sales = [
    { eventId: demo.eventId, line: demo.general },
    { eventId: demo.eventId, line: demo.vip },
    { eventId: demo.eventId, line: demo.free },
    { eventId: demo.euroEventId, line: demo.euro }
  ]
  return random.pick(sales)
}

/** Whose order it is, and of which tenant: what nobody else may be shown. */
interface Placed {
  readonly home: Principal["home"]
  readonly maker: string
}

const isBuyer = ({ name }: Principal): boolean => /owner|buyer/.test(name)

const round = Effect.fnUntraced(function* (seed: number, requests: number) {
  const random = randomOf(seed)
  const heard = Heard.make()
  const orders = new Map<string, Placed>()
  const time = yield* TestTime
  const controls = yield* ServiceControls
  const { foreign, own } = yield* makeSides
  const principals = yield* principalsOf(own.userId, foreign.userId)
  const insiders = principals.filter(({ home }) => home !== null)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  yield* Effect.addFinalizer(() => Effect.sync(() => agent.destroy()))
  const byStatus: Record<string, number> = {}
  const successes: Record<string, number> = {}
  const faults: Array<string> = []
  let invalid = 0

  /** An order that the one who asks may see, mostly. */
  const orderFor = (principal: Principal): string | undefined => {
    if (random.chance(0.2)) return heard.one("orderId", random)
    const mine = [...orders].filter(
      ([, { home, maker }]) => home === principal.home && (!isBuyer(principal) || maker === principal.name)
    )
    return mine.length === 0 ? undefined : mine[mine.length - 1 - random.below(Math.min(8, mine.length))]?.[0]
  }

  const knownFor = (endpoint: Endpoint, principal: Principal) => {
    const sale = saleOf(endpoint, principal, random)
    const orderId = orderFor(principal)
    return (name: string): unknown => {
      switch (name) {
        case "eventId":
          return sale.eventId
        case "line":
          return sale.line
        case "orderId":
          return orderId
        case "x-tenant-id":
          return principal.headers["x-tenant-id"]
        case "idempotency-key":
          return `key-${random.below(50)}`
        case "if-match":
          return random.pick(['"3"', '"5"', "*"])
        case "currency":
          return sale.line === demo.euro ? "EUR" : "USD"
        default:
          return heard.one(name, random)
      }
    }
  }

  const learn = Effect.fnUntraced(function* (endpoint: Endpoint, principal: Principal, { json, status }: Answer) {
    if (status >= 300) return
    heard.hear(json)
    successes[endpoint.key] = (successes[endpoint.key] ?? 0) + 1
    const id = at(json, "id")
    const intent = at(json, "paymentIntentId")
    if (status !== 201 || typeof id !== "string") return
    orders.set(id, { home: principal.home, maker: principal.name })
    if (typeof intent === "string" && random.chance(PAY_SHARE)) yield* controls.pay(PaymentIntentId.make(intent))
  })

  /** An order that somebody was shown who may not see it. */
  const leak = ({ path, headers }: Made, principal: Principal, { status }: Answer): string | undefined => {
    const [, id = ""] = /\/orders\/([0-9a-f-]{36})/.exec(path) ?? []
    const order = orders.get(id)
    if (status >= 300 || order === undefined) return undefined
    const tenant = headers["x-tenant-id"] === demo.tenantId ? "own" : "foreign"
    const home = principal.name.startsWith("a key") ? tenant : principal.home
    const isHidden = order.home !== home || (isBuyer(principal) && order.maker !== principal.name)
    return isHidden ? `showed an order of ${order.maker} to ${principal.name}` : undefined
  }

  for (let sent = 0; sent < requests; sent++) {
    if (random.chance(PASS_SHARE)) yield* time.passMinutes(20)
    const endpoint = random.pick(random.chance(CREATE_SHARE) ? creating : endpoints)
    const principal = random.pick(random.chance(0.1) ? principals : suited(endpoint, insiders))
    const bare = requestTo(endpoint, knownFor(endpoint, principal), random, random.chance(SPOILT_SHARE))
    const made = { ...bare, headers: { ...principal.headers, ...bare.headers } }
    const { body, headers, method, path } = made
    const answer = yield* ask({ method, path, headers, agent, ...(body === undefined ? {} : { body }) })
    byStatus[answer.status] = (byStatus[answer.status] ?? 0) + 1
    if (!made.valid) invalid += 1
    for (const fault of [...faultsOf(endpoint, made, principal, answer), leak(made, principal, answer) ?? []].flat()) {
      const asked = `${principal.name}: ${method} ${path.slice(0, 300)} ${(body ?? "").slice(0, 300)}`
      faults.push(
        `${fault} (seed ${seed}, request ${sent})\n  ${asked}\n  ${answer.status} ${answer.text.slice(0, 400)}`
      )
    }
    yield* learn(endpoint, principal, answer)
    if (faults.length >= FAULTS_SHOWN_MAX) break
  }
  const report: Report = { requests, byStatus, successes, invalid, faults }
  return report
})

/** People for the endpoints of people, services for those of services. */
const suited = ({ path }: Endpoint, insiders: ReadonlyArray<Principal>): ReadonlyArray<Principal> =>
  insiders.filter(({ name }) => name.startsWith("a key") === path.startsWith("/internal/"))

const sum = (one: Report["byStatus"], other: Report["byStatus"]): Report["byStatus"] => {
  const total: Record<string, number> = { ...one }
  for (const [key, count] of Object.entries(other)) total[key] = (total[key] ?? 0) + count
  return total
}

/** Both reports as one. */
export const together = (one: Report, other: Report): Report => ({
  requests: one.requests + other.requests,
  byStatus: sum(one.byStatus, other.byStatus),
  successes: sum(one.successes, other.successes),
  invalid: one.invalid + other.invalid,
  faults: [...one.faults, ...other.faults]
})

export const nothingPlayed: Report = { requests: 0, byStatus: {}, successes: {}, invalid: 0, faults: [] }

/** A round of so many requests, with a server of its own. */
export const play = (seed: number, requests: number): Effect.Effect<Report> =>
  round(seed, requests).pipe(Effect.scoped, Effect.provide(server, { local: true }), Effect.orDie)
