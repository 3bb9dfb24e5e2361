/**
 * Writes down a process's compiled code soon after its start: one that is killed would never come to it, and every later
 * start would have to compile again.
 */
import { flushCompileCache } from "node:module"

const SETTLED_MILLIS = 5000

setTimeout(() => flushCompileCache(), SETTLED_MILLIS).unref()
