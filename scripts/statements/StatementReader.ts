/**
 * Reads what a client of PostgreSQL says on one connection, and tells each statement with the role that it runs as.
 *
 * Knows three messages of the protocol: Parse names a statement, Bind runs it, Query is text that is run at once. A
 * transaction of the service opens with `set_config('role', $1, true)`, and the role ends with the transaction.
 */

/** A statement of a role, with the types that the client has given its parameters; 0: the server decides. */
interface Sent {
  readonly role: string
  readonly types: ReadonlyArray<number>
  readonly text: string
}

/** Length, protocol and settings: the first message of a connection has no type. */
const isFirst = (bytes: Buffer): boolean => bytes[0] === 0

const untilNul = (bytes: Buffer, from: number): readonly [text: string, next: number] => {
  const end = bytes.indexOf(0, from)
  return [bytes.toString("utf8", from, end), end + 1]
}

const entersRole = /^\s*select set_config\('role', \$1, true\)/
const endsUnit = /^\s*(?:begin|commit|rollback(?! to))/i

export class StatementReader {
  readonly #tell: (sent: Sent) => void
  readonly #named = new Map<string, { readonly text: string; readonly types: ReadonlyArray<number> }>()
  #role: string | undefined
  #rest: Buffer = Buffer.alloc(0)

  constructor(tell: (sent: Sent) => void) {
    this.#tell = tell
  }

  /** The next bytes, as they come. */
  read(bytes: Buffer): void {
    let rest = Buffer.concat([this.#rest, bytes])
    for (;;) {
      const head = rest.length > 0 && isFirst(rest) ? 0 : 1
      if (rest.length < head + 4) break
      const end = head + rest.readUInt32BE(head)
      if (rest.length < end) break
      if (head === 1) this.#message(String.fromCharCode(rest[0] ?? 0), rest.subarray(5, end))
      rest = rest.subarray(end)
    }
    this.#rest = rest
  }

  #message(type: string, body: Buffer): void {
    if (type === "Q") this.#runs(untilNul(body, 0)[0], [])
    if (type === "P") {
      const [name, at] = untilNul(body, 0)
      const [text, next] = untilNul(body, at)
      const types = Array.from({ length: body.readUInt16BE(next) }, (_, nth) => body.readUInt32BE(next + 2 + 4 * nth))
      this.#named.set(name, { text, types })
    }
    if (type === "B") {
      const [name, at] = untilNul(body, untilNul(body, 0)[1])
      const statement = this.#named.get(name)
      if (statement === undefined) return
      if (entersRole.test(statement.text)) this.#role = firstParameter(body, at)
      else this.#runs(statement.text, statement.types)
    }
  }

  #runs(text: string, types: ReadonlyArray<number>): void {
    if (endsUnit.test(text)) this.#role = undefined
    else if (this.#role !== undefined) this.#tell({ role: this.#role, types, text })
  }
}

/** Of a Bind message, behind its names: formats, then values, each with its length. */
const firstParameter = (body: Buffer, at: number): string => {
  const value = at + 2 + 2 * body.readUInt16BE(at) + 2
  return body.toString("utf8", value + 4, value + 4 + body.readInt32BE(value))
}
