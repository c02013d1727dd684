import type { AnyEvent, Recorded, ServiceName } from '@throughline/contracts';
import { getMetadataArgsStorage } from 'typeorm';

type EntityClass<Row> = new () => Row;
type DataOf<E extends AnyEvent, K extends E['type']> = Omit<Extract<E, { type: K }>, 'type'>;

export type FoldSpec<Row, E extends AnyEvent> = {
  /** Named for the screen that it serves; the table is `<name>_v<version>`. */
  name: string;
  /** Raised when the meaning changes: the new release builds a table of its own beside the old one. */
  version: number;
  /** Whose log it folds. */
  feed: ServiceName;
  /** Which rows an event concerns; undefined = none of this view. */
  key: (event: Recorded<E>) => string | undefined;
  /** Property that holds the key; the first primary one where it is left out. */
  by?: keyof Row & string;
  /** Property with a list, each of its elements once, that rows are looked up by in `elementsOf` this view. */
  elements?: keyof Row & string;
  /**
   * Pure: the rows of the key and an event give the new rows of the key. They come in the order of the primary key, with
   * a value or null in every column, instants as RFC 3339 text, dates and decimals as text; give them back likewise.
   * Never throws on meaning, never reads the clock.
   */
  on: {
    [K in E['type']]?: (rows: readonly Row[], data: DataOf<E, K>, envelope: Recorded<E>) => readonly Row[];
  };
};

/** A read model whose rows are folded from the events of one feed. */
export type Fold<Row extends object = object> = {
  kind: 'fold';
  entity: EntityClass<Row>;
  name: string;
  version: number;
  table: string;
  feed: ServiceName;
  by: string | undefined;
  elements: string | undefined;
  key: (event: Recorded) => string | undefined;
  // A method, so that folds of different rows can stand in one list.
  evolve(rows: readonly Row[], event: Recorded): readonly Row[];
  handles: (type: string) => boolean;
};

/** Defines a fold over a TypeORM entity; the entity's table gets the view's versioned name. */
export function fold<Row extends object, E extends AnyEvent>(
  entity: EntityClass<Row>,
  spec: FoldSpec<Row, E>,
): Fold<Row> {
  const table = `${spec.name}_v${spec.version}`;
  nameTable(entity, table);
  type Handler = (rows: readonly Row[], data: unknown, envelope: Recorded) => readonly Row[];
  const handlers = new Map(Object.entries(spec.on) as [string, Handler][]);
  return {
    kind: 'fold',
    entity,
    name: spec.name,
    version: spec.version,
    table,
    feed: spec.feed,
    by: spec.by,
    elements: spec.elements,
    key: spec.key as (event: Recorded) => string | undefined,
    evolve: (rows, event) => handlers.get(event.type)?.(rows, event.data, event) ?? rows,
    handles: (type) => handlers.has(type),
  };
}

/** Reads rows that folds wrote, within the transaction of the rendering. */
export type ReadRows = <Row extends object>(
  from: Fold<Row>,
  property: keyof Row & string,
  values: readonly string[],
) => Promise<readonly Row[]>;

/** A document is touched where a row of a fold came, changed or went: `key` says which document. */
export type Touch<Row extends object = object> = { fold: Fold<Row>; key: (row: Row) => string | null | undefined };
export const touch = <Row extends object>(from: Fold<Row>, key: Touch<Row>['key']): Touch =>
  ({ fold: from, key }) as unknown as Touch;

/** A read model of whole JSON documents, rendered anew from fold rows, over any number of feeds. */
export type DocumentView<Doc extends { id: string } = { id: string }> = {
  kind: 'document';
  name: string;
  version: number;
  /** `(id, rev, doc)`; changes are queued in `<table>_changes (id, rev)` for whoever copies them on. */
  table: string;
  touchedBy: readonly Touch[];
  /**
   * The documents that the touched keys are part of, where those are no documents by themselves: a record's customer, say.
   * Answers with the keys too, so that one that is part of another now is taken away.
   */
  owners?: ((keys: readonly string[], read: ReadRows) => Promise<readonly string[]>) | undefined;
  /** Reads only what folds wrote, so that live and rebuilt agree. A key without a document is left out. */
  render: (keys: readonly string[], read: ReadRows) => Promise<readonly Doc[]>;
};

export const document = <Doc extends { id: string }>(
  spec: Pick<DocumentView<Doc>, 'name' | 'version' | 'touchedBy' | 'owners' | 'render'>,
): DocumentView<Doc> => {
  // A fold's new version makes other documents of the same code: they get a table of their own as well.
  const folds = new Map(spec.touchedBy.map(({ fold }) => [fold.table, fold.version - 1]));
  const version = [...folds.values()].reduce((sum, raised) => sum + raised, spec.version);
  return { ...spec, version, kind: 'document', table: `${spec.name}_v${version}` };
};

export type View = Fold | DocumentView;
/** Name of a view's checkpoint. */
export const checkpointOf = (view: { table: string }): string => `view:${view.table}`;

function nameTable(entity: EntityClass<object>, table: string): void {
  const args = getMetadataArgsStorage().tables.find((candidate) => candidate.target === entity);
  if (!args) throw new Error(`${entity.name} is not a TypeORM entity`);
  args.name = table;
}
