/**
 * The product as a newcomer meets it: a fresh clone in an empty folder, `npx -y pnpm@12 start`, and orders taken from
 * creation to CONFIRMED, CANCELLED, REFUNDED and EXPIRED over HTTP. One line for each check; the last line is the sum.
 */
import { execFileSync } from "node:child_process"
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { randomUUID } from "node:crypto"
import assert from "node:assert/strict"
import { general, jwtSecret, lastSeat, newBuyer } from "./acceptance/demo.ts"
import { call, check, eventually, finish, readBody } from "./acceptance/report.ts"
import { freePorts, runStart, startServer } from "./acceptance/server.ts"

const home = mkdtempSync(join(tmpdir(), "orders-acceptance-"))
const clone = join(home, "orders")
execFileSync("git", ["clone", "--quiet", join(import.meta.dirname, ".."), clone])

const [port = 0, tickets = 0, payments = 0, events = 0, ...more] = await freePorts(8)
const env = {
  NO_COLOR: "1",
  PORT: String(port),
  ORDER_SANDBOX_TICKET_PORT: String(tickets),
  ORDER_SANDBOX_PAYMENT_PORT: String(payments),
  ORDER_SANDBOX_EVENT_PORT: String(events),
  JWT_SECRET: jwtSecret,
  // One buyer sends 50 creates at the same time, to see that they are one.
  RATE_LIMIT_CREATE_PER_MINUTE: "100"
}

const first = await startServer(clone, env)
console.log(`        ready ${first.readyAfterSeconds.toFixed(1)} s after the first start, install included`)
const api = `${first.url}/api/v1`
const paymentSandbox = `http://127.0.0.1:${payments}/sandbox/payment-intents`

const create = (token: string, body: unknown, headers: Record<string, string> = {}) =>
  call("POST", `${api}/orders`, { token, body, headers })
const getOrder = (token: string, id: string) => call("GET", `${api}/orders/${id}`, { token })
const pay = (intentId: string) => call("POST", `${paymentSandbox}/${intentId}/pay`)
const confirmed = (token: string, id: string) =>
  eventually(
    "confirmation",
    () => getOrder(token, id),
    ({ body }) => body.status === "CONFIRMED",
    15
  )

const buyer = newBuyer()

await check("the first start, install included, takes less than a minute", () =>
  assert.ok(first.readyAfterSeconds < 60, `it took ${first.readyAfterSeconds} s`)
)

await check("the banner names the address, the documentation, the demo ids, tokens, a service key and a curl", () => {
  const banner = first.output()
  for (const part of ["/docs", "22222222-2222-4222-8222-222222222221", "Service-Key", "Bearer", "curl"]) {
    assert.ok(banner.includes(part), `the banner lacks ${part}`)
  }
})

await check("the banner's curl creates an order when pasted", () => {
  const command = /^\s*(curl[\s\S]*?'\{[\s\S]*?\}')/m.exec(first.output())?.[1]
  assert.ok(command !== undefined, "no curl in the banner")
  const answer = readBody(
    execFileSync("bash", ["-c", command.replace(/^curl/, "curl -s")], { cwd: clone, encoding: "utf8" })
  )
  assert.equal(answer.status, "PENDING")
  assert.equal(answer.pricing.total, 23_338)
})

