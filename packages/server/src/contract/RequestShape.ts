/**
 * What every endpoint refuses before it looks at an order: bodies that are too long, are not JSON or do not fit.
 *
 * The middleware also stands for the 500 in the contract: a defect anywhere becomes that one answer.
 */
import { HttpApiMiddleware } from "effect/http-api"
import {
  BodyTooLargeProblem,
  InternalErrorProblem,
  UnsupportedMediaTypeProblem,
  ValidationProblem
} from "./Problems.ts"

export class RequestShape extends HttpApiMiddleware.Service<RequestShape>()(
  "@tickettoken/order-server/contract/RequestShape",
  { error: [ValidationProblem, BodyTooLargeProblem, UnsupportedMediaTypeProblem, InternalErrorProblem] }
) {}
