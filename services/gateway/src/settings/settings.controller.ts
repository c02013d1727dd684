import { Body, Controller, Get, Patch, Req } from '@nestjs/common';
import { organisationEvents } from '@throughline/contracts';
import { Commands } from '@throughline/event-sourcing';
import { Answers, record, type RecordAnswer } from '@throughline/service';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { requireAdministrator } from '../access/access.controller.ts';
import { organisation, organisationId } from './organisation.ts';

const Settings = record('Settings', organisationEvents.OrganisationConfigured.data.properties);

class SettingsDto {
  @IsOptional() @IsString() @MaxLength(200) name?: string;
  @IsOptional() @IsString() @MaxLength(100) timeZone?: string;
  @IsOptional() @IsString() @MaxLength(3) baseCurrency?: string;
}

@Controller('settings')
@Answers(Settings)
export class SettingsController {
  constructor(private readonly commands: Commands) {}

  @Get()
  async read(): Promise<RecordAnswer> {
    const { state, version, position } = await this.commands.load(organisation, organisationId);
    return { id: organisationId, version, position, fields: organisation.fields?.(state) ?? {} };
  }

  @Patch()
  change(@Body() changes: SettingsDto, @Req() request: FastifyRequest) {
    requireAdministrator(request);
    return this.commands.execute(organisation, organisationId, { type: 'ConfigureOrganisation', changes });
  }
}
