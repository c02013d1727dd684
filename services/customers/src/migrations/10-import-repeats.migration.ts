import type { MigrationInterface, QueryRunner } from 'typeorm';

/** In how many rows of its file the key of a row stands, as a check counted it. */
export class ImportRepeats1700000000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table import_repeats (
        job_id uuid not null,
        line bigint not null,
        times integer not null,
        created_at timestamptz not null default now(),
        primary key (job_id, line)
      )`);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table import_repeats');
  }
}
