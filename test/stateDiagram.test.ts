/** The diagram in docs/architecture.md is the transition table. */
import { assert, describe, it } from "@effect/vitest"
import { checkedIn, withDiagram } from "../scripts/generate-state-diagram.ts"

describe("the state diagram", () => {
  it("in docs/architecture.md is the one of the transition table", () => {
    assert.strictEqual(checkedIn(), withDiagram(checkedIn()), "run: node scripts/generate-state-diagram.ts")
  })

  it("differs from a document whose table has moved on", () => {
    assert.notStrictEqual(checkedIn().replace("PENDING --> RESERVED", "PENDING --> REFUNDED"), withDiagram(checkedIn()))
  })
})
