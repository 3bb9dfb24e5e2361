/**
 * The payment watch looks back at orders that have ended (rule 3.13): in the order of their ends, and how far each look
 * has come.
 */

import { LOOK_BACK_DAYS_MAX } from "@tickettoken/order-domain/ports/PaymentLooks"

/** When a CANCELLED or EXPIRED order ended, as SQL: as the index has it. */
export const ENDED_AT = `coalesce(cancelled_at, expired_at)`

/** Tables of this migration that hold nothing of any tenant. */
export const paymentLookTables: ReadonlyArray<string> = ["payment_looks"]

const ended = `status in ('CANCELLED', 'EXPIRED')`

export const paymentLooks: ReadonlyArray<string> = [
  `create index orders_by_end on orders ((${ENDED_AT}), id) where ${ended}`,
  `grant select (cancelled_at, expired_at) on orders to orders_jobs`,
  // Older ends are nobody's business.
  `create policy orders_ended on orders for select to orders_jobs
    using (${ended} and ${ENDED_AT} > statement_timestamp() - interval '${LOOK_BACK_DAYS_MAX} days')`,
  // A look is named by how long after an order's end it comes.
  `create table payment_looks (
    after_seconds integer constraint payment_looks_pkey primary key check (after_seconds > 0),
    ended_at timestamptz not null,
    order_id uuid not null
  )`,
  `grant select, insert, update on payment_looks to orders_jobs`
]
