import { writeFileAtomically } from '@fairlead/config';
import type { PlacementSource } from '../format.js';
import { placementFiles, placementText, routingText } from './documents.js';

/**
 * Writes placement to the two files of a folder, each replaced as a whole. Between the two they are of different versions,
 * which readers wait out. The source must not change meanwhile. Throws what the file system answers.
 */
export async function writePlacementFiles(dir: string, source: PlacementSource): Promise<void> {
  const files = placementFiles(dir);
  await writeFileAtomically(files.routing, routingText(source));
  await writeFileAtomically(files.placement, placementText(source));
}
