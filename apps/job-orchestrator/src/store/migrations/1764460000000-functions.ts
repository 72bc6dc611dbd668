import type { MigrationInterface, QueryRunner } from 'typeorm';
import { archiveSql } from '../sql/archive.js';
import { beatSql } from '../sql/beat.js';
import { claimSql } from '../sql/claim.js';
import { finishSql } from '../sql/finish.js';
import { insertSql } from '../sql/insert.js';
import { loopsSql } from '../sql/loops.js';
import { transitionSql } from '../sql/transition.js';

/**
 * The engine's functions as they are now. When one changes, this gets another number and runs again; one whose parameters change is
 * given another name, since replicas of the release before go on with it. Those of theirs that nothing calls any more (`tell_transitions`,
 * `start_jobs`, `insert_jobs`) are left where they are.
 */
export class Functions1764460000000 implements MigrationInterface {
  name = 'Functions1764460000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [finishSql, insertSql, claimSql, transitionSql, beatSql, archiveSql, loopsSql]) await runner.query(sql);
    // Jobs that were taken over from a replica that had ended its lease were given back all the time that there is.
    await runner.query(`update job set deadline = now() + interval '1 hour' where deadline = 'infinity'`);
    await runner.query(`update step set clock_at = now() where clock_at = 'infinity'`);
    await runner.query(`update step set undo_clock_at = now() where undo_clock_at = 'infinity'`);
  }

  async down(): Promise<void> {
    return Promise.reject(new Error('the functions before are not kept; restore a backup instead'));
  }
}
