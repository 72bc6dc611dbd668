// Outlives a Jest run that was killed, and tidies up after it: node janitor.mjs <run folder> <pid of Jest>
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { alive, sweep } from './sweep.mjs';

const [runDir, pid] = [process.argv[2], Number(process.argv[3])];
while (existsSync(runDir) && alive(pid)) await delay(500);
// Workers notice the end of Jest by themselves and may have been starting a server just then.
for (let round = 0; round < 3 && existsSync(runDir); round += 1) {
  await sweep(runDir);
  await delay(1_000);
}