await check("the commands of the README's first screen work when pasted", async () => {
  const readme = readFileSync(join(clone, "README.md"), "utf8")
    .replaceAll("localhost:3004", `localhost:${port}`)
    .replaceAll("localhost:3002", `localhost:${payments}`)
  const [createCommand, payCommand] = [...readme.matchAll(/```sh\n(curl[^`]*)```/g)].map(([, command = ""]) => command)
  assert.ok(createCommand !== undefined && payCommand !== undefined, "the README has no two curls")
  const paste = (command: string) => readBody(execFileSync("bash", ["-c", command], { cwd: clone, encoding: "utf8" }))
  const order = paste(createCommand)
  assert.equal(order.pricing.total, 23_338)
  paste(payCommand.replace("PAYMENT_INTENT_ID", order.paymentIntentId))
  const token = `Bearer ${readFileSync(join(clone, ".data/demo/buyer.token"), "utf8").trim()}`
  assert.equal((await confirmed(token, order.id)).body.tickets.length, 2)
})

let paidOrder = ""
await check("two General tickets are 20000 + 1000 + 610 + 1728 = 23338, PENDING and held for 15 minutes", async () => {
  const answer = await create(buyer.token, general(2))
  assert.equal(answer.status, 201, answer.text)
  const { createdAt, id, pricing, reservationExpiresAt, status } = answer.body
  assert.deepEqual(pricing, { subtotal: 20_000, platformFee: 1_000, processingFee: 610, tax: 1_728, total: 23_338 })
  assert.equal(status, "PENDING")
  assert.equal(Date.parse(reservationExpiresAt) - Date.parse(createdAt), 15 * 60_000)
  paidOrder = id
})

await check("paying it in the sandbox confirms it with two tickets", async () => {
  const { body } = await getOrder(buyer.token, paidOrder)
  const paid = await pay(body.paymentIntentId)
  assert.equal(paid.status, 200, paid.text)
  const order = await confirmed(buyer.token, paidOrder)
  assert.equal(order.body.tickets.length, 2)
  assert.equal(order.body.paymentStatus, "PAID")
})

await check("its history shows who created and confirmed it, and from where", async () => {
  const { body } = await call("GET", `${api}/orders/${paidOrder}/events`, { token: buyer.token })
  const types = body.events.map((event) => event.eventType)
  assert.ok(types.includes("ORDER_CREATED") && types.includes("ORDER_CONFIRMED"), String(types))
  const created = body.events.find((event) => event.eventType === "ORDER_CREATED")
  assert.equal(created?.userId, buyer.id)
  assert.deepEqual(created?.actor, { kind: "user", id: buyer.id })
  assert.match(created?.ipAddress ?? "", /127\.0\.0\.1|::1/)
  // The payment service said so: the confirmation is its doing, although the executor brought the tickets.
  for (const type of ["PAYMENT_CAPTURED", "ORDER_CONFIRMED"]) {
    const event = body.events.find(({ eventType }) => eventType === type)
    assert.equal(event?.actor.kind, "service")
    assert.match(event?.ipAddress ?? "", /127\.0\.0\.1|::1/)
  }
})

await check("an order cancelled after payment returns 22808 and ends REFUNDED", async () => {
  const { token } = newBuyer()
  const { body } = await create(token, general(2))
  await pay(body.paymentIntentId)
  await confirmed(token, body.id)
  const cancelled = await call("POST", `${api}/orders/${body.id}/cancel`, { token, body: { reason: "acceptance" } })
  assert.equal(cancelled.status, 200, cancelled.text)
  assert.equal(cancelled.body.status, "CANCELLED")
  await eventually(
    "refund",
    () => getOrder(token, body.id),
    (order) => order.body.status === "REFUNDED",
    15
  )
  const refunds = await call("GET", `${api}/orders/${body.id}/refunds`, { token })
  assert.equal(refunds.body.refunds[0]?.amount, 22_808)
})

await check("a refund without an amount returns the policy's amount", async () => {
  const { token } = newBuyer()
  const { body } = await create(token, general(2))
  await pay(body.paymentIntentId)
  await confirmed(token, body.id)
  const refund = await call("POST", `${api}/orders/${body.id}/refund`, { token, body: { reason: "acceptance" } })
  assert.equal(refund.status, 200, refund.text)
  assert.equal(refund.body.amount, 22_808)
})

await check("the last seat is sold once to 50 buyers at the same time", async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, () => create(newBuyer().token, lastSeat)))
  const statuses = answers.map(({ status }) => status)
  assert.equal(statuses.filter((status) => status === 201).length, 1, String(statuses))
  assert.equal(statuses.filter((status) => status === 409).length, 49, String(statuses))
})

await check("one Idempotency-Key in 50 creates at the same time makes one order and identical answers", async () => {
  const { token } = newBuyer()
  const headers = { "idempotency-key": randomUUID() }
  const answers = await Promise.all(Array.from({ length: 50 }, () => create(token, general(2), headers)))
  assert.equal(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size, 1)
  assert.equal(answers[0]?.status, 201, answers[0]?.text)
  const { body } = await call("GET", `${api}/orders`, { token })
  assert.equal(body.pagination.total, 1)
})

await check("the documentation page asks nobody else for anything", async () => {
  const { status, text } = await call("GET", `${first.url}/docs`)
  assert.equal(status, 200)
  const outside = [...text.matchAll(/(?:src|href)="(https?:[^"]+)"|@import[^;]*https?:[^;]+|url\((https?:[^)]+)\)/g)]
  assert.deepEqual(
    outside.map(([found]) => found),
    []
  )
})

await check("unmatched routes and bad bodies are told as problems", async () => {
  const lost = await call("GET", `${first.url}/nowhere`)
  assert.equal(lost.status, 404)
  assert.equal(lost.body.code, "ROUTE_NOT_FOUND")
  const bad = await create(buyer.token, general(0))
  assert.equal(bad.status, 400)
  assert.equal(bad.body.code, "VALIDATION_ERROR")
  assert.ok(bad.headers.get("content-type")?.startsWith("application/problem+json"))
})

await check("a second start on the same ports says so in one line", async () => {
  const { code, output } = await runStart(clone, { ...env, ORDER_DATA_FOLDER: join(home, "second") })
  assert.notEqual(code, 0)
  assert.match(output, new RegExp(`(${port}|${tickets}|${payments}|${events})`))
  assert.doesNotMatch(output, /\n\s+at .*:\d+:\d+/)
})

await check("it prepares a faster start for the next time", async () => {
  const prepared = join(clone, "packages/server/node_modules/.cache/start")
  await eventually(
    "the bundle of the program",
    async () => globSync("*/start.mjs", { cwd: prepared }),
    (found) => found.length === 1,
    60
  )
})

await check("Ctrl-C stops it", async () => {
  await first.stop()
  await assert.rejects(fetch(`${first.url}/health/liveness`))
})

const second = await startServer(clone, env)
console.log(`        ready ${second.readyAfterSeconds.toFixed(1)} s after a later start`)
await check("orders survive a restart", async () => {
  assert.equal((await getOrder(buyer.token, paidOrder)).body.status, "CONFIRMED")
})
await second.kill()

const shortHold = {
  RESERVATION_DURATION_MINUTES: "0.05",
  RESERVATION_GRACE_PERIOD_MINUTES: "0",
  EXPIRATION_CHECK_INTERVAL_MINUTES: "0.02"
}
const third = await startServer(clone, { ...env, ...shortHold })
await check("orders survive a kill -9", async () => {
  assert.equal((await getOrder(buyer.token, paidOrder)).body.status, "CONFIRMED")
})

await check("an order that nobody pays expires and gives its stock back", async () => {
  const { token } = newBuyer()
  const availability = async () => {
    const journal = await call("GET", `http://127.0.0.1:${tickets}/sandbox/journal?limit=1000`)
    return journal.text
  }
  const { body } = await create(token, general(3))
  await eventually(
    "expiry",
    () => getOrder(token, body.id),
    (order) => order.body.status === "EXPIRED",
    30
  )
  await eventually("release", availability, (text) => text.includes(body.id) && /released/i.test(text), 15)
})
await third.stop()

