/**
 * What the database itself refuses, whoever asks: a transition that the table does not hold, a version that does not
 * rise by one, refunds beyond what was captured, more active orders than the cap of a user and event, and work that
 * asks for something else than its order did.
 *
 * The lists are generated from the domain, so a database has them as they were when it was migrated. When the domain's
 * change, migrations.test.ts fails on the changed text: a new migration must bring the old databases along. Another
 * test compares the trigger with the table of transitions for every pair of states.
 */
import { activeStatuses, causesOfRefusal, OrderStatus } from "@tickettoken/order-domain/Order"
import { orderLimits } from "@tickettoken/order-domain/OrderLimits"
import { transitions } from "@tickettoken/order-domain/OrderTransitions"
import { quoted } from "./quoted.ts"

const pairs = OrderStatus.literals.flatMap((from) => transitions[from].map((to) => `('${from}', '${to}')`)).join(", ")

const active = quoted(activeStatuses)

/** Orders that ended so do not count for the day (rule 2.2). */
const refused = quoted(causesOfRefusal)

/** Every function of the schema. A test compares with the catalogue. */
export const functions: ReadonlyArray<string> = [
  "orders_guard_update",
  "order_refunds_keep_sum",
  "orders_keep_quota",
  "order_work_guard_update",
  "event_closure_lock",
  "orders_admit"
]

