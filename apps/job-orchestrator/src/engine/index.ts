/** The engine without its service: for programs that run replicas of their own over job kinds of their own. */
export { createPlan, type PlanDependencies } from '../plans.js';
export { startJob, type JobDependencies } from '../start-job.js';
export { migrations } from '../store/migrations/index.js';
export { startEngine, type Engine, type EngineOptions } from './engine.js';
export { type JobKind, type Step, type StepContext } from './kind.js';
export { startLoops, type LoopKind, type LoopMetrics } from './loops.js';
export { jobPokes } from './pokes.js';
export { createEngineMetrics, createLoopMetrics, type EngineMetrics } from './metrics.js';
