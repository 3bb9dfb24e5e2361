/**
 * The server that an earlier process of ours left running when it was killed.
 *
 * **Details**
 *
 * It is stopped, not joined: the new start may ask for another port or durability, and a fast shutdown takes well under
 * a second. Whoever calls this holds the lock of the folder, so no live process of ours can be using that server.
 */
import { type Duration, Effect, Option, Schedule } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { type DataFolder, writingTo } from "./DataFolder.ts"
import {
  type EmbeddedPostgresError,
  failure,
  FolderServedElsewhere,
  hasCode,
  LeftoverNotStopped
} from "./EmbeddedPostgresError.ts"
import { runProgram, stop } from "./PostgresProcess.ts"

export const stopLeftover = Effect.fnUntraced(function* (options: {
  readonly folder: DataFolder
  readonly bin: string
  readonly stopWithin: Duration.Input
}): Effect.fn.Return<void, EmbeddedPostgresError> {
  const { folder } = options
  const pidFile = path.join(folder.data, "postmaster.pid")
  const status = yield* writingTo(folder.requested)(() => readPidFile(pidFile))
  if (status === undefined) return
  const { pid, startedIn } = status
  const command = yield* commandLine(pid, startedIn)
  if (Option.isNone(command) || !command.value.includes(startedIn)) {
    return yield* writingTo(folder.requested)(() => markDead(pidFile))
  }
  if (path.normalize(startedIn) !== folder.data) {
    return yield* failure(new FolderServedElsewhere({ folder: folder.requested, pid, startedIn }))
  }
  yield* Effect.logInfo(`Stopping PostgreSQL process ${pid}, left over from a process that was killed`)
  const gone = Effect.repeat(commandLine(pid, startedIn), {
    until: Option.isNone,
    schedule: Schedule.spaced("10 millis")
  })
  if (!(yield* stop({ ...options, pid, gone }))) {
    return yield* failure(new LeftoverNotStopped({ folder: folder.requested, pid }))
  }
})

/**
 * Lets PostgreSQL see that the server of this file is dead, when its pid is that of another program by now, or of a
 * process that nobody has reaped (in a container without an init process).
 *
 * The pid of a parent counts as dead. Deleting the file instead would also take away its last line, by which PostgreSQL
 * notices children that outlived their server and still write.
 */
const markDead = async (pidFile: string): Promise<void> => {
  const text = await fs.readFile(pidFile, "utf8")
  await fs.writeFile(pidFile, text.replace(/^\d+/, String(process.pid)))
}

/** Its first lines are the process id and the data folder. */
const readPidFile = async (pidFile: string) => {
  try {
    const text = await fs.readFile(pidFile, "utf8")
    // A server was killed between making the file and filling it. PostgreSQL asks a person to delete it, but we hold the
    // lock and know that none is starting.
    if (text === "") await fs.rm(pidFile)
    const [pid = "", startedIn = ""] = text.split("\n")
    return /^[1-9]\d*$/.test(pid) ? { pid: Number(pid), startedIn } : undefined
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined
    throw cause
  }
}

/** What a process was started with; none if there is no such process any more, or only its unreaped remains. */
const commandLine = (pid: number, startedIn: string): Effect.Effect<Option.Option<string>> => {
  switch (process.platform) {
    case "linux":
      return Effect.promise(() => readCommandLine(pid)).pipe(Effect.map(Option.liftPredicate((line) => line !== "")))
    case "win32":
      // No cheap way to ask. A process that is not PostgreSQL has no pipe to receive its signals, so a guess is harmless.
      return Effect.option(Effect.try(() => process.kill(pid, 0))).pipe(Effect.map(Option.as(startedIn)))
    default:
      return Effect.option(
        runProgram({ command: "/bin/ps", args: ["-ww", "-o", "command=", "-p", String(pid)], account: Option.none() })
      )
  }
}

const readCommandLine = async (pid: number): Promise<string> => {
  try {
    return await fs.readFile(`/proc/${pid}/cmdline`, "utf8")
  } catch (cause) {
    if (hasCode(cause, "ENOENT", "ESRCH")) return ""
    throw cause
  }
}
