/** The endpoints of our OpenAPI document, one by one: what the matrix and the fuzzer are made from. */
import { OrderServiceApi } from "@tickettoken/order-server/contract/Api"
import { OpenApi } from "effect/http-api"

/** An endpoint, under the name that the access table has for it. */
export interface Operation {
  /** `METHOD path`, as in the document. */
  readonly key: string
  readonly method: string
  readonly path: string
}

export const operations: ReadonlyArray<Operation> = Object.entries(OpenApi.fromApi(OrderServiceApi).paths).flatMap(
  ([path, methods]) =>
    Object.keys(methods).map((name) => {
      const method = name.toUpperCase()
      return { key: `${method} ${path}`, method, path }
    })
)
