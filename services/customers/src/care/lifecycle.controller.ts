import { Body, Controller, Get, Put } from '@nestjs/common';
import { Commands } from '@throughline/event-sourcing';
import { Answers } from '@throughline/service';
import { Lifecycle, LifecycleDto } from './lifecycle.dto.ts';
import { lifecycle, lifecycleId } from './lifecycle.ts';

/** The stages of the customers' life, and the moves between them. */
@Controller('lifecycle')
@Answers(Lifecycle)
export class LifecycleController {
  constructor(private readonly commands: Commands) {}

  @Get()
  async read() {
    return (await this.commands.load(lifecycle, lifecycleId)).state;
  }

  @Put()
  async configure(@Body() body: LifecycleDto) {
    return (await this.commands.execute(lifecycle, lifecycleId, { type: 'ConfigureLifecycle', ...body })).state;
  }
}
