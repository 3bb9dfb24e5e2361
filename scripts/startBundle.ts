/**
 * The program of `pnpm start` in a few files, for a start that has been made before: reading a thousand modules takes
 * longer than all else that a start does.
 *
 * A bundle is of exactly the sources, the packages and the Node that it was made from: any other is not taken. As a
 * program, `node scripts/startBundle.ts`, it makes the one of this moment.
 */
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs"
import { setPriority } from "node:os"
import * as path from "node:path"
import { pathToFileURL } from "node:url"

const root = path.join(import.meta.dirname, "..")

/** Beside the server's packages, which PostgreSQL's programs are looked up among. */
const bundles = path.join(root, "packages/server/node_modules/.cache/start")

const LOWEST_PRIORITY = 19

/** Name, size and time of change of every file that the program is made of, and the Node that is to run it. */
export const fingerprintOf = (folder: string): string => {
  const packages = path.join(folder, "packages")
  const files = readdirSync(packages).flatMap((name) => {
    const sources = path.join(packages, name, "src")
    return existsSync(sources)
      ? readdirSync(sources, { recursive: true, encoding: "utf8" }).map((file) => path.join(sources, file))
      : []
  })
  const own = ["scripts/start.ts", "scripts/startBundle.ts", "scripts/bundle.ts", "pnpm-lock.yaml"].map((file) =>
    path.join(folder, file)
  )
  const hash = createHash("sha256").update(process.version)
  for (const file of [...files, ...own].toSorted()) {
    const { mtimeMs, size } = statSync(file)
    hash.update(`\n${path.relative(folder, file)} ${size} ${mtimeMs}`)
  }
  return hash.digest("hex").slice(0, 32)
}

/** Where the bundle of the present sources is, or is to be. */
const current = (): string => path.join(bundles, fingerprintOf(root))

/** What to import to start: the bundle, if there is one of the present sources. */
export const bundledStart = (): string | undefined => {
  const file = path.join(current(), "start.mjs")
  return existsSync(file) ? pathToFileURL(file).href : undefined
}

/** Makes the bundle of the present sources, and removes those of others. */
const make = async (): Promise<void> => {
  const folder = current()
  const unfinished = `${folder}.${process.pid}`
  mkdirSync(bundles, { recursive: true })
  const { writeBundle } = await import("./bundle.ts")
  await writeBundle({ start: path.join(root, "scripts/start.ts") }, unfinished)
  // Changed meanwhile: the next start makes another one.
  if (current() !== folder || existsSync(folder)) rmSync(unfinished, { recursive: true })
  else renameSync(unfinished, folder)
  for (const other of readdirSync(bundles)) {
    if (other !== path.basename(folder)) rmSync(path.join(bundles, other), { recursive: true, force: true })
  }
}

if (import.meta.main) {
  setPriority(LOWEST_PRIORITY)
  await make()
}
