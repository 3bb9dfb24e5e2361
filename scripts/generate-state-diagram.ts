/**
 * Writes the state diagram of docs/architecture.md from the transition table.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { stateDiagram } from "@tickettoken/order-domain/OrderTransitions"

const file = new URL("../docs/architecture.md", import.meta.url)
const start = "<!-- state-diagram:start -->"
const end = "<!-- state-diagram:end -->"

/** The document with the diagram of the table in its marked place. */
export const withDiagram = (document: string): string => {
  const [before, rest] = document.split(start)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error("docs/architecture.md has lost its diagram markers")
  return `${before}${start}\n\n\`\`\`mermaid\n${stateDiagram()}\n\`\`\`\n\n${end}${after}`
}

/** The document as it is checked in. */
export const checkedIn = (): string => readFileSync(file, "utf8")

if (import.meta.main) writeFileSync(file, withDiagram(checkedIn()))
