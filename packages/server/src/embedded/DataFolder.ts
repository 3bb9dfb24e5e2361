/**
 * Where the database files live, and which account they belong to.
 *
 * **Details**
 *
 * Everything is in `<data folder>/postgres`, called home here:
 *
 * - `data`: the database files (PGDATA), with the generated password in them
 * - `lock`, `lock.pid`: see `FolderLock`
 * - `server.log`, `server.log.previous`: the log of this start and of the one before
 *
 * PostgreSQL refuses to run as root, so root hands `data` to the account `nobody`. If that account can not get to the
 * data folder (a project under the 0700 folder `/root`), home is a link to a folder in `/var/lib/tickettoken-orders`,
 * which is named after a hash of the path that was asked for and survives a restart. Deleting the link forgets the data.
 *
 * **Gotchas**
 *
 * Who starts it as root and later as an ordinary user is refused: the files belong to another account.
 */
import { Effect, Option } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { describeCause, failure, FolderNotWritable, FolderOutOfReach, hasCode } from "./EmbeddedPostgresError.ts"
import { makeFolder } from "./makeFolder.ts"

/** The account that runs the server, when it is not our own. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

export interface DataFolder {
  /** As asked for, absolute; for messages. */
  readonly requested: string
  /** Free of links, so that it equals what PostgreSQL reports about itself. */
  readonly home: string
  readonly data: string
  readonly account: Option.Option<Account>
}

const REACHABLE_PLACES = "/var/lib/tickettoken-orders"

/** Linux's usual ids, for an image without `/etc/passwd`. */
const NOBODY: Account = { uid: 65534, gid: 65534 }

/** Makes the folder if need be and decides on the account. */
export const open = Effect.fnUntraced(function* (dataFolder: string) {
  const requested = path.resolve(dataFolder)
  const place = path.join(requested, "postgres")
  const inRequested = writingTo(requested)
  yield* inRequested(() => makeFolder(requested))
  const account = yield* inRequested(() => (process.getuid?.() === 0 ? makeHomeAsRoot(place) : makeHome(place)))
  const home = yield* inRequested(() => fs.realpath(place))
  if (Option.isSome(account) && !(yield* inRequested(() => canReach(home, account.value)))) {
    return yield* failure(new FolderOutOfReach({ folder: requested, uid: account.value.uid }))
  }
  return { requested, home, data: path.join(home, "data"), account } satisfies DataFolder
})

/** Runs file operations whose failure means that the folder can not be written. */
export const writingTo =
  (folder: string) =>
  <A>(step: () => Promise<A>) =>
    Effect.tryPromise({
      try: step,
      catch: (cause) => failure(new FolderNotWritable({ folder, detail: describeCause(cause) }))
    })

const makeHome = async (place: string): Promise<Option.Option<Account>> => {
  await makeFolder(place, 0o700)
  return Option.none()
}

const makeHomeAsRoot = async (place: string): Promise<Option.Option<Account>> => {
  // Data made by an ordinary user stays that user's.
  const owner = await ownerOf(path.join(place, "data"))
  const account = owner === undefined || owner.uid === 0 ? await nobody() : owner
  const linked = await linkOf(place)
  if (linked !== undefined) {
    await makeFolder(linked)
  } else if ((await ownerOf(place)) !== undefined || (await canReach(path.dirname(place), account))) {
    await makeFolder(place)
  } else {
    await linkToReachablePlace(place)
  }
  // The account passes through home to its data, but reads nothing else in it.
  await fs.chmod(place, 0o711)
  return Option.some(account)
}

/** A random part after the hash: who deletes the link to start afresh must not get the old data back. */
const linkToReachablePlace = async (place: string): Promise<void> => {
  if ((await fs.mkdir(REACHABLE_PLACES, { recursive: true })) !== undefined) {
    await fs.chmod(REACHABLE_PLACES, 0o755)
  }
  const hash = createHash("sha256").update(place).digest("hex").slice(0, 16)
  const target = await fs.mkdtemp(path.join(REACHABLE_PLACES, `${hash}-`))
  try {
    await fs.symlink(target, place)
  } catch (cause) {
    await fs.rmdir(target)
    // Another process made the link first: use its place.
    if (!hasCode(cause, "EEXIST")) throw cause
  }
}

const linkOf = async (place: string): Promise<string | undefined> => {
  try {
    return await fs.readlink(place)
  } catch (cause) {
    // Nothing there, or not a link.
    if (hasCode(cause, "ENOENT", "EINVAL")) return undefined
    throw cause
  }
}

const ownerOf = async (file: string): Promise<Account | undefined> => {
  try {
    const { uid, gid } = await fs.stat(file)
    return { uid, gid }
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined
    throw cause
  }
}

const nobody = async (): Promise<Account> => {
  const passwd = await fs.readFile("/etc/passwd", "utf8").catch((cause: unknown) => {
    if (hasCode(cause, "ENOENT")) return ""
    throw cause
  })
  const [, uid, gid] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(passwd) ?? []
  return uid === undefined || gid === undefined ? NOBODY : { uid: Number(uid), gid: Number(gid) }
}

/** Whether the account may search the folder and each one above it, by the permission bits. */
const canReach = async (folder: string, account: Account): Promise<boolean> => {
  const { uid, gid, mode } = await fs.stat(folder)
  const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
  if ((mode & bit) === 0) return false
  const parent = path.dirname(folder)
  return parent === folder || canReach(parent, account)
}
