export { configSchema, type SimConfig } from './config.js';
export { createSim, type Sim, type SimOverrides } from './sim.js';
export type { Figures, Findings } from './checker/checker.js';
export { PlacementBoard, placementOf, type PlacementFeed, type PlacementView } from './placement.js';
