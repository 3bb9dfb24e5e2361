/**
 * What a failure of the database means: the one place that reads `SqlError`.
 *
 * **Details**
 *
 * Three kinds. An *outage* (no connection, a timeout, a standby that only reads, a server that is shutting down or full)
 * becomes `ServiceUnavailable`: if it struck during COMMIT the outcome is unknown, and most such transactions had
 * committed. An *aborted* unit (deadlock, serialization) has certainly left nothing and may run again. A *refusal* by
 * a constraint is told by the constraint's name. Everything else is a bug of ours and a defect.
 *
 * **Gotchas**
 *
 * The driver reports some outages as defects, because a ROLLBACK on a dead connection fails too. They are caught here.
 */
import { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { Cause, Effect, Exit, Predicate, Schedule } from "effect"
import { SqlError } from "effect/sql"

/** How soon to try again after a lock that was not given, and after an outage. */
const RETRY_AFTER_LOCK_SECONDS = 1
const RETRY_AFTER_OUTAGE_SECONDS = 2

/** How often an aborted unit is run again. */
const ABORTED_RETRIES = 4

/** Fields of PostgreSQL's own error, which the driver keeps as the cause. */
const fieldOf = (error: SqlError.SqlError, field: "code" | "constraint"): string | undefined => {
  const { cause } = error.reason
  const value = Predicate.hasProperty(cause, field) ? cause[field] : undefined
  return typeof value === "string" ? value : undefined
}

/** The five characters by which PostgreSQL names an error. */
export const sqlStateOf = (error: SqlError.SqlError): string | undefined => fieldOf(error, "code")

/** The constraint that refused, if one did. */
export const constraintOf = (error: SqlError.SqlError): string | undefined => fieldOf(error, "constraint")

/**
 * Classes 53 (resources), 57 (shutdown, not yet accepting) and 58 (system), a standby or a read-only database, and
 * sessions that the server has ended for idling. 57014 is a statement that took too long.
 */
const outageState = /^(?:53|57|58)|^(?:25006|25P03|25P04)$/

const isOutage = (error: SqlError.SqlError): boolean => {
  switch (error.reason._tag) {
    case "ConnectionError":
    case "AuthenticationError":
    case "LockTimeoutError":
    case "StatementTimeoutError":
    case "DeadlockError":
    case "SerializationError":
      return true
    case "UnknownError": {
      const state = sqlStateOf(error)
      return state === undefined ? error.reason.operation === "commit" : outageState.test(state)
    }
    default:
      return false
  }
}

/** The database is away. `why` says nothing that a caller may not see. */
const unavailable = (error: SqlError.SqlError): ServiceUnavailable => {
  const locked = error.reason._tag === "LockTimeoutError" || error.reason._tag === "DeadlockError"
  return new ServiceUnavailable({
    service: "database",
    why: reasons[error.reason._tag] ?? "it does not take requests now",
    retryAfterSeconds: locked ? RETRY_AFTER_LOCK_SECONDS : RETRY_AFTER_OUTAGE_SECONDS
  })
}

/** The database is there: it has given up on this one statement. */
const STATEMENT_TOO_LONG = "a statement took too long"

const reasons: { readonly [tag: string]: string } = {
  ConnectionError: "the connection failed",
  LockTimeoutError: "the record is in use",
  DeadlockError: "the record is in use",
  SerializationError: "the record is in use",
  StatementTimeoutError: STATEMENT_TOO_LONG
}

/** Whether the database is well and only one statement took longer than it may. */
export const isStatementTimeout = ({ service, why }: ServiceUnavailable): boolean =>
  service === "database" && why === STATEMENT_TOO_LONG

/** The database did not answer in time. */
export const tooSlow = (): ServiceUnavailable =>
  new ServiceUnavailable({
    service: "database",
    why: "it took too long",
    retryAfterSeconds: RETRY_AFTER_OUTAGE_SECONDS
  })

/**
 * What PostgreSQL said, for the log. Only its message: the detail beside it quotes whole rows, with what buyers wrote
 * and with the secrets of payment intents.
 */
const saidBy = (error: SqlError.SqlError): string => {
  const { _tag, cause, message } = error.reason
  const parts = [_tag, sqlStateOf(error), constraintOf(error), cause instanceof Error ? cause.message : message]
  return parts.filter((part) => part !== undefined).join(" ")
}

const explained = (error: SqlError.SqlError): Effect.Effect<never, ServiceUnavailable> =>
  isOutage(error)
    ? Effect.andThen(
        Effect.logWarning(`the database is not available: ${saidBy(error)}`),
        Effect.fail(unavailable(error))
      )
    : Effect.die(new Error(`the database refuses a statement of ours: ${saidBy(error)}`))

/** In a cause that holds a defect too (a ROLLBACK that failed), what the database said counts. */
const tellingDefect = <E>(cause: Cause.Cause<E>): Effect.Effect<never, E> => {
  const said = cause.reasons
    .map((reason) =>
      Cause.isDieReason(reason) ? reason.defect : Cause.isFailReason(reason) ? reason.error : undefined
    )
    .find(SqlError.isSqlError)
  return said !== undefined && Cause.hasDies(cause) ? Effect.die(said) : Effect.failCause(cause)
}

/** Turns outages into `ServiceUnavailable`, whether they come as failures or as defects, and bugs into defects. */
export const orUnavailable = <A, E, R>(
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, Exclude<E, Extract<E, SqlError.SqlError>> | ServiceUnavailable, R> =>
  self.pipe(
    Effect.catchCause(tellingDefect),
    Effect.catchIf((error: E): error is Extract<E, SqlError.SqlError> => SqlError.isSqlError(error), explained),
    Effect.catchDefect((defect) => (SqlError.isSqlError(defect) ? explained(defect) : Effect.die(defect)))
  )

const isAborted = (error: unknown): boolean =>
  SqlError.isSqlError(error) && (error.reason._tag === "DeadlockError" || error.reason._tag === "SerializationError")

/** Runs a whole unit of work again after a deadlock or a serialization failure, which leave nothing behind. */
export const retryAborted = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.retry(self, {
    while: isAborted,
    schedule: Schedule.exponential("5 millis").pipe(Schedule.jittered, Schedule.upTo({ times: ABORTED_RETRIES }))
  })

/**
 * Tells `refused` the name of the constraint that a unit of work has met. It fails with what that means; where it
 * knows nothing of that constraint and succeeds, the failure stays as it was. Outside the unit, which is aborted.
 */
export const catchRefusals =
  <E2, R2>(refused: (constraint: string) => Effect.Effect<void, E2, R2>) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | E2, R | R2> =>
    Effect.catch(self, (error): Effect.Effect<never, E | E2, R2> => {
      const constraint = SqlError.isSqlError(error) ? constraintOf(error) : undefined
      return constraint === undefined ? Effect.fail(error) : Effect.andThen(refused(constraint), Effect.fail(error))
    })

const lockReasons: ReadonlySet<string> = new Set(["LockTimeoutError", "DeadlockError", "SerializationError"])

/** What became of a unit of work, as its metric tells it. A constraint or a decision that says no is `refused`. */
export const outcomeOf = (exit: Exit.Exit<unknown, unknown>): "done" | "refused" | "locked" | "unavailable" => {
  if (Exit.isSuccess(exit)) return "done"
  const error = Cause.squash(exit.cause)
  if (SqlError.isSqlError(error)) {
    if (lockReasons.has(error.reason._tag)) return "locked"
    return isOutage(error) ? "unavailable" : "refused"
  }
  return error instanceof ServiceUnavailable || Cause.hasInterruptsOnly(exit.cause) ? "unavailable" : "refused"
}
