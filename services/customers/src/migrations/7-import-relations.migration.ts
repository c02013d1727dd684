import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Rows that wait until another row of their file has made the record that they name. */
export class ImportRelations1700000000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table import_waiting (
        job_id uuid not null,
        line bigint not null,
        round integer not null,
        primary key (job_id, line)
      )`);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table import_waiting');
  }
}
