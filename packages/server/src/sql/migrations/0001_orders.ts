/**
 * The tables of an order: the order itself, its lines, its money in and out, and its audit history.
 *
 * The tenant comes first in every key, so that no key tells one tenant of another. Money is a bigint of minor units
 * with its bounds; `refund_committed_cents` is kept by a trigger of 0003 and bounded here: this one CHECK is why
 * refunds never pass what was captured, whoever writes at once.
 */
import { AMOUNT_CEILING } from "@tickettoken/order-domain/Money"
import { CancelCause, OpenStage, OrderStatus } from "@tickettoken/order-domain/Order"
import { OrderEventType } from "@tickettoken/order-domain/OrderEvent"
import { RefundCause } from "@tickettoken/order-domain/Refund"
import { RefundState } from "@tickettoken/order-domain/RefundPolicy"
import { quoted } from "./quoted.ts"

const openStatuses = `('PENDING', 'RESERVED')`
const cents = (column: string): string => `${column} bigint not null check (${column} between 0 and ${AMOUNT_CEILING})`

export const orderTables: ReadonlyArray<string> = [
  `create table orders (
    tenant_id uuid not null,
    id uuid not null,
    version integer not null constraint orders_version_positive check (version >= 1),
    order_number text not null,
    user_id uuid not null,
    event_id uuid not null,
    event_starts_at timestamptz not null,
    event_ends_at timestamptz not null,
    status text not null constraint orders_status_known check (status in ${quoted(OrderStatus.literals)}),
    stage text constraint orders_stage_known check (stage in ${quoted(OpenStage.literals)}),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    ${cents("subtotal_cents")},
    ${cents("platform_fee_cents")},
    ${cents("processing_fee_cents")},
    ${cents("tax_cents")},
    ${cents("total_cents")},
    captured_cents bigint not null default 0 check (captured_cents >= 0),
    refund_committed_cents bigint not null default 0,
    terms jsonb not null,
    vip boolean not null,
    -- json, not jsonb: what a client attaches comes back in its own order, key by key.
    metadata json not null check (json_typeof(metadata) = 'object'),
    idempotency_key text,
    payment_intent_id text,
    payment_client_secret text,
    hold_expires_at timestamptz,
    hold_limit_at timestamptz,
    hold_grace_minutes integer not null check (hold_grace_minutes >= 0),
    hold_extended boolean,
    tickets jsonb,
    late boolean,
    reacquiring boolean,
    cancel_cause text constraint orders_cause_known check (cancel_cause in ${quoted(CancelCause.literals)}),
    end_reason text,
    reserved_at timestamptz,
    confirmed_at timestamptz,
    completed_at timestamptz,
    cancelled_at timestamptz,
    expired_at timestamptz,
    refunded_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint orders_pkey primary key (tenant_id, id),
    constraint orders_number_key unique (tenant_id, order_number),
    constraint orders_total_is_sum
      check (total_cents = subtotal_cents + platform_fee_cents + processing_fee_cents + tax_cents),
    constraint orders_refunds_within_captured check (refund_committed_cents between 0 and captured_cents),
    constraint orders_hold_within_limit check (hold_expires_at <= hold_limit_at),
    constraint orders_open_has_hold check (
      status not in ${openStatuses}
      or (hold_expires_at is not null and hold_limit_at is not null and hold_extended is not null and stage is not null)
    ),
    constraint orders_event_ends_after_start check (event_starts_at <= event_ends_at)
  )`,
  // For ever: long after the replay window a key still never makes a second order.
  `create unique index orders_idempotency_key on orders (tenant_id, user_id, idempotency_key)
    where idempotency_key is not null`,
  `create unique index orders_payment_intent_key on orders (tenant_id, payment_intent_id)
    where payment_intent_id is not null`,
  `create index orders_expiry on orders (hold_expires_at) where status in ${openStatuses}`,
  `create index orders_ended on orders (event_ends_at) where status = 'CONFIRMED'`,
  `create index orders_by_user on orders (tenant_id, user_id, created_at desc, id desc)`,
  `create index orders_by_time on orders (tenant_id, created_at desc, id desc)`,
  // A page of the list, with each of its filters: the newest come first without sorting all that match.
  `create index orders_by_status on orders (tenant_id, status, created_at desc, id desc)`,
  `create index orders_by_event_time on orders (tenant_id, event_id, created_at desc, id desc)`,
  `create index orders_by_event on orders (tenant_id, event_id, id)`,

  `create table order_items (
    tenant_id uuid not null,
    id uuid not null,
    order_id uuid not null,
    position integer not null check (position >= 0),
    ticket_type_id uuid not null,
    ticket_pricing_id uuid not null,
    quantity integer not null check (quantity > 0),
    ${cents("unit_price_cents")},
    ${cents("subtotal_cents")},
    returned_quantity integer not null default 0,
    constraint order_items_pkey primary key (tenant_id, order_id, id),
    constraint order_items_position_key unique (tenant_id, order_id, position),
    constraint order_items_subtotal_is_product check (subtotal_cents = unit_price_cents * quantity),
    constraint order_items_returned_within_quantity check (returned_quantity between 0 and quantity),
    constraint order_items_order_fkey foreign key (tenant_id, order_id) references orders (tenant_id, id)
  )`,

  // Money taken, one row per payment intent: an intent is never booked twice, nor on two orders.
  `create table payments (
    tenant_id uuid not null,
    payment_intent_id text not null,
    order_id uuid not null,
    position integer not null check (position >= 0),
    amount_cents bigint not null check (amount_cents between 0 and ${AMOUNT_CEILING}),
    captured_at timestamptz not null,
    constraint payments_pkey primary key (tenant_id, payment_intent_id),
    constraint payments_position_key unique (tenant_id, order_id, position),
    constraint payments_order_fkey foreign key (tenant_id, order_id) references orders (tenant_id, id)
  )`,

  // user_id is the order's buyer: a refund's key is unique among all refunds of that buyer, for ever.
  `create table order_refunds (
    tenant_id uuid not null,
    id uuid not null,
    order_id uuid not null,
    user_id uuid not null,
    position integer not null check (position >= 0),
    amount_cents bigint not null constraint order_refunds_amount_positive
      check (amount_cents > 0 and amount_cents <= ${AMOUNT_CEILING}),
    cause text not null check (cause in ${quoted(RefundCause.literals)}),
    reason text not null,
    state text not null check (state in ${quoted(RefundState.literals)}),
    payment_intent_id text not null,
    items jsonb not null check (jsonb_typeof(items) = 'array'),
    ${cents("retained_cents")},
    fixed_retention boolean not null,
    attempt integer not null check (attempt >= 1),
    failure_reason text,
    requested_by text not null,
    requested_at timestamptz not null,
    estimated_arrival_at timestamptz not null,
    settled_at timestamptz,
    idempotency_key text,
    constraint order_refunds_pkey primary key (tenant_id, id),
    constraint order_refunds_position_key unique (tenant_id, order_id, position),
    constraint order_refunds_order_fkey foreign key (tenant_id, order_id) references orders (tenant_id, id)
  )`,
  `create unique index order_refunds_idempotency_key on order_refunds (tenant_id, user_id, idempotency_key)
    where idempotency_key is not null`,

  // The audit history: written once. id is also the id of the published message.
  `create table order_events (
    tenant_id uuid not null,
    order_id uuid not null,
    version integer not null check (version >= 1),
    id uuid not null default gen_random_uuid(),
    type text not null constraint order_events_type_known check (type in ${quoted(OrderEventType.literals)}),
    actor_kind text not null,
    actor_id text not null,
    ip text,
    data jsonb not null check (jsonb_typeof(data) = 'object'),
    at timestamptz not null,
    constraint order_events_pkey primary key (tenant_id, order_id, version),
    constraint order_events_order_fkey foreign key (tenant_id, order_id) references orders (tenant_id, id)
  )`,
  // No state without its audit row: checked at commit, so that both can be written in either order.
  `alter table orders add constraint orders_audited foreign key (tenant_id, id, version)
    references order_events (tenant_id, order_id, version) deferrable initially deferred`
]
