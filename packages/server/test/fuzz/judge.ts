/** What no answer may be, whatever was asked: undeclared, of another shape, too trusting, or telling of our insides. */
import type { Principal } from "../http/access/principals.ts"
import { accessTable, isForServices } from "../http/access/accessTable.ts"
import type { Answer } from "../http/support/send.ts"
import { allows, type Endpoint } from "./document.ts"
import { objectOf } from "./json.ts"
import type { Made } from "./requests.ts"

/** Of code, of the database, of where we run. */
const insides = /node_modules|\.ts:\d|\bat \w+[. ]\w* \(|SqlError|postgres|127\.0\.0\.1|\bselect .+ from\b/i

const shapeFault = ({ responses }: Endpoint, { headers, json, status }: Answer): string | undefined => {
  const declared = responses[String(status)]
  if (declared === undefined) return "a status that is not declared"
  const contents = objectOf(objectOf(declared)["content"])
  const type = headers["content-type"] ?? ""
  if (!(type in contents)) return `a content type that is not declared: ${type}`
  return allows(objectOf(contents[type])["schema"], json) ? undefined : "a body that is not as declared"
}

/** Who must be refused before anybody looks at the request. */
const accessFault = ({ key }: Endpoint, principal: Principal, { status }: Answer): string | undefined => {
  const row = accessTable[key]
  if (row === undefined) return undefined
  const expected = principal.expects(row, "own")
  if ((expected === 401) !== (status === 401)) return `${status} for ${principal.name}`
  if (isForServices(row) && (expected === 403) !== (status === 403)) return `${status} for ${principal.name}`
  // Staff may change what they have bought themselves; what is about no order is for the role or not.
  const isForRole = row.elsewhere === null || (!isForServices(row) && row.roleFirst === true)
  return isForRole && expected === 403 && status < 300 ? `let in ${principal.name}` : undefined
}

/** Every fault of an answer. */
export const faultsOf = (
  endpoint: Endpoint,
  made: Made,
  principal: Principal,
  answer: Answer
): ReadonlyArray<string> => {
  const { status, text } = answer
  return [
    shapeFault(endpoint, answer),
    accessFault(endpoint, principal, answer),
    status >= 500 ? "a 5xx" : undefined,
    status < 400 && !made.valid ? "took what the document does not allow" : undefined,
    status >= 400 && insides.test(text) ? "tells of our insides" : undefined,
    "polluted" in {} ? "moved a prototype" : undefined
  ].filter((fault) => fault !== undefined)
}
