/**
 * Every rule of docs/rules.md has a test that carries its number. A rule without one is a promise that nobody keeps.
 */
import { assert, describe, it } from "vitest"
import { listFiles, parse, readText } from "./support/Source.ts"
import { idsOf, pickTests, readRuleIds, readTitles } from "./support/ruleCoverage.ts"

/** Rules that this release states and does not test yet, each with the reason. A test with the number takes it out of here. */
const outsideThisRelease: Record<string, string> = {}

const ids = readRuleIds(readText("docs/rules.md").text)
const sources = listFiles()
  .filter((path) => path.endsWith(".ts"))
  .map((path) => parse(readText(path)))
const covered = new Set(pickTests(sources).flatMap(readTitles).flatMap(idsOf))

describe("reading rules and test names", () => {
  it("finds the rows of a table, and a section without a table by its number", () => {
    const markdown =
      "# Rules\n## 1. Money\n| # | Rule |\n|---|---|\n| 1.1 | a |\n| 1.10 | b |\n\n## 5. Bulk\ntext 5.9\n"
    assert.deepStrictEqual(readRuleIds(markdown), ["1.1", "1.10", "5"])
  })
  it("reads the numbers that a name opens with and no other number", () => {
    const names = [
      "3.5 waits",
      "4.1, 4.2: cancels",
      "3.10 and 3.11",
      "rule 6 replays",
      "6",
      "takes 1.1 s",
      "3.5x",
      "1.55 a"
    ]
    assert.deepStrictEqual(names.flatMap(idsOf), ["3.5", "4.1", "4.2", "3.10", "3.11", "6", "6", "1.55"])
  })
  it("takes the names of tests that run", () => {
    const text = `
      describe("1.1 a", () => { it.effect("1.2 b", f); it.effect.each([1])("1.3 c", f); it(\`1.4 \${x}\`, f) })
      layer(L)("1.5 d", (it) => { it.effect.prop("1.6 e", [S], f) })
      it.skip("2.1 off", f); it.todo("2.2 off"); describe.skip("2.3 off", f); say("2.4 no test")`
    const titles = readTitles(parse({ path: "packages/domain/test/a.test.ts", text }))
    assert.deepStrictEqual(titles.flatMap(idsOf), ["1.1", "1.2", "1.3", "1.4", "1.5", "1.6"])
  })
  it("counts a suite of the testing package when a test file runs it", () => {
    const suite = { path: "packages/testing/src/contracts/store.ts", text: `it("1.1 a", f)` }
    const test = {
      path: "packages/server/test/a.test.ts",
      text: `import { s } from "@tickettoken/order-testing/contracts/store"`
    }
    assert.deepStrictEqual(pickTests([parse(suite)]), [])
    assert.strictEqual(pickTests([parse(suite), parse(test)]).length, 2)
  })
})

describe("docs/rules.md", () => {
  it("states rules in sections 1 to 8", () => {
    assert.deepStrictEqual([...new Set(ids.map((id) => id.split(".")[0]))], ["1", "2", "3", "4", "5", "6", "7", "8"])
    assert.strictEqual(new Set(ids).size, ids.length)
  })
  it("has a test for every rule of this release", () => {
    const missing = ids.filter((id) => !covered.has(id) && outsideThisRelease[id] === undefined)
    assert.deepStrictEqual(missing, [], "rules without a test whose name opens with their number")
  })
  it("keeps no rule outside the release that has a test or does not exist", () => {
    const stale = Object.keys(outsideThisRelease).filter((id) => covered.has(id) || !ids.includes(id))
    assert.deepStrictEqual(stale, [])
  })
})
