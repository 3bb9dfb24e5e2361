/** The database files: made once with `initdb`, in one step as seen from outside. */
import { Effect, Option, Redacted } from "effect"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { type DataFolder, writingTo } from "./DataFolder.ts"
import { type EmbeddedPostgresError, failure, hasCode, InitFailed, OtherVersion } from "./EmbeddedPostgresError.ts"
import { runProgram } from "./PostgresProcess.ts"

export const OWNER = "orders_owner"

const PASSWORD_FILE = `${OWNER}.password`
const DRAFT_PREFIX = "draft-"

/**
 * Makes the files if there are none yet, and returns the password of `orders_owner`.
 *
 * **Details**
 *
 * `initdb` works in a draft folder that is renamed when it is whole, so a process killed halfway leaves nothing that
 * looks like data. Only password logins are allowed (scram): with `trust`, any account of the machine could connect over
 * loopback as the owner.
 */
export const ensure = Effect.fnUntraced(function* (options: {
  readonly folder: DataFolder
  readonly bin: string
  readonly major: string
  readonly durable: boolean
}): Effect.fn.Return<Redacted.Redacted, EmbeddedPostgresError> {
  const { folder, major } = options
  const inFolder = writingTo(folder.requested)
  const found = yield* inFolder(() => readIfThere(path.join(folder.data, "PG_VERSION")))
  if (found === undefined) {
    yield* create(options)
  } else if (found.trim() !== major) {
    return yield* failure(new OtherVersion({ folder: folder.requested, found: found.trim(), expected: major }))
  }
  return yield* password(folder)
})

/** The password of `orders_owner` in files that are there already. */
export const password = (folder: DataFolder): Effect.Effect<Redacted.Redacted, EmbeddedPostgresError> =>
  Effect.map(
    writingTo(folder.requested)(() => fs.readFile(path.join(folder.data, PASSWORD_FILE), "utf8")),
    (text) => Redacted.make(text)
  )

const create = Effect.fnUntraced(function* (options: {
  readonly folder: DataFolder
  readonly bin: string
  readonly durable: boolean
}) {
  const { folder, durable } = options
  const inFolder = writingTo(folder.requested)
  const draft = yield* inFolder(() => makeDraft(folder))
  const password = path.join(draft, PASSWORD_FILE)
  const data = path.join(draft, "data")
  yield* runProgram({
    command: path.join(options.bin, "initdb"),
    args: [
      `--pgdata=${data}`,
      `--username=${OWNER}`,
      `--pwfile=${password}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--no-locale",
      "--set=timezone=UTC",
      "--no-instructions",
      ...(durable ? [] : ["--no-sync"])
    ],
    account: folder.account
  }).pipe(Effect.mapError((detail) => failure(new InitFailed({ folder: folder.requested, detail }))))
  yield* inFolder(async () => {
    await fs.rename(password, path.join(data, PASSWORD_FILE))
    await fs.rename(data, folder.data)
    await fs.rmdir(draft)
    if (durable) await syncFolder(folder.home)
  })
})

/** Drafts of killed processes go first: we hold the lock, so nobody works in them. */
const makeDraft = async (folder: DataFolder): Promise<string> => {
  for (const name of await fs.readdir(folder.home)) {
    if (name.startsWith(DRAFT_PREFIX)) await fs.rm(path.join(folder.home, name), { recursive: true, force: true })
  }
  const draft = await fs.mkdtemp(path.join(folder.home, DRAFT_PREFIX))
  const password = path.join(draft, PASSWORD_FILE)
  await fs.writeFile(password, randomBytes(24).toString("base64url"), { mode: 0o600, flush: true })
  if (Option.isSome(folder.account)) {
    const { uid, gid } = folder.account.value
    await fs.chown(password, uid, gid)
    await fs.chown(draft, uid, gid)
  }
  return draft
}

/** Makes the rename last through a power cut; Windows can neither do this nor needs it. */
const syncFolder = async (folder: string): Promise<void> => {
  if (process.platform === "win32") return
  const handle = await fs.open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const readIfThere = async (file: string): Promise<string | undefined> => {
  try {
    return await fs.readFile(file, "utf8")
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined
    throw cause
  }
}
