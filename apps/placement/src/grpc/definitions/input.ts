import { z } from 'zod';
import { reasonInput } from '../config/input.js';
import { nameInput, revisionInput } from '../input.js';

/** A change of one version. */
export const changeInput = z.object({ name: nameInput, version: revisionInput.positive('a version'), reason: reasonInput });
