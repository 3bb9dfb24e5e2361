/** The event client: which answers it believes, and when an event does not exist. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect } from "effect"
import { calls, event, otherOrderId, overUndici } from "../support/clientCalls.ts"
import { httpStub, type Response } from "../support/httpStub.ts"

const ask = (given: Response) =>
  Effect.gen(function* () {
    const stub = yield* httpStub(given)
    return yield* Effect.provide(calls.getEvent, overUndici(stub.url))
  })

describe("an event", () => {
  it.effect("2.3 is what the service says, its instants in UTC", () =>
    Effect.gen(function* () {
      const { endsAt, startsAt, ...rest } = yield* ask({
        body: { event: { ...event, startsAt: "2027-01-21T15:00:00-05:00", doors: "19:00" } }
      })
      assert.deepStrictEqual([startsAt, endsAt].map(DateTime.formatIso), [event.startsAt, event.endsAt])
      const { endsAt: _, startsAt: __, ...told } = event
      assert.deepStrictEqual<unknown>(rest, told)
    })
  )

  it.effect("2.3 does not exist if the service says so, with a code", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(ask({ status: 404, body: { code: "EVENT_NOT_FOUND" } }))
      assert.strictEqual(error._tag, "EventNotFound")
    })
  )

  it.effect("of another tenant does not exist, even if the service tells of it", () =>
    Effect.gen(function* () {
      const foreign = { ...event, tenantId: "11111111-1111-4111-8111-111111111112" }
      const error = yield* Effect.flip(ask({ body: { event: foreign } }))
      assert.strictEqual(error._tag, "EventNotFound")
    })
  )

  const lies: Record<string, object> = {
    "another id": { id: otherOrderId },
    "a status that does not exist": { status: "LIVE" },
    "no start": { startsAt: undefined },
    "a start that is no instant": { startsAt: "tomorrow" },
    "a start in milliseconds": { startsAt: 1_800_000_000_000 },
    "a tenant that is no id": { tenantId: "*" }
  }

  it.effect.each(Object.entries(lies))("F30 is not believed with %s", ([, lie]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(ask({ body: { event: { ...event, ...lie } } }))
      assert.strictEqual(error._tag, "ServiceUnavailable")
    })
  )
})
