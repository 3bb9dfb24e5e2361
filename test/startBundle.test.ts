/**
 * A later start runs what an earlier one has bundled, and never what was bundled from other sources.
 */
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { fingerprintOf } from "../scripts/startBundle.ts"

let folder = ""
const at = (file: string) => path.join(folder, file)

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "orders-bundle-"))
  for (const name of ["packages/a/src/deep", "packages/b", "scripts"]) mkdirSync(at(name), { recursive: true })
  const files = [
    "packages/a/src/deep/one.ts",
    "scripts/start.ts",
    "scripts/startBundle.ts",
    "scripts/bundle.ts",
    "pnpm-lock.yaml"
  ]
  for (const file of files) writeFileSync(at(file), file)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const changes: ReadonlyArray<readonly [string, () => void]> = [
  ["a source is longer", () => appendFileSync(at("packages/a/src/deep/one.ts"), " ")],
  ["a source was saved again", () => utimesSync(at("packages/a/src/deep/one.ts"), new Date(0), new Date(1))],
  ["a source has another name", () => renameSync(at("packages/a/src/deep/one.ts"), at("packages/a/src/deep/two.ts"))],
  ["a source is new", () => writeFileSync(at("packages/a/src/two.ts"), "")],
  ["packages have other versions", () => appendFileSync(at("pnpm-lock.yaml"), " ")],
  ["the start itself is another one", () => appendFileSync(at("scripts/start.ts"), " ")]
]

describe("the bundle of a start", () => {
  it.each(changes)("is not taken when %s", (_, change) => {
    const before = fingerprintOf(folder)
    change()
    assert.notStrictEqual(fingerprintOf(folder), before)
  })

  it("is taken while nothing has changed", () => {
    const before = fingerprintOf(folder)
    writeFileSync(at("packages/a/notes.md"), "what is no source")
    assert.strictEqual(fingerprintOf(folder), before)
  })
})
