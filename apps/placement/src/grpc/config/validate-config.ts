import { z } from 'zod';
import type { configV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { configFormats } from '../../config/domain/decode.js';
import { ConfigError } from '../../config/domain/problems.js';
import { validateText } from '../../config/validate.js';
import { parseInput } from '../input.js';
import type { ConfigDeps } from './deps.js';
import { identityInput } from './input.js';

export const documentInput = z.object({ identity: identityInput, format: z.enum(configFormats, 'json or yaml'), text: z.string() });

/** Says everything that is wrong with a text as the content of a document; writes nothing. */
export const validateConfig = (deps: ConfigDeps): Rpc<configV1.ValidateConfigRequest, configV1.ValidateConfigResponse> =>
  rpc('config.read', async (request) => {
    const { identity, format, text } = parseInput(documentInput, request);
    try {
      const { sha256, content } = await validateText(deps, identity, text, format);
      return { code: '', problems: [], sha256, content };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return { code: error.code, problems: [...error.problems], sha256: '', content: '' };
    }
  });
