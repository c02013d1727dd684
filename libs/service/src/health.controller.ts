import { Controller, Get } from '@nestjs/common';
import { Bus } from './bus.ts';
import { HttpProblem } from './problem.ts';
import { Kernel } from './kernel.ts';

@Controller()
export class HealthController {
  constructor(
    private readonly kernel: Kernel,
    private readonly bus: Bus,
  ) {}

  /** 503 only where a new process would do better; so not while Kafka, or anything else, is away. */
  @Get('healthz')
  async alive() {
    if (this.kernel.isReplaced || (await this.bus.hangs())) throw new HttpProblem(503, 'unavailable');
    return { status: 'ok' };
  }

  /** Ready for commands: only the own database counts, neither Kafka nor the search engine. */
  @Get('readyz')
  async ready() {
    if (!(await this.kernel.ready().catch(() => false))) throw new HttpProblem(503, 'unavailable');
    return { status: 'ready' };
  }
}
