/**
 * The append-only journal of one sandbox service: ground truth for every test, and all that is kept of its state.
 *
 * A request becomes facts, the facts are written down, and only then does the state move and the reply go out: one
 * synchronous step, so the file never lags behind an answer that was given, and two requests never interleave. The
 * kernel keeps what a killed process has written, so `fsync` would only help against power loss, which is not promised.
 */
import { DateTime, Effect, FileSystem, Path, Result, Schema } from "effect"
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs"
import { type Engine, rebuild, type Step } from "./Engine.ts"

/** What every line says about its fact. */
const Envelope = Schema.Struct({
  seq: Schema.Int,
  at: Schema.DateTimeUtcFromString,
  service: Schema.String
})

/** A fact of the journal with its place in it. */
export interface Entry<Fact> {
  readonly seq: number
  readonly at: DateTime.Utc
  readonly service: string
  readonly fact: Fact
}

/** A journal file is not one, is not of this service, or can not be opened. */
export class JournalUnreadable extends Schema.TaggedError<JournalUnreadable>()("JournalUnreadable", {
  file: Schema.String,
  why: Schema.String
}) {
  override get message(): string {
    return `the sandbox journal ${this.file} can not be used: ${this.why}`
  }
}

export interface Journal<State, Fact> {
  readonly state: Effect.Effect<State>
  readonly entries: Effect.Effect<ReadonlyArray<Entry<Fact>>>
  /** The entry as it is written and shown. */
  readonly encode: (entry: Entry<Fact>) => object
  /** Runs one operation of the engine as one indivisible step. */
  readonly perform: <Reply>(
    operation: (state: State, now: DateTime.Utc) => Step<State, Fact, Reply>
  ) => Effect.Effect<Reply>
}

interface JournalOptions<State, Fact> {
  readonly service: string
  readonly engine: Engine<State, Fact>
  readonly fact: Schema.Codec<Fact, object>
  /** Where to keep the journal across restarts; nowhere by default. */
  readonly folder: string | undefined
}

/** Reads the lines of a file. A last line without its end was torn by a kill: nobody was answered, so it is dropped. */
const readLines = Effect.fnUntraced(
  function* (file: string) {
    const fs = yield* FileSystem.FileSystem
    if (!(yield* fs.exists(file))) return []
    const content = yield* fs.readFileString(file)
    const whole = content.slice(0, content.lastIndexOf("\n") + 1)
    if (whole.length < content.length) yield* fs.truncate(file, Buffer.byteLength(whole))
    return whole.split("\n").slice(0, -1)
  },
  (effect, file) => Effect.mapError(effect, (error) => new JournalUnreadable({ file, why: error.message }))
)

const decodeLines = <Fact>(
  file: string,
  service: string,
  fact: Schema.Codec<Fact, object>,
  lines: ReadonlyArray<string>
): Result.Result<ReadonlyArray<Entry<Fact>>, JournalUnreadable> => {
  const json = Schema.fromJsonString(Schema.Unknown)
  const entries: Array<Entry<Fact>> = []
  for (const [index, line] of lines.entries()) {
    const entry = Schema.decodeUnknownResult(json)(line).pipe(
      Result.flatMap((value) =>
        Result.all({
          envelope: Schema.decodeUnknownResult(Envelope)(value),
          fact: Schema.decodeUnknownResult(fact)(value)
        })
      )
    )
    if (Result.isFailure(entry)) {
      return Result.fail(new JournalUnreadable({ file, why: `line ${index + 1}: ${entry.failure.message}` }))
    }
    const { envelope } = entry.success
    if (envelope.service !== service || envelope.seq !== index + 1) {
      const why = `line ${index + 1} should be entry ${index + 1} of the ${service} sandbox`
      return Result.fail(new JournalUnreadable({ file, why }))
    }
    entries.push({ ...envelope, fact: entry.success.fact })
  }
  return Result.succeed(entries)
}

/** Opens a file for appending, and closes it with the scope. */
const openFile = (file: string) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => openSync(file, "a"),
      catch: (cause) => new JournalUnreadable({ file, why: String(cause) })
    }),
    (descriptor) => Effect.sync(() => closeSync(descriptor))
  )

/** Writes all of the text or, on a full disk, none of it: half a line would make the next one unreadable. */
const writeAll = (descriptor: number, text: string): void => {
  const { size } = fstatSync(descriptor)
  try {
    for (let rest = Buffer.from(text); rest.length > 0; ) {
      rest = rest.subarray(writeSync(descriptor, rest))
    }
  } catch (error) {
    ftruncateSync(descriptor, size)
    throw error
  }
}

/** How an entry of a journal is written: the fact's own fields beside those of the envelope. */
const encoder = <Fact>(fact: Schema.Codec<Fact, object>): Journal<never, Fact>["encode"] => {
  const encodeEnvelope = Schema.encodeSync(Envelope)
  const encodeFact = Schema.encodeSync(fact)
  return ({ fact: content, ...envelope }) => ({ ...encodeEnvelope(envelope), ...encodeFact(content) })
}

interface Kept<State, Fact> {
  readonly options: Pick<JournalOptions<State, Fact>, "engine" | "fact" | "service">
  readonly entries: Array<Entry<Fact>>
  /** Writes lines down, or throws without having written any; without it they are kept nowhere. */
  readonly write: ((lines: string) => void) | undefined
}

/** The journal over entries that are there already. */
const keep = <State, Fact>({ entries, options, write }: Kept<State, Fact>): Journal<State, Fact> => {
  const { engine, service } = options
  const encode = encoder(options.fact)
  let state = rebuild(
    engine,
    entries.map((entry) => entry.fact)
  )
  const append = (facts: ReadonlyArray<Fact>, at: DateTime.Utc): void => {
    if (facts.length === 0) return
    const fresh = facts.map((fact, index) => ({ seq: entries.length + index + 1, at, service, fact }))
    write?.(fresh.map((entry) => `${JSON.stringify(encode(entry))}\n`).join(""))
    entries.push(...fresh)
  }
  return {
    state: Effect.sync(() => state),
    entries: Effect.sync(() => entries.slice()),
    encode,
    perform: (operation) =>
      Effect.map(DateTime.now, (now) => {
        const step = operation(state, now)
        append(step.facts, now)
        state = step.state
        return step.reply
      })
  }
}

/** A journal that is kept nowhere: for the in-memory ports of the test kit. */
export const openMemory = <State, Fact>(options: Kept<State, Fact>["options"]): Effect.Effect<Journal<State, Fact>> =>
  Effect.sync(() => keep({ options, entries: [], write: undefined }))

/** Opens a journal: folds what is there into the state, and appends from then on. */
export const open = Effect.fnUntraced(function* <State, Fact>(options: JournalOptions<State, Fact>) {
  const { folder, service } = options
  if (folder === undefined) return yield* openMemory(options)
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(folder, `${service}.ndjson`)
  yield* fs
    .makeDirectory(folder, { recursive: true })
    .pipe(Effect.mapError((error) => new JournalUnreadable({ file, why: error.message })))
  const lines = yield* readLines(file)
  const entries = yield* Effect.fromResult(decodeLines(file, service, options.fact, lines))
  const descriptor = yield* openFile(file)
  return keep({ options, entries: [...entries], write: (text) => writeAll(descriptor, text) })
})
