/**
 * Who may do what, endpoint by endpoint: what the matrix expects and docs/security.md shows.
 *
 * **When to use**
 *
 * An endpoint of the OpenAPI document needs a row here, under `METHOD path` as the document writes it. A row says what
 * the endpoint is about, what to send, and what each kind of caller is answered when it asks about something that exists
 * in its own tenant. What strangers get follows from that and is not written down: 401 without the right kind of
 * credential, 403 without the scope, and 404 for what is another tenant's or nobody's.
 */
import type { Scope } from "@tickettoken/order-server/contract/Auth"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"

/** People of the tenant, seen from the order: `owner` has made it. */
export const people = ["owner", "other buyer", "support", "finance", "admin"] as const
export type Person = (typeof people)[number]

/** What a request names. Ids that the endpoint does not take are left alone. */
export interface Ids {
  readonly orderId: string
  readonly refundId: string
  readonly jobId: string
  readonly eventId: string
  readonly ticketTypeId: string
  readonly ticketPricingId: string
  readonly paymentIntentId: string
}

/** What must be there before the request: the state of the owner's order, or a bulk job. */
export type Needs = "nothing" | "open order" | "paid order" | "refund" | "bulk job"

interface Common {
  readonly needs: Needs
  /** The body, and a query in place of one for a GET. */
  readonly body?: (ids: Ids) => object
  readonly query?: string
  /** What is answered about ids of another tenant and of nobody; 404 unless it is said. `null`: it names no id. */
  readonly elsewhere?: number | null
}

/** For people, with a bearer token. */
export interface PeopleRow extends Common {
  readonly who: Readonly<Record<Person, number>>
  /** The role is looked at first: who may not do this is told so whatever it is about. */
  readonly roleFirst?: boolean
}

/** For services, with a key of this scope. */
export interface ServiceRow extends Common {
  readonly scope: Scope
  readonly status: number
}

export type Row = PeopleRow | ServiceRow

export const isForServices = (row: Row): row is ServiceRow => "scope" in row

const everybody = (status: number) => ({
  owner: status,
  "other buyer": status,
  support: status,
  finance: status,
  admin: status
})

/** Whoever may see an order of the tenant. */
const viewers = { ...everybody(200), "other buyer": 404 }

/** Staff of the tenant. Who is none is told so whatever it is about. */
const staff = { ...everybody(200), owner: 403, "other buyer": 403 }

/** Whoever may change it: staff who may only look are told so. */
const changers = { ...viewers, support: 403, finance: 403 }

const line = ({ ticketPricingId, ticketTypeId }: Ids) => ({ ticketTypeId, ticketPricingId, quantity: 1 })
const newOrder = (ids: Ids) => ({ eventId: ids.eventId, items: [line(ids)] })

export const accessTable: Readonly<Record<string, Row>> = {
  "POST /api/v1/orders": { needs: "nothing", body: newOrder, who: everybody(201) },
  "GET /api/v1/orders": { needs: "open order", who: everybody(200), elsewhere: null },
  "GET /api/v1/orders/{orderId}": { needs: "open order", who: viewers },
  "POST /api/v1/orders/{orderId}/reserve": { needs: "open order", who: changers },
  "POST /api/v1/orders/{orderId}/cancel": { needs: "open order", who: changers },
  "POST /api/v1/orders/{orderId}/refund": {
    needs: "paid order",
    body: () => ({ reason: "rain" }),
    who: changers
  },
  "GET /api/v1/orders/{orderId}/events": { needs: "open order", who: viewers },
  "GET /api/v1/orders/{orderId}/refunds": { needs: "refund", who: viewers },
  "GET /api/v1/orders/{orderId}/refunds/{refundId}": { needs: "refund", who: viewers },
  "POST /api/v1/quotes/order": { needs: "nothing", body: newOrder, who: everybody(200) },
  "POST /api/v1/quotes/cancel": { needs: "paid order", body: ({ orderId }) => ({ orderId }), who: changers },
  "POST /api/v1/quotes/refund": { needs: "paid order", body: ({ orderId }) => ({ orderId }), who: changers },
  "GET /api/v1/admin/orders/search": {
    needs: "open order",
    who: { ...staff, support: 403, finance: 403 },
    elsewhere: null
  },
  "GET /api/v1/admin/analytics/summary": { needs: "open order", who: staff, elsewhere: null },
  "GET /api/v1/admin/analytics/series": { needs: "open order", who: staff, elsewhere: null },
  "GET /api/v1/admin/analytics/top-events": { needs: "open order", who: staff, elsewhere: null },
  "GET /api/v1/admin/analytics/live": { needs: "open order", who: staff, elsewhere: null },
  "GET /api/v1/admin/analytics/holds": { needs: "open order", who: staff, elsewhere: null },
  "GET /internal/v1/orders/expiring": { needs: "open order", scope: "orders:read", status: 200, elsewhere: null },
  // Only our own rows say which events there are orders of, so one that nobody knows has none.
  "POST /internal/v1/orders/bulk/cancel": {
    needs: "open order",
    body: ({ eventId }) => ({ eventId, reason: "called off", dryRun: true }),
    scope: "orders:bulk-cancel",
    status: 200,
    elsewhere: 200
  },
  "POST /internal/v1/orders/{orderId}/confirm": {
    needs: "paid order",
    body: ({ paymentIntentId }) => ({ paymentIntentId }),
    scope: "orders:confirm",
    status: 200
  },
  // The order is found; it is not due, and says so.
  "POST /internal/v1/orders/{orderId}/expire": {
    needs: "open order",
    body: () => ({ reason: "over" }),
    scope: "orders:expire",
    status: 409
  },
  "GET /internal/v1/bulk-jobs/{jobId}": { needs: "bulk job", scope: "orders:bulk-cancel", status: 200 },
  "POST /internal/v1/events/replay": {
    needs: "open order",
    body: ({ orderId }) => ({ what: "published", orderId }),
    scope: "events:replay",
    status: 200,
    elsewhere: 200
  }
}

/** Ids that exist nowhere. */
export const absent: Ids = {
  orderId: "99999999-9999-4999-8999-999999999991",
  refundId: "99999999-9999-4999-8999-999999999992",
  jobId: "99999999-9999-4999-8999-999999999993",
  eventId: "99999999-9999-4999-8999-999999999994",
  ticketTypeId: demo.general.ticketTypeId,
  ticketPricingId: demo.general.ticketPricingId,
  paymentIntentId: "pi_of_nobody"
}
