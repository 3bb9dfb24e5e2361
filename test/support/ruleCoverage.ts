/**
 * Which rules of docs/rules.md have a test that carries their number in its name.
 */
import { resolveRelative, siblingOf } from "./layering.ts"
import { type Source, visit } from "./Source.ts"

/** Row numbers of the tables; a section without a table is one rule by its own number. */
export const readRuleIds = (markdown: string): ReadonlyArray<string> =>
  markdown
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const rows = [...section.matchAll(/^\| (\d+\.\d+) \|/gm)].map(([, id = ""]) => id)
      const own = /^(\d+)\./.exec(section)?.[1]
      return rows.length > 0 || own === undefined ? rows : [own]
    })

const testFunctions = new Set(["it", "test", "describe", "layer"])
const switchedOff = new Set(["skip", "todo"])

/** The names of tests and groups that run: `it("..")`, `it.effect.each(rows)("..")`, `describe(`..`)`. */
export const readTitles = (source: Source): ReadonlyArray<string> => {
  const titles: Array<string> = []
  visit(source, {
    CallExpression({ callee, arguments: [title] }) {
      let head = callee
      while (head.type === "MemberExpression" || head.type === "CallExpression") {
        if (head.type === "CallExpression") head = head.callee
        else if (head.property.type === "Identifier" && switchedOff.has(head.property.name)) return
        else head = head.object
      }
      if (head.type !== "Identifier" || !testFunctions.has(head.name) || title === undefined) return
      if (title.type === "Literal" && typeof title.value === "string") titles.push(title.value)
      if (title.type === "TemplateLiteral") titles.push(title.quasis[0]?.value.raw ?? "")
    }
  })
  return titles
}

const id = String.raw`\d+(?:\.\d+)?`
const leading = new RegExp(String.raw`^(?:rules? )?(${id}(?:(?:, ?| and |\/)${id})*)(?=[ :;,)]|$)`)

/** The rule numbers that a test name opens with: "3.5 expiry waits for grace", "4.1, 4.2: ...", "rule 6 ...". */
export const idsOf = (title: string): ReadonlyArray<string> => leading.exec(title)?.[1]?.split(/, ?| and |\//) ?? []

/** Test files, and the suites of the testing package that a test file imports and so runs. */
export const pickTests = (sources: ReadonlyArray<Source>): ReadonlyArray<Source> => {
  const tests = sources.filter(({ path }) => /^(packages\/\w+\/test\/.*|test\/[^/]+)\.test\.ts$/.test(path))
  const suites = new Set(
    tests.flatMap(({ imports, path }) =>
      imports.map(({ from }) =>
        siblingOf(from) === "testing"
          ? `packages/testing/src/${from.split("/").slice(2).join("/")}.ts`
          : resolveRelative(path, from)
      )
    )
  )
  return [...tests, ...sources.filter(({ path }) => path.startsWith("packages/testing/src/") && suites.has(path))]
}
