/**
 * The house rules that a program can check, run over every file of the repository. Each rule is first shown a bad
 * snippet, so that a rule that has gone blind fails here instead of passing for ever.
 */
import { assert, describe, it } from "vitest"
import { findCycle, packageGraph, stabilityOf } from "./support/layering.ts"
import { listFiles, parse, readText, type Source } from "./support/Source.ts"
import { findDead, findMarker, report, rules } from "./support/tidyRules.ts"

const files = listFiles()
const sources = files.filter((path) => path.endsWith(".ts")).map((path) => parse(readText(path)))
const manifests = files.filter((path) => /^packages\/\w+\/package\.json$/.test(path)).map(readText)

const clean = (faults: ReadonlyArray<string>): void => assert.strictEqual(faults.join("\n"), "")

interface Sample {
  readonly path: string
  readonly text: string
}

const domain = "packages/domain/src/Bad.ts"
const server = "packages/server/src/http/Bad.ts"

// Put together here: the compiler obeys the directive wherever it reads it, in a string too.
const effectDirective = "@effect-" + "diagnostics"

/** By the name of the rule: snippets that it must flag, and near misses that it must leave alone. */
const samples: Record<string, { readonly bad: ReadonlyArray<Sample>; readonly good: ReadonlyArray<Sample> }> = {
  "imports follow the dependency rule": {
    bad: [
      { path: domain, text: `import { readFileSync } from "node:fs"` },
      { path: domain, text: `import { HttpClient } from "effect/http"` },
      { path: domain, text: `import { Glob } from "effect"` },
      { path: domain, text: `import { SqlClient } from "effect/sql"` },
      { path: domain, text: `import { TestClock } from "effect/testing"` },
      { path: domain, text: `import { PgClient } from "@effect/sql-pg"` },
      { path: domain, text: `import { x } from "@tickettoken/order-testing/memory/OrderStoreMemory"` },
      { path: domain, text: `export { x } from "../../server/src/AppLayer.ts"` },
      { path: server, text: `const load = () => import("@tickettoken/order-testing/sandbox/Sandbox")` },
      { path: server, text: `import { x } from "@tickettoken/order-cli/App"` },
      { path: "packages/server/src/contract/Bad.ts", text: `import { x } from "../http/toProblem.ts"` },
      { path: "packages/server/src/contract/Bad.ts", text: `import { x } from "ioredis"` },
      { path: "packages/testing/src/Bad.ts", text: `import { x } from "@tickettoken/order-server/AppLayer"` },
      { path: "packages/cli/src/Bad.ts", text: `import { x } from "@tickettoken/order-testing/TestOrders"` },
      { path: "packages/domain/test/bad.test.ts", text: `import { x } from "@tickettoken/order-server/AppLayer"` }
    ],
    good: [
      {
        path: domain,
        text: `import { Effect, Schema, pipe } from "effect"\nimport * as S from "effect/Schema"\nimport { Cents } from "./Money.ts"`
      },
      { path: "packages/domain/test/good.test.ts", text: `import { TestClock } from "effect/testing"` },
      {
        path: "packages/server/src/sandbox/Sandbox.ts",
        text: `const load = () => import("@tickettoken/order-testing/sandbox/Sandbox")`
      },
      {
        path: "packages/server/src/contract/Api.ts",
        text: `import { HttpApi } from "effect/http-api"\nimport { OrderId } from "@tickettoken/order-domain/Ids"`
      }
    ]
  },
  "time comes from Clock": {
    bad: [
      { path: domain, text: `const a = Date.now()` },
      { path: domain, text: `const a = globalThis.Date.now()` },
      { path: domain, text: `const a = new Date()` }
    ],
    good: [
      { path: domain, text: `const a = new Date(0)\n/** Date.now() */\nconst b = "new Date()"` },
      { path: "packages/domain/test/a.test.ts", text: `const a = Date.now()` }
    ]
  },
  "randomness comes from Random": {
    bad: [{ path: "packages/domain/test/a.test.ts", text: `const a = Math.random()` }],
    good: [{ path: domain, text: `const a = Math.floor(1)` }]
  },
  "only AppConfig reads the environment": {
    bad: [
      { path: server, text: `const a = process.env["PORT"]` },
      { path: server, text: `import { env } from "node:process"` },
      { path: "packages/server/test/a.test.ts", text: `process.env.PORT = "1"` }
    ],
    good: [
      { path: "packages/server/src/AppConfig.ts", text: `const a = process.env` },
      { path: "packages/server/test/support/services.ts", text: `const a = process.env` },
      { path: "scripts/start.ts", text: `const a = process.env` }
    ]
  },
  "only entry points run effects": {
    bad: [
      { path: server, text: `Effect.runSync(x)` },
      { path: server, text: `promise.then(Effect.runPromise)` },
      { path: server, text: `Effect.runFork(x)` }
    ],
    good: [
      { path: "packages/server/src/main.ts", text: `Effect.runFork(x)` },
      { path: server, text: `Effect.runForkWith(context)(x)` }
    ]
  },
  "nothing prints with console": {
    bad: [{ path: server, text: `console.log(1)` }],
    good: [
      { path: server, text: `Console.log(1)` },
      { path: "scripts/start.ts", text: `console.log(1)` }
    ]
  },
  "no default export outside config files": {
    bad: [
      { path: server, text: `export default 1` },
      { path: server, text: `const a = 1\nexport { a as default }` }
    ],
    good: [
      { path: "packages/server/vitest.config.ts", text: `export default {}` },
      { path: "packages/server/test/support/postgresSetup.ts", text: `export default async () => {}` }
    ]
  },
  "no export *": {
    bad: [
      { path: server, text: `export * from "./Api.ts"` },
      { path: server, text: `export * as Api from "./Api.ts"` }
    ],
    good: [{ path: server, text: `export { Api } from "./Api.ts"` }]
  },
  "no left-over markers": {
    bad: [
      { path: server, text: `// ${"TO" + "DO"} later` },
      { path: server, text: `/**\n * ${"FIX" + "ME"} it\n */` },
      { path: server, text: `const a = 1 // see ${"HA" + "CK"}: this` }
    ],
    good: [{ path: server, text: `/** A row starts as TODO and ends as DONE. */\nconst state = "TODO"` }]
  },
  "at most 400 lines a file": {
    bad: [{ path: server, text: "const a = 1;\n".repeat(401) }],
    good: [{ path: server, text: "const a = 1;\n".repeat(400) }]
  },
  "every source file opens with a doc comment": {
    bad: [{ path: server, text: `import { x } from "./x.ts"\n/** Late. */` }],
    good: [
      { path: server, text: `/** What this is. */\nexport const a = 1` },
      { path: "packages/cli/src/bin.ts", text: `#!/usr/bin/env node\n/** What this is. */\nexport const a = 1` }
    ]
  },
  "an exception is for one line and gives its reason": {
    bad: [
      { path: server, text: `// oxlint-disable-next-line typescript/consistent-type-assertions\nconst a = x` },
      { path: server, text: `/* oxlint-disable */` },
      { path: server, text: `// eslint-disable-next-line no-eval -- a reason that is long enough` },
      { path: server, text: `// ${effectDirective}-next-line schemaNumber:off` },
      { path: server, text: `// ${effectDirective} schemaNumber:off -- a reason that is long enough` }
    ],
    good: [
      {
        path: server,
        text: `// oxlint-disable-next-line typescript/consistent-type-assertions -- the driver types its rows as unknown`
      },
      {
        path: server,
        text: `// ${effectDirective}-next-line schemaNumber:off -- the wire carries NaN on purpose here`
      }
    ]
  },
  "secrets are compared in constant time": {
    bad: [
      { path: server, text: `const ok = given === expectedSecret` },
      { path: server, text: `const ok = key.digest !== other` }
    ],
    good: [
      { path: server, text: `const ok = config.secret === undefined || typeof secret === "string"` },
      { path: server, text: `const ok = leaseToken === row.leaseToken` }
    ]
  }
}

