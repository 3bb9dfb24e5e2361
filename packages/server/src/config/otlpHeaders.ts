/**
 * Headers for a collector as OpenTelemetry writes them in one variable: `name=value,name=value`, percent-encoded.
 */

const PAIR = /^\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*([\x21-\x7e]*)\s*$/

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** The headers; `undefined` if the text does not say any. */
export const otlpHeadersOf = (text: string): Readonly<Record<string, string>> | undefined => {
  const headers: Record<string, string> = {}
  for (const pair of text.split(",")) {
    const [, name, encoded = ""] = PAIR.exec(pair) ?? []
    const value = decoded(encoded)
    if (name === undefined || value === undefined || !/^[\x20-\x7e]*$/.test(value)) return undefined
    headers[name.toLowerCase()] = value
  }
  return headers
}
