import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Forms1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table form_texts (
        form_id uuid not null,
        hash text not null,
        submission_id uuid not null,
        received_at timestamptz not null default now(),
        primary key (form_id, hash, submission_id)
      )`);
    await runner.query('create index form_texts_received on form_texts (received_at)');
    await runner.query(`
      create table form_refusals (
        id uuid primary key,
        form_id uuid not null,
        reason text not null,
        sealed bytea,
        received_at timestamptz not null default now()
      )`);
    await runner.query('create index form_refusals_of on form_refusals (form_id, received_at desc, id desc)');
  }
  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['form_refusals', 'form_texts']) await runner.query(`drop table ${table}`);
  }
}
