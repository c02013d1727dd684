import { Module, type ModuleMetadata, type Type } from '@nestjs/common';
import type { ServiceName } from '@throughline/contracts';
import type { DocumentView, Fold } from '@throughline/event-sourcing';
import type { MixedList } from 'typeorm';
import type { JobHandler } from './jobs.ts';
import type { TimerHandler } from './timers.ts';

type Class = abstract new (...args: never[]) => unknown;

/** Work that never ends; resolves when the signal aborts. */
export type Worker = { run: (signal: AbortSignal) => Promise<void> };

/** Provided by a service whose store may have to be brought in order before anybody is answered from it. */
export interface Preparation {
  /** Soon done where nothing is to be done. Several processes may do it at once, and each may be killed. */
  prepare(signal: AbortSignal): Promise<void>;
}

/** Provided by a service that keeps more of people than views: raw messages, search indexes. */
export interface Forgets {
  /** Removes all that it keeps of a data subject. May be called again. @throws StillNeeded to be asked again later */
  forget(subject: string): Promise<void>;
}

/** Work that needs what is to be forgotten has to end first. The message says which, and is one line. */
export class StillNeeded extends Error {}

/** Provided by a service whose bodies hold more than its code says: fields that are configured. */
export interface Describes {
  /**
   * Answers with the schemas of the OpenAPI document that are others at this moment, by name.
   *
   * @param schemas those of the document, as the code says them
   */
  describe(
    schemas: Readonly<Record<string, Record<string, unknown>>>,
  ): Promise<Record<string, Record<string, unknown>>>;
}

/** A service's table of contents. */
export type ServiceDefinition = {
  name: ServiceName;
  controllers?: Type<unknown>[];
  /** Controllers of `@EventPattern({ policy, event })`. */
  policies?: Type<unknown>[];
  folds?: readonly Fold[];
  documents?: readonly DocumentView[];
  /** Routes, as `/api/imports`, that take a form with a file; `readUpload` reads it. */
  uploads?: readonly string[];
  /** What answers queries and whatever else controllers and policies are given. */
  providers?: NonNullable<ModuleMetadata['providers']>;
  /** Providers that every process runs before it answers, follows a log or hands on its own. */
  preparations?: Type<Preparation>[];
  /** Providers that run while this process leads, beside views, policies and relay. */
  workers?: Type<Worker>[];
  /** Providers that know more of its bodies than the code says. */
  describes?: Type<Describes>[];
  /** Providers that keep something of people besides views. */
  forgets?: Type<Forgets>[];
  /** What falls due: name, which never changes, and the provider that handles it. `Timers` schedules. */
  timers?: Readonly<Record<string, Type<TimerHandler>>>;
  /** Bodies that are no JSON: a controller reads their bytes. */
  takesRaw?: { path: RegExp; type: RegExp };
  /** Work in the background: kind, which never changes, and the provider that does it. `Jobs` starts it; see its migration. */
  jobs?: Readonly<Record<string, Type<JobHandler>>>;
  /** Entities of tables that are not views, made by `migrations`. */
  entities?: Class[];
  migrations?: MixedList<new () => unknown> & unknown[];
  /** Tables made by `migrations`: events do not bring them back, so backups hold them. */
  keeps?: readonly string[];
};

const definitions = new WeakMap<Class, ServiceDefinition>();

/** Marks the module of a service. */
export const Service =
  (definition: ServiceDefinition): ClassDecorator =>
  (target) => {
    definitions.set(target as unknown as Class, definition);
    Module({
      controllers: [...(definition.controllers ?? []), ...(definition.policies ?? [])],
      providers: [
        ...(definition.providers ?? []),
        ...new Set([...(definition.preparations ?? []), ...(definition.workers ?? [])]),
        ...Object.values(definition.timers ?? {}),
        ...Object.values(definition.jobs ?? {}),
      ],
    })(target);
  };

export function definitionOf(module: Class): ServiceDefinition {
  const definition = definitions.get(module);
  if (!definition) throw new Error(`${module.name} is not a @Service`);
  return definition;
}
