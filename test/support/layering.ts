/**
 * Who may import whom: the dependency rule of docs/architecture.md as code.
 */
import { existsSync, readFileSync } from "node:fs"
import type { Import, Source } from "./Source.ts"
import { root } from "./Source.ts"

const packages = ["domain", "testing", "server", "cli"] as const
type Package = (typeof packages)[number]

/** What the sources of a package may import from its siblings. */
const mayImport: Record<Package, ReadonlyArray<Package>> = {
  domain: [],
  testing: ["domain"],
  server: ["domain"],
  cli: ["domain", "server"]
}

/** The one place of the server that may know the sandbox: it is loaded lazily and never in production. */
const sandbox = "packages/server/src/sandbox/"
const contract = "packages/server/src/contract/"

export const packageOf = (path: string): Package | undefined =>
  packages.find((name) => path.startsWith(`packages/${name}/`))

export const isPackageSource = (path: string): boolean => /^packages\/\w+\/src\//.test(path)

/** The sibling package that an import names, if it names one. */
export const siblingOf = (from: string): Package | undefined =>
  packages.find((name) => from === `@tickettoken/order-${name}` || from.startsWith(`@tickettoken/order-${name}/`))

/** The file that a relative import means, by its path from the root. */
export const resolveRelative = (path: string, from: string): string =>
  new URL(from, `file:///${path}`).pathname.slice(1)

const effectSource = `${root}node_modules/effect/src/`

const readBarrel = (folder: string): ReadonlyMap<string, string> => {
  const text = readFileSync(`${effectSource}${folder}index.ts`, "utf8")
  const entry = /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*(?:export \* as )?(\w+)(?= from|,|\s*\})/g
  const found = new Map<string, string>()
  for (const [, comment = "", name = ""] of text.matchAll(entry)) {
    const tag = /@stability (\w+)/.exec(comment)?.[1]
    if (tag !== undefined) found.set(name, tag)
  }
  return found
}

const barrels = new Map<string, ReadonlyMap<string, string>>()

const barrelOf = (folder: string): ReadonlyMap<string, string> => {
  const known = barrels.get(folder)
  if (known !== undefined) return known
  const read = readBarrel(folder)
  barrels.set(folder, read)
  return read
}

/** What the `@stability` tag of Effect's own source says about one imported name. */
export const stabilityOf = (from: string, name: string): string => {
  const path = from === "effect" ? "" : from.slice("effect/".length)
  const module = `${effectSource}${path}.ts`
  if (path !== "" && existsSync(module)) {
    return /@stability (\w+)/.exec(readFileSync(module, "utf8"))?.[1] ?? "untagged"
  }
  const folder = path === "" ? "" : `${path}/`
  if (!existsSync(`${effectSource}${folder}index.ts`)) return "absent"
  return barrelOf(folder).get(name) ?? "untagged"
}

const isEffect = (from: string): boolean => from === "effect" || from.startsWith("effect/")

const domainFault = ({ from, names }: Import): string | undefined => {
  if (!isEffect(from)) return "domain imports only effect"
  if (from === "effect/testing" || from.startsWith("effect/testing/")) return "effect/testing belongs to tests"
  const modules = names.length === 0 ? ["*"] : names
  const unstable = modules.find((name) => stabilityOf(from, name) !== "stable")
  if (unstable === undefined) return undefined
  return `domain imports only stable modules of effect: ${unstable} is ${stabilityOf(from, unstable)}`
}

const sourceFault = (path: string, own: Package, item: Import): string | undefined => {
  const sibling = siblingOf(item.from)
  if (item.from.startsWith(".")) {
    const target = resolveRelative(path, item.from)
    if (!target.startsWith(`packages/${own}/src/`)) return "a relative import stays in its package's src"
    if (path.startsWith(contract) && !target.startsWith(contract))
      return "contract imports only effect, domain and itself"
    return undefined
  }
  if (own === "domain") return domainFault(item)
  if (path.startsWith(contract) && !isEffect(item.from) && sibling !== "domain") {
    return "contract imports only effect, domain and itself"
  }
  if (sibling === undefined || mayImport[own].includes(sibling)) return undefined
  if (sibling === "testing" && path.startsWith(sandbox)) return undefined
  return `${own} must not import ${sibling}`
}

/** Tests use their own package, what it stands on and the testing package, which stands on nothing but domain. */
const testFault = (own: Package, { from }: Import): string | undefined => {
  const sibling = siblingOf(from)
  if (sibling === undefined || sibling === own || sibling === "testing" || mayImport[own].includes(sibling))
    return undefined
  return `tests of ${own} must not import ${sibling}`
}

/** Why an import breaks the dependency rule, or nothing. */
export const importFault = (source: Source, item: Import): string | undefined => {
  const own = packageOf(source.path)
  if (own === undefined) return undefined
  if (isPackageSource(source.path)) return sourceFault(source.path, own, item)
  return source.path.startsWith(`packages/${own}/test/`) ? testFault(own, item) : undefined
}

/** A way round through the graph, or nothing. */
export const findCycle = (graph: ReadonlyMap<string, ReadonlySet<string>>): ReadonlyArray<string> | undefined => {
  const done = new Set<string>()
  const walk = (node: string, trail: ReadonlyArray<string>): ReadonlyArray<string> | undefined => {
    const seen = trail.indexOf(node)
    if (seen >= 0) return [...trail.slice(seen), node]
    if (done.has(node)) return undefined
    for (const next of graph.get(node) ?? []) {
      const cycle = walk(next, [...trail, node])
      if (cycle !== undefined) return cycle
    }
    done.add(node)
    return undefined
  }
  for (const node of graph.keys()) {
    const cycle = walk(node, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}

/** The package graph as the sources really import it, testing's sandbox included. */
export const packageGraph = (sources: ReadonlyArray<Source>): ReadonlyMap<string, ReadonlySet<string>> => {
  const graph = new Map<string, Set<string>>(packages.map((name) => [name, new Set()]))
  for (const source of sources) {
    const own = packageOf(source.path)
    if (own === undefined || !isPackageSource(source.path)) continue
    for (const { from } of source.imports) {
      const sibling = siblingOf(from)
      if (sibling !== undefined && sibling !== own) graph.get(own)?.add(sibling)
    }
  }
  return graph
}
