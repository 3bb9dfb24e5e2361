/**
 * Questions about orders that change nothing.
 */
import { Context, type DateTime, type Effect } from "effect"
import type { Currency } from "../Currency.ts"
import type { EventId, OrderId, PaymentIntentId, TenantId, UserId } from "../Ids.ts"
import type { Order, OrderStatus } from "../Order.ts"
import type { OrderNotFound, ServiceUnavailable } from "../OrderErrors.ts"
import type { OrderEvent } from "../OrderEvent.ts"
import type { OrderNumber } from "../OrderNumber.ts"

/** A page of orders, newest first. `userId: null` means everybody's. */
export interface OrderQuery {
  readonly tenantId: TenantId
  readonly userId: UserId | null
  readonly status: OrderStatus | null
  readonly eventId: EventId | null
  readonly limit: number
  readonly offset: number
  /** Start after this order (keyset paging); `offset` is 0 then. */
  readonly after: PageKey | null
}

/** A value of metadata that can be searched for: one that holds no others. */
export type MetadataScalar = string | number | boolean | null

/** What is said of the orders that are looked for. All of it must hold; what is left out may be anything. */
export interface OrderCriteria {
  readonly id?: OrderId | undefined
  readonly orderNumber?: OrderNumber | undefined
  readonly userId?: UserId | undefined
  /** The order's own intent, or one with which it was paid. */
  readonly paymentIntentId?: PaymentIntentId | undefined
  readonly eventId?: EventId | undefined
  readonly status?: OrderStatus | undefined
  readonly currency?: Currency | undefined
  /** The total, in minor units, both ends included. */
  readonly totalMin?: number | undefined
  readonly totalMax?: number | undefined
  /** Creation, from this instant on and before that one. */
  readonly createdFrom?: DateTime.Utc | undefined
  readonly createdBefore?: DateTime.Utc | undefined
  /** Keys at the top of the metadata, with exactly these values. */
  readonly metadata?: Readonly<Record<string, MetadataScalar>> | undefined
}

/** A page of the orders that are looked for, newest first. */
export interface OrderSearch extends OrderCriteria {
  readonly tenantId: TenantId
  readonly limit: number
  readonly after: PageKey | null
}

/** Where a page ended: the last order's creation time and id. */
export interface PageKey {
  readonly createdAt: DateTime.Utc
  readonly id: OrderId
}

/** Some of the orders that were asked for. */
export interface OrdersFound {
  readonly orders: ReadonlyArray<Order>
  readonly hasMore: boolean
}

export interface OrderPage extends OrdersFound {
  readonly total: number
}

/** An audit fact with its row's id. */
export interface RecordedEvent {
  readonly id: string
  readonly event: OrderEvent
}

/** An open order whose deadline falls into the asked window. */
export interface ExpiringOrder {
  readonly id: OrderId
  readonly expiresAt: DateTime.Utc
}

export interface ExpiringQuery {
  readonly tenantId: TenantId
  /** Look ahead this far from the store's now, in minutes. */
  readonly minutes: number
  readonly limit: number
}

/** An order that is there and can not be read: a bug, or somebody's hand in the store. It is a matter for people. */
export interface UnreadableOrder {
  readonly id: string
  readonly orderNumber: string
}

/** A page of an event's cancellable orders, in id order. */
export interface CancellablePage {
  readonly orders: ReadonlyArray<Order>
  /** Those of this page that can not be read. Nobody can cancel them, so a run must report them. */
  readonly unreadable: ReadonlyArray<UnreadableOrder>
  /** Where the next page starts; `null` after the last one. */
  readonly next: OrderId | null
}

export class OrderReads extends Context.Service<
  OrderReads,
  {
    /**
     * A page. An order that can not be read is left out and logged as an error: one row must not hide all others of its
     * page. It still counts in `total`, takes its place on the page, and asking for it by id is a defect.
     */
    readonly list: (query: OrderQuery) => Effect.Effect<OrderPage, ServiceUnavailable>
    /** A page of the orders that fit, as `list` would give it; nobody counts how many there are. */
    readonly search: (query: OrderSearch) => Effect.Effect<OrdersFound, ServiceUnavailable>
    /** The order's audit facts, oldest first. */
    readonly history: (
      tenantId: TenantId,
      orderId: OrderId
    ) => Effect.Effect<ReadonlyArray<RecordedEvent>, OrderNotFound | ServiceUnavailable>
    readonly expiring: (
      query: ExpiringQuery
    ) => Effect.Effect<
      { readonly orders: ReadonlyArray<ExpiringOrder>; readonly now: DateTime.Utc },
      ServiceUnavailable
    >
    /** Up to `limit` orders of an event that can still be cancelled, after the given one. */
    readonly cancellableOfEvent: (
      tenantId: TenantId,
      eventId: EventId,
      after: OrderId | null,
      limit: number
    ) => Effect.Effect<CancellablePage, ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/OrderReads") {}
