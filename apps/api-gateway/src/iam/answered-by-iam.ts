/** Controllers whose routes an external IAM answers, where there is one. */
import {
  applyDecorators,
  Inject,
  Injectable,
  SetMetadata,
  UseInterceptors,
  type ArgumentMetadata,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { of, type Observable } from 'rxjs';
import type { Principal } from '@fairlead/auth';
import { principalOf } from '../edge/access.js';
import { answerMetadata, type Answer } from '../edge/answers.js';
import { SchemaPipe } from '../edge/parse.js';
import { identity, type Identity } from '../identity/identity.js';
import type { Iam } from './iam.js';

/** What a handler would be given, once it is found right. */
export interface Asked<Body> {
  readonly caller: Principal;
  readonly params: Readonly<Record<string, string>>;
  readonly body: Body;
}

/** What else belongs to passing a route on. */
export interface IamRule<Body = unknown> {
  /** Whom the handler answers all the same. */
  readonly own?: (caller: Principal, identity: Identity) => boolean;
  /** Throws for what is not sent on. */
  readonly before?: (asked: Asked<Body>) => void;
  /** Done here as well, once it is done there. */
  readonly after?: (identity: Identity, iam: Iam, asked: Asked<Body>) => Promise<void>;
}

const ruleMetadata = 'fairlead:iam-rule';

/**
 * An external IAM, where there is one, answers all routes of the controller, each in the form that its `@Answers` declares: what a request says is
 * validated first as for the handler, which is not called. A rule here is for all its routes.
 */
export const AnsweredByIam = (rule: IamRule = {}) => applyDecorators(UseInterceptors(IamInterceptor), SetMetadata(ruleMetadata, rule));

/** A rule for one route of such a controller. */
export const ToIam = <Body>(rule: IamRule<Body>) => SetMetadata(ruleMetadata, rule);

@Injectable()
export class IamInterceptor implements NestInterceptor {
  private readonly pipe = new SchemaPipe();

  constructor(@Inject(identity) private readonly identity: Identity) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const { iam } = this.identity;
    if (iam === undefined) return next.handle();
    const [request, reply] = [context.switchToHttp().getRequest<FastifyRequest>(), context.switchToHttp().getResponse<FastifyReply>()];
    const rules = [context.getClass(), context.getHandler()].map(
      (target) => Reflect.getMetadata(ruleMetadata, target) as IamRule | undefined,
    );
    const { own, before, after }: IamRule = { ...rules[0], ...rules[1] };
    const caller = principalOf(request);
    if (own?.(caller, this.identity) === true) return next.handle();
    const asked = { caller, ...(await this.inputOf(context, request)) };
    before?.(asked);
    const { schema } = Reflect.getMetadata(answerMetadata, context.getHandler()) as Answer;
    const passed = { request, reply, caller };
    let answer: unknown;
    if (schema === undefined) await iam.pass(passed);
    else answer = await iam.pass(passed, schema);
    await after?.(this.identity, iam, asked);
    return of(answer);
  }

  /** Finds right what the handler takes, in the order in which Nest does: keys and preconditions first, then what has a schema. */
  private async inputOf(context: ExecutionContext, request: FastifyRequest): Promise<Omit<Asked<unknown>, 'caller'>> {
    const declared = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), context.getHandler().name) as
      Readonly<Record<string, Argument>> | undefined;
    const given = Object.entries(declared ?? {});
    for (const [, { factory, data }] of given) factory?.(data, context);
    const values: Record<'body' | 'query' | 'param', unknown> = { body: request.body, query: request.query, param: request.params };
    const params: Record<string, string> = {};
    let body: unknown;
    for (const [key, { schema, data }] of given) {
      const type = sources[Number(key.split(':')[0])];
      if (type === undefined) continue;
      const value = data === undefined ? values[type] : (values[type] as Record<string, unknown>)[data];
      const found = await this.pipe.transform(value, { type, schema, data } as ArgumentMetadata);
      if (type === 'body') body = found;
      if (type === 'param' && data !== undefined) params[data] = String(found);
    }
    return { params, body };
  }
}

/** A parameter of a handler, as Nest's decorators describe it. */
interface Argument {
  readonly data?: string;
  readonly schema?: ArgumentMetadata['schema'];
  readonly factory?: (data: unknown, context: ExecutionContext) => unknown;
}

const sources: Readonly<Partial<Record<number, 'body' | 'query' | 'param'>>> = {
  [RouteParamtypes.BODY]: 'body',
  [RouteParamtypes.QUERY]: 'query',
  [RouteParamtypes.PARAM]: 'param',
};
