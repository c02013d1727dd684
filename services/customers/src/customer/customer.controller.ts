import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Put, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse } from '@nestjs/swagger';
import { Commands, idOfNew, notFound, recordId } from '@throughline/event-sourcing';
import { Answers, AtQuery, HistoryQuery, IdPipe, type RecordAnswer } from '@throughline/service';
import { CustomerNumbers } from './customer-numbers.store.ts';
import { ChangeCustomerDto, CreateCustomerDto, CreatedCustomer, Customer } from './customer.dto.ts';
import { customer, type CustomerCommand } from './customer.ts';
import { isSkipped, skipHeader } from '../duplicates/duplicate.dto.ts';
import { GuardedCustomers, isCreated } from '../duplicates/guarded-customers.store.ts';
import { GoldenCustomers } from './golden-customers.store.ts';
import { metId } from './met.ts';
import { NamedCustomers } from './named-customers.store.ts';
import { claimOf, withEmail } from './unique-keys.ts';

const entering = (skip: string | undefined) => ({ skip: isSkipped(skip) });

@Controller('customers')
@Answers(Customer)
export class CustomerController {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly guarded: GuardedCustomers,
    private readonly named: NamedCustomers,
    private readonly numbers: CustomerNumbers,
  ) {}

  /** With an `interaction`, customer and encounter in one command; the answer names the interaction's id. */
  @Post()
  @Answers(CreatedCustomer)
  async create(@Body() body: CreateCustomerDto, @Headers(skipHeader) skip?: string): Promise<RecordAnswer> {
    const { id = idOfNew(customer.category), number = await this.numbers.next(), interaction, ...fields } = body;
    const interactionId = interaction && metId(id);
    const met = interaction && interactionId && { ...interaction, interactionId };
    const command: CustomerCommand = { type: 'CreateCustomer', number, fields, ...(met && { met }) };
    const created = await this.guarded.execute(id, command, body, entering(skip));
    return interactionId ? { ...created, fields: { ...created.fields, interactionId } } : created;
  }

  @Get(':id')
  read(@Param('id', IdPipe) id: string, @Query() at: AtQuery) {
    return this.customers.read(id, at);
  }

  @Get(':id/history')
  history(@Param('id', IdPipe) id: string, @Query() query: HistoryQuery) {
    return this.customers.history(id, query);
  }

  @Patch(':id')
  change(@Param('id', IdPipe) id: string, @Body() changes: ChangeCustomerDto, @Headers(skipHeader) skip?: string) {
    return this.guarded.execute(id, { type: 'ChangeCustomer', changes }, undefined, entering(skip));
  }

  @Post(':id/archive')
  @HttpCode(200)
  archive(@Param('id', IdPipe) id: string) {
    return this.customers.execute(id, { type: 'ArchiveCustomer' });
  }

  @Delete(':id')
  remove(@Param('id', IdPipe) id: string) {
    return this.customers.execute(id, { type: 'ArchiveCustomer' });
  }

  @Post(':id/restore')
  @HttpCode(200)
  restore(@Param('id', IdPipe) id: string) {
    return this.customers.execute(id, { type: 'RestoreCustomer' });
  }

  @Get('by/:key/:value')
  async find(@Param('key') key: string, @Param('value') value: string) {
    return this.customers.read(await this.#holder(key, value));
  }

  /** Changes the one that has this number or e-mail, else creates it. */
  @Put('by/:key/:value')
  @ApiOkResponse()
  @ApiCreatedResponse()
  upsert(
    @Param('key') key: string,
    @Param('value') value: string,
    @Body() changes: ChangeCustomerDto,
    @Headers(skipHeader) skip?: string,
  ) {
    return this.#upsert({ key, value, changes }, changes, skip, async () => {
      const claim = uniqueClaim(key, value);
      const found = await this.named.findOrNew(claim);
      if ('holder' in found) return { id: found.holder, command: { type: 'ChangeCustomer', changes } };
      const fields = key === 'email' ? { ...changes, emails: withEmail(changes.emails, value) } : changes;
      const number = key === 'number' ? value : await this.numbers.next();
      return { id: found.id, command: { type: 'CreateCustomer', number, fields } };
    });
  }

  /** The same record that the connection itself would make. */
  @Put('by/external/:connection/:external')
  @ApiOkResponse()
  @ApiCreatedResponse()
  upsertExternal(
    @Param('connection', IdPipe) connectionId: string,
    @Param('external') external: string,
    @Body() changes: ChangeCustomerDto,
    @Headers(skipHeader) skip?: string,
  ) {
    const id = recordId(connectionId, external);
    return this.#upsert({ connectionId, external, changes }, changes, skip, async () => {
      if (await this.commands.exists(customer.category, id))
        return { id, command: { type: 'ChangeCustomer', changes } };
      const number = await this.numbers.next();
      const externalId = { connectionId, id: external };
      return { id, command: { type: 'CreateCustomer', number, externalId, fields: changes } };
    });
  }

  async #upsert(
    body: object,
    changes: ChangeCustomerDto,
    skip: string | undefined,
    choose: () => Promise<{ id: string; command: CustomerCommand }>,
  ): Promise<RecordAnswer> {
    const answer = await this.guarded.executeChosen(choose, changes, body, entering(skip));
    return { ...answer, created: isCreated(answer) };
  }

  async #holder(key: string, value: string): Promise<string> {
    const holder = await this.named.find(uniqueClaim(key, value));
    if (!holder) throw notFound('customer-not-found');
    return holder;
  }
}

/** @throws Refusal `not-found` where nothing is unique by that key */
function uniqueClaim(key: string, value: string): string {
  const claim = claimOf(key, value);
  if (claim === undefined) throw notFound('not-found');
  return claim;
}
