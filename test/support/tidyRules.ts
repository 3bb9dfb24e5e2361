/**
 * The house rules that a program can check, one object each. test/tidy.test.ts runs them over the repository and
 * proves on a bad snippet that each one fires.
 */
import { importFault, isPackageSource, packageOf, resolveRelative, siblingOf } from "./layering.ts"
import { lineOf, type Source, type TextFile, visit } from "./Source.ts"

interface Fault {
  readonly at: number
  readonly message: string
}

/** A rule over one module. `applies` says where it holds. */
export interface Rule {
  readonly name: string
  readonly applies: (path: string) => boolean
  readonly check: (source: Source) => ReadonlyArray<Fault>
}

const LINES_MAX = 400
const REASON_CHARS_MIN = 10

/** The files that may start a runtime: a process or a thread begins here. */
const entryPoints: ReadonlyArray<string> = [
  "packages/server/src/main.ts",
  "packages/cli/src/bin.ts",
  "packages/testing/src/simulationWorker.ts"
]

/** The only reader of the environment in the product. */
const environmentReader = "packages/server/src/AppConfig.ts"

/** What a tool loads and wants a default export of: configuration, and Vitest's global setup. */
const isConfigFile = (path: string): boolean =>
  path.endsWith(".config.ts") || path === "vitest.workspace.ts" || /\/test\/support\/\w+Setup\.ts$/.test(path)
const isScript = (path: string): boolean => path.startsWith("scripts/")
const isTest = (path: string): boolean => path.endsWith(".test.ts")
const isTestSupport = (path: string): boolean => /(^|\/)test\//.test(path) && !isTest(path)
const everywhere = (): boolean => true

/** Calls and reads of `object.property` on a global or an imported module, by name. */
const members = (source: Source, wanted: (object: string, property: string) => string | undefined): Array<Fault> => {
  const faults: Array<Fault> = []
  visit(source, {
    MemberExpression(node) {
      const { object, property } = node
      const owner =
        object.type === "MemberExpression" && object.property.type === "Identifier" ? object.property : object
      if (owner.type !== "Identifier") return
      const name =
        property.type === "Identifier" ? property.name : property.type === "Literal" ? String(property.value) : ""
      const message = wanted(owner.name, name)
      if (message !== undefined) faults.push({ at: node.start, message })
    }
  })
  return faults
}

const imports: Rule = {
  name: "imports follow the dependency rule",
  applies: (path) => packageOf(path) !== undefined,
  check: (source) =>
    source.imports.flatMap((item) => {
      const message = importFault(source, item)
      return message === undefined ? [] : [{ at: item.at, message: `${item.from}: ${message}` }]
    })
}

const time: Rule = {
  name: "time comes from Clock",
  applies: isPackageSource,
  check: (source) => {
    const faults = members(source, (object, property) =>
      object === "Date" && property === "now" ? "Date.now(): ask Clock or DateTime.now" : undefined
    )
    visit(source, {
      NewExpression(node) {
        if (node.callee.type === "Identifier" && node.callee.name === "Date" && node.arguments.length === 0) {
          faults.push({ at: node.start, message: "new Date() without an argument: ask Clock or DateTime.now" })
        }
      }
    })
    return faults
  }
}

const randomness: Rule = {
  name: "randomness comes from Random",
  applies: (path) => packageOf(path) !== undefined,
  check: (source) =>
    members(source, (object, property) =>
      object === "Math" && property === "random"
        ? "Math.random(): ask Random, so that a seed repeats the run"
        : undefined
    )
}

const environment: Rule = {
  name: "only AppConfig reads the environment",
  applies: (path) => path !== environmentReader && !isScript(path) && !isTestSupport(path) && !isConfigFile(path),
  check: (source) => {
    const message = `process.env: only ${environmentReader} reads the environment`
    const faults = members(source, (object, property) =>
      object === "process" && property === "env" ? message : undefined
    )
    for (const item of source.imports) {
      if (/^(node:)?process$/.test(item.from) && item.names.includes("env")) faults.push({ at: item.at, message })
    }
    return faults
  }
}

const runners = new Set(["runSync", "runSyncExit", "runPromise", "runPromiseExit", "runFork", "runCallback"])

const running: Rule = {
  name: "only entry points run effects",
  applies: (path) => isPackageSource(path) && !entryPoints.includes(path),
  check: (source) =>
    members(source, (object, property) =>
      object === "Effect" && runners.has(property)
        ? `Effect.${property}: return the effect, entry points run it`
        : undefined
    )
}

const printing: Rule = {
  name: "nothing prints with console",
  applies: (path) => !isScript(path),
  check: (source) =>
    members(source, (object) => (object === "console" ? "console: use Effect.log, or Console in the cli" : undefined))
}

const defaultExports: Rule = {
  name: "no default export outside config files",
  applies: (path) => !isConfigFile(path),
  check: (source) => {
    const faults: Array<Fault> = []
    const message = "default export: export by name"
    visit(source, {
      ExportDefaultDeclaration(node) {
        faults.push({ at: node.start, message })
      },
      ExportSpecifier(node) {
        if (node.exported.type === "Identifier" && node.exported.name === "default")
          faults.push({ at: node.start, message })
      }
    })
    return faults
  }
}

