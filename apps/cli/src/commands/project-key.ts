import type { Command } from 'commander';
import type { Run } from '../context.js';
import { projectKeyCreate } from './project-key-create.js';
import { projectKeyList } from './project-key-list.js';
import { projectKeyRevoke } from './project-key-revoke.js';
import { projectKeyRotate } from './project-key-rotate.js';

/** `fairlead project key …` */
export function projectKey(parent: Command, run: Run): void {
  const group = parent.command('key').description('keys with which programs act as a project: list, create, rotate, revoke');
  for (const register of [projectKeyList, projectKeyCreate, projectKeyRotate, projectKeyRevoke]) register(group, run);
}
