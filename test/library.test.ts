/** The examples of docs/library.md run as they are printed and print what they say. */
import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const root = fileURLToPath(new URL("..", import.meta.url))

/** Each TypeScript fence with the output that its comments promise. */
const examples = [...readFileSync(`${root}docs/library.md`, "utf8").matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, code = ""]) => ({
    code,
    promised: [...code.matchAll(/^\/\/ (.*)$/gm)].map(([, line]) => line).join("\n")
  })
)

const squeeze = (text: string) => text.replaceAll(/\s+/g, " ").trim()

describe("docs/library.md", () => {
  it("has two examples", () => {
    assert.strictEqual(examples.length, 2)
  })

  it.each(examples)(
    "runs: $promised",
    async ({ code, promised }) => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ["--input-type=module-typescript", "--eval", code],
        { cwd: root }
      )
      assert.strictEqual(squeeze(stdout), squeeze(promised))
    },
    20_000
  )
})
