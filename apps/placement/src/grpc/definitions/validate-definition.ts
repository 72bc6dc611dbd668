import { z } from 'zod';
import type { definitionV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { configFormats } from '../../config/domain/decode.js';
import { ConfigError } from '../../config/domain/problems.js';
import { findContent } from '../../definitions/store/definitions.js';
import { checkKind, readDefinition } from '../../definitions/validate.js';
import { parseInput } from '../input.js';
import type { DefinitionDeps } from './deps.js';

export const textInput = z.object({ format: z.enum(configFormats, 'json or yaml'), text: z.string() });

/** Says everything that is wrong with a text as a definition; writes nothing. */
export const validateDefinition = ({
  database,
}: DefinitionDeps): Rpc<definitionV1.ValidateDefinitionRequest, definitionV1.ValidateDefinitionResponse> =>
  rpc('definition.read', async (request) => {
    const { format, text } = parseInput(textInput, request);
    try {
      const { definition, sha256 } = readDefinition(text, format);
      await checkKind(database, definition);
      const present = await findContent(database, sha256);
      return { code: '', problems: [], sha256, name: definition.name, version: present?.version ?? 0 };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return { code: error.code, problems: [...error.problems], sha256: '', name: '', version: 0 };
    }
  });
