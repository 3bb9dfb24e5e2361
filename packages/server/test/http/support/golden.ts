/** What two General tickets of the demo event look like on the wire. */
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { at } from "./send.ts"

export const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

export const pricing = { subtotal: 20_000, platformFee: 1000, processingFee: 610, tax: 1728, total: 23_338 }

export const minutesBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 60_000

/** An order of two General tickets as it is shown, given what can not be known before. */
export const orderBody = (json: unknown, changes: object = {}) => ({
  id: at(json, "id"),
  orderNumber: at(json, "orderNumber"),
  userId: at(json, "userId"),
  eventId: demo.eventId,
  status: "PENDING",
  paymentStatus: "UNPAID",
  items: [{ id: at(json, "items", 0, "id"), ...demo.general, quantity: 2, unitPrice: 10_000, subtotal: 20_000 }],
  pricing,
  currency: "USD",
  paymentIntentId: at(json, "paymentIntentId"),
  reservationExpiresAt: at(json, "reservationExpiresAt"),
  tickets: [],
  metadata: {},
  version: 3,
  createdAt: at(json, "createdAt"),
  updatedAt: at(json, "updatedAt"),
  reservedAt: null,
  confirmedAt: null,
  completedAt: null,
  cancelledAt: null,
  expiredAt: null,
  refundedAt: null,
  ...changes
})
