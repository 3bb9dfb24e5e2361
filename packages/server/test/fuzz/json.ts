/** JSON that nobody has typed, step by step. */

export type JsonObject = { readonly [key: string]: unknown }

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : {})
export const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])
export const numberOf = (value: unknown, otherwise: number): number => (typeof value === "number" ? value : otherwise)
export const textOf = (value: unknown): string => (typeof value === "string" ? value : "")
