/** Whose address a request counts for, and what one address is. */
import { assert, describe, it } from "@effect/vitest"
import { AddressLimits } from "@tickettoken/order-server/limits/AddressLimits"
import { clientBehind, parse } from "@tickettoken/order-server/limits/TrustedProxies"
import { Context, Effect, Layer, Result } from "effect"
import { TestClock } from "effect/testing"

const proxies = Result.getOrThrow(parse("10.0.0.0/8, 192.0.2.7, 2001:db8:1::/48"))
const behind = (peer: string | null, forwarded?: string) => clientBehind(peer, forwarded, proxies)

describe("the client behind a peer", () => {
  it("7.4 is the peer, unless that is a trusted proxy", () => {
    assert.strictEqual(behind("203.0.113.5"), "203.0.113.5")
    assert.strictEqual(behind("203.0.113.5", "198.51.100.1"), "203.0.113.5")
    assert.strictEqual(behind("10.1.2.3", "198.51.100.1"), "198.51.100.1")
    assert.strictEqual(behind("2001:db8:1:9::1", "198.51.100.1"), "198.51.100.1")
    assert.isNull(behind(null, "198.51.100.1"))
  })

  it("A27 is the last address that no trusted proxy has, whatever a client wrote before it", () => {
    assert.strictEqual(behind("10.1.2.3", "1.1.1.1, 2.2.2.2, 198.51.100.1"), "198.51.100.1")
    assert.strictEqual(behind("10.1.2.3", "1.1.1.1, 198.51.100.1, 192.0.2.7,10.9.9.9"), "198.51.100.1")
    assert.strictEqual(behind("10.1.2.3", "1.1.1.1, ::ffff:198.51.100.1"), "198.51.100.1")
  })

  it("A27 is the proxy itself where it says nothing that can be read", () => {
    for (const forwarded of ["", "unknown", "1.1.1.1, evil", "198.51.100.1:80", "1.1.1.1,"]) {
      assert.strictEqual(behind("10.1.2.3", forwarded), "10.1.2.3", forwarded)
    }
    assert.strictEqual(behind("10.1.2.3", "10.0.0.1, 10.0.0.2"), "10.0.0.1")
    assert.strictEqual(behind("10.1.2.3", Array<string>(10_000).fill("10.0.0.1").join()), "10.0.0.1")
  })
})

describe("a list of trusted proxies", () => {
  it("holds addresses and networks, and never everybody", () => {
    for (const good of ["127.0.0.1", "::1", "10.0.0.0/8,  fd00::/8"]) assert.isTrue(Result.isSuccess(parse(good)), good)
    const bad = ["", "proxy", "10.0.0.0/33", "::/129", "0.0.0.0/0", "::/0", "10.0.0.1/-1", "10.0.0.1,", "10.0.0.1 ::1"]
    for (const text of [...bad, Array<string>(101).fill("10.0.0.1").join()])
      assert.isTrue(Result.isFailure(parse(text)), text)
  })
})

const limits = Effect.map(Layer.build(AddressLimits.layer({ requests: 3, badCredentials: 2 })), (context) =>
  Context.get(context, AddressLimits)
)

const enters = ({ enter }: AddressLimits["Service"], address: string | null) =>
  Effect.map(enter(address), ({ allowed }) => allowed)

describe("limits of addresses", () => {
  it.effect("7.4 an IPv6 network of 64 bits is one address, however it is written", () =>
    Effect.gen(function* () {
      const one = yield* limits
      assert.isTrue(yield* enters(one, "2001:db8:0:1::1"))
      assert.isTrue(yield* enters(one, "2001:0DB8:0:0001:ffff::2"))
      assert.isTrue(yield* enters(one, "2001:db8::1:a:b:c:d"))
      assert.isFalse(yield* enters(one, "2001:db8:0:1:2:3:4:5"))
      assert.isTrue(yield* enters(one, "2001:db8:0:2::1"))
      for (const address of ["::1", "::2", "::3:0:0:1"]) assert.isTrue(yield* enters(one, address), address)
      assert.isFalse(yield* enters(one, "::"))
      assert.isTrue(yield* enters(one, "192.0.2.1"))
      assert.isTrue(yield* enters(one, null))
    })
  )

  it.effect("A10 bad credentials close an address for a minute, and no other one", () =>
    Effect.gen(function* () {
      const one = yield* limits
      for (let refusal = 0; refusal < 2; refusal++) {
        assert.isTrue(yield* enters(one, "192.0.2.1"))
        yield* one.refused("192.0.2.1")
      }
      assert.isFalse(yield* enters(one, "192.0.2.1"))
      assert.isTrue(yield* enters(one, "192.0.2.2"))
      yield* TestClock.adjust("61 seconds")
      assert.isTrue(yield* enters(one, "192.0.2.1"))
    })
  )
})
