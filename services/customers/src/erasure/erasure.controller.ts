import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Commands, derivedId } from '@throughline/event-sourcing';
import { Answers, IdPipe, Records, ServiceConfig, Tokens } from '@throughline/service';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { certificateOf } from './certificate.ts';
import { Erasure, ErasureBegun } from './erasure.dto.ts';
import { erasure } from './erasure.ts';

@Controller()
export class ErasureController {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly records: Records,
    private readonly tokens: Tokens,
    private readonly config: ServiceConfig,
  ) {}

  /** Cannot be undone. What is derived from the person's data follows within minutes: ask the erasure how far it is. */
  @Post('customers/:id/erase')
  @HttpCode(202)
  @Answers(ErasureBegun)
  async erase(@Param('id', IdPipe) id: string) {
    const erasureOf = (customerId: string) => derivedId('erasure', customerId);
    const erased = await this.customers.execute(id, { type: 'EraseCustomer', erasureId: erasureOf(id) });
    // All records of a customer are erased, each under an erasure of its own: this is that of the one that answers for them.
    const erasureId = erasureOf(erased.id);
    // So that whoever asks next finds it. A policy that is slow answers later.
    for (let tries = 0; tries < 20 && !(await this.commands.exists(erasure.category, erasureId)); tries += 1) {
      await sleep(100);
    }
    return { erasureId };
  }

  @Get('erasures/:id')
  @Answers(Erasure)
  async read(@Param('id', IdPipe) id: string) {
    const { fields, ...record } = await this.records.read(erasure, id);
    if (fields['status'] !== 'completed') return { ...record, fields };
    const { events } = await this.commands.load(erasure, id);
    const certificate = certificateOf(id, events, this.config.backupDays);
    return { ...record, fields: { ...fields, certificate, signed: await this.tokens.sign(certificate) } };
  }
}
