import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderSegments, renderSealing } from '../view/segments.js';
import { printPage } from '../view/page.js';

/** `fairlead audit segments` */
export function auditSegments(parent: Command, run: Run): void {
  addPageOptions(parent.command('segments').description('list the sealed segments of the trail, and how far sealing has come')).action(
    (options: PageOptions, command: Command) =>
      run(command, async (context) => {
        const segments = await context.api().segments(options);
        printPage(context, segments, (items) => `${renderSegments(items)}${renderSealing(segments.sealing)}`);
      }),
  );
}
