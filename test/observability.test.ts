/** Rules, panels and runbooks speak of metrics that the service has and of pages that exist. */
import { assert, describe, it } from "@effect/vitest"
import { AlarmKind } from "@tickettoken/order-domain/ports/Alarms"
import { catalogue } from "@tickettoken/order-server/telemetry/Metrics"
import { Schema } from "effect"
import { Yaml } from "effect/encoding"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { checkedIn, dashboard, withMetrics } from "../scripts/generate-observability.ts"

const root = new URL("../", import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), "utf8")

const Rules = Schema.Struct({
  groups: Schema.Array(
    Schema.Struct({
      name: Schema.NonEmptyString,
      rules: Schema.Array(
        Schema.Struct({
          alert: Schema.NonEmptyString,
          expr: Schema.NonEmptyString,
          for: Schema.optionalKey(Schema.String),
          labels: Schema.Struct({ severity: Schema.Literals(["critical", "warning"]) }),
          annotations: Schema.Struct({ summary: Schema.NonEmptyString, runbook: Schema.NonEmptyString })
        })
      )
    })
  )
})

const rules = Schema.decodeUnknownSync(Rules)(Yaml.parse(read("ops/prometheus/alerts.yml")), {
  onExcessProperty: "error"
}).groups.flatMap((group) => group.rules)

const Panels = Schema.Struct({
  panels: Schema.Array(
    Schema.Struct({ targets: Schema.optionalKey(Schema.Array(Schema.Struct({ expr: Schema.String }))) })
  )
})

const drawn = Schema.decodeUnknownSync(Schema.fromJsonString(Panels))(dashboard()).panels.flatMap(({ targets = [] }) =>
  targets.map(({ expr }) => expr)
)

/** Every metric and every label that an expression names, and does not know. */
const strangers = (expression: string): ReadonlyArray<string> =>
  [...expression.matchAll(/\b(order_service_[a-z_]+)(?:\{([^}]*)\})?/g)].flatMap(([, name = "", matchers = ""]) => {
    const info =
      catalogue.find((one) => one.name === name) ??
      catalogue.find((one) => one.kind === "histogram" && one.name === name.replace(/_(?:bucket|sum|count)$/, ""))
    if (info === undefined) return [name]
    return [...matchers.matchAll(/(\w+)\s*=~?\s*"([^"]*)"/g)]
      .filter(([, label = "", value = ""]) => info.labels[label]?.includes(value) !== true)
      .map(([matcher]) => `${name}{${matcher}}`)
  })

/** The names by which a page's headings are linked to. */
const anchorsOf = (path: string): ReadonlySet<string> =>
  new Set(
    [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, "")
        .replaceAll(" ", "-")
    )
  )

const promtool = (...words: ReadonlyArray<string>) => spawnSync("promtool", words, { cwd: root, encoding: "utf8" })

const hasPromtool = promtool("--version").status === 0

describe("alert rules", () => {
  it.each(rules)("$alert names metrics and labels that the service has", ({ expr }) => {
    assert.deepStrictEqual(strangers(expr), [])
  })

  it.each(rules)("$alert has a runbook under a heading that exists", ({ annotations }) => {
    const [page = "", anchor = ""] = annotations.runbook.split("#")
    assert.include(["docs/reliability.md", "docs/observability.md"], page)
    assert.isTrue(anchorsOf(page).has(anchor), annotations.runbook)
  })

  it("cover every alarm that the service can raise, each with its own page", () => {
    for (const kind of AlarmKind.literals) {
      const rule = rules.find(({ expr }) => expr.includes(`order_service_alarms_open{kind="${kind}"}`))
      assert.strictEqual(
        rule?.annotations.runbook,
        `docs/reliability.md#${kind.toLowerCase().replaceAll("_", "-")}`,
        kind
      )
    }
  })

  it("cover the alerts of the original specification", () => {
    const wanted = [
      ["OrderExternalServiceFailing", "critical"],
      ["OrderLockFailures", "critical"],
      ["OrderDatabasePoolExhausted", "critical"],
      ["OrderReservationsExpiring", "warning"],
      ["OrderPatternsAbnormal", "warning"],
      ["OrderDatabaseSlow", "warning"]
    ]
    for (const [name, severity] of wanted) {
      assert.strictEqual(rules.find(({ alert }) => alert === name)?.labels.severity, severity, name)
    }
  })

  it.runIf(hasPromtool)("are taken by promtool where it is installed, and fire when they should", () => {
    for (const words of [
      ["check", "rules", "ops/prometheus/alerts.yml"],
      ["test", "rules", "ops/prometheus/alerts.test.yml"]
    ]) {
      const { status, stderr, stdout } = promtool(...words)
      assert.strictEqual(status, 0, `${stdout}${stderr}`)
    }
  })

  it("would be caught with a metric or a label that does not exist", () => {
    assert.deepStrictEqual(strangers("rate(order_service_typo_total[5m]) > 1"), ["order_service_typo_total"])
    assert.deepStrictEqual(strangers(`order_service_alarms_open{kind="TYPO"}`), [
      `order_service_alarms_open{kind="TYPO"}`
    ])
  })
})

describe("the dashboard", () => {
  it("draws metrics and labels that the service has", () => {
    assert.isAbove(drawn.length, 20)
    assert.deepStrictEqual(drawn.flatMap(strangers), [])
  })

  it("and the list of metrics are what the catalogue says: node scripts/generate-observability.ts writes them", () => {
    const stored = checkedIn()
    assert.strictEqual(stored.dashboard, dashboard())
    assert.strictEqual(stored.page, withMetrics(stored.page))
  })
})