const barrels: Rule = {
  name: "no export *",
  applies: everywhere,
  check: (source) => {
    const faults: Array<Fault> = []
    visit(source, {
      ExportAllDeclaration(node) {
        faults.push({ at: node.start, message: "export *: a module says what it exports" })
      }
    })
    return faults
  }
}

// The words are put together here so that this file does not hold what it looks for.
const markerWords = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].join("|")
const marker = new RegExp(`(?:^|\\n)[\\s*/#-]*(?:${markerWords})\\b|\\b(?:${markerWords})\\s*[:(]`)

/** Where a comment or a line of text opens with a left-over marker. A state of the same name inside a sentence is fine. */
export const findMarker = (text: string): number | undefined => marker.exec(text)?.index

const markers: Rule = {
  name: "no left-over markers",
  applies: everywhere,
  check: (source) =>
    source.comments.flatMap((comment) =>
      findMarker(comment.value) === undefined
        ? []
        : [{ at: comment.start, message: "a left-over marker: do it, or open an issue" }]
    )
}

const length: Rule = {
  name: `at most ${LINES_MAX} lines a file`,
  applies: everywhere,
  check: ({ text }) => {
    const lines = lineOf(text, text.trimEnd().length)
    return lines > LINES_MAX
      ? [{ at: text.length, message: `${lines} lines, ${LINES_MAX} are allowed: split it by concept` }]
      : []
  }
}

const opening: Rule = {
  name: "every source file opens with a doc comment",
  applies: isPackageSource,
  check: ({ text }) =>
    /^(#!.*\n)?\s*\/\*\*/.test(text) ? [] : [{ at: 0, message: "open with /** what this module is and why */" }]
}

const directive = /\b(oxlint|eslint)-disable[\w-]*|@effect-diagnostics[\w-]*/
const justified = new RegExp(
  `(?:oxlint-disable-(?:next-)?line\\s+[\\w/, -]+?|@effect-diagnostics-next-line\\s+[\\w:, -]+?)\\s+--\\s+\\S.{${REASON_CHARS_MIN - 2},}`
)

const exceptions: Rule = {
  name: "an exception is for one line and gives its reason",
  applies: everywhere,
  check: (source) =>
    source.comments.flatMap(({ start, value }) =>
      directive.test(value) && !justified.test(value)
        ? [{ at: start, message: "write: oxlint-disable-next-line <rule> -- <reason>, for one line" }]
        : []
    )
}

const secretName = /(secret|password|passphrase|digest|hmac|signature|apiKey|serviceKey)$/i

const secrets: Rule = {
  name: "secrets are compared in constant time",
  applies: isPackageSource,
  check: (source) => {
    const faults: Array<Fault> = []
    const nameOf = (node: { readonly type: string; readonly name?: unknown; readonly property?: unknown }): string => {
      if (node.type === "Identifier") return String(node.name)
      const { property } = node
      return typeof property === "object" && property !== null && "name" in property ? String(property.name) : ""
    }
    visit(source, {
      BinaryExpression({ left, operator, right, start }) {
        if (operator !== "===" && operator !== "!==") return
        const plain = [left, right].some(
          (side) =>
            side.type === "Literal" ||
            side.type === "UnaryExpression" ||
            (side.type === "Identifier" && side.name === "undefined")
        )
        if (plain || ![left, right].some((side) => secretName.test(nameOf(side)))) return
        faults.push({
          at: start,
          message: "=== on a secret leaks its prefix by time: use timingSafeEqual over digests"
        })
      }
    })
    return faults
  }
}

export const rules: ReadonlyArray<Rule> = [
  imports,
  time,
  randomness,
  environment,
  running,
  printing,
  defaultExports,
  barrels,
  markers,
  length,
  opening,
  exceptions,
  secrets
]

/** All faults of one rule, as lines that an editor can jump to. */
export const report = (rule: Rule, sources: ReadonlyArray<Source>): ReadonlyArray<string> =>
  sources
    .filter((source) => rule.applies(source.path))
    .flatMap((source) =>
      rule.check(source).map((fault) => `${source.path}:${lineOf(source.text, fault.at)} ${fault.message}`)
    )

/** Modules that nobody imports and that no package names as a way in. */
export const findDead = (sources: ReadonlyArray<Source>, manifests: ReadonlyArray<TextFile>): ReadonlyArray<string> => {
  const used = new Set(entryPoints)
  for (const source of sources) {
    for (const { from } of source.imports) {
      const sibling = siblingOf(from)
      if (from.startsWith(".")) used.add(resolveRelative(source.path, from))
      else if (sibling !== undefined) used.add(`packages/${sibling}/src/${from.split("/").slice(2).join("/")}.ts`)
    }
    // A worker or a child process is named by its path.
    for (const [, path = ""] of source.text.matchAll(/["'`]((?:\.{1,2}\/|packages\/)[\w./-]+\.ts)["'`]/g)) {
      used.add(path.startsWith(".") ? resolveRelative(source.path, path) : path)
    }
  }
  const named = manifests.flatMap(({ path, text }) =>
    [...text.matchAll(/"\.\/(?:src|dist)\/([\w./-]+)\.[jt]s"/g)].map(([, module]) =>
      path.replace("package.json", `src/${module}.ts`)
    )
  )
  const alive = new Set([...used, ...named])
  return sources.map((source) => source.path).filter((path) => isPackageSource(path) && !alive.has(path))
}
