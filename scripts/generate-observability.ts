/**
 * Writes the dashboard, ops/grafana/orders.json, and the list of metrics in docs/observability.md from the catalogue.
 */
import type { MetricInfo } from "@tickettoken/order-server/telemetry/Instrument"
import { catalogue } from "@tickettoken/order-server/telemetry/Metrics"
import { readFileSync, writeFileSync } from "node:fs"

const dashboardFile = new URL("../ops/grafana/orders.json", import.meta.url)
const pageFile = new URL("../docs/observability.md", import.meta.url)
const start = "<!-- metrics:start -->"
const end = "<!-- metrics:end -->"

const labelsOf = ({ labels }: MetricInfo): string =>
  Object.keys(labels).length === 0
    ? ""
    : Object.keys(labels)
        .map((label) => `\`${label}\``)
        .join(", ")

const table = (): string =>
  [
    "| Metric | Kind | Labels | Meaning |",
    "|---|---|---|---|",
    ...catalogue.map((info) => `| \`${info.name}\` | ${info.kind} | ${labelsOf(info)} | ${info.means} |`)
  ].join("\n")

/** The page with the catalogue's metrics in their marked place. */
export const withMetrics = (page: string): string => {
  const [before, rest] = page.split(start)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error("docs/observability.md has lost its markers")
  return `${before}${start}\n\n${table()}\n\n${end}${after}`
}

type Unit = "short" | "s" | "reqps" | "ops" | "bytes" | "percentunit"

interface Panel {
  readonly title: string
  readonly unit: Unit
  /** What is drawn, and how each line is called. */
  readonly lines: ReadonlyArray<readonly [expression: string, legend: string]>
}

const quantile = (share: number, name: string, by: string): string =>
  `histogram_quantile(${share}, sum by (le, ${by}) (rate(${name}_bucket[$__rate_interval])))`

const perSecond = (name: string, by: string): string => `sum by (${by}) (rate(${name}[$__rate_interval]))`