const [busy = 0] = more
await check("a busy port is told in one line", async () => {
  const blocker = createServer().listen(busy, "0.0.0.0")
  try {
    const { code, output } = await runStart(clone, { ...env, PORT: String(busy) })
    assert.equal(code, 1)
    assert.match(output, new RegExp(`Port ${busy} is in use by another program: set PORT to a free one\\.`))
    assert.doesNotMatch(output, /\n\s+at .*:\d+:\d+/)
  } finally {
    blocker.close()
  }
})

await check("a bad variable is named and ends with 78", async () => {
  const { code, output } = await runStart(clone, { ...env, PROCESSING_FEE_PERCENTAGE: "much" })
  assert.equal(code, 78, output)
  assert.ok(output.includes("PROCESSING_FEE_PERCENTAGE"), output)
  assert.doesNotMatch(output, /\n\s+at .*:\d+:\d+/)
})

await check("a folder that can not be written is told in one line", async () => {
  const blocked = join(home, "blocked")
  mkdirSync(blocked)
  chmodSync(blocked, 0o500)
  // Root may write anywhere but into a device.
  const folder = process.getuid?.() === 0 ? "/dev/null/data" : join(blocked, "data")
  const { code, output } = await runStart(clone, { ...env, ORDER_DATA_FOLDER: folder })
  assert.equal(code, 1)
  assert.ok(output.includes(folder), output)
  assert.doesNotMatch(output, /\n\s+at .*:\d+:\d+/)
})

rmSync(home, { recursive: true, force: true })
process.exitCode = finish()
