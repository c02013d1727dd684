import type { SubscriptionLog } from '@throughline/event-sourcing';
import type { LoggerService } from '@nestjs/common';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** JSON, one line an entry, never a payload. */
export class Log implements SubscriptionLog {
  constructor(
    private readonly service: string,
    private readonly level: LogLevel,
    private readonly write: (line: string) => void = (line) => process.stdout.write(line),
  ) {}

  debug(message: string, details?: object) {
    this.#line('debug', message, details);
  }
  info(message: string, details?: object) {
    this.#line('info', message, details);
  }
  warn(message: string, details?: object) {
    this.#line('warn', message, details);
  }
  error(message: string, details?: object) {
    this.#line('error', message, details);
  }
  /** For Nest's own notices: what matters of them is thrown as well, and told once by whoever catches it. */
  forNest(): LoggerService {
    const write = (message: unknown) => this.debug(String(message));
    return { log: write, error: write, warn: write, debug: write, verbose: write, fatal: write };
  }

  #line(level: LogLevel, message: string, details?: object) {
    if (order.indexOf(level) < order.indexOf(this.level)) return;
    const entry = { time: new Date().toISOString(), level, service: this.service, message };
    this.write(`${JSON.stringify(typeof details === 'object' ? { ...entry, ...details } : entry)}\n`);
  }
}
