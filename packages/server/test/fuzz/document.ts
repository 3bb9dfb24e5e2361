/** Our OpenAPI document, and whether a piece of JSON is what it says: read by a validator that is not ours. */
import { OrderServiceApi } from "@tickettoken/order-server/contract/Api"
import { Ajv2020 } from "ajv/dist/2020.js"
import { OpenApi } from "effect/http-api"
import { isObject, type JsonObject, listOf, objectOf, textOf } from "./json.ts"

const parsed: unknown = JSON.parse(JSON.stringify(OpenApi.fromApi(OrderServiceApi)))
const document = objectOf(parsed)

export interface Parameter {
  readonly name: string
  readonly place: "path" | "query" | "header"
  readonly required: boolean
  readonly schema: unknown
}

/** An endpoint with all that a request to it consists of. */
export interface Endpoint {
  /** `METHOD path`, as the access table has it. */
  readonly key: string
  readonly method: string
  readonly path: string
  readonly parameters: ReadonlyArray<Parameter>
  /** `undefined`: it takes none. */
  readonly body: { readonly required: boolean; readonly schema: unknown } | undefined
  readonly responses: JsonObject
}

const placeOf = (text: unknown): Parameter["place"] => (text === "path" || text === "header" ? text : "query")

const parameterOf = (parameter: JsonObject): Parameter => ({
  name: textOf(parameter["name"]),
  place: placeOf(parameter["in"]),
  required: parameter["required"] === true,
  schema: parameter["schema"]
})

const endpointOf = (path: string, method: string, operation: JsonObject): Endpoint => {
  const body = objectOf(operation["requestBody"])
  const schema = objectOf(objectOf(body["content"])["application/json"])["schema"]
  return {
    key: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    path,
    parameters: listOf(operation["parameters"]).filter(isObject).map(parameterOf),
    body: schema === undefined ? undefined : { required: body["required"] !== false, schema },
    responses: objectOf(operation["responses"])
  }
}

export const endpoints: ReadonlyArray<Endpoint> = Object.entries(objectOf(document["paths"])).flatMap(
  ([path, methods]) =>
    Object.entries(objectOf(methods)).map(([method, operation]) => endpointOf(path, method, objectOf(operation)))
)

/** What a `$ref` of the document points to. */
export const resolve = (ref: string): unknown =>
  ref
    .replace(/^#\//, "")
    .split("/")
    .reduce<unknown>((value, key) => objectOf(value)[key], document)

const ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: false })
const components = { components: document["components"] }
const known = new Map<unknown, (value: unknown) => boolean>()

/** Whether the schema, which is a part of the document, allows the value. */
export const allows = (schema: unknown, value: unknown): boolean => {
  const found = known.get(schema)
  if (found !== undefined) return found(value)
  const compiled = ajv.compile(isObject(schema) ? { ...schema, ...components } : {})
  const check = (each: unknown): boolean => compiled(each) === true
  known.set(schema, check)
  return check(value)
}
