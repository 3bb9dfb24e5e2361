/**
 * The commands about sales: stats, top-events. docs/analytics.md defines what they show.
 */
import { Currency } from "@tickettoken/order-domain/Currency"
import { salesSeries, salesSummary, topEvents } from "@tickettoken/order-domain/workflows/ReadSales"
import { DateTime, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { Operator } from "../Operator.ts"
import { print } from "../Output.ts"
import { statsTable, topEventsTable } from "../SalesTables.ts"
import { withOperator } from "../WithOperator.ts"
import { common } from "./common.ts"

const LIMIT_MAX = 100
const LIMIT_DEFAULT = 10

const dayOf = (text: string): Option.Option<DateTime.Utc> => DateTime.make(`${text}T00:00:00Z`)

const DayText = Schema.String.check(
  Schema.makeFilter((text) => Option.exists(dayOf(text), (day) => DateTime.formatIsoDateUtc(day) === text), {
    expected: "a day such as 2026-11-27"
  })
)

const day = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.withSchema(DayText), Flag.optional)

const range = {
  from: day("from", "The first day, of UTC; else 30 days up to the last one"),
  to: day("to", "The last day, within the range; else today")
}

const rangeOf = ({ from, to }: { readonly from: Option.Option<string>; readonly to: Option.Option<string> }) => ({
  from: Option.getOrUndefined(Option.flatMap(from, dayOf)),
  to: Option.getOrUndefined(Option.flatMap(to, dayOf))
})

const stats = Command.make(
  "stats",
  {
    ...common,
    ...range,
    by: Flag.Literals("by", ["day", "hour"]).pipe(
      Flag.withDescription("What a bar of the trend stands for"),
      Flag.withDefault("day")
    )
  },
  Effect.fn(function* ({ by, output, ...given }) {
    const input = { caller: yield* Operator, ...rangeOf(given) }
    const series = yield* salesSeries({ ...input, interval: by })
    yield* print(output, statsTable(yield* salesSummary({ ...input, from: series.from, to: series.to }), series))
  })
).pipe(
  Command.withDescription("Show sales figures: counts, rates, and money of each currency, with their trend"),
  Command.withExamples([
    { command: "orders stats --from 2026-11-01 --to 2026-11-27", description: "The figures of some days" },
    { command: "orders stats --from 2026-11-27 --by hour", description: "A day by the hour" }
  ]),
  withOperator
)

const top = Command.make(
  "top-events",
  {
    ...common,
    ...range,
    currency: Flag.Literals("currency", Currency.literals).pipe(
      Flag.withDescription("Only this currency; else each by itself"),
      Flag.optional
    ),
    limit: Flag.Int("limit").pipe(
      Flag.withDescription(`At most this many of a currency, 1 to ${LIMIT_MAX}`),
      Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: LIMIT_MAX }))),
      Flag.withDefault(LIMIT_DEFAULT)
    )
  },
  Effect.fn(function* ({ currency, limit, output, ...given }) {
    const input = { caller: yield* Operator, ...rangeOf(given), currency: Option.getOrUndefined(currency), limit }
    yield* print(output, topEventsTable(yield* topEvents(input)))
  })
).pipe(Command.withDescription("List the events with the most revenue"), withOperator)

export const salesCommands = [stats, top] as const
