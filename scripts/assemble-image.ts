/**
 * Fills an empty folder with what the image holds: the command, the server and the libraries that they load, at the
 * versions of the lockfile, compiled. Needs `pnpm -r build` first. The Dockerfile runs it, and so do the checks.
 *
 * `pnpm deploy` leaves our packages as they are in the workspace. Here each becomes what it is when published: its
 * exports point at dist, and neither sources nor types come along.
 */
import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { Schema } from "effect"

const root = fileURLToPath(new URL("..", import.meta.url))

const Manifest = Schema.fromJsonString(
  Schema.Struct({
    name: Schema.String,
    version: Schema.String,
    license: Schema.String,
    type: Schema.String,
    publishConfig: Schema.Struct({
      bin: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
      exports: Schema.Record(Schema.String, Schema.Struct({ default: Schema.String }))
    })
  })
)

/** Nobody compiles or debugs against an image. */
const isForDevelopers = (file: string): boolean => /\.(?:d\.ts|map|tsbuildinfo)$/.test(file)

/** Makes one of our packages what it is when published, without what only developers read. */
const publish = (folder: string): void => {
  const file = join(folder, "package.json")
  const { publishConfig, ...rest } = Schema.decodeUnknownSync(Manifest)(readFileSync(file, "utf8"))
  if (!existsSync(join(folder, "dist"))) throw new Error(`${rest.name} is not built: run pnpm -r build first`)
  const { bin, exports } = publishConfig
  // A file of the store may be linked to from elsewhere: it is replaced, not changed.
  rmSync(file)
  writeFileSync(file, `${JSON.stringify({ ...rest, ...(bin === undefined ? {} : { bin }), exports }, null, 2)}\n`)
  rmSync(join(folder, "src"), { recursive: true })
  for (const entry of readdirSync(join(folder, "dist"), { recursive: true, withFileTypes: true })) {
    if (isForDevelopers(entry.name)) rmSync(join(entry.parentPath, entry.name))
  }
}

/** Fills the folder, which must not hold anything yet. */
export const assemble = (folder: string): void => {
  if (existsSync(folder) && readdirSync(folder).length > 0) throw new Error(`${folder} is not empty`)
  execFileSync(
    "pnpm",
    [
      "--filter",
      "@tickettoken/order-cli",
      "deploy",
      "--prod",
      "--no-optional",
      "--config.inject-workspace-packages=true",
      folder
    ],
    { cwd: root, stdio: ["ignore", "inherit", "inherit"] }
  )
  for (const name of ["domain", "server"])
    publish(realpathSync(join(folder, "node_modules/@tickettoken", `order-${name}`)))
  publish(folder)
  for (const name of ["pnpm-lock.yaml", "pnpm-workspace.yaml"]) rmSync(join(folder, name), { force: true })
}

const [folder] = process.argv.slice(2)
if (import.meta.main) {
  if (folder === undefined) throw new Error("name the folder that is to be filled")
  assemble(resolve(folder))
}
