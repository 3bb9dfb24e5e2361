/**
 * A grace may be part of a minute (RESERVATION_GRACE_PERIOD_MINUTES=0.5): the whole minutes of 0001 could not hold one.
 */
export const graceFractions: ReadonlyArray<string> = [
  `alter table orders alter column hold_grace_minutes type double precision`
]
