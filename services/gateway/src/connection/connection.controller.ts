import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { Commands, idOfNew, invalid, notFound, type FieldError } from '@throughline/event-sourcing';
import { Answers, IdPipe, Records, ServiceConfig, ownUrl, type RecordAnswer } from '@throughline/service';
import type { FastifyRequest } from 'fastify';
import { DataSource } from 'typeorm';
import { requireAdministrator } from '../access/access.controller.ts';
import { Deliveries } from '../hooks/deliveries.store.ts';
import { DeliveriesQuery, Delivery, DeliveryPage } from '../hooks/delivery.dto.ts';
import { ConnectionRow } from './connection-list.view.ts';
import { ChangeConnectionDto, Connection, ConnectionPage, MakeConnectionDto, type AuthDto } from './connection.dto.ts';
import { connection } from './connection.ts';
import { Connections, authOf, type Secrets } from './connections.store.ts';

@Controller('connections')
@Answers(Connection)
export class ConnectionController {
  constructor(
    private readonly commands: Commands,
    private readonly records: Records,
    private readonly connections: Connections,
    private readonly deliveries: Deliveries,
    private readonly database: DataSource,
    private readonly config: ServiceConfig,
  ) {}

  @Post()
  async make(@Body() body: MakeConnectionDto, @Req() request: FastifyRequest): Promise<RecordAnswer> {
    requireAdministrator(request);
    const { id = idOfNew(connection.category), name, kind, mapping, readBack } = body;
    checkAuth(body.auth);
    const given = {
      secret: body.secret !== undefined,
      auth: body.auth !== undefined,
      readBack: readBack !== undefined,
    };
    const made = await this.commands.execute(
      connection,
      id,
      {
        type: 'MakeConnection',
        name,
        kind,
        given,
        ...(mapping !== undefined && { mapping }),
        ...(readBack && { readBackUrl: readBack.url }),
      },
      { body },
    );
    await this.connections.keep(id, secretsOf(body));
    return this.#shown(made, request);
  }

  @Get()
  @Answers(ConnectionPage)
  async list(@Req() request: FastifyRequest) {
    const rows = await this.database.getRepository(ConnectionRow).find({ order: { createdAt: 'asc', id: 'asc' } });
    return { items: rows.map((row) => ({ ...row, hookUrl: this.#hookUrl(row.id, request) })), nextCursor: null };
  }

  @Get(':id')
  async read(@Param('id', IdPipe) id: string, @Req() request: FastifyRequest): Promise<RecordAnswer> {
    return this.#shown(await this.records.read(connection, id), request);
  }

  @Get(':id/history')
  history(@Param('id', IdPipe) id: string) {
    return this.records.history(connection, id);
  }

  @Patch(':id')
  async change(@Param('id', IdPipe) id: string, @Body() body: ChangeConnectionDto, @Req() request: FastifyRequest) {
    requireAdministrator(request);
    const { name, mapping, readBack } = body;
    checkAuth(body.auth);
    const secrets = secretsOf(body);
    const changes = {
      ...(name !== undefined && { name }),
      ...(mapping !== undefined && { mapping }),
      ...(readBack && { readBackUrl: readBack.url }),
    };
    const secretsChanged = Object.keys(secrets).length > 0;
    const changed = await this.commands.execute(
      connection,
      id,
      { type: 'ChangeConnection', changes, secretsChanged },
      { body },
    );
    if (secretsChanged) await this.connections.keep(id, secrets);
    this.connections.forget(id);
    return this.#shown(changed, request);
  }

  @Delete(':id')
  async archive(@Param('id', IdPipe) id: string, @Req() request: FastifyRequest) {
    requireAdministrator(request);
    const archived = await this.commands.execute(connection, id, { type: 'ArchiveConnection' });
    this.connections.forget(id);
    return this.#shown(archived, request);
  }

  @Get(':id/deliveries')
  @Answers(DeliveryPage)
  async listDeliveries(@Param('id', IdPipe) id: string, @Query() query: DeliveriesQuery) {
    await this.records.read(connection, id);
    return this.deliveries.list(id, query);
  }

  @Post(':id/deliveries/:delivery/retry')
  @Answers(Delivery)
  @HttpCode(202)
  async retry(
    @Param('id', IdPipe) id: string,
    @Param('delivery', IdPipe) delivery: string,
    @Req() request: FastifyRequest,
  ) {
    requireAdministrator(request);
    const retried = await this.deliveries.retry(id, delivery);
    if (!retried) throw notFound('delivery-not-found');
    return retried;
  }

  #shown(answer: RecordAnswer, request: FastifyRequest): RecordAnswer {
    const { id, version, position, fields } = answer;
    return { id, version, position, fields: { ...fields, hookUrl: this.#hookUrl(id, request) } };
  }

  #hookUrl(id: string, request: FastifyRequest): string {
    return `${ownUrl(this.config, request)}/hooks/${id}`;
  }
}

const secretsOf = ({ secret, auth, readBack }: ChangeConnectionDto): Secrets => ({
  ...(secret !== undefined && { secret }),
  ...(auth && { auth: authOf(auth) }),
  ...(readBack && { readBack: { url: readBack.url, user: readBack.user, password: readBack.password } }),
});

function checkAuth(auth: AuthDto | undefined): void {
  if (!auth) return;
  const needed = auth.type === 'bearer' ? (['token'] as const) : (['user', 'password'] as const);
  const errors: FieldError[] = needed
    .filter((name) => !auth[name])
    .map((name) => ({ path: `auth.${name}`, code: 'required' }));
  if (errors.length > 0) throw invalid('invalid-connection', errors);
}
