import { Body, Controller, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { Commands, forbidden, idOfNew } from '@throughline/event-sourcing';
import { Answers, HttpProblem, IdPipe, Records, Tokens, type Identity } from '@throughline/service';
import type { FastifyRequest } from 'fastify';
import { AddUserDto, ApiKey, IssueApiKeyDto, Me, Session, SignInDto, User } from './access.dto.ts';
import { apiKey } from './api-key.ts';
import { Credentials, newApiKey } from './credentials.store.ts';
import { user } from './user.ts';

const sessionSeconds = 8 * 3600;

/** Administration is the administrators' alone. */
export function requireAdministrator({ identity }: FastifyRequest): void {
  if (!identity?.roles.includes('administrator')) throw forbidden('forbidden');
}

@Controller()
@Answers(User)
export class AccessController {
  constructor(
    private readonly commands: Commands,
    private readonly records: Records,
    private readonly credentials: Credentials,
    private readonly tokens: Tokens,
  ) {}

  @Post('sessions')
  @Answers(Session)
  async signIn(@Body() { email, password }: SignInDto) {
    const id = await this.commands.holderOf(user.category, `login:${email.trim().toLowerCase()}`);
    if (!(await this.credentials.checkPassword(id, password)) || !id) throw new HttpProblem(401, 'wrong-credentials');
    const { fields } = await this.records.read(user, id);
    const identity: Identity = { id, type: 'user', roles: fields['roles'] as string[] };
    return this.tokens.issue(identity, 'public', sessionSeconds);
  }

  @Get('.well-known/jwks.json')
  jwks() {
    return this.tokens.jwks();
  }

  @Get('me')
  @Answers(Me)
  async me(@Req() { identity }: FastifyRequest) {
    if (identity?.type !== 'user') return { id: identity?.id, type: identity?.type, roles: identity?.roles };
    return this.records.read(user, identity.id);
  }

  @Post('users')
  async addUser(@Body() body: AddUserDto, @Req() request: FastifyRequest) {
    requireAdministrator(request);
    const { id = idOfNew(user.category), password, ...fields } = body;
    // The password first: what is broken off in between can be repeated.
    if (!(await this.commands.exists(user.category, id))) await this.credentials.setPassword(id, password);
    return this.commands.execute(user, id, { type: 'AddUser', ...fields }, { body: { ...fields } });
  }

  @Get('users/:id')
  readUser(@Param('id', IdPipe) id: string) {
    return this.records.read(user, id);
  }

  /** The key itself is in this answer only. */
  @Post('api-keys')
  @Answers(ApiKey)
  async issueKey(@Body() body: IssueApiKeyDto, @Req() request: FastifyRequest) {
    requireAdministrator(request);
    const { id = idOfNew(apiKey.category), ...fields } = body;
    const issued = await this.commands.execute(apiKey, id, { type: 'IssueApiKey', ...fields });
    // It was told once; whoever lost it issues another one.
    if (issued.repeated) return issued;
    const key = newApiKey();
    await this.credentials.addApiKey(id, key, fields.roles);
    return { ...issued, fields: { ...issued.fields, key } };
  }

  @Delete('api-keys/:id')
  @Answers(ApiKey)
  @HttpCode(200)
  async revokeKey(@Param('id', IdPipe) id: string, @Req() request: FastifyRequest) {
    requireAdministrator(request);
    await this.credentials.removeApiKey(id);
    return this.commands.execute(apiKey, id, { type: 'RevokeApiKey' });
  }
}
