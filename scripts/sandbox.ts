/**
 * The sandbox services on their own, for an installation that is to be tried out without real ones: compose.yaml runs
 * it beside the server. Keeps nothing: what it has sold is forgotten when it ends.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { demoCatalogue } from "@tickettoken/order-testing/sandbox/catalogue"
import { eventService, paymentService, ticketService } from "@tickettoken/order-testing/sandbox/Services"
import { Config, Console, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { FetchHttpClient } from "effect/http"

const settings = Config.all({
  host: Config.String("SANDBOX_HOST").pipe(Config.withDefault("127.0.0.1")),
  ticketPort: Config.Port("ORDER_SANDBOX_TICKET_PORT").pipe(Config.withDefault(3001)),
  paymentPort: Config.Port("ORDER_SANDBOX_PAYMENT_PORT").pipe(Config.withDefault(3002)),
  eventPort: Config.Port("ORDER_SANDBOX_EVENT_PORT").pipe(Config.withDefault(3005)),
  /** Where payments are announced, and with which key. */
  orderServiceUrl: Config.String("SANDBOX_ORDER_SERVICE_URL"),
  serviceKey: Config.Redacted("SANDBOX_SERVICE_KEY")
})

const serve = Effect.gen(function* () {
  const { eventPort, host, orderServiceUrl, paymentPort, serviceKey, ticketPort } = yield* settings
  const on = (port: number) => ({ host, port, folder: undefined })
  const { catalogued } = yield* eventService(on(eventPort), demoCatalogue)
  yield* ticketService(on(ticketPort), catalogued)
  yield* paymentService(on(paymentPort), { orderServiceUrl, serviceKey })
  yield* Console.log(
    `the sandbox listens on ${host}: tickets ${ticketPort}, payments ${paymentPort}, events ${eventPort}`
  )
  return yield* Effect.never
})

NodeRuntime.runMain(
  Effect.scoped(serve).pipe(
    Effect.provide(Layer.mergeAll(NodeServices.layer, SecureRandom.layerWebCrypto, FetchHttpClient.layer)),
    Effect.withTracerEnabled(false)
  )
)
