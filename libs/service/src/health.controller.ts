import { Controller, Get } from '@nestjs/common';
import { HttpProblem } from './problem.ts';
import { Kernel } from './kernel.ts';

@Controller()
export class HealthController {
  constructor(private readonly kernel: Kernel) {}

  @Get('healthz')
  alive() {
    return { status: 'ok' };
  }

  /** Ready for commands: only the own database counts, neither Kafka nor the search engine. */
  @Get('readyz')
  async ready() {
    if (!(await this.kernel.ready().catch(() => false))) throw new HttpProblem(503, 'unavailable');
    return { status: 'ready' };
  }
}
