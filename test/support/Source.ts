/**
 * The repository as the workshop tests see it: every tracked or new file, TypeScript parsed into a tree.
 */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { type Comment, type Program, parseSync, type VisitorObject, Visitor } from "oxc-parser"

/** The root of the checkout, with a slash at the end. */
export const root = fileURLToPath(new URL("../..", import.meta.url))

/** One file by its path from the root, as git writes it. */
export interface TextFile {
  readonly path: string
  readonly text: string
}

/** What one module takes from another: `names` is empty for a dynamic or side-effect import, `*` for a namespace or a default. */
export interface Import {
  readonly from: string
  readonly names: ReadonlyArray<string>
  readonly at: number
}

export interface Source extends TextFile {
  readonly program: Program
  readonly comments: ReadonlyArray<Comment>
  readonly imports: ReadonlyArray<Import>
}

/** Tracked files and new ones that git does not ignore; a tracked file that is gone from the disk is left out. */
export const listFiles = (): ReadonlyArray<string> =>
  execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" })
    .split("\0")
    .filter((path) => path !== "" && existsSync(root + path))

export const readText = (path: string): TextFile => ({ path, text: readFileSync(root + path, "utf8") })

export const visit = (source: Source, visitor: VisitorObject): void => new Visitor(visitor).visit(source.program)

/** Parses one module. A file that does not parse is a fault of its own, so it throws. */
export const parse = ({ path, text }: TextFile): Source => {
  const result = parseSync(path, text)
  const fault = result.errors[0]
  if (fault !== undefined) throw new Error(`${path}: ${fault.message}`)
  const imports: Array<Import> = []
  for (const item of result.module.staticImports) {
    const names = item.entries.map((entry) => entry.importName.name ?? "*")
    imports.push({ from: item.moduleRequest.value, names, at: item.start })
  }
  for (const item of result.module.staticExports) {
    for (const entry of item.entries) {
      if (entry.moduleRequest === null) continue
      imports.push({ from: entry.moduleRequest.value, names: [entry.importName.name ?? "*"], at: entry.start })
    }
  }
  for (const item of result.module.dynamicImports) {
    const request = text.slice(item.moduleRequest.start, item.moduleRequest.end)
    const literal = /^["'`]([^"'`$]+)["'`]$/.exec(request)?.[1]
    if (literal !== undefined) imports.push({ from: literal, names: [], at: item.start })
  }
  return { path, text, program: result.program, comments: result.comments, imports }
}

export const lineOf = (text: string, at: number): number => text.slice(0, at).split("\n").length
