/**
 * The one answer to every credential that is not good.
 */
import { Schema } from "effect"

/**
 * The credential is missing, malformed, expired, forged or revoked. Which of these it is stays with us: a caller that
 * could tell them apart would learn something about the secret.
 */
export class InvalidCredential extends Schema.TaggedError<InvalidCredential>()("InvalidCredential", {}) {
  override get message(): string {
    return "the credential is not valid"
  }
}
