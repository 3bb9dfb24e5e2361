/**
 * The configuration as people read it: docs/configuration.md and .env.example, written from the table of variables.
 */
import { configTable } from "./ConfigTable.ts"
import { sections, type VariableInfo } from "./Variable.ts"

const GENERATED = "Written by scripts/generate-config-docs.ts from packages/server/src/config."

const defaultOf = ({ default: text, requiredInProduction }: VariableInfo): string =>
  text === null ? (requiredInProduction ? "required in production" : "none") : `\`${text}\``

const row = (info: VariableInfo): string =>
  [`\`${info.name}\``, info.type, defaultOf(info), info.description]
    .map((cell) => cell.replaceAll("|", "\\|"))
    .join(" | ")

const inSection = (section: string): ReadonlyArray<VariableInfo> =>
  configTable.filter((info) => info.section === section)

/** docs/configuration.md */
export const configurationPage = (): string =>
  [
    "# Configuration",
    "",
    `<!-- ${GENERATED} -->`,
    "",
    "Everything is read from the environment once, at the start. If anything is wrong the service says all of it, one line each, and exits with code 78.",
    "",
    "- A variable that is set and empty is a fault. Leave it out for the default.",
    "- An unknown variable that begins with `ORDER_` is a fault; what Kubernetes sets for a service named `order...` is let through.",
    "- Percentages are decimal, with at most two decimals, and are turned into basis points exactly.",
    "- Amounts are minor units (cents) and count in each supported currency.",
    "- Values are never printed.",
    "",
    "With `NODE_ENV=production` the variables marked so must be set, and known samples, passwords that are empty and secrets that are too short or too uniform are refused.",
    ...sections.flatMap((section) => [
      "",
      `## ${section}`,
      "",
      "| Variable | Holds | Default | Meaning |",
      "|---|---|---|---|",
      ...inSection(section).map((info) => `| ${row(info)} |`)
    ]),
    ""
  ].join("\n")

/** As a comment: uncommented and left as it is, a variable without a default is empty, and that is a fault. */
const assignment = ({
  default: text,
  description,
  name,
  requiredInProduction
}: VariableInfo): ReadonlyArray<string> => [
  `# ${description.replaceAll("`", "")}${requiredInProduction ? " Required in production." : ""}`,
  `# ${name}=${text ?? ""}`
]

/** .env.example: every line a comment, because what is left out is what the default says. */
export const envExample = (): string =>
  [
    `# ${GENERATED}`,
    "# Uncomment what you change. A variable that is set and empty is a fault.",
    ...sections.flatMap((section) => [
      "",
      `# --- ${section} ---`,
      ...inSection(section).flatMap((info) => ["", ...assignment(info)])
    ]),
    ""
  ].join("\n")
