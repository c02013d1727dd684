import { Controller, Get, Param, Query } from '@nestjs/common';
import { Answers, IdPipe } from '@throughline/service';
import { FirstContact, Timeline, TimelineQueryDto } from './timeline.dto.ts';
import { Timelines } from './timeline.reader.ts';

@Controller('customers/:id')
export class TimelineController {
  constructor(private readonly timelines: Timelines) {}

  @Get('timeline')
  @Answers(Timeline)
  timeline(@Param('id', IdPipe) id: string, @Query() query: TimelineQueryDto) {
    return this.timelines.read(id, query);
  }

  @Get('first-contact')
  @Answers(FirstContact)
  firstContact(@Param('id', IdPipe) id: string) {
    return this.timelines.firstContact(id);
  }
}
