/**
 * What every source of `Identifiers` must do.
 */
import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, type Layer } from "effect"
import { OrderId } from "@tickettoken/order-domain/Ids"
import { OrderNumber } from "@tickettoken/order-domain/OrderNumber"
import { Identifiers } from "@tickettoken/order-domain/ports/Identifiers"
import { type ContractOptions, suiteOptions } from "./TestTime.ts"

const version4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** One millisecond before midnight in UTC. */
const lateEvening = DateTime.makeUnsafe("2026-12-31T23:59:59.999Z")

export const identifiersContract = <E>(
  name: string,
  identifiers: Layer.Layer<Identifiers, E>,
  options: ContractOptions = {}
): void =>
  layer(identifiers, suiteOptions(options))(`Identifiers: ${name}`, (it) => {
    it.effect("draws version 4 UUIDs in lower case that do not repeat", () =>
      Effect.gen(function* () {
        const { uuid } = yield* Identifiers
        const drawn = yield* Effect.all(Array.from({ length: 500 }, () => uuid))
        for (const id of drawn) assert.match(OrderId.make(id), version4)
        assert.strictEqual(new Set(drawn).size, drawn.length)
      })
    )

    it.effect("3.11 draws order numbers of the UTC day, longer after 20 collisions", () =>
      Effect.gen(function* () {
        const { orderNumber } = yield* Identifiers
        const lengths = yield* Effect.forEach([0, 19, 20, 40, 10_000], (attempt) =>
          Effect.map(orderNumber(lateEvening, attempt), (drawn) => {
            assert.match(OrderNumber.make(drawn), /^ORD-20261231-/)
            return drawn.length - "ORD-20261231-".length
          })
        )
        assert.deepStrictEqual(lengths, [6, 6, 7, 8, 12])
        const drawn = yield* Effect.all(Array.from({ length: 200 }, () => orderNumber(lateEvening, 0)))
        assert.isAbove(new Set(drawn).size, 190)
      })
    )
  })
