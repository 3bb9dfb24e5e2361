/** docs/security.md says who may call what as the matrix of tests has it. */
import { assert, describe, it } from "vitest"
import { checkedIn, withAccess } from "../scripts/generate-security.ts"

describe("docs/security.md", () => {
  it("shows the table that is tested: node scripts/generate-security.ts writes it anew", () => {
    assert.strictEqual(checkedIn(), withAccess(checkedIn()))
  })
})
