export * from './ids.ts';
export * from './refusal.ts';
export * from './decider.ts';
export * from './context.ts';
export * from './copy.ts';
export * from './crypto.ts';
export * from './database.ts';
export * from './gather.ts';
export * from './keyring.ts';
export * from './codec.ts';
export * from './store-schema.ts';
export {
  ClaimTaken,
  CommandRepeated,
  VersionConflict,
  maxEventBytes,
  noStream,
  type Append,
  type Appended,
  type CommandKey,
  type Outcome,
  type StreamAppend,
  type StreamHead,
  type Succession,
} from './append.ts';
export * from './hash-chain.ts';
export * from './store.ts';
export * from './command.ts';
export * from './commands.ts';
export { checkConflicts, type FieldConflict } from './decision.ts';
export { forgetCommands, keepForgettingCommands } from './command-retention.ts';
export * from './feed.ts';
export * from './subscription.ts';
export {
  fold,
  document,
  touch,
  checkpointOf,
  type Fold,
  type DocumentView,
  type Touch,
  type ReadRows,
} from './view.ts';
export { elementsOf } from './element-table.ts';
export { ViewRunner } from './view-runner.ts';
export type { ViewJobKind, ViewJobResult } from './view-jobs.ts';
export * from './operations.ts';
export * from './breaker.ts';
export * from './dead-letters.ts';
export * from './policy-runner.ts';
export * from './leader.ts';
export * from './tracing.ts';
export * from './write-once.ts';
export {
  anchorPublicKey,
  anchorRestored,
  keepAnchors,
  writeAnchors,
  AnchorsDoNotFit,
  type Anchor,
  type AnchorOptions,
} from './anchors.ts';
export * from './verify-chain.ts';
export { eachOf } from './each-of.ts';