const rows: ReadonlyArray<readonly [title: string, panels: ReadonlyArray<Panel>]> = [
  [
    "Orders",
    [
      {
        title: "Orders a minute",
        unit: "short",
        lines: [
          ["sum(rate(order_service_orders_created_total[$__rate_interval])) * 60", "created"],
          ["sum(rate(order_service_orders_confirmed_total[$__rate_interval])) * 60", "confirmed"],
          ["sum(rate(order_service_orders_cancelled_total[$__rate_interval])) * 60", "cancelled"],
          ["sum(rate(order_service_reservation_expires_total[$__rate_interval])) * 60", "expired"]
        ]
      },
      {
        title: "Revenue and refunds an hour, in major units",
        unit: "short",
        lines: [
          ["sum by (currency) (increase(order_service_revenue_total[1h])) / 100", "{{currency}} confirmed"],
          ["sum by (currency) (increase(order_service_refunded_total[1h])) / 100", "{{currency}} returned"]
        ]
      },
      {
        title: "Confirmed of created, last hour",
        unit: "percentunit",
        lines: [
          [
            "sum(increase(order_service_orders_confirmed_total[1h])) / sum(increase(order_service_orders_created_total[1h]))",
            "confirmed"
          ]
        ]
      },
      {
        title: "Refunds by state",
        unit: "ops",
        lines: [[perSecond("order_service_refunds_processed_total", "state"), "{{state}}"]]
      }
    ]
  ],
  [
    "Requests",
    [
      {
        title: "Requests by status",
        unit: "reqps",
        lines: [[perSecond("order_service_http_requests_total", "status"), "{{status}}"]]
      },
      {
        title: "Time of an operation, 95 of 100",
        unit: "s",
        lines: [[quantile(0.95, "order_service_operation_duration_seconds", "operation"), "{{operation}}"]]
      },
      {
        title: "Calls without an answer",
        unit: "percentunit",
        lines: [
          [
            'sum by (service) (rate(order_service_external_calls_total{outcome="unavailable"}[$__rate_interval])) / sum by (service) (rate(order_service_external_calls_total[$__rate_interval]))',
            "{{service}}"
          ]
        ]
      },
      {
        title: "Time of a call, 95 of 100",
        unit: "s",
        lines: [[quantile(0.95, "order_service_external_call_duration_seconds", "service"), "{{service}}"]]
      }
    ]
  ],
  [
    "Circuits",
    [
      {
        title: "Open circuits",
        unit: "short",
        lines: [["max by (circuit) (order_service_circuit_open)", "{{circuit}}"]]
      },
      {
        title: "Requests turned away",
        unit: "reqps",
        lines: [[perSecond("order_service_circuit_turned_away_total", "circuit"), "{{circuit}}"]]
      },
      {
        title: "Attempts repeated",
        unit: "reqps",
        lines: [[perSecond("order_service_external_retries_total", "service, outcome"), "{{service}} {{outcome}}"]]
      },
      {
        title: "Without Redis",
        unit: "short",
        lines: [["max by (use) (order_service_redis_away)", "{{use}}"]]
      }
    ]
  ],
  [
    "Work and messages",
    [
      {
        title: "Open alarms",
        unit: "short",
        lines: [["max by (kind) (order_service_alarms_open) > 0", "{{kind}}"]]
      },
      {
        title: "Oldest open work",
        unit: "s",
        lines: [
          ["max by (kind) (order_service_work_oldest_seconds)", "{{kind}}"],
          ["max(order_service_outbox_oldest_seconds)", "outbox"]
        ]
      },
      {
        title: "Open work and unsent messages",
        unit: "short",
        lines: [
          ["max by (kind) (order_service_work_open)", "{{kind}}"],
          ["max(order_service_outbox_backlog)", "outbox"]
        ]
      },
      {
        title: "Work tried again",
        unit: "ops",
        lines: [[perSecond("order_service_work_retries_total", "kind"), "{{kind}}"]]
      }
    ]
  ],
  [
    "Messages",
    [
      {
        title: "Messages of ours by answer of the bus",
        unit: "ops",
        lines: [[perSecond("order_service_messages_published_total", "outcome"), "{{outcome}}"]]
      },
      {
        title: "Messages of others by outcome",
        unit: "ops",
        lines: [
          [perSecond("order_service_messages_consumed_total", "outcome"), "{{outcome}}"],
          ["sum(rate(order_service_messages_dead_lettered_total[$__rate_interval]))", "dead letters"]
        ]
      },
      {
        title: "Bus that can not be used",
        unit: "short",
        lines: [["max by (direction) (order_service_bus_down)", "{{direction}}"]]
      }
    ]
  ],
  [
    "Database and process",
    [
      {
        title: "Transactions by outcome",
        unit: "ops",
        lines: [[perSecond("order_service_database_units_total", "outcome"), "{{outcome}}"]]
      },
      {
        title: "Time of a transaction, 95 of 100",
        unit: "s",
        lines: [[quantile(0.95, "order_service_database_unit_duration_seconds", "role"), "{{role}}"]]
      },
      {
        title: "Connections wanted and allowed",
        unit: "short",
        lines: [
          ["order_service_database_units_in_flight", "{{instance}}"],
          ["order_service_database_pool_max", "{{instance}} at most"]
        ]
      },
      {
        title: "Event loop and memory",
        unit: "short",
        lines: [
          ['order_service_event_loop_delay_seconds{quantile="0.99"}', "{{instance}} late, s"],
          ["order_service_process_resident_memory_bytes / 1e9", "{{instance}} GB"]
        ]
      }
    ]
  ]
]

const WIDTH = 24
const PANEL_HEIGHT = 8
const ROW_HEIGHT = PANEL_HEIGHT + 1

const datasource = { type: "prometheus", uid: "${datasource}" }

const panelsOf = ([title, panels]: (typeof rows)[number], row: number) => [
  { type: "row", title, id: row * 10 + 1, gridPos: { x: 0, y: row * ROW_HEIGHT, w: WIDTH, h: 1 }, panels: [] },
  ...panels.map((panel, at) => ({
    type: "timeseries",
    title: panel.title,
    id: row * 10 + 2 + at,
    datasource,
    gridPos: {
      x: (at * WIDTH) / panels.length,
      y: row * ROW_HEIGHT + 1,
      w: WIDTH / panels.length,
      h: PANEL_HEIGHT
    },
    fieldConfig: { defaults: { unit: panel.unit, min: 0 }, overrides: [] },
    targets: panel.lines.map(([expr, legendFormat], line) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + line),
      datasource,
      expr,
      legendFormat
    }))
  }))
]

/** The dashboard as Grafana imports it. */
export const dashboard = (): string =>
  `${JSON.stringify(
    {
      uid: "ticket-orders",
      title: "Ticket orders",
      tags: ["orders"],
      timezone: "utc",
      schemaVersion: 39,
      refresh: "30s",
      time: { from: "now-6h", to: "now" },
      templating: { list: [{ name: "datasource", label: "Data source", type: "datasource", query: "prometheus" }] },
      panels: rows.flatMap(panelsOf)
    },
    null,
    2
  )}\n`

/** Both as they are checked in. */
export const checkedIn = () => ({
  dashboard: readFileSync(dashboardFile, "utf8"),
  page: readFileSync(pageFile, "utf8")
})

if (import.meta.main) {
  writeFileSync(dashboardFile, dashboard())
  writeFileSync(pageFile, withMetrics(readFileSync(pageFile, "utf8")))
}
