/**
 * The first row of a statement that selects from a clock, and so answers one at least, whatever else there is to find.
 */
import { Effect } from "effect"

export const clockRow = <Row>([row]: ReadonlyArray<Row>): Effect.Effect<Row> =>
  row === undefined ? Effect.die(new Error("a clock without a row")) : Effect.succeed(row)
