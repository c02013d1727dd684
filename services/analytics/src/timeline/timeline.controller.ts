import { Controller, Get, Param, Query } from '@nestjs/common';
import { IdPipe } from '@throughline/service';
import { TimelineQueryDto } from './timeline.dto.ts';
import { Timelines } from './timeline.reader.ts';

@Controller('customers/:id')
export class TimelineController {
  constructor(private readonly timelines: Timelines) {}

  @Get('timeline')
  timeline(@Param('id', IdPipe) id: string, @Query() query: TimelineQueryDto) {
    return this.timelines.read(id, query);
  }

  @Get('first-contact')
  firstContact(@Param('id', IdPipe) id: string) {
    return this.timelines.firstContact(id);
  }
}
