/** The plan of a run is its seed: the same again, and complete. */
import { assert, describe, it } from "@effect/vitest"
import {
  linkFaults,
  makePlan,
  nameOf,
  plannedCounts,
  serviceFaults,
  SERVERS
} from "@tickettoken/order-testing/chaos/ChaosPlan"

const size = { seed: 4711, kills: 20, millis: 60_000, databaseRestarts: true }

describe("the plan of a run", () => {
  it("is the same for the same seed and another one for another", () => {
    assert.deepStrictEqual(makePlan(size), makePlan(size))
    assert.notDeepEqual(makePlan(size).steps, makePlan({ ...size, seed: 4712 }).steps)
  })

  it("has every kind of fault, however short the run is", () => {
    const counts = plannedCounts(makePlan({ ...size, kills: 1, millis: 10_000 }))
    const single = ["KillServer", "FreezeServer", "KillService", "TerminateSessions", "RestartDatabase"]
    const links = linkFaults.map((fault) => `DisturbLink ${fault}`)
    const services = serviceFaults.map((fault) => `DisturbService ${fault}`)
    assert.deepStrictEqual([...counts.keys()].toSorted(), [...single, ...links, ...services].toSorted())
  })

  it("kills so often as was asked, the servers in turn, and never two at one instant", () => {
    const kills = makePlan({ ...size, kills: 1000, millis: 1_500_000 }).steps.filter(
      ({ fault }) => fault._tag === "KillServer"
    )
    assert.strictEqual(kills.length, 1000)
    const servers = kills.map(({ fault }) => (fault._tag === "KillServer" ? fault.server : -1))
    assert.deepStrictEqual(
      servers,
      servers.map((_, index) => index % SERVERS)
    )
    assert.strictEqual(new Set(kills.map(({ atMillis }) => atMillis)).size, kills.length)
  })

  it("is in the order of time and ends before the load does", () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const times = makePlan({ ...size, seed }).steps.map(({ atMillis }) => atMillis)
      assert.deepStrictEqual(
        times,
        times.toSorted((a, b) => a - b)
      )
      assert.isBelow(Math.max(...times), size.millis)
      assert.isAtLeast(Math.min(...times), 0)
    }
  })

  it("leaves the database alone where it is not ours, and changes nothing else", () => {
    const named = (plan: ReturnType<typeof makePlan>) =>
      plan.steps.filter(({ fault }) => nameOf(fault) !== "RestartDatabase")
    const spared = makePlan({ ...size, databaseRestarts: false })
    assert.isFalse(plannedCounts(spared).has("RestartDatabase"))
    assert.deepStrictEqual(spared.steps, named(makePlan(size)))
  })
})
