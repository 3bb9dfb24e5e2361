/**
 * The audit history as a chain: each row holds a hash over itself and the hash of the row before it, so that a row which
 * is edited, taken out, moved or put in later shows.
 *
 * The database computes the hash when a row is written, so no way in can leave it out. It is taken over a canonical
 * text: JSON of the row's fields, in which an instant is a number of microseconds. That text depends on nothing that a
 * session can set, and keys inside `data` are sorted by the type itself.
 */

/** Functions of this migration. A test compares with the catalogue. */
export const auditFunctions: ReadonlyArray<string> = ["order_event_hash", "order_events_chain"]

/** What stands before the first row of an order, as SQL. */
export const CHAIN_START = `'\\x0000000000000000000000000000000000000000000000000000000000000000'::bytea`

/** Hashes every row anew, version by version: for rows that were there before the chain, and for tests that move time. */
export const chainAll = `do $$
begin
  for v in 1 .. coalesce((select max(version) from order_events), 0) loop
    update order_events e set prev_hash = p.hash, hash = order_event_hash(p.hash, e.tenant_id, e.order_id, e.version,
        e.id, e.type, e.actor_kind, e.actor_id, e.ip, e.data, e.at)
      from (
        select tenant_id, order_id, version + 1 as next, hash from order_events where version = v - 1
        union all
        select tenant_id, order_id, 1, ${CHAIN_START} from order_events where version = 1 and v = 1
      ) p
      where e.version = v and p.next = v and p.tenant_id = e.tenant_id and p.order_id = e.order_id;
  end loop;
end $$`

export const auditChain: ReadonlyArray<string> = [
  `alter table order_events add column prev_hash bytea, add column hash bytea`,

  `create function order_event_hash(
    p_prev bytea, p_tenant uuid, p_order uuid, p_version integer, p_id uuid, p_type text, p_actor_kind text,
    p_actor_id text, p_ip text, p_data jsonb, p_at timestamptz
  ) returns bytea language sql stable parallel safe
    return sha256(convert_to(jsonb_build_array(encode(p_prev, 'hex'), p_tenant, p_order, p_version, p_id, p_type,
      p_actor_kind, p_actor_id, p_ip, p_data, (extract(epoch from p_at) * 1000000)::bigint)::text, 'UTF8'))`,

  // Nobody's word on the hashes counts. A row that has no row before it to follow is refused.
  `create function order_events_chain() returns trigger language plpgsql as $$
  begin
    if new.version = 1 then
      new.prev_hash := ${CHAIN_START};
    else
      select e.hash into new.prev_hash from order_events e
        where e.tenant_id = new.tenant_id and e.order_id = new.order_id and e.version = new.version - 1;
      if not found then
        raise exception 'version % of order % has no version before it', new.version, new.order_id
          using errcode = 'check_violation', constraint = 'order_events_follow';
      end if;
    end if;
    new.hash := order_event_hash(new.prev_hash, new.tenant_id, new.order_id, new.version, new.id, new.type,
      new.actor_kind, new.actor_id, new.ip, new.data, new.at);
    return new;
  end $$`,

  // What is there already, version by version. The owner is held to row security and has no policy: it steps out of it
  // for this one statement, inside the migration's transaction.
  `alter table order_events no force row level security`,
  chainAll,
  `alter table order_events force row level security`,
  `alter table order_events alter column prev_hash set not null, alter column hash set not null,
    add constraint order_events_hash_is_sha256 check (length(hash) = 32 and length(prev_hash) = 32)`,

  `create trigger order_events_chain before insert on order_events
    for each row execute function order_events_chain()`,

  // As in 0003: what a name in a function means is settled here, and by no session.
  `do $$
  declare
    fn regprocedure;
  begin
    for fn in select oid from pg_proc where pronamespace = current_schema()::regnamespace
      and proname in (${auditFunctions.map((name) => `'${name}'`).join(", ")})
    loop
      execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', fn, current_schema());
    end loop;
  end $$`
]
