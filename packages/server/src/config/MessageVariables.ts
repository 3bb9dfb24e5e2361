/**
 * The variables of messages: where RabbitMQ is, and how much of it is used.
 */
import { Duration, Redacted, Result } from "effect"
import type { RabbitAddress } from "../rabbitmq/Session.ts"
import * as Kind from "./ConfigKinds.ts"
import { urlPart } from "./urlPart.ts"
import { optional, withDefault } from "./Variable.ts"

const PLAIN_PORT = 5672
const TLS_PORT = 5671

/** The account that RabbitMQ has from the start, for its own machine only. */
export const FIRST_ACCOUNT = "guest"

const rabbitUrl: Kind.Kind<RabbitAddress> = {
  label: "amqp or amqps URL",
  read: (text) => {
    const url = URL.parse(text)
    const virtualHost = urlPart(/^\/?([^/]*)$/.exec(url?.pathname ?? "//")?.[1] ?? "%")
    const username = urlPart(url?.username ?? "")
    const password = urlPart(url?.password ?? "")
    const isBroker = url !== null && ["amqp:", "amqps:"].includes(url.protocol) && url.hostname !== ""
    const isWhole = virtualHost !== undefined && username !== undefined && password !== undefined
    if (!isBroker || !isWhole || url.search !== "" || url.hash !== "") {
      return Result.fail(["must be a URL such as amqp://user:password@host:5672/vhost, with a host"])
    }
    const tls = url.protocol === "amqps:"
    const isNobody = username === "" && password === ""
    return Result.succeed({
      host: url.hostname.replaceAll(/^\[|\]$/g, ""),
      port: url.port === "" ? (tls ? TLS_PORT : PLAIN_PORT) : Number(url.port),
      tls,
      virtualHost: virtualHost === "" ? "/" : virtualHost,
      username: isNobody ? FIRST_ACCOUNT : username,
      password: Redacted.make(isNobody ? FIRST_ACCOUNT : password, { label: "RABBITMQ_URL" })
    })
  }
}

/** A batch is confirmed or given up well before its lease of ten seconds ends. */
const CONFIRM_TIMEOUT_MAX = Duration.seconds(8)

/** By the name under which the server knows each one. */
export const messageVariables = {
  rabbitUrl: optional({
    name: "RABBITMQ_URL",
    section: "Messages",
    kind: rabbitUrl,
    secret: true,
    description:
      "Where facts of orders are told to others and payments to us. Never needed to start: while RabbitMQ is away messages wait as rows. Without it an embedded run has a bus inside the process, and in production messages wait."
  }),
  confirmTimeout: withDefault({
    name: "ORDER_RABBITMQ_CONFIRM_TIMEOUT_SECONDS",
    section: "Messages",
    kind: Kind.seconds(0.1, Duration.toSeconds(CONFIRM_TIMEOUT_MAX)),
    default: "5",
    description: "How long RabbitMQ has to confirm what is published; what it has not is published again later."
  }),
  prefetch: withDefault({
    name: "ORDER_RABBITMQ_PREFETCH",
    section: "Messages",
    kind: Kind.whole("messages", 1, 1000),
    default: "16",
    description: "Messages of other services that one replica works on at a time."
  })
}
