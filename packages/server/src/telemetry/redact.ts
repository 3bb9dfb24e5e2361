/**
 * The last line of defence before a text leaves the process for a log or a collector: what looks like a credential is
 * taken out of it.
 *
 * Nothing is supposed to hold one. Secrets are redacted values, causes are told without their details, and no header or
 * body is logged; this is for the line that somebody writes one day all the same (A32).
 */

const HIDDEN = "<redacted>"

/** Parts of names whose values are nobody's business. */
const secretName = "(?:authorization|cookie|credential|passwd|password|secret|token)"

const rules: ReadonlyArray<readonly [RegExp, string]> = [
  // "clientSecret": "...", "x-auth-token": "..."
  [new RegExp(String.raw`("[\w.-]*${secretName}[\w.-]*"\s*:\s*)"(?:[^"\\]|\\.)*"`, "gi"), `$1"${HIDDEN}"`],
  // The same in JSON that stands in a string of JSON.
  [new RegExp(String.raw`(\\"[\w.-]*${secretName}[\w.-]*\\"\s*:\s*)\\"[^"\\]*\\"`, "gi"), `$1\\"${HIDDEN}\\"`],
  // The same as OTLP writes it.
  [
    new RegExp(String.raw`("key":"[\w.-]*${secretName}[\w.-]*","value":\{"stringValue":)"(?:[^"\\]|\\.)*"`, "gi"),
    `$1"${HIDDEN}"`
  ],
  [/\b(Bearer|Basic|Service-Key)\s+[^\s"'\\,;]+/gi, `$1 ${HIDDEN}`],
  // A token that stands alone, and the secret of a payment intent.
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, HIDDEN],
  [/\b\w+_secret_\w+/g, HIDDEN],
  // The password in an address.
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@"']*:)[^\s/@"']+@/gi, `$1${HIDDEN}@`]
]

/** The text without what looks like a credential. JSON stays JSON. */
export const redact = (text: string): string =>
  rules.reduce((clean, [shape, instead]) => clean.replace(shape, instead), text)
