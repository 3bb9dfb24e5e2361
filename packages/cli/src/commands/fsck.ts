/**
 * The command that looks whether everything is as it must be: fsck.
 */
import { invariantIds, invariants } from "@tickettoken/order-domain/Invariants"
import { TenantId } from "@tickettoken/order-domain/Ids"
import type { CheckResult, Finding } from "@tickettoken/order-server/fsck/Fsck"
import type { Repair } from "@tickettoken/order-server/fsck/Repair"
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { Backend } from "../Backend.ts"
import { confirm, dryRunFlag, yesFlag } from "../Confirmation.ts"
import { CommandFailed } from "../ExitCode.ts"
import { actorFlag, operatorName } from "../Operator.ts"
import { type OutputFormat, outputFlag, type Printable, print, say } from "../Output.ts"

const tenantFlag = Flag.String("tenant").pipe(
  Flag.withDescription("Only of this tenant; else of all"),
  Flag.withSchema(TenantId),
  Flag.optional
)

const fsck = Command.make(
  "fsck",
  {
    output: outputFlag,
    tenant: tenantFlag,
    actor: actorFlag,
    check: Flag.Literals("check", invariantIds).pipe(
      Flag.withDescription("Only this invariant, such as I07; may be repeated"),
      Flag.atLeast(0)
    ),
    fix: Flag.Boolean("fix").pipe(
      Flag.withDescription("Put right what is safe: nothing that moves money"),
      Flag.withDefault(false)
    ),
    dryRun: dryRunFlag,
    yes: yesFlag
  },
  Effect.fn(function* ({ actor, check, dryRun, fix, output, tenant, yes }) {
    const backend = yield* Backend
    const asked = { tenantId: Option.getOrNull(tenant), only: check.length === 0 ? null : check }
    const results = yield* backend.inspect(asked)
    const repairs = fix ? yield* backend.planRepairs(findingsOf(results)) : []
    if (dryRun || repairs.length === 0) return yield* tell(output, results, repairs, dryRun)
    yield* confirm({
      yes,
      what: `Put right ${repairs.length} of ${findingsOf(results).length} findings`,
      answer: "fix"
    })
    const name = yield* operatorName(actor)
    const done = yield* backend.repair(findingsOf(results), { kind: "operator", id: name, ip: null })
    yield* say(`${done.length} put right`)
    yield* tell(output, yield* backend.inspect(asked), [], false)
  })
).pipe(
  Command.withDescription("Check that everything that must be true of orders is true; list what is not"),
  Command.withExamples([
    { command: "orders fsck --check I07 --check I13", description: "Holds and work that nobody is at" },
    { command: "orders fsck --fix --dry-run", description: "What would be put right" }
  ])
)

const findingsOf = (results: ReadonlyArray<CheckResult>): ReadonlyArray<Finding> =>
  results.flatMap(({ findings }) => findings)

/** Prints what was found. Fails when that is something, or when a check could not be done in time, so that a script can tell. */
const tell = Effect.fnUntraced(function* (
  output: OutputFormat,
  results: ReadonlyArray<CheckResult>,
  repairs: ReadonlyArray<Repair>,
  dryRun: boolean
) {
  yield* print(output, findingsTable(results, repairs, dryRun))
  const { length } = findingsOf(results)
  const late = results.filter(({ isTimedOut }) => isTimedOut).length
  const wrong = [
    ...(length > 0 ? [`${length} offenders found`] : []),
    ...(late > 0 ? [`${late} checks were not done in time`] : [])
  ]
  if (wrong.length > 0) return yield* new CommandFailed({ code: "failure", message: wrong.join("\n") })
})

const findingsTable = (
  results: ReadonlyArray<CheckResult>,
  repairs: ReadonlyArray<Repair>,
  dryRun: boolean
): Printable => {
  const findings = findingsOf(results)
  const fixOf = (finding: Finding): string | null => repairs.find((repair) => repair.finding === finding)?.what ?? null
  const open = results.filter(({ notChecked }) => notChecked !== null)
  return {
    json: {
      findings: findings.map((finding) => ({
        ...finding,
        invariant: invariants[finding.check],
        fix: fixOf(finding)
      })),
      checked: results.length - open.length,
      notChecked: open.map(({ check, notChecked, part }) => ({ check, part, why: notChecked }))
    },
    header: ["CHECK", "PART", "TENANT", "ORDER", "SUBJECT", "DETAIL", "FIX"],
    rows: findings.map((finding) => [
      finding.check,
      finding.part,
      finding.tenantId ?? "-",
      finding.orderId ?? "-",
      finding.subject ?? "-",
      finding.detail,
      fixOf(finding) ?? "-"
    ]),
    note: [
      `${results.length - open.length} checks done, ${findings.length} offenders`,
      ...new Set(open.map(({ check, notChecked }) => `${check} not checked ${notChecked}`)),
      ...(dryRun ? ["dry run: nothing was changed"] : [])
    ].join("\n")
  }
}

export const fsckCommands = [fsck] as const
