export type * from './batch.ts';
export { ClientEngine } from './client-engine.ts';
export type { EngineOptions, QueueLimits } from './engine-options.ts';
export { Fifo } from './fifo.ts';
export { MessageEvent } from './message-event.ts';
export type { Negotiated } from './negotiated.ts';
export { NumberMap } from './number-map.ts';
export * from './request.ts';
export type * from './session-operation.ts';
