import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ErasedRecords1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table erased_records (id uuid primary key, erased_at timestamptz not null)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table erased_records');
  }
}
