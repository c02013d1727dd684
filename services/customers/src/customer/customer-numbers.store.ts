import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** Hands out human-readable customer numbers, each once; the claim on the number guards those that callers choose. */
@Injectable()
export class CustomerNumbers {
  constructor(private readonly database: DataSource) {}

  async next(): Promise<string> {
    const [row] = await this.database.query<{ number: string }[]>(`select nextval('customer_number') as number`);
    return `C-${String(row?.number).padStart(6, '0')}`;
  }
}
