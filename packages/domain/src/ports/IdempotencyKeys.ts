/**
 * The rows of idempotency keys. They are claimed by `OrderStore.create` and `OrderStore.commit`, in the transaction of
 * the effect; here they are read and finished.
 */
import { Context, type Effect } from "effect"
import type { IdempotencyClaim, IdempotencyKeyUsed, KeyVerdict, StoredAnswer } from "../Idempotency.ts"
import type { ServiceUnavailable } from "../OrderErrors.ts"

export class IdempotencyKeys extends Context.Service<
  IdempotencyKeys,
  {
    /** What this claim leads to; `IdempotencyKeyUsed` when only the permanent key of an order or refund is left. */
    readonly lookup: (claim: IdempotencyClaim) => Effect.Effect<KeyVerdict, IdempotencyKeyUsed | ServiceUnavailable>
    /**
     * Stores the final answer unless there is one, and gives back the one that is stored. A refused request that
     * changed nothing gets its row here.
     */
    readonly finish: (claim: IdempotencyClaim, answer: StoredAnswer) => Effect.Effect<StoredAnswer, ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/IdempotencyKeys") {}