export const guards: ReadonlyArray<string> = [
  // An update without a new version is no decision: it may only be the refund guard below, keeping its sum.
  // *<> compares images, because json has no equality.
  `create function orders_guard_update() returns trigger language plpgsql as $$
  declare
    kept orders;
  begin
    if new.version = old.version then
      kept := new;
      kept.refund_committed_cents := old.refund_committed_cents;
      if kept *<> old then
        raise exception 'order % changes without a new version', old.id
          using errcode = 'check_violation', constraint = 'orders_version_rises_by_one';
      end if;
    elsif new.version <> old.version + 1 then
      raise exception 'order % jumps from version % to %', old.id, old.version, new.version
        using errcode = 'check_violation', constraint = 'orders_version_rises_by_one';
    elsif new.status <> old.status and (old.status, new.status) not in (${pairs}) then
      raise exception 'order % can not go from % to %', old.id, old.status, new.status
        using errcode = 'check_violation', constraint = 'orders_transition_known';
    end if;
    return new;
  end $$`,
  `create trigger orders_guard_update before update on orders
    for each row execute function orders_guard_update()`,

  `create function order_refunds_keep_sum() returns trigger language plpgsql as $$
  declare
    delta bigint := case when new.state in ('REJECTED', 'FAILED') then 0 else new.amount_cents end;
  begin
    if tg_op = 'UPDATE' and old.state not in ('REJECTED', 'FAILED') then
      delta := delta - old.amount_cents;
    end if;
    if delta <> 0 then
      update orders set refund_committed_cents = refund_committed_cents + delta
        where tenant_id = new.tenant_id and id = new.order_id;
    end if;
    return null;
  end $$`,
  `create trigger order_refunds_keep_sum after insert or update of state, amount_cents on order_refunds
    for each row execute function order_refunds_keep_sum()`,

  // A new order counts against the cap. One that comes back to life (late money) is paid: it may pass the cap.
  `create function orders_keep_quota() returns trigger language plpgsql as $$
  declare
    was boolean := tg_op = 'UPDATE' and old.status in ${active};
    is_active boolean := new.status in ${active};
  begin
    if is_active and not was then
      insert into quota_event as known (tenant_id, user_id, event_id, n, cap)
        values (new.tenant_id, new.user_id, new.event_id, 1, ${orderLimits.ordersActivePerUserPerEventMax})
        on conflict (tenant_id, user_id, event_id) do update
          set n = known.n + 1,
              cap = case when tg_op = 'UPDATE' then greatest(known.cap, known.n + 1) else known.cap end;
    elsif was and not is_active then
      update quota_event set n = n - 1
        where tenant_id = new.tenant_id and user_id = new.user_id and event_id = new.event_id;
    end if;
    return null;
  end $$`,
  `create trigger orders_keep_quota_new after insert on orders
    for each row execute function orders_keep_quota()`,
  `create trigger orders_keep_quota_moved after update of status on orders
    for each row when (old.status is distinct from new.status) execute function orders_keep_quota()`,

  // Work is written once: a lease gives no right to change what is to be done, least of all a refund. Only expiry that is
  // done may be asked for once more, with the words of whoever asks.
  `create function order_work_guard_update() returns trigger language plpgsql as $$
  begin
    raise exception 'work % is written once', old.id
      using errcode = 'check_violation', constraint = 'order_work_written_once';
  end $$`,
  `create trigger order_work_guard_update
    before update of id, tenant_id, order_id, order_version, kind, payload, created_at on order_work
    for each row when (
      (new.id, new.tenant_id, new.order_id, new.order_version, new.kind)
        is distinct from (old.id, old.tenant_id, old.order_id, old.order_version, old.kind)
      or ((new.payload, new.created_at) is distinct from (old.payload, old.created_at)
        and (old.kind <> 'EXPIRE' or old.state <> 'DONE'))
    ) execute function order_work_guard_update()`,

  // Creating an order takes this lock shared, closing the event takes it alone: a close waits for the creates before
  // it, and every create after it sees the closed event.
  `create function event_closure_lock(tenant uuid, event uuid) returns bigint language sql immutable parallel safe
    return hashtextextended(tenant::text || event::text, 7221)`,

  // Everything that must be known before an order may be written, read under the locks that keep it true until commit.
  // One call, but one snapshot per statement (READ COMMITTED): what is read after a lock is what the last holder left.
  `create function orders_admit(
    p_tenant uuid, p_user uuid, p_event uuid, p_cap integer, p_order_key text,
    p_principal text, p_operation text, p_key text
  ) returns table (
    event_closed boolean, key_taken boolean, key_order_id uuid, created_last_24h integer, active_for_event integer
  ) language plpgsql as $$
  declare
    day_ago timestamptz;
  begin
    perform pg_advisory_xact_lock_shared(event_closure_lock(p_tenant, p_event));
    perform 1 from quota_user where tenant_id = p_tenant and user_id = p_user for update;
    if not found then
      insert into quota_user (tenant_id, user_id) values (p_tenant, p_user) on conflict do nothing;
      perform 1 from quota_user where tenant_id = p_tenant and user_id = p_user for update;
    end if;
    insert into quota_event as known (tenant_id, user_id, event_id, n, cap)
      values (p_tenant, p_user, p_event, 0, p_cap)
      on conflict (tenant_id, user_id, event_id) do update set cap = greatest(excluded.cap, known.n)
        where known.cap <> greatest(excluded.cap, known.n);
    select exists (select 1 from cancelled_events c where c.tenant_id = p_tenant and c.event_id = p_event)
      into event_closed;
    select exists (
      select 1 from idempotency i
      where i.tenant_id = p_tenant and i.principal = p_principal and i.operation = p_operation and i.key = p_key
        and i.expires_at > clock_timestamp()
    ) into key_taken;
    select o.id from orders o
      where o.tenant_id = p_tenant and o.user_id = p_user and o.idempotency_key = p_order_key
      into key_order_id;
    -- A variable, so that the index is used: the clock moves within a statement.
    day_ago := clock_timestamp() - interval '24 hours';
    select count(*) from orders o
      where o.tenant_id = p_tenant and o.user_id = p_user and o.created_at > day_ago
        and (o.cancel_cause is null or o.cancel_cause not in ${refused})
      into created_last_24h;
    select q.n from quota_event q
      where q.tenant_id = p_tenant and q.user_id = p_user and q.event_id = p_event
      into active_for_event;
    return next;
  end $$`,

  // What a name in a function means is settled here, in the schema of the tables, and by no session: the temporary
  // schema, which a session could fill, comes last.
  `do $$
  declare
    fn regprocedure;
  begin
    for fn in select oid from pg_proc where pronamespace = current_schema()::regnamespace
      and proname in ${quoted(functions)}
    loop
      execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', fn, current_schema());
    end loop;
  end $$`
]
