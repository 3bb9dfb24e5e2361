/**
 * Proof that the compiler and the linter refuse what the house rules forbid. Both are run as the scripts run them, on
 * snippets in a folder of their own, so that a changed option or a lost patch of the compiler fails here.
 */
import { spawnSync } from "node:child_process"
import { copyFileSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { root } from "./support/Source.ts"

const TOOL_MILLIS_MAX = 300_000

const folder = realpathSync(mkdtempSync(join(tmpdir(), "order-diagnostics-")))
symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
writeFileSync(join(folder, "package.json"), `{ "type": "module" }`)
copyFileSync(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"))
afterAll(() => rmSync(folder, { recursive: true }))

interface Outcome {
  readonly exitCode: number | null
  readonly output: string
}

const run = (tool: string, args: ReadonlyArray<string>): Outcome => {
  const result = spawnSync(process.execPath, [join(root, "node_modules", tool), ...args], {
    cwd: folder,
    encoding: "utf8"
  })
  return { exitCode: result.status, output: result.stdout + result.stderr }
}

/** Compiles one snippet under the options of every package. */
const compile = (snippet: string): Outcome => {
  writeFileSync(join(folder, "snippet.ts"), snippet)
  const compilerOptions = { outDir: "out", rootDir: "." }
  const config = { extends: join(root, "tsconfig.base.json"), files: ["snippet.ts"], compilerOptions }
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
  return run("typescript/bin/tsc", ["-b"])
}

const effect = (body: string): string => `import { Effect, Schema } from "effect"
export class SoldOut extends Schema.TaggedError<SoldOut>()("SoldOut", {}) {}
export const program = Effect.fn("program")(function* (wanted: number) {
${body}
})
`

describe("tsc -b", () => {
  it("accepts an effect that is yielded and a failure that is returned", { timeout: TOOL_MILLIS_MAX }, () => {
    const good = effect(`  yield* Effect.logInfo("asked")
  if (wanted > 1) return yield* new SoldOut()
  return wanted`)
    assert.deepStrictEqual(compile(good), { exitCode: 0, output: "" })
  })

  const refused = [
    ["floatingEffect", effect(`  Effect.logInfo("never runs")\n  return yield* Effect.succeed(wanted)`)],
    ["missingReturnYieldStar", effect(`  if (wanted > 1) {\n    yield* new SoldOut()\n  }\n  return wanted`)],
    ["missingStarInYieldEffectGen", effect(`  yield Effect.logInfo("asked")\n  return wanted`)],
    ["returnEffectInGen", effect(`  yield* Effect.void\n  return Effect.succeed(wanted)`)],
    ["globalDateInEffect", effect(`  yield* Effect.void\n  return wanted + Date.now()`)],
    ["tryCatchInEffectGen", effect(`  try {\n    yield* Effect.void\n  } catch {}\n  return wanted`)],
    ["unknownInEffectCatch", effect(`  return yield* Effect.try({ try: () => wanted, catch: (cause) => cause })`)],
    ["schemaNumber", effect(`  yield* Effect.void\n  return wanted`) + "export const Amount = Schema.Number\n"]
  ] as const

  it.each(refused)("refuses %s", { timeout: TOOL_MILLIS_MAX }, (diagnostic, snippet) => {
    const { exitCode, output } = compile(snippet)
    assert.include(output, `effect(${diagnostic})`)
    assert.notStrictEqual(exitCode, 0)
  })
})

/** Lints one snippet as a source of the domain package. */
const lint = (snippet: string): Outcome => {
  writeFileSync(join(folder, "snippet.ts"), snippet)
  writeFileSync(join(folder, "other.ts"), `export interface Other { readonly a: number }\nexport const other = 1\n`)
  const config = { extends: join(root, "tsconfig.base.json"), include: ["*.ts"] }
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
  return run("oxlint/bin/oxlint", ["--format=unix", "snippet.ts"])
}

describe("oxlint", () => {
  it("accepts as const, satisfies and a cast with a reason", { timeout: TOOL_MILLIS_MAX }, () => {
    const good = `export const a = [1, 2] as const
export const b = { a: 1 } satisfies { readonly a: number }
// oxlint-disable-next-line typescript/consistent-type-assertions -- stands for a driver that types rows as unknown
export const c = (row: unknown) => row as string
`
    const { exitCode, output } = lint(good)
    assert.strictEqual(exitCode, 0, output)
  })

  const refused = [
    ["no-floating-promises", `const f = async () => 1\nexport const g = () => {\n  f()\n}\n`],
    ["no-explicit-any", `export const f = (a: any) => String(a)\n`],
    ["no-non-null-assertion", `export const f = (a: string | undefined) => a!.length\n`],
    ["no-default-export", `export default 1\n`],
    ["no-barrel-file", `export * from "./other.ts"\n`],
    ["no-console", `console.log(1)\n`],
    ["consistent-type-imports", `import { Other } from "./other.ts"\nexport const f = (a: Other) => a.a\n`],
    ["consistent-type-assertions", `export const f = (a: unknown) => a as string\n`],
    ["consistent-type-assertions", `export const f = (a: number) => a as unknown as string\n`],
    ["eqeqeq", `export const f = (a: number) => a == 1\n`],
    [
      "switch-exhaustiveness-check",
      `export const f = (a: "x" | "y") => {\n  switch (a) {\n    case "x":\n      return 1\n  }\n  return 2\n}\n`
    ],
    [
      "Unused oxlint-disable directive",
      `// oxlint-disable-next-line no-console -- nothing to allow here\nexport const a = 1\n`
    ]
  ] as const

  it.each(refused)("refuses %s", { timeout: TOOL_MILLIS_MAX }, (rule, snippet) => {
    const { exitCode, output } = lint(snippet)
    assert.include(output, rule)
    assert.notStrictEqual(exitCode, 0)
  })
})
