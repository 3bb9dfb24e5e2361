/** Whether the runs of real processes in chaos are to be played: `CHAOS=1`. */
export const isChaosWanted = process.env["CHAOS"] === "1"
