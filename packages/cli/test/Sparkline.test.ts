/** Series as lines of bars. */
import { assert, describe, it } from "@effect/vitest"
import { sparkline } from "@tickettoken/order-cli/Sparkline"

describe("sparkline", () => {
  it("draws from nothing to the largest value, and anything at all higher than nothing", () => {
    assert.strictEqual(sparkline([0, 1, 50, 100]), "▁▂▅█")
    assert.strictEqual(sparkline([0, 0]), "▁▁")
    assert.strictEqual(sparkline([]), "")
    assert.strictEqual(sparkline([-5, 5]), "▁█")
  })

  it("draws a long series as sums of neighbours", () => {
    const line = sparkline(Array.from({ length: 150 }, (_, at) => (at < 75 ? 0 : 1)))
    assert.strictEqual(line, "▁".repeat(25) + "█".repeat(25))
  })
})
