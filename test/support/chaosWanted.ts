/** Whether the run of real processes in chaos is to be played with the other tests: `CHAOS=1`. */
export const isChaosWanted = process.env["CHAOS"] === "1"
