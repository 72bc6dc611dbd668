/** The gateway's operations on orgs, their projects, and the keys of these. */
import type { Body, Schema } from '@fairlead/api-client';
import type { Loose } from './http/answer.js';
import type { Caller, PageRequest } from './http/caller.js';

export type Org = Loose<Schema<'Org'>>;
export type Project = Loose<Schema<'Project'>>;
export type ProjectKey = Loose<Schema<'ProjectKey'>>;

const once = (key: string) => ({ 'Idempotency-Key': key });

/** Binds these operations to a client. */
export function createOrgsApi({ one, list }: Caller) {
  return {
    orgs: (page: PageRequest) => list('orgs.list', {}, page),
    org: (org: string) => one('orgs.get', { path: { org } }, ['name']),
    createOrg: (body: Body<'orgs.create'>, key: string) => one('orgs.create', { headers: once(key), body }, ['name']),
    changeOrg: (org: string, body: Body<'orgs.change'>, ifMatch: string) =>
      one('orgs.change', { path: { org }, headers: { 'If-Match': ifMatch }, body }, ['name']),
    deleteOrg: (org: string, ifMatch: string) => one('orgs.delete', { path: { org }, headers: { 'If-Match': ifMatch } }),

    projects: (org: string, page: PageRequest) => list('projects.list', {}, page, { org }),
    project: (org: string, project: string) => one('projects.get', { path: { org, project } }, ['name']),
    createProject: (org: string, body: Body<'projects.create'>, key: string) =>
      one('projects.create', { path: { org }, headers: once(key), body }, ['name']),
    changeProject: (org: string, project: string, body: Body<'projects.change'>, ifMatch: string) =>
      one('projects.change', { path: { org, project }, headers: { 'If-Match': ifMatch }, body }, ['name']),
    deleteProject: (org: string, project: string, ifMatch: string) =>
      one('projects.delete', { path: { org, project }, headers: { 'If-Match': ifMatch } }),

    keys: (org: string, project: string, page: PageRequest) => list('projectKeys.list', {}, page, { org, project }),
    createKey: (org: string, project: string, body: Body<'projectKeys.create'>, key: string) =>
      one('projectKeys.create', { path: { org, project }, headers: once(key), body }, ['key']),
    rotateKey: (org: string, project: string, keyId: string, overlapHours: number | undefined, key: string) =>
      one('projectKeys.rotate', { path: { org, project, key: keyId }, headers: once(key), body: { overlap_hours: overlapHours } }, ['key']),
    revokeKey: (org: string, project: string, keyId: string) => one('projectKeys.revoke', { path: { org, project, key: keyId } }),
  };
}
