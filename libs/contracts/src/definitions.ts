/** Definitions of what runners do: effects and sagas, in versions that never change. */

/** An effect does something when events come; a saga takes back what it has done when it can't go on. */
export const definitionKinds = ['effect', 'saga'] as const;
export type DefinitionKind = (typeof definitionKinds)[number];
