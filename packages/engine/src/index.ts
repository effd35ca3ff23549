export * from './batch.ts';
export { ClientEngine, type EngineOptions, type QueueLimits } from './client-engine.ts';
export type { Negotiated } from './negotiated.ts';
export { NumberMap } from './number-map.ts';
