/**
 * Limits that all replicas share, in Redis: one script a request, by the clock of Redis.
 *
 * **Details**
 *
 * A key holds a hash of second -> requests let through, at most 61 fields, and expires when nothing in it counts any
 * more. The script is the whole decision, so two replicas can not both see the last free place. A clock that was set back
 * does not free what was taken: time stands still for a key until it is reached again.
 */
import { Effect, Schema } from "effect"
import { Redis } from "effect/persistence"
import type { SharedStore } from "../limits/SharedStore.ts"
import { SLOT_MILLIS, WINDOW_SLOTS } from "../limits/Verdict.ts"
import { StoreAway, storeAway } from "./Presence.ts"

const KEY_PREFIX = "orders:limit:"

const script = Redis.script((key: string, limit: number) => [key, limit, SLOT_MILLIS, WINDOW_SLOTS], {
  numberOfKeys: 1,
  lua: `
local limit, slotMillis, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call("TIME")
local nowMillis = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local now = math.floor(nowMillis / slotMillis)

local slots, taken, over = {}, 0, {}
local fields = redis.call("HGETALL", KEYS[1])
for i = 1, #fields, 2 do
  local at = tonumber(fields[i])
  if at > now and at <= now + window then now = at end
end
for i = 1, #fields, 2 do
  local at, count = tonumber(fields[i]), tonumber(fields[i + 1])
  if at >= now - window and at <= now then
    slots[#slots + 1] = { at, count }
    taken = taken + count
  else
    over[#over + 1] = fields[i]
  end
end
if #over > 0 then redis.call("HDEL", KEYS[1], unpack(over)) end
table.sort(slots, function(a, b) return a[1] < b[1] end)

local function wait(at) return (at + window + 1) * slotMillis - nowMillis end
if taken < limit then
  redis.call("HINCRBY", KEYS[1], now, 1)
  redis.call("PEXPIRE", KEYS[1], wait(now))
  return { 1, limit - taken - 1, wait(slots[1] and slots[1][1] or now) }
end
local left = taken
for _, slot in ipairs(slots) do
  left = left - slot[2]
  if left < limit then return { 0, 0, wait(slot[1]) } end
end
return { 0, 0, wait(now) }
`
}).withReturnType<unknown>()

const decodeReply = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Literals([0, 1]), Schema.Int, Schema.Int]))

/** The store. `prefix` keeps apart what shares a Redis. */
export const make = Effect.fnUntraced(function* (prefix: string = KEY_PREFIX) {
  const redis = yield* Redis.Redis
  const ask = redis.eval(script)
  const store: SharedStore = {
    take: Effect.fn("RateLimitsRedis.take")(
      function* (key: string, limit: number) {
        const [allowed, remaining, waitMillis] = yield* Effect.flatMap(ask(`${prefix}${key}`, limit), decodeReply)
        return { allowed: allowed === 1, limit, remaining, waitMillis }
      },
      Effect.mapError((error) =>
        error._tag === "RedisError" ? storeAway(error) : new StoreAway({ why: "an answer that fits nothing" })
      )
    )
  }
  return store
})
