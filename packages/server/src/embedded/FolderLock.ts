/**
 * An exclusive lock on a folder that the kernel gives back when its holder dies, however it dies.
 *
 * **Details**
 *
 * Node has no `flock`, but its SQLite takes a real `fcntl` (on Windows `LockFileEx`) lock for `BEGIN EXCLUSIVE`. So a
 * live holder can never be robbed and the lock of a dead one is free at once: no pid to guess about (in a container
 * every run has the same small one), and no race between two processes that both find the other's lock stale. The pid
 * beside it only makes the refusal helpful.
 */
import { Effect, Option, Schedule, type Scope } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { DatabaseSync } from "node:sqlite"
import type { DataFolder } from "./DataFolder.ts"
import {
  describeCause,
  type EmbeddedPostgresError,
  failure,
  FolderInUse,
  FolderNotWritable,
  hasCode
} from "./EmbeddedPostgresError.ts"

const SQLITE_BUSY = 5

/** A holder writes its pid right after it got the lock; 10 tries of 20 ms keep a refusal well below one second. */
const pidReads = Schedule.max([Schedule.spaced("20 millis"), Schedule.recurs(10)])

export const acquire = (folder: DataFolder): Effect.Effect<void, EmbeddedPostgresError, Scope.Scope> => {
  const pidFile = path.join(folder.home, "lock.pid")
  return Effect.acquireRelease(
    Effect.try({
      try: () => lock(path.join(folder.home, "lock"), pidFile),
      catch: (cause) =>
        isBusy(cause)
          ? failure(new FolderInUse({ folder: folder.requested, pid: undefined }))
          : failure(new FolderNotWritable({ folder: folder.requested, detail: describeCause(cause) }))
    }),
    // Also keeps the connection referenced: a collected one is closed, and the lock is gone with it.
    (database) => Effect.sync(() => database.close())
  ).pipe(
    Effect.asVoid,
    Effect.catchReason("EmbeddedPostgresError", "FolderInUse", ({ folder }) =>
      Effect.flatMap(holder(pidFile), (pid) => failure(new FolderInUse({ folder, pid })))
    )
  )
}

const lock = (lockFile: string, pidFile: string): DatabaseSync => {
  const database = new DatabaseSync(lockFile)
  try {
    database.exec("BEGIN EXCLUSIVE")
    fs.writeFileSync(pidFile, String(process.pid))
    return database
  } catch (cause) {
    database.close()
    throw cause
  }
}

const isBusy = (cause: unknown): boolean =>
  cause instanceof Error && "errcode" in cause && cause.errcode === SQLITE_BUSY

const holder = (pidFile: string): Effect.Effect<number | undefined> =>
  Effect.try(() => {
    const pid = Number.parseInt(fs.readFileSync(pidFile, "utf8"), 10)
    if (!isAlive(pid)) throw new Error("the pid of the holder before")
    return pid
  }).pipe(Effect.retry(pidReads), Effect.option, Effect.map(Option.getOrUndefined))

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (cause) {
    // It exists and belongs to another account.
    return hasCode(cause, "EPERM")
  }
}
