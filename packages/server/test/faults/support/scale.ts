/**
 * How large the races are: `FAULT_SCALE=10` runs ten times the rounds of an ordinary run.
 */
const scale = Number(process.env["FAULT_SCALE"] ?? 1)

/** So many rounds in an ordinary run. */
export const rounds = (ordinary: number): number => Math.ceil(ordinary * scale)
