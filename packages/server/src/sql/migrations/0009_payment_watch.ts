/**
 * The payment watch looks for orders by their age: one more instant that the jobs' role may see of them (rule 3.13).
 */
export const paymentWatch: ReadonlyArray<string> = [`grant select (created_at) on orders to orders_jobs`]
