import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Cells of uploaded files that somebody set by hand; without a value it is the file's own again. */
export class ImportCells1700000000009 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table import_cells (
        file_id uuid not null references import_files on delete cascade,
        line bigint not null,
        place integer not null,
        edit_id uuid not null,
        sealed bytea,
        primary key (file_id, line, place, edit_id)
      )`);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table import_cells');
  }
}
