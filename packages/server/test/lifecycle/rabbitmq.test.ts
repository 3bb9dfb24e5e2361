/**
 * A service that is told of a RabbitMQ: it starts without it, sells meanwhile, sends what has waited when it comes, and
 * takes what others send; all in the trace of whoever began.
 */
import { assert, describe, layer } from "@effect/vitest"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Sandbox } from "@tickettoken/order-testing/sandbox/Sandbox"
import { names } from "@tickettoken/order-server/rabbitmq/Topology"
import { Effect, Schedule } from "effect"
import { at, listAt, send, textAt } from "../http/support/send.ts"
import { cut, hasVirtualHosts, ownVirtualHost, sendTo, takeAll } from "../support/rabbitmq.ts"
import { collector, spansOf } from "../telemetry/support/collector.ts"
import { startInProduction, token, world } from "../telemetry/support/productionService.ts"

const suite = { excludeTestServices: true, timeout: "60 seconds" } as const

/** Making a virtual host takes its time on a busy machine. */
const MILLIS_MAX = 240_000

const traceId = "0af7651916cd43dd8448eb211c80319c"
const callersSpan = "b7ad6b7169203331"

const often = Schedule.spaced("100 millis")

/** What the detailed probe says of the whole, and of RabbitMQ. */
const health = (port: number) =>
  Effect.map(send({ port, path: "/health/detailed" }), ({ json, status }) => {
    const broker = listAt(json, "dependencies").find((dependency) => at(dependency, "name") === "rabbitmq")
    return [status, at(json, "status"), at(broker, "status")]
  })

describe.skipIf(!hasVirtualHosts)("with RabbitMQ", () => {
  layer(world, suite)("a service", (it) => {
    it.effect(
      "F15 starts while it is down, sells, and sends and receives when it comes: in one trace",
      () =>
        Effect.gen(function* () {
          const { payments } = yield* Sandbox
          const broker = yield* ownVirtualHost
          const { channel, url } = broker
          const stub = yield* collector
          yield* cut(broker, true)
          // Outside production, where the account that every RabbitMQ has is let through.
          const { port, service } = yield* startInProduction({
            NODE_ENV: "development",
            RABBITMQ_URL: url,
            OTEL_EXPORTER_OTLP_ENDPOINT: stub.url.href
          })
          assert.strictEqual((yield* send({ port, path: "/health/readiness" })).status, 200)
          assert.deepStrictEqual(yield* health(port), [200, "degraded", "down"])
          const headers = { authorization: `Bearer ${yield* token}`, traceparent: `00-${traceId}-${callersSpan}-01` }
          const body = { eventId: demo.eventId, items: [{ ...demo.general, quantity: 1 }], currency: "USD" }
          const created = yield* send({ port, method: "POST", path: "/api/v1/orders", headers, body })
          assert.strictEqual(created.status, 201, created.text)
          const orderId = textAt(created.json, "id")
          const paymentIntentId = textAt(created.json, "paymentIntentId")

          yield* Effect.promise(async () => {
            await channel.assertExchange(names.events, "topic", { durable: true })
            await channel.assertQueue("capture", { durable: true })
            await channel.bindQueue("capture", names.events, "order.*")
          })
          yield* cut(broker, false)
          yield* Effect.repeat(health(port), { until: ([, status]) => status === "ok", schedule: often })
          const published: Array<unknown> = []
          const untilPublished = (type: string) =>
            Effect.repeat(
              Effect.map(takeAll(channel, "capture"), (texts) => {
                published.push(...texts.map((text): unknown => JSON.parse(text)))
                return published.map((message) => at(message, "type"))
              }),
              { until: (types) => types.includes(type), schedule: often }
            )
          assert.deepStrictEqual(yield* untilPublished("order.payment_intent_opened"), [
            "order.created",
            "order.hold_granted",
            "order.payment_intent_opened"
          ])

          // The payment service has taken the money, and says so in the trace of the message that led to it.
          yield* Effect.orDie(payments.pay(paymentIntentId, { announce: false }))
          const traceparent = textAt(published.at(-1), "traceparent")
          const news = {
            specversion: "1.0",
            id: "n-1",
            source: "payment-service",
            type: "payment.succeeded",
            traceparent
          }
          yield* sendTo(
            { channel, names },
            JSON.stringify({ ...news, tenantid: demo.tenantId, data: { orderId, paymentIntentId } })
          )
          yield* untilPublished("order.confirmed")
          const shown = yield* send({ port, path: `/api/v1/orders/${orderId}`, headers })
          assert.strictEqual(at(shown.json, "status"), "CONFIRMED")
          assert.deepStrictEqual(
            published.map((message) => textAt(message, "traceparent").split("-")[1]),
            published.map(() => traceId)
          )
          assert.deepStrictEqual(
            published.map((message) => at(message, "orderversion")),
            [1, 2, 3, 4, 5]
          )
          const metrics = yield* send({ port, path: "/metrics" })
          assert.include(metrics.text, `order_service_messages_published_total{outcome="confirmed"} 5`)
          assert.include(metrics.text, `order_service_messages_consumed_total{outcome="changed"} 1`)

          yield* service.send("SIGTERM")
          assert.strictEqual((yield* service.outcome).code, 0)
          const spans = spansOf(stub).filter((span) => span.traceId === traceId)
          const ids = new Set([callersSpan, ...spans.map(({ spanId }) => spanId)])
          for (const { name, parentSpanId } of spans)
            assert.isTrue(ids.has(parentSpanId ?? ""), `${name} hangs nowhere`)
          assert.strictEqual(spans.filter(({ name }) => name === "send tickettoken.events").length, 5)
          const [consumed, ...others] = spans.filter(({ name }) => name === "process order-service.inbox")
          assert.deepStrictEqual(others, [])
          assert.strictEqual(consumed?.parentSpanId, traceparent.split("-")[2])
          assert.strictEqual(consumed?.attributes["cloudevents.event_type"], "payment.succeeded")
        }).pipe(Effect.scoped),
      MILLIS_MAX
    )
  })
})
