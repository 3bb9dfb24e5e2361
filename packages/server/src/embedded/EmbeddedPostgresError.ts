/**
 * Why the embedded PostgreSQL could not be used: one tagged reason per cause, each with a message that is one sentence
 * for a person at a terminal and that names the way out.
 */
import { Schema } from "effect"

const useYourOwn = "set DATABASE_URL to use a PostgreSQL server of your own"

/** No bundled server runs here, for example on musl (Alpine) or a 32-bit machine. */
export class UnsupportedPlatform extends Schema.TaggedError<UnsupportedPlatform>()("UnsupportedPlatform", {
  platform: Schema.String
}) {
  override get message(): string {
    return `No embedded PostgreSQL exists for ${this.platform}; ${useYourOwn}.`
  }
}

/** The platform is known, but its optional package was left out of the installation. */
export class BinariesMissing extends Schema.TaggedError<BinariesMissing>()("BinariesMissing", {
  packageName: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The package ${this.packageName} is not usable (${this.detail}); install it, or ${useYourOwn}.`
  }
}

export class FolderNotWritable extends Schema.TaggedError<FolderNotWritable>()("FolderNotWritable", {
  folder: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The data folder ${this.folder} can not be written (${this.detail}); make it writable or choose another one.`
  }
}

/** Another live process of ours holds the folder. `pid` is absent only if that process has not written it yet. */
export class FolderInUse extends Schema.TaggedError<FolderInUse>()("FolderInUse", {
  folder: Schema.String,
  pid: Schema.UndefinedOr(Schema.Int)
}) {
  override get message(): string {
    const holder = this.pid === undefined ? "another process" : `the running process ${this.pid}`
    return `The data folder ${this.folder} is in use by ${holder}; stop that process or choose another folder.`
  }
}

/** A PostgreSQL that was started under another path (a moved or copied folder) may still write here. */
export class FolderServedElsewhere extends Schema.TaggedError<FolderServedElsewhere>()("FolderServedElsewhere", {
  folder: Schema.String,
  pid: Schema.Int,
  startedIn: Schema.String
}) {
  override get message(): string {
    return (
      `PostgreSQL process ${this.pid}, started in ${this.startedIn}, may still use the data folder ${this.folder}; ` +
      `stop it, or delete postmaster.pid if this folder is a copy.`
    )
  }
}

/** Run as root, the server belongs to an unprivileged account, and that account can not get to existing data. */
export class FolderOutOfReach extends Schema.TaggedError<FolderOutOfReach>()("FolderOutOfReach", {
  folder: Schema.String,
  uid: Schema.Int
}) {
  override get message(): string {
    return (
      `PostgreSQL does not run as root, and the account with user id ${this.uid} can not reach the data folder ` +
      `${this.folder}; make the folders above it searchable (chmod o+x) or choose another one.`
    )
  }
}

export class OtherVersion extends Schema.TaggedError<OtherVersion>()("OtherVersion", {
  folder: Schema.String,
  found: Schema.String,
  expected: Schema.String
}) {
  override get message(): string {
    return (
      `The data folder ${this.folder} was made by PostgreSQL ${this.found} and this is PostgreSQL ${this.expected}; ` +
      `move it with pg_dump or pg_upgrade, or choose another folder.`
    )
  }
}

export class PortTaken extends Schema.TaggedError<PortTaken>()("PortTaken", {
  port: Schema.Int,
  detail: Schema.String
}) {
  override get message(): string {
    return `Port ${this.port} on 127.0.0.1 is not free (${this.detail}); choose another one or leave the port out.`
  }
}

export class InitFailed extends Schema.TaggedError<InitFailed>()("InitFailed", {
  folder: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `initdb could not create the database files in ${this.folder}: ${this.detail}`
  }
}

/** The server did not start, did not become ready in time, or does not accept our login. */
export class ServerNotReady extends Schema.TaggedError<ServerNotReady>()("ServerNotReady", {
  detail: Schema.String,
  logFile: Schema.String,
  logTail: Schema.String
}) {
  override get message(): string {
    const tail = this.logTail === "" ? "is empty" : `ends with: ${this.logTail}`
    return `The embedded PostgreSQL ${this.detail}; its log ${this.logFile} ${tail}`
  }
}

/** A server left behind by a killed process survived SIGINT, SIGQUIT and SIGKILL. */
export class LeftoverNotStopped extends Schema.TaggedError<LeftoverNotStopped>()("LeftoverNotStopped", {
  folder: Schema.String,
  pid: Schema.Int
}) {
  override get message(): string {
    return `PostgreSQL process ${this.pid}, left over in ${this.folder}, can not be stopped; stop it by hand.`
  }
}

export class EmbeddedPostgresError extends Schema.TaggedError<EmbeddedPostgresError>()("EmbeddedPostgresError", {
  reason: Schema.Union([
    UnsupportedPlatform,
    BinariesMissing,
    FolderNotWritable,
    FolderInUse,
    FolderServedElsewhere,
    FolderOutOfReach,
    OtherVersion,
    PortTaken,
    InitFailed,
    ServerNotReady,
    LeftoverNotStopped
  ])
}) {
  override get message(): string {
    return this.reason.message
  }
}

export const failure = (reason: EmbeddedPostgresError["reason"]): EmbeddedPostgresError =>
  new EmbeddedPostgresError({ reason })

/** What went wrong, in the words of Node or PostgreSQL. */
export const describeCause = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** Whether a Node system error carries one of these codes. */
export const hasCode = (cause: unknown, ...codes: ReadonlyArray<string>): boolean =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" && codes.includes(cause.code)
