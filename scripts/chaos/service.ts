/**
 * One sandbox service as a process of its own: `ticket`, `payment` or `event`, its port, the folder of its journal, the
 * instant of the run's first start, and where payments are announced.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { chaosCatalogue } from "@tickettoken/order-testing/chaos/ChaosCatalogue"
import { serviceCredential } from "@tickettoken/order-testing/chaos/Credentials"
import { eventService, paymentService, ticketService } from "@tickettoken/order-testing/sandbox/Services"
import { DateTime, Effect, Layer, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { FetchHttpClient } from "effect/http"

const [name, port = "0", folder = "", firstStart = "", orderServiceUrl = ""] = process.argv.slice(2)

const options = { port: Number(port), folder }
const catalogue = chaosCatalogue(DateTime.makeUnsafe(firstStart))
const announceTo = { orderServiceUrl, serviceKey: Redacted.make(serviceCredential) }

const serve = Effect.gen(function* () {
  switch (name) {
    case "ticket":
      return yield* ticketService(options, catalogue)
    case "payment":
      return yield* paymentService(options, announceTo)
    default:
      return yield* eventService(options, () => catalogue)
  }
})

NodeRuntime.runMain(
  Effect.scoped(Effect.andThen(serve, Effect.never)).pipe(
    Effect.provide(Layer.mergeAll(NodeServices.layer, SecureRandom.layerWebCrypto, FetchHttpClient.layer)),
    Effect.withTracerEnabled(false)
  )
)
