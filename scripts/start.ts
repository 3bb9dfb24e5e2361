/**
 * Starts the service on this machine with everything that it needs: a PostgreSQL from npm, the sandbox in place of the
 * other services, and credentials for the demo. `pnpm start` runs it; Ctrl-C ends all of it, PostgreSQL last.
 */
import { type Ready, runAsProcess } from "@tickettoken/order-server/runService"
import { Console, Redacted } from "effect"

const banner = ({ dataFolder, demo, port }: Ready): string => {
  const base = `http://localhost:${port}`
  const seconds = (performance.now() / 1000).toFixed(1)
  if (demo === null) return `ready after ${seconds} s: ${base}`
  const { tokens } = demo
  if (tokens === null) return `ready after ${seconds} s: ${base}, for tokens of the issuer that JWT_JWKS_URL names`
  const buyer = Redacted.value(tokens.buyer)
  const paying =
    demo.paymentSandbox === null
      ? []
      : [
          "Pay it in the sandbox with the paymentIntentId of the answer; the service is told and confirms:",
          "",
          `  curl -X POST ${demo.paymentSandbox.origin}/sandbox/payment-intents/PAYMENT_INTENT_ID/pay`,
          ""
        ]
  return `
TicketToken Orders is ready after ${seconds} s.

  API        ${base}/api/v1/orders
  Docs       ${base}/docs
  Health     ${base}/health/detailed
  Data       ${dataFolder}

Demo catalogue (tenant 11111111-1111-4111-8111-111111111111, another tenant ...112)

  Event      22222222-2222-4222-8222-222222222221   USD, on sale, in 60 days
  General    type 33333333-3333-4333-8333-333333333331  pricing 44444444-4444-4444-8444-444444444441  100.00 USD
  VIP        type 33333333-3333-4333-8333-333333333332  pricing 44444444-4444-4444-8444-444444444442  250.00 USD
  Last seat  type 33333333-3333-4333-8333-333333333333  pricing 44444444-4444-4444-8444-444444444443   50.00 USD
  Free       type 33333333-3333-4333-8333-333333333334  pricing 44444444-4444-4444-8444-444444444444    0.00 USD

  Event      22222222-2222-4222-8222-222222222222   EUR, on sale
  General    type 33333333-3333-4333-8333-333333333335  pricing 44444444-4444-4444-8444-444444444445   90.00 EUR
  Event      22222222-2222-4222-8222-222222222223   cancelled
  General    type 33333333-3333-4333-8333-333333333337  pricing 44444444-4444-4444-8444-444444444447  100.00 USD
  Event      22222222-2222-4222-8222-222222222224   starts in 12 hours: too late to cancel
  General    type 33333333-3333-4333-8333-333333333336  pricing 44444444-4444-4444-8444-444444444446  100.00 USD

  Buyer 55555555-5555-4555-8555-555555555551, second buyer ...552, admin ...559

Bearer tokens, good for 30 days; also in ${dataFolder}/demo

  Buyer         ${buyer}
  Second buyer  ${Redacted.value(tokens.secondBuyer)}
  Admin         ${Redacted.value(tokens.admin)}

Service key (Authorization: Service-Key ..., with X-Tenant-Id)

  ${Redacted.value(demo.serviceCredential)}

Create an order, two General tickets:

  curl -X POST ${base}/api/v1/orders \\
    -H 'Authorization: Bearer ${buyer}' \\
    -H 'Content-Type: application/json' -H "Idempotency-Key: demo-$(date +%s)" \\
    -d '{"eventId":"22222222-2222-4222-8222-222222222221","items":[{"ticketTypeId":"33333333-3333-4333-8333-333333333331","ticketPricingId":"44444444-4444-4444-8444-444444444441","quantity":2}]}'

${paying.join("\n")}
Ctrl-C stops everything.
`
}

runAsProcess((ready) => Console.log(banner(ready)))