describe("the rules themselves", () => {
  it("have samples, one entry a rule", () => {
    assert.deepStrictEqual(
      Object.keys(samples),
      rules.map((rule) => rule.name)
    )
  })
  it.each(rules)("flag every bad sample: $name", (rule) => {
    for (const sample of samples[rule.name]?.bad ?? []) {
      assert.isNotEmpty(report(rule, [parse(sample)]), `not flagged: ${sample.path}: ${sample.text}`)
    }
  })
  it.each(rules)("leave every good sample alone: $name", (rule) => {
    for (const sample of samples[rule.name]?.good ?? []) clean(report(rule, [parse(sample)]))
  })
  it("read Effect's own stability tags", () => {
    assert.deepStrictEqual(
      [
        ["effect", "Schema"],
        ["effect", "pipe"],
        ["effect/Schema", "*"],
        ["effect", "Glob"],
        ["effect/http-api", "HttpApi"],
        ["effect/no", "x"]
      ].map(([from = "", name = ""]) => stabilityOf(from, name)),
      ["stable", "stable", "stable", "experimental", "unstable", "absent"]
    )
  })
})

describe("the repository", () => {
  it("is not empty to these rules", () => {
    assert.isAbove(sources.length, 10)
    assert.strictEqual(manifests.length, 4)
  })
  it.each(rules)("$name", (rule) => clean(report(rule, sources)))

  it("has no left-over markers in scripts, workflows and documents", () => {
    const texts = files
      .filter((path) => /\.(md|ya?ml|sh|sql|jsonc?)$|^\.ci\//.test(path) && path !== "pnpm-lock.yaml")
      .map(readText)
    clean(texts.filter(({ text }) => findMarker(text) !== undefined).map(({ path }) => path))
    assert.isDefined(findMarker(`a: 1\n# ${"TO" + "DO"} later`))
  })

  it("has no cycle between packages", () => {
    const edge = (path: string, from: string): Source => parse({ path, text: `import { x } from "${from}"` })
    const round = [edge(domain, "@tickettoken/order-server/AppLayer"), edge(server, "@tickettoken/order-domain/Order")]
    assert.deepStrictEqual(findCycle(packageGraph(round)), ["domain", "server", "domain"])
    assert.isUndefined(findCycle(packageGraph(sources)))
  })

  it("has no dead module", () => {
    const module = (path: string, text: string): Source => parse({ path: `packages/server/src/${path}`, text })
    const some = [module("Used.ts", ""), module("Dead.ts", `import { x } from "./Used.ts"`), module("main.ts", "")]
    assert.deepStrictEqual(findDead(some, []), ["packages/server/src/Dead.ts"])
    assert.deepStrictEqual(findDead(some, [{ path: "packages/server/package.json", text: `"./src/Dead.ts"` }]), [])
    assert.deepStrictEqual(findDead(sources, manifests), [])
  })
})
