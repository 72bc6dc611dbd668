import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { RequirePermission } from '../edge/access.js';
import { Answers } from '../edge/answers.js';
import { asCaller, configClient, orNull, type ConfigClient } from '../edge/clients.js';
import { jsonObject, reason } from '../edge/parse.js';
import { configDomain, documentFields } from './config.js';

const wholeNumberField = z.int({ error: 'must be a whole number below 2^53', abort: true }).min(0, 'must not be negative');

/** A document as somebody has it: the text of a file. What is too large is refused with everything else that is wrong with it. */
export const documentText = {
  domain: configDomain,
  ...documentFields,
  format: z.enum(['json', 'yaml'], 'must be json or yaml').default('json'),
  text: z.string('must be the text of the document').max(1_000_000, 'is too long'),
};
const body = z.strictObject(documentText);

const expected_revision = wholeNumberField.optional();
/** What is to be put in force: a text, or the content itself; and what has to be in force when it is planned. */
export const applyBody = z
  .strictObject({
    domain: configDomain,
    ...documentFields,
    format: documentText.format,
    text: documentText.text.optional(),
    content: jsonObject.optional(),
    expected_revision,
    reason,
  })
  .refine(({ text, content }) => (text === undefined) !== (content === undefined), {
    path: ['text'],
    error: 'must be there, or content, and not both',
  });
/** The revision whose content is to be in force again; 0 is the domain's defaults. */
export const rollbackBody = z.strictObject({
  domain: configDomain,
  ...documentFields,
  revision: wholeNumberField,
  expected_revision,
  reason,
});

const verdictSchema = z
  .object({
    valid: z.boolean(),
    /** Of what is wrong. */
    code: z.enum(['config_decode', 'config_invalid', 'config_source']).nullable(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })),
    /** Of the document's canonical form. */
    sha256: z.string().nullable(),
  })
  .meta({ id: 'ConfigVerdict' });

@Controller('admin/v1/jobs/config')
export class ConfigValidateController {
  constructor(@Inject(configClient) private readonly config: ConfigClient) {}

  /** At once, without a job: it only looks. */
  @Post('validate')
  @RequirePermission('config.read')
  @Answers('Says everything that is wrong with a text as the content of a configuration document.', verdictSchema)
  @HttpCode(200)
  async validate(@Body({ schema: body }) { format, text, ...identity }: z.output<typeof body>) {
    const { code, problems, sha256 } = await this.config.validateConfig({ identity, format, text }, asCaller());
    return {
      valid: code === '',
      code: code === '' ? null : (code as 'config_invalid'),
      errors: problems.map(({ pointer, detail }) => ({ pointer, detail })),
      sha256: orNull(sha256),
    };
  }
}
